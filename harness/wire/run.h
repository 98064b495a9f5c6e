/*
 * run: one check while it runs: its programs, its peers, and what verbs can
 * ask of them. run_check.c begins it and ends it; the verbs stand in between.
 *
 * There is one thread and one poll loop. A step that waits calls run_wait with
 * a condition; the loop moves bytes for all peers and programs until the
 * condition holds, or until waiting has no more sense: the program is proved
 * to be quiet in waits without a time-out, or nothing has moved on any socket
 * until the deadline.
 */
#ifndef WIRE_RUN_H
#define WIRE_RUN_H

#include "journal.h"
#include "peer.h"
#include "program.h"
#include "quiet.h"
#include "script.h"
#include "sockdiag.h"
#include "spin.h"
#include "verbs.h"

struct options {
    char **server, **client; /* command words; NULL: not given */
    const char *programs;    /* folder with the programs, by their names; in it
                                san/, with their builds with sanitizers, and the
                                unit tests linked with them */
    struct text_list environment; /* NAME=value, for the programs */
    const char *faults;           /* into programs whose check has none of its
                                     own; NULL: none */
    const char *results;          /* folder for journals; NULL: none */
    const char *contracts;        /* folder of the rules */
    struct text_list hidden;      /* folders that no program may see */
    const char *again; /* how to run one check again; %s is its name */
    const char *kit;   /* its version and hash, for reports; or NULL */
    const char *hold;  /* why points of unit tests are held back; or NULL */
    int lesson;        /* rules from later lessons are advice; 0: all */
};

/* What is told while a check runs. */
enum { NEWS_WORK = 'w', NEWS_REST = 'r' };

#define PROGRAMS_MAX 4
#define SAVED_MAX 16
#define ACTORS_MAX 64
#define RELAYED_MAX 128 /* connections through relays, two ends each */

struct saved {
    char name[64];
    struct bytes value;
};

enum verdict {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_ADVICE,
    VERDICT_SKIP,
    VERDICT_NOT_RUN,
    VERDICT_UNDECIDED
};

struct run {
    const struct script *script;
    const char *server; /* the name of the program that is called so here */
    const struct options *options;
    struct journal *journal;
    enum verdict verdict;

    struct program programs[PROGRAMS_MAX];
    char *commands[PROGRAMS_MAX][2]; /* of those from the folder */
    int program_count;
    struct peer *peers; /* members of groups stand next to each other */
    int peer_count, peer_capacity;
    struct pollfd *watch;          /* one a peer, for run_pump */
    int peer_of_actor[ACTORS_MAX]; /* the first peer of each actor */

    struct saved saved[SAVED_MAX];
    int saved_count;

    const struct step *step; /* that is running */
    bool corked;             /* inside together { } */
    struct quiet_look look;  /* the last look at the threads */

    /* For waits with a time-out: since when nothing has moved on any socket,
     * and the processor time used by then. */
    double still_since;
    unsigned long long still_mark, still_busy;

    /* Of the wait that is under way: when it was first looked at the threads
     * (0: not yet), and the processor time used by then. */
    double wait_since;
    unsigned long long wait_busy;

    /* Where it is told whether the check only waits for time to pass: -1:
     * nowhere; and what was told last. */
    int news;
    bool rests;

    /* "san" or "tsan": this is the run of the build with these sanitizers: for
     * what they find, and not for what it costs. NULL: the plain one. */
    const char *sanitized;
    bool follows; /* how a failure comes about is wanted: the last calls, */
    const char *places; /* and what asks the sanitized build for places in it:
                           NAME=value */
    bool feeds;         /* a peer will send without a pause */
    bool stirred; /* the last look let a thread go on that stood at a call */
    bool frame_has_timer; /* that of unit tests, which ends none of their waits
                           */
    bool described;     /* what the programs are doing stands in the journal */
    double excess_look; /* when it is looked next whether a program uses too
                           much */
    bool moves_on;      /* the last wait has lost its patience, not its hope */

    struct spin spin; /* what a program was proved to do again and again */

    /* What a hint can ask for. */
    struct bytes got;
    const char *ending; /* eof, reset, refused, nothing */
    bool busy;
};

/* ---------------- run_verdict.c: what a verb says of its step ------------ */

const char *verdict_name(enum verdict v);

void run_expected(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void run_actual(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Expected and actual under each other, both from a little before the first
 * difference, which is AT so many bytes, and a caret there. ACTUAL NULL: there
 * was nothing. Behind each stands what else there is to say of it. */
void run_difference(struct run *r, const struct bytes *expected,
                    const char *of_expected, const struct bytes *actual,
                    const char *of_actual, size_t at);

/* Both return false, so that a verb can `return run_skip(...)`. */
bool run_skip(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The harness cannot tell; never counts against the program. */
bool run_undecided(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---------------------- run_actors.c: who takes part --------------------- */

/* Makes room for all that the script names. False: the verdict is there. */
bool run_set_up_actors(struct run *r);

struct program *run_program(struct run *r, const struct target *t);
struct program *run_program_named(struct run *r, const char *name);
struct peer *run_peer(struct run *r, const struct target *t);
/* A further peer; its index, -1: no room. */
int run_add_peer(struct run *r, const char *name, const char *other);

/* "client A", "the fake server F", "the server" */
const char *run_who(struct run *r, const char *actor);

/* The bytes or the number of a step's value. False after run_undecided(). */
bool run_bytes(struct run *r, const struct target *t, const struct value *v,
               struct bytes *out);
bool run_number(struct run *r, const struct target *t, const struct value *v,
                long *out);
bool run_is_saved(struct run *r, const char *name);
bool run_save(struct run *r, const char *name, const char *data, size_t length);

/* ---------------------------- run_wait.c: waiting ------------------------ */

/* Moves what can be moved now, everywhere. True if anything did. */
bool run_pump(struct run *r);

/* So often a program may receive from one who sends without a pause (pour);
 * then that one ends. */
#define FED_MAX 5000
/* True if it was received from so often. */
bool run_was_fed(struct run *r, const struct peer *p);

enum wait_end {
    WAIT_DONE,
    WAIT_HOPELESS, /* proved: nothing will happen any more */
    WAIT_SPINNING, /* proved: it does the same for ever, and gets nowhere */
    WAIT_DEADLINE
};

/* What to say of a wait that has ended so, behind "sent A nothing". */
const char *wait_end_words(enum wait_end end);

typedef bool wait_condition(struct run *r, void *context);
enum wait_end run_wait(struct run *r, wait_condition *condition, void *context);

/* Gives up as soon as the program is quiet, be it only for a while. */
enum wait_end run_wait_or_rest(struct run *r, wait_condition *condition,
                               void *context);

/* The same for what is no news: gives up early, too. */
enum wait_end run_wait_briefly(struct run *r, wait_condition *condition,
                               void *context);

/* Waits until the program is proved to be quiet (QUIET_TIMED after 100 ms
 * without progress). False: the deadline came first. */
bool run_wait_quiet(struct run *r);

/* Lets so much time pass, and moves meanwhile what can be moved. */
void run_let_pass(struct run *r, double milliseconds);

/* True if the server runs though nothing is under way, and is proved to do the
 * same for ever (r->spin). It costs some milliseconds, or some more on a busy
 * machine. */
bool run_is_spinning(struct run *r);

/* For hints: the program was at work until the deadline, and did not wait. */
void run_note_busy(struct run *r, enum wait_end end);

double run_deadline_ms(void);
/* How long a wait goes on at the most while something moves. */
double run_patience_ms(void);

/* ---------------------------- run_fail.c: failing ------------------------ */

/* Tells the journal what all programs are doing now, once; a failure does so
 * too. */
void run_describe(struct run *r);

/* Notes what is no failure by itself, and may be why one comes. */
void run_before(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells what the program did wrong, and what it was doing; false. */
bool run_fail(struct run *r, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
