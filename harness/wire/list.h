/*
 * list: the checks of a lesson, in the order of its checks/list. A line is
 *
 *   NAME                         lessons/LESSON/checks/NAME.wire
 *   use OTHER [except NAME...] [free NAME...] [as c]
 *                                all of lesson OTHER, here as stage c, but for
 *                                its unit tests; the free ones give no points,
 *                                since the starter passes them
 *   from OTHER NAME...           these of lesson OTHER, where they have another
 *                                place here than there
 *   again PROGRAM as c           all of the above that are about the server
 *                                alone, once more, on PROGRAM
 *   on PROGRAM NAME...           checks of this lesson that are about PROGRAM,
 *                                and not about the server
 *
 * Where this lesson has something else to say to a check that is used again, it
 * has a file checks/NAME.hints: see script_read_hints().
 */
#ifndef WIRE_LIST_H
#define WIRE_LIST_H

#include "script.h"

struct list_entry {
    struct script script; /* as this lesson asks it */
    char *program;        /* whom its steps call the server */
};

struct list {
    struct list_entry *entries;
    int count;
};

/* Reads the list and all its checks. Returns false and fills *error. Free the
 * list in both cases. */
bool list_read(struct list *l, const char *path, struct script_error *error);

/* Adds one check by its file. */
bool list_add(struct list *l, const char *path, struct script_error *error);

/* Names are what journals and needs go by: each is there once, and what is
 * needed comes first. list_read has seen to it already. */
bool list_fits(const struct list *l, const char *path,
               struct script_error *error);

/* Keeps what calls this program the server. */
void list_keep_program(struct list *l, const char *program);

/* Keeps what is of that stage (0: of any) and has one of these names (none: any
 * name); and what that needs, if wanted. Returns how many were asked for by
 * themselves. */
int list_select(struct list *l, char stage, const struct text_list *names,
                bool with_needs);

/* A line "NAME STAGE PROGRAM FILE POINTS" for each check. */
void list_print(const struct list *l, struct bytes *out);

/* The entry of that name, or NULL. */
const struct list_entry *list_find(const struct list *l, const char *name);

void list_free(struct list *l);

#endif
