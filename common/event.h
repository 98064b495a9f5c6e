/* event.h - one thread tells others that something has happened: what lesson 7
 * adds.
 *
 * An event is set or it is not. A thread that waits for it sleeps until it is
 * set; Set wakes it. There are two modes:
 *
 *   manual reset   Set releases everyone who waits, and whoever comes later,
 *                  until somebody calls Reset: a door.
 *   auto reset     Set releases exactly one thread, the one that has waited
 *                  longest; if nobody waits, the next one that comes. The
 *                  signal is used up by that: a turnstile.
 *
 * .NET: ManualResetEvent, AutoResetEvent, WaitHandle. Stricter than .NET
 * promises: a signal is handed over to the thread that has waited longest while
 * Set runs. It is never lost, two in a row are never one as long as two threads
 * wait, and nobody who comes later can take it away.
 *
 * Every function may be called by any thread, but none of them by a signal
 * handler. A wait for an event that only the waiting thread itself could set is
 * for ever: for a user's own event nobody can tell, for the wait handle of an
 * operation see async_wait.h. */

#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>

struct event;

enum event_mode { EVENT_MANUAL_RESET, EVENT_AUTO_RESET };

/* So many events can one call of event_wait_any() or event_wait_all() wait for.
 * As in .NET. */
#define EVENT_WAIT_MAX 64

/* Makes an event; IS_SET: in which state. Returns NULL with EINVAL (no such
 * mode) or ENOMEM. The caller owns it, and ends it with event_destroy().
 * .NET: new ManualResetEvent(isSet), new AutoResetEvent(isSet). */
struct event *event_create(enum event_mode mode, bool is_set);

/* Ends EVENT. Threads that still wait for it get ECANCELED, and this call
 * returns when they have left. To use EVENT after that, also in a call that
 * begins meanwhile, is undefined. NULL is fine. .NET: Close. */
void event_destroy(struct event *event);

/* Sets EVENT. Setting it again while it is set changes nothing. Leaves errno
 * alone. .NET: Set. */
void event_set(struct event *event);

/* EVENT is not set any more. Who was released stays released. .NET: Reset. */
void event_reset(struct event *event);

/* Waits until EVENT is set, at most MILLISECONDS (0: not at all, -1: as long as
 * it takes), on a clock that nobody sets. With auto reset, 1 means that this
 * thread has got the signal. Returns 1: it was set; 0: the time is over; -1
 * with EINVAL (no event, or a time below -1) or ECANCELED (it was destroyed).
 * .NET: WaitOne, true or false. */
int event_wait_one(struct event *event, int milliseconds);

/* Waits until one of the COUNT EVENTS is set. Returns its index, the lowest one
 * if several are set already; only that one's signal is taken. -1 with
 * ETIMEDOUT when the time is over, with EINVAL (also if COUNT is 0 or above
 * EVENT_WAIT_MAX) or ECANCELED. .NET: WaitHandle.WaitAny. */
int event_wait_any(struct event *const events[], size_t count,
                   int milliseconds);

/* Waits until all of the COUNT EVENTS are set at the same time, and only then
 * takes their signals, all at once. Returns as event_wait_one(), and -1 with
 * EINVAL if one event is there twice. .NET: WaitHandle.WaitAll. */
int event_wait_all(struct event *const events[], size_t count,
                   int milliseconds);

#endif
