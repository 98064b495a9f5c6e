/*
 * totals: what the verdicts of several checks come to.
 */
#ifndef WIRE_TOTALS_H
#define WIRE_TOTALS_H

#include "journal.h"

struct totals {
    int passed, failed, advice, skipped, not_run, undecided;
    /* Those that are held were earned, and count when an instructor has looked.
     */
    int points, points_held, points_possible;
};

struct totals totals_of(const struct journal *journals, int count);

/* 0 all passed, 1 a check failed, 2 undecided, 77 nothing was judged. */
int totals_exit_status(const struct journal *journals, int count);

#endif
