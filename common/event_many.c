/* event_many.c - threads that wait for several events: what lesson 7 adds.
 *
 * Read event.c first. A thread that waits for several events has a place in the
 * queue of each (event_queue.c), and one condition variable. */

#include <errno.h>

#include "event.h"
#include "event_queue.h"

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
    while (group->result == EVENT_NONE && !any_is_destroyed(group) &&
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

    event_take_at_once(group);
    if (group->result == EVENT_NONE && milliseconds != 0) {
        if (!may_sleep(group))
            return -1;
        sleep_for(group, event_deadline(&time, milliseconds));
    }
    if (group->result != EVENT_NONE)
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
        .events = events, .count = count, .all = all, .result = EVENT_NONE};
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
