/*
 * run: one check, from its first step to its verdict.
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
#include "verbs.h"

struct options {
    char **server, **client; /* command words; NULL: not given */
    char **sanitized_server, **sanitized_client;
    char **unit;           /* the unit tests, linked with what is judged */
    const char *no_server; /* why there is none; NULL: in general words */
    const char *results;   /* folder for journals; NULL: none */
    const char *contracts; /* folder of the rules */
    const char *again;     /* how to run one check again; %s is its name */
    char stage;            /* 0: all */
    int lesson;            /* rules from later lessons are advice; 0: all */
};

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

const char *verdict_name(enum verdict v);

struct run {
    const struct script *script;
    const struct options *options;
    struct journal *journal;
    enum verdict verdict;

    struct program programs[PROGRAMS_MAX];
    int program_count;
    struct peer *peers; /* members of groups stand next to each other */
    int peer_count, peer_capacity;
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

    bool moves_on; /* the last wait has lost its patience, not its hope */

    unsigned long long own_delay; /* of wire, when the check began */

    /* What a hint can ask for. */
    struct bytes got;
    const char *ending; /* eof, reset, refused, nothing */
    bool busy;
};

/* Runs the check and fills the journal. */
enum verdict run_check(const struct script *s, const struct options *o,
                       struct journal *j);

/* ----------------------- for the functions of verbs ---------------------- */

struct program *run_program(struct run *r, const struct target *t);
struct program *run_program_named(struct run *r, const char *name);
struct peer *run_peer(struct run *r, const struct target *t);
/* A further peer; its index, -1: no room. */
int run_add_peer(struct run *r, const char *name, const char *other);

/* The bytes or the number of a step's value. False after run_broken(). */
bool run_bytes(struct run *r, const struct target *t, const struct value *v,
               struct bytes *out);
bool run_number(struct run *r, const struct target *t, const struct value *v,
                long *out);
bool run_is_saved(struct run *r, const char *name);
bool run_save(struct run *r, const char *name, const char *data, size_t length);

/* Moves what can be moved now, everywhere. True if anything did. */
bool run_pump(struct run *r);

enum wait_end {
    WAIT_DONE,
    WAIT_HOPELESS, /* proved: nothing will happen any more */
    WAIT_DEADLINE
};

typedef bool wait_condition(struct run *r, void *context);
enum wait_end run_wait(struct run *r, wait_condition *condition, void *context);

/* For hints: the program was at work until the deadline, and did not wait. */
void run_note_busy(struct run *r, enum wait_end end);

/* Waits until the program is proved to be quiet (QUIET_TIMED after 100 ms
 * without progress). False: the deadline came first. */
bool run_wait_quiet(struct run *r);

/* Lets what has begun come to its end before a failure is told: waits for the
 * same, but not long, since the verdict is clear already. */
void run_settle(struct run *r);

/* The kernel's facts of the program's end of a connection. */
bool run_other_end(const struct peer *p, struct socket_facts *out);

/* False while the FIN or RST of a peer that has closed is still on its way to
 * the program. `stuck` is set where it cannot arrive. */
bool run_end_arrived(const struct peer *p, bool *stuck);

/* Verdicts; all return false, so that a verb can `return run_fail(...)`. */
bool run_fail(struct run *r, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The harness cannot tell; never counts against the program. */
bool run_undecided(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool run_skip(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void run_expected(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void run_actual(struct run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "client A", "the fake server F", "the server" */
const char *run_who(struct run *r, const char *actor);

double run_deadline_ms(void);

#endif
