/*
 * script: a check file, read into a tree of steps.
 *
 * The whole file is parsed before anything runs. What a step may look like is
 * written in one place, the table of verbs (verbs.h); the parser only matches
 * lines against its patterns, so the manual, the parser and the messages for
 * wrong lines cannot disagree. Every step keeps its line for the reports.
 */
#ifndef WIRE_SCRIPT_H
#define WIRE_SCRIPT_H

#include "bytes.h"

#include <stdbool.h>

enum actor_kind {
    ACTOR_PROGRAM = 1, /* a program under test: server, client */
    ACTOR_PEER = 2,    /* a socket of wire: A, B, F */
    ACTOR_RELAY = 4,   /* stands between two programs */
    ACTOR_MACHINE = 8  /* the machine itself: free ports */
};

struct actor {
    char name[16];
    enum actor_kind kind;
    int first, last; /* members of a group A[first..last]; 0, 0: one actor */
};

/* Bytes or a number, as written; names are filled in when the step runs. */
enum part_kind { PART_BYTES, PART_NAME, PART_FILL };

struct part {
    enum part_kind kind;
    struct bytes bytes; /* the bytes; the name; the pattern of a fill */
    size_t count;       /* of a fill: its length */
};

struct value {
    struct part *parts;
    int count;
    long number;
    bool is_number; /* else bytes made of the parts */
};

#define STEP_VALUES_MAX 12
#define STEP_DEPTH_MAX 8

struct verb;

enum step_kind { STEP_DO, STEP_REPEAT, STEP_ROUNDS, STEP_TOGETHER };

struct step {
    enum step_kind kind;
    int line, column;
    char *source; /* the line as written, without what surrounds it */

    /* STEP_DO */
    const struct verb *verb;
    int actor;  /* index into script.actors */
    int member; /* of a group; 0: every member */
    struct value values[STEP_VALUES_MAX];
    int value_count;

    /* The blocks */
    long times;
    long keep; /* STEP_ROUNDS: bytes of each that the program may keep */
    struct step *body;
    int body_count;
};

/* When a hint fits; see hint_fits() in run_fail.c. */
enum hint_condition {
    HINT_GOT,     /* the bytes that came begin with these */
    HINT_ENDING,  /* eof, reset, refused, nothing */
    HINT_BLOCKED, /* a thread of the program is blocked in this call */
    HINT_FAULT,   /* the last fault that was injected was in this call */
    HINT_EXITED,  /* the program had ended */
    HINT_KILLED,  /* a signal ended it */
    HINT_BUSY,    /* it was using the processor */
    HINT_STDOUT,  /* it printed this */
    HINT_STDERR,
    HINT_STEP, /* the step that failed begins with these words */
};

#define HINT_CLAUSES_MAX 3

struct hint_clause {
    enum hint_condition condition;
    struct bytes what;
};

struct hint {
    struct hint_clause clauses[HINT_CLAUSES_MAX]; /* all of them must fit */
    int clause_count;                             /* 0: see hint_fits() */
    char *text;
    int line;
};

struct script {
    char *path;
    char *name; /* the file's name without folder and ending */
    char *title;
    struct text_list rules;
    char stage;
    int points;
    int timer; /* ms after which the program does something by itself; or 0 */
    bool threads; /* threads meet in it: it is for the thread sanitizer, too */
    bool hidden;  /* students get to know its title and its rule. In a handout
                     it has no steps, and is not run. */
    struct text_list needs;
    struct text_list environment; /* NAME=value, for its programs */
    char *read;

    struct actor *actors;
    int actor_count;
    struct step *steps;
    int step_count;
    struct hint *hints;
    int hint_count;
};

struct script_error {
    char *path;
    int line, column;
    char *text;    /* the line as it stands in the file */
    char *message; /* what was expected */
};

/* Reads and parses the file. Returns false and fills *error. Free the script
 * in both cases. */
bool script_read(struct script *s, const char *path,
                 struct script_error *error);

/* Reads what a lesson has to say to a check that it takes over from another:
 * hints, which come before the check's own; a line "needs", which adds to its
 * needs; a line "read", which takes the place of its own. No file: no change.
 */
bool script_read_hints(struct script *s, const char *path,
                       struct script_error *error);

/* As script_read, for a text in memory; `path` is only a name. */
bool script_parse(struct script *s, const char *path, const char *text,
                  size_t length, struct script_error *error);

void script_free(struct script *s);

/* Adds "file:line:column: message", the line and a caret below it. */
void script_error_show(const struct script_error *error, struct bytes *out);
void script_error_free(struct script_error *error);

/* True where steps are compared by rounds. */
bool script_has_rounds(const struct script *s);

/* True where a step of the script names this program. */
bool script_uses(const struct script *s, const char *actor);

#endif
