/* event_queue.h - what an event is made of, and the queue of those who wait for
 * it: for event.c and event_many.c, for wait handles (async_wait.c), and for
 * tests.
 *
 * One lock guards all events: whoever waits for several can look at all of them
 * at one moment. It is held for some instructions only, and never while a
 * thread sleeps: pthread_cond_wait() gives it back meanwhile. */

#ifndef EVENT_QUEUE_H
#define EVENT_QUEUE_H

#include <pthread.h>
#include <time.h>

#include "event.h"

struct event {
    enum event_mode mode;
    bool is_set;
    unsigned long long generation; /* manual: how often it was set */
    pthread_cond_t changed;        /* manual: it was set, or destroyed */
    /* Who waits, the oldest first. Manual: those who wait for several. */
    struct event_waiter *first, *last;
    int waiting; /* threads that are inside a wait for it */
    bool destroyed;
    pthread_cond_t left; /* the last of them has gone */
    /* 0, or the errno of a wait that this thread must not begin; or NULL. */
    int (*guard)(void *state);
    void *guard_state;
};

/* A thread's place in the queue of one event. It is a variable of the waiting
 * function: it lives as long as the wait. */
struct event_waiter {
    struct event_waiter *next;
    pthread_cond_t *wake;      /* this thread's own */
    bool released;             /* the signal is this thread's */
    struct event_group *group; /* it waits for several events; or NULL */
    int index;                 /* of this event among them */
};

/* One thread that waits for several events. */
struct event_group {
    pthread_cond_t wake;
    struct event *const *events;
    size_t count;
    bool all;
    int result; /* the index of the event that has released it, or EVENT_NONE */
};

enum { EVENT_NONE = -1 };

extern pthread_mutex_t event_lock;

/* All of these with the lock held. */

/* A condition variable on the monotonic clock; 0, or an error number. */
int event_init_condition(pthread_cond_t *condition);

/* Sleeps until CONDITION is signalled, or until DEADLINE (NULL: never). Returns
 * 0, or ETIMEDOUT. It may also wake for no reason: look again what you have
 * waited for. */
int event_sleep(pthread_cond_t *condition, const struct timespec *deadline);

/* Offers the signal to WAITER and wakes it. False if it has no use for it: it
 * has got one before, or waits for several and the others are not set yet. */
bool event_offer(struct event_waiter *waiter);

/* GROUP begins to wait: if what it waits for is set already, takes that. */
void event_take_at_once(struct event_group *group);

/* WAITER takes the last place in EVENT's queue, or leaves it. */
void event_enqueue(struct event *event, struct event_waiter *waiter);
void event_dequeue(struct event *event, struct event_waiter *waiter);

/* A wait begins: counts it. 0, or -1 with EINVAL. */
int event_enter(struct event *event, int milliseconds);
/* Asks the guard, before a sleep: 0, or -1 with errno. */
int event_may_sleep(const struct event *event);
/* The wait ends. */
void event_leave(struct event *event);

/* MILLISECONDS from now: fills in *TIME and returns it; NULL if that is -1. */
const struct timespec *event_deadline(struct timespec *time, int milliseconds);

/* Without the lock: how many threads sleep in a wait for EVENT. */
int event_count_waiting(struct event *event);

#endif
