/* loop_thread.c - the loop on a thread of its own: what lesson 7 adds. */

#include "loop_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "async_engine.h"
#include "loop_timer.h"

/* Hangs in the loop, and ends with it. */
struct loop_thread {
    struct loop_extension extension;
    struct loop *loop;
    struct async_core *core;
    pthread_t thread;
    bool joinable;         /* the thread was started and not yet joined */
    struct event *running; /* the thread has begun */
    struct event *ended;   /* it is about to end */
    int error;             /* of loop_run() */
};

static const char thread_key;

/* ============================== the I/O thread =========================== */

static void own(struct async_core *core)
{
    pthread_mutex_lock(&core->lock);
    core->owner = pthread_self();
    pthread_mutex_unlock(&core->lock);
}

static void *run(void *argument)
{
    struct loop_thread *thread = argument;

    own(thread->core);
    event_set(thread->running);
    if (loop_run(thread->loop) == -1)
        thread->error = errno;
    event_set(thread->ended);
    return NULL;
}

/* ============================ in the loop's list ========================= */

static int no_timeout(struct loop_extension *extension)
{
    (void)extension;
    return -1;
}

static void nothing_to_run(struct loop_extension *extension)
{
    (void)extension;
}

/* Another thread may begin something at any time: a loop without work waits. */
static bool is_pending(const struct loop_extension *extension)
{
    return ((const struct loop_thread *)extension)->joinable;
}

static int join(struct loop_thread *thread)
{
    int error;

    if (async_on_loop(thread->core))
        return EDEADLK;
    error = pthread_join(thread->thread, NULL);
    if (error != 0)
        return error;
    thread->joinable = false;
    own(thread->core);
    return thread->error;
}

static void stop(struct loop_extension *extension)
{
    struct loop_thread *thread = (struct loop_thread *)extension;

    if (!thread->joinable)
        return;
    loop_stop(thread->loop);
    join(thread);
}

static void destroy(struct loop_extension *extension)
{
    struct loop_thread *thread = (struct loop_thread *)extension;

    event_destroy(thread->running);
    event_destroy(thread->ended);
    free(thread);
}

/* ================================ the calls ============================== */

static void do_nothing(struct loop *loop, void *state)
{
    (void)loop;
    (void)state;
}

/* What hangs in the loop is looked up by every thread from now on, so all of it
 * must hang there before: the operations, the timers, and this. */
static struct loop_thread *hang_in(struct loop *loop)
{
    struct async_core *core = async_core_of(loop);
    struct loop_timer *timer = loop_call_later(loop, 0, do_nothing, NULL);
    struct loop_thread *thread = calloc(1, sizeof *thread);

    loop_cancel(loop, timer);
    if (core == NULL || timer == NULL || thread == NULL) {
        free(thread);
        return NULL;
    }
    thread->loop = loop;
    thread->core = core;
    thread->extension = (struct loop_extension){.timeout = no_timeout,
                                                .run = nothing_to_run,
                                                .is_pending = is_pending,
                                                .stop = stop,
                                                .destroy = destroy,
                                                .key = &thread_key};
    thread->running = event_create(EVENT_MANUAL_RESET, false);
    thread->ended = event_create(EVENT_MANUAL_RESET, false);
    if (thread->running == NULL || thread->ended == NULL) {
        destroy(&thread->extension);
        return NULL;
    }
    loop_extend(loop, &thread->extension);
    return thread;
}

/* Signals are for the main thread, as before: the new one inherits a mask that
 * blocks them all. */
static int start_thread(struct loop_thread *thread)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&thread->thread, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno == 0 ? 0 : -1;
}

int loop_start(struct loop *loop)
{
    struct loop_thread *thread =
        (struct loop_thread *)loop_find(loop, &thread_key);

    if (thread == NULL && (thread = hang_in(loop)) == NULL)
        return -1;
    if (thread->joinable) {
        errno = EALREADY;
        return -1;
    }
    event_reset(thread->running);
    event_reset(thread->ended);
    thread->error = 0;
    thread->joinable = true;
    if (start_thread(thread) == -1) {
        thread->joinable = false;
        return -1;
    }
    event_wait_one(thread->running, -1);
    return 0;
}

struct event *loop_ended(struct loop *loop)
{
    const struct loop_thread *thread =
        (struct loop_thread *)loop_find(loop, &thread_key);

    if (thread != NULL)
        return thread->ended;
    errno = EINVAL;
    return NULL;
}

int loop_join(struct loop *loop)
{
    struct loop_thread *thread =
        (struct loop_thread *)loop_find(loop, &thread_key);

    errno = EINVAL;
    if (thread != NULL && thread->joinable)
        errno = join(thread);
    return errno == 0 ? 0 : -1;
}
