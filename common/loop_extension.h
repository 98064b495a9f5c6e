/* loop_extension.h - how later lessons hang things into a loop.
 *
 * A program that uses a loop needs none of this. Timers (lesson 4) and
 * operations (lesson 4 and on) are extensions: so that the loop itself is
 * written once, and never changed again. */

#ifndef LOOP_EXTENSION_H
#define LOOP_EXTENSION_H

#include "loop.h"

struct loop_extension {
    /* Milliseconds until run() must be called; -1: no need; 0: at once. */
    int (*timeout)(struct loop_extension *extension);
    /* Phase 3 of a round. Must not wait. */
    void (*run)(struct loop_extension *extension);
    /* True while loop_run() must not return for lack of work. */
    bool (*is_pending)(const struct loop_extension *extension);
    /* loop_destroy() calls it before it takes anything apart: the loop must not
     * run any more, on whatever thread. NULL: there is nothing to stop. */
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

#endif
