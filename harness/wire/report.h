/*
 * report: journals as text, TAP, JUnit XML and JSON. Nothing here knows how a
 * check is run; the journal is all there is.
 */
#ifndef WIRE_REPORT_H
#define WIRE_REPORT_H

#include "journal.h"

enum report_format { REPORT_TEXT, REPORT_TAP, REPORT_JUNIT, REPORT_JSON };

struct report_options {
    enum report_format format;
    bool plain;  /* sentences instead of ladders */
    bool colour; /* of the words PASS and FAIL */
    bool listed; /* the line of each check has been printed already */
};

bool report_format_find(const char *name, enum report_format *out);

/* One line as a check ends: its verdict, name and title. */
void report_line(const struct journal *j, const struct report_options *o,
                 FILE *out);

/* The ladder of any check, with what the programs printed. */
void report_show(const struct journal *j, const struct report_options *o,
                 FILE *out);

/* All of them; failures and totals come last. Of a hidden check no more is told
 * than its title, and its rule where it is broken. */
void report_all(const struct journal *journals, int count,
                const struct report_options *o, FILE *out);

/* The text of one failure, without lists and totals. */
void report_failure(const struct journal *j, const struct report_options *o,
                    struct bytes *out);

/* The formats; report_all picks one. */
void report_text(const struct journal *journals, int count,
                 const struct report_options *o, struct bytes *out);
void report_tap(const struct journal *journals, int count, struct bytes *out);
void report_junit(const struct journal *journals, int count, struct bytes *out);
void report_json(const struct journal *journals, int count, struct bytes *out);

#endif
