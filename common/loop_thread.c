/* loop_thread.c - the loop on a thread of its own: what lesson 7 adds.
 *
 * Two threads use the loop from now on, so it gets a monitor (Hoare): a lock
 * that is held by whoever is inside, and a condition for those who wait inside
 * for something that the loop brings. Everything that lessons 3 to 6 have
 * written enters and leaves already; until now that has meant nothing. */

#include "loop_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "loop_extension.h"

/* Hangs in the loop, and ends with it. */
struct loop_thread {
    struct loop_extension extension;
    struct loop_monitor monitor;
    struct loop *loop;
    pthread_mutex_t lock;   /* whoever holds it is inside */
    int depth;              /* how often that thread has entered */
    pthread_cond_t changed; /* somebody was inside, and has left */
    int waiting;            /* threads that are in await() */
    pthread_t thread;
    bool joinable;       /* it was started, and not joined */
    struct event *ended; /* it is about to end */
    int error;           /* of loop_run() */
};

static const char thread_key;

/* The loop that this thread runs, if it is an I/O thread. */
static _Thread_local const struct loop *own_loop;

/* =============================== the monitor ============================= */

static struct loop_thread *thread_of(const struct loop_monitor *monitor)
{
    return (struct loop_thread *)((char *)monitor -
                                  offsetof(struct loop_thread, monitor));
}

static void enter(struct loop_monitor *monitor)
{
    pthread_mutex_lock(&thread_of(monitor)->lock);
    thread_of(monitor)->depth++;
}

/* Those who wait look again each time that somebody leaves: they are few. */
static void leave(struct loop_monitor *monitor)
{
    struct loop_thread *thread = thread_of(monitor);

    if (thread->waiting > 0)
        pthread_cond_broadcast(&thread->changed);
    thread->depth--;
    pthread_mutex_unlock(&thread->lock);
}

/* Gives the lock back as often as it was taken, and takes it as often again. */
static void await(struct loop_monitor *monitor)
{
    struct loop_thread *thread = thread_of(monitor);

    int depth = thread->depth;

    thread->waiting++;
    thread->depth = 0;
    for (int i = 1; i < depth; i++)
        pthread_mutex_unlock(&thread->lock);
    pthread_cond_wait(&thread->changed, &thread->lock);
    for (int i = 1; i < depth; i++)
        pthread_mutex_lock(&thread->lock);
    thread->depth = depth;
    thread->waiting--;
}

static bool runs_elsewhere(const struct loop_monitor *monitor)
{
    return monitor->running && own_loop != thread_of(monitor)->loop;
}

static void close_monitor(struct loop_monitor *monitor)
{
    struct loop_thread *thread = thread_of(monitor);

    pthread_mutex_lock(&thread->lock);
    thread->waiting++;
    while (thread->waiting > 1) /* the others than this one */
        pthread_cond_wait(&thread->changed, &thread->lock);
    thread->waiting--;
    pthread_mutex_unlock(&thread->lock);
}

/* ============================== the I/O thread =========================== */

static void *run(void *argument)
{
    struct loop_thread *thread = argument;

    own_loop = thread->loop;
    if (loop_run(thread->loop) == -1)
        thread->error = errno;
    thread->monitor.running = false; /* nobody may wait for it any more */
    event_set(thread->ended);
    return NULL;
}

static int join(struct loop_thread *thread)
{
    int error = own_loop == thread->loop ? EDEADLK : 0;

    if (error == 0)
        error = pthread_join(thread->thread, NULL);
    if (error != 0)
        return error;
    thread->joinable = false;
    return thread->error;
}

static void stop(struct loop_monitor *monitor)
{
    if (!thread_of(monitor)->joinable)
        return;
    loop_stop(thread_of(monitor)->loop);
    join(thread_of(monitor));
}

/* Signals are for the main thread, as before: the new one inherits a mask that
 * blocks them all. */
static int start(struct loop_thread *thread)
{
    sigset_t all, before;

    event_reset(thread->ended);
    thread->error = 0;
    thread->monitor.running = thread->joinable = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&thread->thread, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (errno == 0)
        return 0;
    thread->monitor.running = thread->joinable = false;
    return -1;
}

/* ============================ the loop's extension ======================= */

static int no_timeout(const struct loop_extension *extension)
{
    (void)extension;
    return -1;
}

static void nothing_to_run(struct loop_extension *extension)
{
    (void)extension;
}

static void destroy(struct loop_extension *extension)
{
    struct loop_thread *thread = (struct loop_thread *)extension;

    event_destroy(thread->ended);
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}

/* What is inside already may call what enters again. */
static int init_lock(struct loop_thread *thread)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);

    if (error != 0)
        return error;
    error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    if (error == 0)
        error = pthread_mutex_init(&thread->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    if (error != 0)
        return error;
    error = pthread_cond_init(&thread->changed, NULL);
    if (error != 0)
        pthread_mutex_destroy(&thread->lock);
    return error;
}

static struct loop_thread *hang_in(struct loop *loop)
{
    struct loop_thread *thread = calloc(1, sizeof *thread);

    if (thread == NULL)
        return NULL;
    thread->loop = loop;
    thread->ended = event_create(EVENT_MANUAL_RESET, false);
    errno = thread->ended == NULL ? errno : init_lock(thread);
    if (errno != 0) {
        int saved = errno;

        event_destroy(thread->ended);
        free(thread);
        errno = saved;
        return NULL;
    }
    thread->extension = (struct loop_extension){.timeout = no_timeout,
                                                .run = nothing_to_run,
                                                .destroy = destroy,
                                                .key = &thread_key};
    thread->monitor.enter = enter;
    thread->monitor.leave = leave;
    thread->monitor.await = await;
    thread->monitor.runs_elsewhere = runs_elsewhere;
    thread->monitor.stop = stop;
    thread->monitor.close = close_monitor;
    loop_extend(loop, &thread->extension);
    loop_set_monitor(loop, &thread->monitor);
    return thread;
}

/* ================================ the calls ============================== */

static struct loop_thread *find(struct loop *loop)
{
    struct loop_thread *thread;

    loop_enter(loop);
    thread = (struct loop_thread *)loop_find(loop, &thread_key);
    loop_leave(loop);
    return thread;
}

int loop_start(struct loop *loop)
{
    struct loop_thread *thread = find(loop);

    if (thread == NULL && (thread = hang_in(loop)) == NULL)
        return -1;
    if (!thread->joinable)
        return start(thread);
    errno = EALREADY;
    return -1;
}

struct event *loop_ended(struct loop *loop)
{
    const struct loop_thread *thread = find(loop);

    if (thread != NULL)
        return thread->ended;
    errno = EINVAL;
    return NULL;
}

int loop_join(struct loop *loop)
{
    struct loop_thread *thread = find(loop);

    errno = EINVAL;
    if (thread != NULL && thread->joinable)
        errno = join(thread);
    return errno == 0 ? 0 : -1;
}
