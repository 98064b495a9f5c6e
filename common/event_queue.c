/* event_queue.c - who waits for an event, and who takes its signal: what lesson
 * 7 adds.
 *
 * A thread that waits has a place in the queue of each event that it waits for.
 * A Set offers its signal to the places in order; this file says who takes it.
 */

#include "event_queue.h"

pthread_mutex_t event_lock = PTHREAD_MUTEX_INITIALIZER;

/* The clock of the wall can be set, and then a second takes an hour. */
int event_init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);

    if (error != 0)
        return error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (error == 0)
        error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}

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
void event_take_at_once(struct event_group *group)
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
    if (group->result != EVENT_NONE)
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
