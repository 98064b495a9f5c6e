/*
 * cell: what a program may see and do where wire itself is in a sandbox, and
 * may make namespaces there (harness/grade/sandbox.sh). It sees no process but
 * those of its check, none of the hidden folders, has a /tmp of its own, and no
 * rights.
 */
#ifndef WIRE_CELL_H
#define WIRE_CELL_H

#include "bytes.h"

#include <stdbool.h>

/* From now on all children of this process are in a process namespace of their
 * own, which ends with it. False, with errno. */
bool cell_begin(void);

/* Ends all of them, whatever they do; there can be no more of them then.
 * Nothing, where there is no such namespace. */
void cell_end(void);

/* What all programs of this check use together is more than they may: says
 * what, as in "2048 MiB of memory". NULL: it is not. */
const char *cell_excess(void);

/* The rest is for the child, in a mount namespace of its own, before it becomes
 * the program. False, with errno. */
bool cell_mount(const struct text_list *hidden);
/* Nothing that the program does from now on gives it more rights; and where
 * memory gets scarce, the kernel ends it before others. */
bool cell_drop_rights(void);

#endif
