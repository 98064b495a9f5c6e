/*
 * run_where: asks the threads of a program where they are in its code. A thread
 * is asked by a signal, and prints its stack (tests/library/suite.c,
 * harness/grade/last_look.c). For a run that has failed already: the answer
 * gives no verdict.
 */
#ifndef WIRE_RUN_WHERE_H
#define WIRE_RUN_WHERE_H

#include "run.h"

/* Unit tests, which run in a child of P: adds where the student's own code
 * waits, in whichever thread: ", in f(), file.c line 12, and in ...". */
void run_where_it_waits(struct run *r, struct program *p, struct bytes *out);
/* The same of what runs without end. */
void run_where_it_runs(struct run *r, struct program *p, struct bytes *out);

/* Adds where the threads of P wait for a lock, a condition variable or a
 * thread, in the words of its own main files: " in main(), server.c line 12,
 * inside event_sleep(); and ...". */
void run_where_it_is_locked(struct run *r, struct program *p,
                            struct bytes *out);

#endif
