/* event_many.c - the queue of an event, and threads that stand in several: what
 * lesson 7 adds.
 *
 * Read event.c first. A thread that waits for several events has a place in the
 * queue of each, and one condition variable. A Set offers its signal to the
 * places in order; this file says who takes it. */

#include <errno.h>

#include "event.h"
#include "event_queue.h"

enum { NOTHING_YET = -1 };

/* One thread that waits for several events. */
struct event_group {
    pthread_cond_t wake;
    struct event *const *events;
    size_t count;
    bool all;
    int result; /* the index of the event that has released it */
};

/* =============================== the queue =============================== */

void event_enqueue(struct event *event, struct event_waiter *waiter)
{
    waiter->next = NULL;
    if (event->last != NULL)
        event->last->next = waiter;
    else
        event->first = waiter;
    event->last = waiter;
}

void event_dequeue(struct event *event, struct event_waiter *waiter)
{
    struct event_waiter *before = NULL, **place = &event->first;

    while (*place != waiter) {
        before = *place;
        place = &before->next;
    }
    *place = waiter->next;
    if (event->last == waiter)
        event->last = before;
}

/* ================================= taking ================================ */

static bool all_are_set(const struct event_group *group,
                        const struct event *but)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->events[i] != but && !group->events[i]->is_set)
            return false;
    return true;
}

static void take(struct event *event)
{
    if (event->mode == EVENT_AUTO_RESET)
        event->is_set = false;
}

/* What is set already when the wait begins. */
static void take_at_once(struct event_group *group)
{
    if (!group->all) {
        for (size_t i = 0; i < group->count; i++)
            if (group->events[i]->is_set) {
                take(group->events[i]);
                group->result = (int)i;
                return;
            }
    } else if (all_are_set(group, NULL)) {
        for (size_t i = 0; i < group->count; i++)
            take(group->events[i]);
        group->result = 0;
    }
}

bool event_offer(struct event_waiter *waiter)
{
    struct event_group *group = waiter->group;

    if (group == NULL) {
        if (waiter->released)
            return false;
        waiter->released = true;
        pthread_cond_signal(waiter->wake);
        return true;
    }
    if (group->result != NOTHING_YET)
        return false;
    if (group->all) {
        const struct event *offered = group->events[waiter->index];

        if (!all_are_set(group, offered))
            return false;
        for (size_t i = 0; i < group->count; i++)
            if (group->events[i] != offered)
                take(group->events[i]);
    }
    group->result = waiter->index;
    pthread_cond_signal(waiter->wake);
    return true;
}

/* ================================ waiting ================================ */

static bool any_is_destroyed(const struct event_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->events[i]->destroyed)
            return true;
    return false;
}

/* With the lock held, and every event entered. */
static void sleep_for(struct event_group *group,
                      const struct timespec *deadline)
{
    struct event_waiter places[EVENT_WAIT_MAX];
    int error = 0;

    for (size_t i = 0; i < group->count; i++) {
        places[i] = (struct event_waiter){
            .wake = &group->wake, .group = group, .index = (int)i};
        event_enqueue(group->events[i], &places[i]);
    }
    while (group->result == NOTHING_YET && !any_is_destroyed(group) &&
           error != ETIMEDOUT)
        error = event_sleep(&group->wake, deadline);
    for (size_t i = 0; i < group->count; i++)
        event_dequeue(group->events[i], &places[i]);
}

static bool may_sleep(const struct event_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (event_may_sleep(group->events[i]) == -1)
            return false;
    return true;
}

/* With the lock held, and every event entered. 0, or -1 with errno. */
static int wait_for(struct event_group *group, int milliseconds)
{
    struct timespec time;

    take_at_once(group);
    if (group->result == NOTHING_YET && milliseconds != 0) {
        if (!may_sleep(group))
            return -1;
        sleep_for(group, event_deadline(&time, milliseconds));
    }
    if (group->result != NOTHING_YET)
        return 0;
    errno = any_is_destroyed(group) ? ECANCELED : ETIMEDOUT;
    return -1;
}

/* With the lock held. Enters every event, waits, and leaves them. */
static int enter_and_wait(struct event_group *group, int milliseconds)
{
    size_t entered = 0;
    int result = 0;

    while (result == 0 && entered < group->count) {
        result = event_enter(group->events[entered], milliseconds);
        entered += result == 0 ? 1 : 0;
    }
    if (result == 0)
        result = wait_for(group, milliseconds);
    while (entered > 0)
        event_leave(group->events[--entered]);
    return result;
}

static int wait_many(struct event *const events[], size_t count,
                     int milliseconds, bool all)
{
    struct event_group group = {
        .events = events, .count = count, .all = all, .result = NOTHING_YET};
    int result;

    errno = EINVAL;
    if (events == NULL || count == 0 || count > EVENT_WAIT_MAX)
        return -1;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (all && events[i] == events[j])
                return -1;
    errno = event_init_condition(&group.wake);
    if (errno != 0)
        return -1;
    pthread_mutex_lock(&event_lock);
    result = enter_and_wait(&group, milliseconds);
    pthread_mutex_unlock(&event_lock);
    pthread_cond_destroy(&group.wake);
    return result == 0 ? group.result : -1;
}

int event_wait_any(struct event *const events[], size_t count, int milliseconds)
{
    return wait_many(events, count, milliseconds, false);
}

int event_wait_all(struct event *const events[], size_t count, int milliseconds)
{
    int result = wait_many(events, count, milliseconds, true);

    if (result == -1)
        return errno == ETIMEDOUT ? 0 : -1;
    return 1;
}
