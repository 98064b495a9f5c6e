/* loop_extension.h - how later lessons hang things into a loop.
 *
 * A program that uses a loop needs none of this. Timers (lesson 4) and
 * operations (lesson 4 and on) are extensions: so that the loop itself is
 * written once, and never changed again. */

#ifndef LOOP_EXTENSION_H
#define LOOP_EXTENSION_H

#include <stdatomic.h>

#include "loop.h"

struct loop_extension {
    /* Milliseconds until run() must be called; -1: no need; 0: at once. As long
     * as it is not -1, loop_run() has work to do. */
    int (*timeout)(const struct loop_extension *extension);
    /* Phase 3 of a round. Must not wait. */
    void (*run)(struct loop_extension *extension);
    /* loop_destroy() calls it before it takes anything apart: what goes on ends
     * now. NULL: there is nothing to stop. */
    void (*stop)(struct loop_extension *extension);
    /* loop_destroy() calls it, last hung in first; it frees the extension. */
    void (*destroy)(struct loop_extension *extension);
    const void *key;             /* tells extensions apart: see loop_find */
    struct loop_extension *next; /* the loop's */
};

/* Hangs EXTENSION in; the loop owns it from now on. */
void loop_extend(struct loop *loop, struct loop_extension *extension);

/* The extension with that key, or NULL. */
struct loop_extension *loop_find(struct loop *loop, const void *key);

/* One owner at a time: what hangs in a loop is touched only between
 * loop_enter() and loop_leave(), and loop_run() is in between itself, but while
 * it waits (phase 1) and while a callback runs that the program has given to an
 * extension. Such a callback comes back to the library through its public
 * functions, and each of them enters and leaves, on every path. Entering twice
 * is fine; leave as often.
 *
 * A loop that only one thread uses needs no more than that order. */
void loop_enter(struct loop *loop);

/* Also sees to it that the loop does not sleep on if there is something to do.
 */
void loop_leave(struct loop *loop);

/* True if another thread runs the loop. Then this one may wait for what it
 * brings; and it must leave the back end alone, and open what is watched: the
 * loop may have all that in its hands, in phase 1. */
bool loop_runs_elsewhere(const struct loop *loop);

/* For whoever has entered once, while the loop runs elsewhere: leaves, and is
 * back inside when something may have happened. */
void loop_await(struct loop *loop);

/* What these functions do for a loop that more than one thread uses. */
struct loop_monitor {
    atomic_bool running; /* a thread runs the loop, with or without work */
    void (*enter)(struct loop_monitor *monitor);
    void (*leave)(struct loop_monitor *monitor);
    bool (*runs_elsewhere)(const struct loop_monitor *monitor);
    void (*await)(struct loop_monitor *monitor);
    /* loop_destroy() calls these: first of all, to end the thread that runs the
     * loop; and when the extensions have stopped, to return when nobody is
     * inside loop_await() any more. */
    void (*stop)(struct loop_monitor *monitor);
    void (*close)(struct loop_monitor *monitor);
};
void loop_set_monitor(struct loop *loop, struct loop_monitor *monitor);

#endif
