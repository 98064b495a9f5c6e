/*
 * journal: everything that happened in one check, in the order it happened.
 *
 * The runner only writes here; every report is rendered from here and from
 * nothing else. A journal is kept as JSON lines (one flat object a line), so
 * a report can be made later, by another process, in another format.
 *
 * Two kinds of entries:
 *   facts about the check ("about" entries: title, rule, verdict, hint, ...),
 *   events on the wire or in the program, with the time they were seen.
 */
#ifndef WIRE_JOURNAL_H
#define WIRE_JOURNAL_H

#include "bytes.h"

#include <stdbool.h>
#include <stdio.h>

enum event_kind {
    EVENT_ABOUT,     /* key = value; not an event in time */
    EVENT_STEP,      /* a step of the script begins; text: its source */
    EVENT_START,     /* a program was started; text: its command, number: pid */
    EVENT_LISTENING, /* the kernel shows its listener; text: address */
    EVENT_OUTPUT,    /* it printed; key: stdout or stderr */
    EVENT_SIGNAL,    /* wire sent it a signal; text: the name */
    EVENT_EXIT,      /* it ended; text: "exit 0" or "SIGSEGV" */
    EVENT_CONNECT,   /* a peer connected (or, key "listen", began to listen) */
    EVENT_ACCEPT,    /* a peer of wire accepted the program's connection */
    EVENT_SENT,      /* wire sent bytes (a relay: passed them on) */
    EVENT_RECEIVED,  /* wire received bytes */
    EVENT_SENT_FIN,
    EVENT_RECEIVED_FIN,
    EVENT_SENT_RESET,
    EVENT_RECEIVED_RESET,
    EVENT_REFUSED,
    EVENT_FAULT, /* a call of a program was made to go wrong; text: which and
                    how, key: what a plan calls it, number: times */
    EVENT_NOTE,  /* something proved: consumed, quiet, a count; text says it */
    EVENT_FAILED /* the judgement; text: the sentence */
};

struct event {
    enum event_kind kind;
    double ms;          /* since the check began */
    char actor[24];     /* "server", "A", "A[3]" */
    char to[24];        /* the other end of the connection, if there is one */
    char key[24];       /* see the kinds */
    int line;           /* of the step in the check file; 0: none */
    long number;        /* bytes, pid: see the kinds */
    struct bytes value; /* text or data; data is cut at JOURNAL_DATA_MAX, what
                           a program printed is not */
};

#define JOURNAL_DATA_MAX 512

struct journal {
    struct event *events;
    size_t count, capacity;
    double start; /* monotonic milliseconds of the first event */
    int line;     /* stamped on each event: the step that is running */
};

double clock_ms(void);

void journal_begin(struct journal *j);
void journal_free(struct journal *j);

/* Facts. `about` takes text; the last one set under a key counts, except for
 * keys that are lists, which journal_each_about walks. */
void journal_about(struct journal *j, const char *key, const char *text);
const char *journal_get(const struct journal *j, const char *key);
bool journal_verdict_is(const struct journal *j, const char *verdict);
/* The next entry with that key at or after *position; NULL at the end. */
const char *journal_each_about(const struct journal *j, const char *key,
                               size_t *position);

/* Events. Data of any length is counted in full and kept in part. */
struct event *journal_event(struct journal *j, enum event_kind kind,
                            const char *actor, const char *to);
void journal_text(struct journal *j, enum event_kind kind, const char *actor,
                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void journal_data(struct journal *j, enum event_kind kind, const char *actor,
                  const char *to, const void *data, size_t length);

/* JSON lines. Bytes above 0x7f are written as \u0080 to \u00ff, so nothing is
 * lost. read returns false, with *error_line, where a line is none of ours. */
void journal_write(const struct journal *j, FILE *out);
bool journal_read(struct journal *j, FILE *in, int *error_line);

/* For every report in JSON: a string with its quotes. */
void json_string(struct bytes *out, const char *text, size_t length);

#endif
