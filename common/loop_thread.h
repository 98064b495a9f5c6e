/* loop_thread.h - the loop on a thread of its own: what lesson 7 adds.
 *
 * Until now the main thread ran the loop, and had time for nothing else. Now an
 * I/O thread runs it: callbacks run there, and the main thread may wait for
 * what they tell it. .NET does that unseen, with a pool of threads.
 *
 * What a program has to mind:
 *   - Callbacks still run one at a time, but beside the main thread: what both
 *     use needs a lock, or must be handed over by an event.
 *   - A callback that waits stalls the loop, and with it every other operation.
 *     In .NET it would hold up one thread of many. One of loop_watch() runs
 *     inside (see loop_extension.h) and stalls other threads, too.
 *   - Only the functions of async_*.h, tcp_*.h and network_stream.h may be
 *     called on other threads. Those of loop.h and loop_timer.h, but for
 *     loop_stop() and loop_wake(), belong to the I/O thread from loop_start()
 *     on. */

#ifndef LOOP_THREAD_H
#define LOOP_THREAD_H

#include "event.h"
#include "loop.h"

/* Starts a thread that runs LOOP, also while nothing is pending, until
 * loop_stop(). Until then a loop and all its sockets are one thread's; call it
 * before another thread uses them. loop_destroy() stops and joins the thread,
 * and lets those go who wait in an End; it must not be called on that thread,
 * nor while another thread could begin a call on something of LOOP.
 * Returns 0, or -1 with EALREADY (such a thread runs), EAGAIN (no more threads)
 * or ENOMEM. */
int loop_start(struct loop *loop);

/* The event that is set when that thread has left the loop: after loop_stop(),
 * which a signal handler may call, or after an error of the wait. It belongs to
 * LOOP. NULL with EINVAL if the loop was not started. Any thread. */
struct event *loop_ended(struct loop *loop);

/* Waits for that thread; the loop is this thread's from now on. Returns what
 * loop_run() has returned: 0, or -1 with its errno. -1 with EINVAL if there is
 * no such thread, EDEADLK on the I/O thread itself. .NET: Thread.Join. */
int loop_join(struct loop *loop);

#endif
