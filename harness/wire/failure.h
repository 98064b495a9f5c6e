/*
 * failure: what stands around a failed step: what the program was doing, in
 * the student's words, and the hint that fits.
 */
#ifndef WIRE_FAILURE_H
#define WIRE_FAILURE_H

#include "run.h"

/* Adds "doing" lines to the journal for every thread of every program. */
void failure_describe_programs(struct run *r);

/* The first hint of the script that fits what was observed; NULL: none. */
const struct hint *failure_hint(struct run *r);

#endif
