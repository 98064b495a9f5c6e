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
