/* What a verb says of its step: what was expected, what came, and that the
 * harness cannot tell. That a program failed is said in run_fail.c. */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"pass", "fail",    "advice",
                                        "skip", "not run", "undecided"};
    return names[v];
}

static void note_text(struct run *r, const char *key, const char *format,
                      va_list arguments)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, arguments);
    journal_about(r->journal, key, text);
}

void run_expected(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "expected", format, arguments);
    va_end(arguments);
}

void run_actual(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "actual", format, arguments);
    va_end(arguments);
}

bool run_undecided(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "sentence", format, arguments);
    va_end(arguments);
    r->verdict = VERDICT_UNDECIDED;
    return false;
}

bool run_skip(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "sentence", format, arguments);
    va_end(arguments);
    r->verdict = VERDICT_SKIP;
    return false;
}

#define SHOWN_COLUMNS 58
#define SHOWN_BEFORE 16 /* bytes before the first difference */

/* A quoted piece of the data that begins at `start`. */
static void add_piece(struct bytes *out, const struct bytes *data, size_t start)
{
    bytes_add_text(out, start ? "...\"" : "\"");
    bytes_add_escaped(out, data->data + start, data->length - start,
                      SHOWN_COLUMNS);
    bytes_add_text(out, "\"");
}

void run_difference(struct run *r, const struct bytes *expected,
                    const char *of_expected, const struct bytes *actual,
                    const char *of_actual, size_t at)
{
    struct bytes text = {0}, before = {0};
    size_t start = at > SHOWN_BEFORE + 8 ? at - SHOWN_BEFORE : 0;
    char number[32];

    add_piece(&text, expected, start);
    run_expected(r, "%s%s", bytes_text(&text), of_expected);
    bytes_clear(&text);
    if (!actual) {
        run_actual(r, "nothing%s", of_actual);
        bytes_free(&text);
        return;
    }
    add_piece(&text, actual, start);
    run_actual(r, "%s%s", bytes_text(&text), of_actual);
    size_t columns = bytes_add_escaped(&before, bytes_text(expected) + start,
                                       at - start, SHOWN_COLUMNS);
    snprintf(number, sizeof number, "%zu", columns + (start ? 4 : 1));
    journal_about(r->journal, "caret", number);
    if (start) {
        snprintf(number, sizeof number, "%zu", at);
        journal_about(r->journal, "offset", number);
    }
    bytes_free(&text);
    bytes_free(&before);
}
