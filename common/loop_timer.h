/* loop_timer.h - do something later: what lesson 4 adds to the loop.
 *
 * .NET: System.Threading.Timer with a period of Timeout.Infinite. */

#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include "loop.h"

struct loop_timer;

/* Runs on the loop's thread, in phase 3 of a round. */
typedef void loop_timer_callback(struct loop *loop, void *state);

/* Calls CALLBACK once, not before MILLISECONDS have passed (0: in this round or
 * the next). Timers that are due together are called in the order in which they
 * are due. The loop owns the timer: it is gone when its callback begins.
 * Only on the loop's thread. Returns NULL with EINVAL (negative time) or
 * ENOMEM. */
struct loop_timer *loop_call_later(struct loop *loop, int milliseconds,
                                   loop_timer_callback *callback, void *state);

/* Takes the call back. TIMER must not have been called yet; NULL is fine. */
void loop_cancel(struct loop *loop, struct loop_timer *timer);

#endif
