/*
 * run_check: one check from its first step to its verdict. What happened stands
 * in the journal, and nowhere else.
 */
#ifndef WIRE_RUN_CHECK_H
#define WIRE_RUN_CHECK_H

#include "run.h"

/* Runs the check and fills the journal. */
enum verdict run_check(const struct script *s, const struct options *o,
                       struct journal *j);

#endif
