/*
 * manifest: the verdicts of a whole list in one file, RESULTS/manifest: a line
 * "NAME VERDICT POINTS" for each check, in order. It is there from the
 * beginning, and written anew as each check ends; "missing" is the verdict of
 * one that has not ended. So whoever reads it knows what there should be.
 */
#ifndef WIRE_MANIFEST_H
#define WIRE_MANIFEST_H

#include "journal.h"
#include "list.h"

/* A journal without a verdict is that of a check that has not ended. False with
 * errno. */
bool manifest_write(const char *folder, const struct list *l,
                    const struct journal *journals);

#endif
