/* event.c - one thread tells others that something has happened: what lesson 7
 * adds.
 *
 * A thread sleeps on a condition variable, which remembers nothing: a signal
 * that comes when nobody sleeps is lost, and a thread may wake for no reason.
 * So what has happened stands in the event, a lock guards it, and whoever wakes
 * looks again. What exactly must stand there is the question of this lesson:
 *   manual reset   how often the event was set: a Set that was followed by a
 *                  Reset has still happened;
 *   auto reset     who waits, in order: a signal belongs to one of them. */

#include "event.h"

#include <errno.h>
#include <stdlib.h>

#include "event_queue.h"

/* ================================ sleeping =============================== */

const struct timespec *event_deadline(struct timespec *time, int milliseconds)
{
    if (milliseconds == -1)
        return NULL;
    /* TODO a: clock_gettime() of CLOCK_MONOTONIC, and the milliseconds on top:
     * whole seconds to tv_sec, the rest to tv_nsec, which stays below
     * 1000000000. Without this, each wait is over at once. */
    time->tv_sec = time->tv_nsec = 0;
    /* BEGIN SOLUTION a */
    clock_gettime(CLOCK_MONOTONIC, time);
    time->tv_sec += milliseconds / 1000;
    time->tv_nsec += milliseconds % 1000 * 1000000L;
    if (time->tv_nsec >= 1000000000L) {
        time->tv_nsec -= 1000000000L;
        time->tv_sec++;
    }
    /* END SOLUTION a */
    return time;
}

int event_sleep(pthread_cond_t *condition, const struct timespec *deadline)
{
    /* TODO a: pthread_cond_wait() with event_lock if there is no deadline, else
     * pthread_cond_timedwait(). Both return 0 or an error number, and not -1
     * with errno; so does this function. */
    /* BEGIN SOLUTION a */
    if (deadline == NULL)
        return pthread_cond_wait(condition, &event_lock);
    return pthread_cond_timedwait(condition, &event_lock, deadline);
    /* END SOLUTION a */
    return ETIMEDOUT;
}

/* ============================== manual reset ============================= */

/* With the lock held. */
static void set_manual(struct event *event)
{
    /* TODO a: the event is set. Count one more generation, and wake all threads
     * that sleep on event->changed. */
    /* BEGIN SOLUTION a */
    event->is_set = true;
    event->generation++;
    pthread_cond_broadcast(&event->changed);
    /* END SOLUTION a */
}

/* With the lock held. 1, 0 or -1, as event_wait_one(). */
static int wait_manual(struct event *event, const struct timespec *deadline)
{
    /* TODO a: remember the generation. While the event is not set, is of that
     * generation still, and is not destroyed: event_sleep() on event->changed;
     * stop when that says ETIMEDOUT. Why the loop has ended decides: it is set
     * now or was meanwhile: 1; it is destroyed: -1 with ECANCELED; neither: 0.
     */
    /* BEGIN SOLUTION a */
    /* slide: wait-manual */
    unsigned long long seen = event->generation;
    int error = 0;

    while (!event->is_set && event->generation == seen && !event->destroyed &&
           error != ETIMEDOUT)
        error = event_sleep(&event->changed, deadline);
    if (event->is_set || event->generation != seen)
        return 1;
    /* end slide */
    if (event->destroyed) {
        errno = ECANCELED;
        return -1;
    }
    /* END SOLUTION a */
    return 0;
}

/* =============================== auto reset ============================== */

/* With the lock held. */
static void set_auto(struct event *event)
{
    /* TODO b: from the oldest waiter on, event_offer() it the signal, until one
     * takes it. If none does, the event is set. */
    /* BEGIN SOLUTION b */
    /* slide: set-auto */
    for (struct event_waiter *w = event->first; w != NULL; w = w->next)
        if (event_offer(w))
            return;
    event->is_set = true;
    /* end slide */
    /* END SOLUTION b */
}

/* With the lock held. 1, 0 or -1, as event_wait_one(). ME is this thread's, not
 * yet in the queue. */
static int wait_auto(struct event *event, struct event_waiter *me,
                     const struct timespec *deadline)
{
    /* TODO b: if the event is set, take the signal (it is not set any more): 1.
     * Else join the queue. While me is not released and the event not
     * destroyed: event_sleep() on the condition variable of me; stop when that
     * says ETIMEDOUT. Leave the queue. Why the loop has ended decides, as in
     * wait_manual(). */
    /* BEGIN SOLUTION b */
    /* slide: wait-auto */
    int error = 0;

    if (event->is_set) {
        event->is_set = false;
        return 1;
    }
    event_enqueue(event, me);
    while (!me->released && !event->destroyed && error != ETIMEDOUT)
        error = event_sleep(me->wake, deadline);
    event_dequeue(event, me);
    if (me->released)
        return 1;
    /* end slide */
    if (event->destroyed) {
        errno = ECANCELED;
        return -1;
    }
    /* END SOLUTION b */
    return 0;
}

/* =============================== both modes ============================== */

void event_set(struct event *event)
{
    pthread_mutex_lock(&event_lock);
    if (event->mode == EVENT_AUTO_RESET) {
        set_auto(event);
    } else {
        set_manual(event);
        for (struct event_waiter *w = event->first; w != NULL; w = w->next)
            event_offer(w);
    }
    pthread_mutex_unlock(&event_lock);
}

void event_reset(struct event *event)
{
    /* TODO a: with the lock held, it is not set any more. */
    /* BEGIN SOLUTION a */
    pthread_mutex_lock(&event_lock);
    event->is_set = false;
    pthread_mutex_unlock(&event_lock);
    /* END SOLUTION a */
}

/* With the lock held, and the event entered. */
static int wait_for(struct event *event, int milliseconds)
{
    struct timespec time;
    const struct timespec *deadline = event_deadline(&time, milliseconds);
    pthread_cond_t wake;
    struct event_waiter me = {.wake = &wake};
    int result;

    if (!event->is_set && milliseconds != 0 && event_may_sleep(event) == -1)
        return -1;
    if (event->mode == EVENT_MANUAL_RESET)
        return wait_manual(event, deadline);
    errno = event_init_condition(&wake);
    if (errno != 0)
        return -1;
    result = wait_auto(event, &me, deadline);
    pthread_cond_destroy(&wake);
    return result;
}

int event_wait_one(struct event *event, int milliseconds)
{
    int result;

    pthread_mutex_lock(&event_lock);
    result = event_enter(event, milliseconds);
    if (result == 0) {
        result = wait_for(event, milliseconds);
        event_leave(event);
    }
    pthread_mutex_unlock(&event_lock);
    return result;
}

/* ============================ making and ending ========================== */

struct event *event_create(enum event_mode mode, bool is_set)
{
    struct event *event;

    if (mode != EVENT_MANUAL_RESET && mode != EVENT_AUTO_RESET) {
        errno = EINVAL;
        return NULL;
    }
    event = calloc(1, sizeof *event);
    if (event == NULL)
        return NULL;
    event->mode = mode;
    event->is_set = is_set;
    errno = event_init_condition(&event->changed);
    if (errno == 0) {
        errno = event_init_condition(&event->left);
        if (errno == 0)
            return event;
        pthread_cond_destroy(&event->changed);
    }
    free(event);
    return NULL;
}

void event_destroy(struct event *event)
{
    if (event == NULL)
        return;
    pthread_mutex_lock(&event_lock);
    event->destroyed = true;
    pthread_cond_broadcast(&event->changed);
    for (struct event_waiter *w = event->first; w != NULL; w = w->next)
        pthread_cond_signal(w->wake);
    while (event->waiting > 0)
        pthread_cond_wait(&event->left, &event_lock);
    pthread_mutex_unlock(&event_lock);
    pthread_cond_destroy(&event->changed);
    pthread_cond_destroy(&event->left);
    free(event);
}

int event_enter(struct event *event, int milliseconds)
{
    errno = EINVAL;
    if (event == NULL || milliseconds < -1)
        return -1;
    event->waiting++;
    return 0;
}

int event_may_sleep(const struct event *event)
{
    errno = event->guard != NULL ? event->guard(event->guard_state) : 0;
    return errno != 0 ? -1 : 0;
}

void event_leave(struct event *event)
{
    event->waiting--;
    if (event->waiting == 0 && event->destroyed)
        pthread_cond_signal(&event->left);
}

int event_count_waiting(struct event *event)
{
    int count;

    pthread_mutex_lock(&event_lock);
    count = event->waiting;
    pthread_mutex_unlock(&event_lock);
    return count;
}
