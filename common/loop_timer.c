/* loop_timer.c - do something later: what lesson 4 adds to the loop.
 *
 * A list that is sorted by time. That is slow for thousands of timers; a heap
 * would cure it, and would hide how simple the thing is. */

#include "loop_timer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "loop_extension.h"

struct loop_timer {
    long long due; /* on the clock of loop_now() */
    loop_timer_callback *callback;
    void *state;
    unsigned long long number; /* counted from 1 */
    struct loop_timer *next;   /* due at the same time, or later */
};

struct timers {
    struct loop_extension extension;
    struct loop *loop;
    struct loop_timer *first;
    unsigned long long created; /* timers so far */
};

static const char timers_key;

static int timers_timeout(struct loop_extension *extension)
{
    const struct timers *timers = (struct timers *)extension;
    long long left;

    if (timers->first == NULL)
        return -1;
    left = timers->first->due - loop_now();
    if (left < 0)
        return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* Only those that were there when the phase began: a callback that sets a timer
 * of 0 ms again and again must not keep the loop here for ever. */
static void timers_run(struct loop_extension *extension)
{
    struct timers *timers = (struct timers *)extension;
    long long now = loop_now();
    unsigned long long newest = timers->created;

    while (timers->first != NULL && timers->first->due <= now &&
           timers->first->number <= newest) {
        struct loop_timer timer = *timers->first;

        free(timers->first);
        timers->first = timer.next;
        timer.callback(timers->loop, timer.state);
    }
}

static bool timers_are_pending(const struct loop_extension *extension)
{
    return ((const struct timers *)extension)->first != NULL;
}

static void timers_destroy(struct loop_extension *extension)
{
    struct timers *timers = (struct timers *)extension;

    while (timers->first != NULL) {
        struct loop_timer *timer = timers->first;

        timers->first = timer->next;
        free(timer);
    }
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
    timers->extension =
        (struct loop_extension){.timeout = timers_timeout,
                                .run = timers_run,
                                .is_pending = timers_are_pending,
                                .destroy = timers_destroy,
                                .key = &timers_key};
    loop_extend(loop, &timers->extension);
    return timers;
}

struct loop_timer *loop_call_later(struct loop *loop, int milliseconds,
                                   loop_timer_callback *callback, void *state)
{
    struct timers *timers;
    struct loop_timer *timer, **place;

    if (milliseconds < 0 || callback == NULL) {
        errno = EINVAL;
        return NULL;
    }
    timers = timers_of(loop);
    timer = timers != NULL ? malloc(sizeof *timer) : NULL;
    if (timer == NULL)
        return NULL;
    *timer = (struct loop_timer){.due = loop_now() + milliseconds,
                                 .callback = callback,
                                 .state = state,
                                 .number = ++timers->created};
    place = &timers->first;
    while (*place != NULL && (*place)->due <= timer->due)
        place = &(*place)->next;
    timer->next = *place;
    *place = timer;
    return timer;
}

void loop_cancel(struct loop *loop, struct loop_timer *timer)
{
    struct timers *timers = timers_of(loop);
    struct loop_timer **place;

    if (timers == NULL || timer == NULL)
        return;
    for (place = &timers->first; *place != NULL; place = &(*place)->next)
        if (*place == timer) {
            *place = timer->next;
            free(timer);
            return;
        }
}
