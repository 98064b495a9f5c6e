/* loop.h - one thread waits for many descriptors: what lesson 3 adds.
 *
 * A loop asks the kernel "which of these descriptors are ready?" and calls a
 * function for each one that is. While such a callback runs, nothing else does:
 * a callback never waits, it does what is possible now and returns.
 *
 * One round of loop_run() has these phases, in this order:
 *   1. wait       until a descriptor is ready, a timer is due, or loop_stop();
 *   2. dispatch   the callbacks of the ready descriptors;
 *   3. extensions what later lessons hang in: timers, completed operations.
 *
 * Threads: a loop belongs to the thread that runs it. Only loop_stop() and
 * loop_wake() may be called from elsewhere.
 *
 * .NET has no such object: the loop is what its runtime keeps out of sight. */

#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>

struct loop;

/* What a descriptor can be ready for. An error or a hang-up counts as both: the
 * next call on the descriptor will tell. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* EVENTS: for what FD is ready, one or both of the above. STATE: as given to
 * loop_watch(). A callback may call every function of this header, on FD too.
 */
typedef void loop_callback(struct loop *loop, int fd, unsigned events,
                           void *state);

/* Makes a loop. The environment variable LOOP_BACKEND names the way to wait;
 * "select" is the only one for now, and the default.
 * Returns NULL with EINVAL (no such back end), ENOMEM, EMFILE or ENFILE.
 * The caller owns the loop and ends it with loop_destroy(). */
struct loop *loop_create(void);

/* Ends the loop and whatever still hangs in it. Descriptors that were watched
 * stay open: they are the caller's. Not from a callback. NULL is fine. */
void loop_destroy(struct loop *loop);

/* From now on calls CALLBACK whenever FD is ready for one of EVENTS, until
 * loop_unwatch(). Watching FD again replaces events, callback and state; with
 * EVENTS 0 the descriptor stays known, and nothing is reported.
 * Returns 0, or -1 with EBADF (FD negative), EINVAL (other bits in EVENTS, or
 * no CALLBACK), EMFILE (FD is too large for this back end: select() has room
 * for FD_SETSIZE descriptors, and writing past it would destroy memory),
 * ENOMEM. */
int loop_watch(struct loop *loop, int fd, unsigned events,
               loop_callback *callback, void *state);

/* Forgets FD. Call it before close(): the number may be given out again at
 * once. An event that was already waiting for FD is dropped, also if FD is
 * watched anew. Returns 0, or -1 with ENOENT if FD was not watched. */
int loop_unwatch(struct loop *loop, int fd);

/* Runs rounds until nothing is watched and nothing else is pending, or until
 * loop_stop(). Returns 0, or -1 with the errno of the wait. EINTR is no error:
 * the loop goes on. Not from a callback. */
int loop_run(struct loop *loop);

/* Runs one round that waits at most MILLISECONDS (0: not at all, -1: as long
 * as it takes). Returns 0, or -1 with errno, as loop_run(). */
int loop_run_once(struct loop *loop, int milliseconds);

/* Makes loop_run() return after the round it is in; if none is running, the
 * next one returns at once. May be called from callbacks, from other threads
 * and from signal handlers. Leaves errno alone. */
void loop_stop(struct loop *loop);

/* Ends a wait of the loop, if there is one. As safe as loop_stop(). */
void loop_wake(struct loop *loop);

/* The back end's name, and how large a descriptor it takes (-1: any). */
const char *loop_backend_name(const struct loop *loop);
int loop_descriptor_limit(const struct loop *loop);

/* Milliseconds on a clock that nobody sets: only differences mean anything. */
long long loop_now(void);

#endif
