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

/* Ends all of them, whatever they do. Nothing, where there is no such
 * namespace. */
void cell_end(void);

/* The rest is for the child, in a mount namespace of its own, before it becomes
 * the program. False, with errno. */
bool cell_mount(const struct text_list *hidden);
/* Nothing that the program does from now on gives it more rights. */
bool cell_drop_rights(void);

#endif
