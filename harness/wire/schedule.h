/*
 * schedule: the checks of a list, side by side.
 *
 * Each check runs in a process of its own, forked from wire: it is the
 * subreaper of its programs, so what it judges is theirs alone, whatever else
 * runs. As many are at work as there are cores; a check that only waits for
 * time to pass says so, and another one begins beside it. A check begins when
 * those that it needs have ended. Its journal comes back through a file, in
 * which it stays if there is a folder for results; so does the manifest
 * (manifest.h).
 */
#ifndef WIRE_SCHEDULE_H
#define WIRE_SCHEDULE_H

#include "list.h"
#include "run.h"

/* Called for each check in the order of the list, as soon as it and all before
 * it have ended. */
typedef void schedule_told(const struct journal *j, void *context);

/* Runs all, and fills one journal a check. False, after a word on stderr, where
 * the results cannot be kept. */
bool schedule_run(const struct list *l, const struct options *o,
                  struct journal *journals, schedule_told *told, void *context);

#endif
