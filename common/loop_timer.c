/* loop_timer.c - do something later: what lesson 4 adds to the loop.
 *
 * The timers stand in a heap: an array in which the one at place i is due no
 * later than those at places 2i+1 and 2i+2. So the first is due first, and to
 * set one or to take one back costs a way from the bottom to the top or back,
 * which is short: 10 steps for 1000 timers. */

#include "loop_timer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "loop_extension.h"

struct loop_timer {
    long long due;             /* on now()'s clock */
    unsigned long long number; /* counted from 1: who came first is first */
    loop_timer_callback *callback;
    void *state;
    size_t place; /* in the heap */
};

struct timers {
    struct loop_extension extension;
    struct loop *loop;
    struct loop_timer **heap;
    size_t count, room;
    unsigned long long created; /* timers so far */
};

static const char timers_key;

/* Nanoseconds: whole milliseconds would make a timer early, since both ends of
 * its time are cut off. */
static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ================================== heap ================================= */

static bool is_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void put(struct timers *timers, size_t place, struct loop_timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

/* PLACE is empty, and TIMER is to stand there, or above, or below. */
static void sift(struct timers *timers, size_t place, struct loop_timer *timer)
{
    while (place > 0 && is_before(timer, timers->heap[(place - 1) / 2])) {
        put(timers, place, timers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * place + 1;

        if (child + 1 < timers->count &&
            is_before(timers->heap[child + 1], timers->heap[child]))
            child++;
        if (child >= timers->count || !is_before(timers->heap[child], timer))
            break;
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

static int make_room(struct timers *timers)
{
    size_t room = timers->room > 0 ? 2 * timers->room : 16;
    struct loop_timer **heap;

    if (timers->count < timers->room)
        return 0;
    heap = realloc(timers->heap, room * sizeof(struct loop_timer *));
    if (heap == NULL)
        return -1;
    timers->heap = heap;
    timers->room = room;
    return 0;
}

/* ============================ the loop's extension ======================= */

/* Rounded up: a wait that is too short would be one for nothing. */
static int timers_timeout(const struct loop_extension *extension)
{
    const struct timers *timers = (const struct timers *)extension;
    long long left;

    if (timers->count == 0)
        return -1;
    left = (timers->heap[0]->due - now() + 999999) / 1000000;
    if (left < 0)
        return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* Those that are due when the phase begins: a callback that sets a timer of 0
 * ms again and again must not keep the loop here for ever. */
static void timers_run(struct loop_extension *extension)
{
    struct timers *timers = (struct timers *)extension;
    long long start = now();

    while (timers->count > 0 && timers->heap[0]->due <= start) {
        struct loop_timer timer = *timers->heap[0];

        loop_cancel(timers->loop, timers->heap[0]);
        loop_leave(timers->loop);
        timer.callback(timers->loop, timer.state);
        loop_enter(timers->loop);
    }
}

static void timers_destroy(struct loop_extension *extension)
{
    struct timers *timers = (struct timers *)extension;

    while (timers->count > 0)
        free(timers->heap[--timers->count]);
    free(timers->heap);
    free(timers);
}

static struct timers *timers_of(struct loop *loop)
{
    struct timers *timers = (struct timers *)loop_find(loop, &timers_key);

    if (timers != NULL)
        return timers;
    timers = calloc(1, sizeof *timers);
    if (timers == NULL)
        return NULL;
    timers->loop = loop;
    timers->extension = (struct loop_extension){.timeout = timers_timeout,
                                                .run = timers_run,
                                                .destroy = timers_destroy,
                                                .key = &timers_key};
    loop_extend(loop, &timers->extension);
    return timers;
}

/* ================================ the calls ============================== */

static struct loop_timer *add(struct loop *loop, int milliseconds)
{
    struct timers *timers = timers_of(loop);
    struct loop_timer *timer;

    if (timers == NULL || make_room(timers) == -1)
        return NULL;
    timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return NULL;
    timer->due = now() + milliseconds * 1000000LL;
    timer->number = ++timers->created;
    timers->count++;
    sift(timers, timers->count - 1, timer);
    return timer;
}

struct loop_timer *loop_call_later(struct loop *loop, int milliseconds,
                                   loop_timer_callback *callback, void *state)
{
    struct loop_timer *timer;

    if (milliseconds < 0 || callback == NULL) {
        errno = EINVAL;
        return NULL;
    }
    loop_enter(loop);
    timer = add(loop, milliseconds);
    if (timer != NULL) {
        timer->callback = callback;
        timer->state = state;
    }
    loop_leave(loop);
    return timer;
}

/* The last one goes to the empty place, and from there to its own. */
void loop_cancel(struct loop *loop, struct loop_timer *timer)
{
    struct timers *timers;
    struct loop_timer *last;

    if (timer == NULL)
        return;
    loop_enter(loop);
    timers = timers_of(loop);
    last = timers->heap[--timers->count];
    if (last != timer)
        sift(timers, timer->place, last);
    loop_leave(loop);
    free(timer);
}
