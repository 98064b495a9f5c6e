/* The text of a failure, in the order in which a student needs it. */
#include "ladder.h"
#include "report.h"
#include "totals.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 80
#define LADDER_ROWS 24
#define OUTPUT_LINES 6

/* Fills lines up to WIDTH; continued lines begin at `indent` too. */
static void wrap(struct bytes *out, const char *first, int indent,
                 const char *text)
{
    size_t column = strlen(first + (*first == '\n'));
    bytes_add_text(out, first);
    bool begun = false;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (begun && column + 1 + word > WIDTH) {
            bytes_printf(out, "\n%*s", indent, "");
            column = (size_t)indent;
            begun = false;
        }
        if (begun) {
            bytes_add_text(out, " ");
            column++;
        }
        bytes_add(out, text, word);
        column += word;
        begun = true;
        text += word;
        while (*text == ' ')
            text++;
    }
    bytes_add_text(out, "\n");
}

static const char *coloured(const char *word, const struct report_options *o)
{
    static char text[64];
    if (!o->colour)
        return word;
    const char *code = strcmp(word, "pass") == 0   ? "32"
                       : strcmp(word, "FAIL") == 0 ? "1;31"
                                                   : "33";
    snprintf(text, sizeof text, "\033[%sm%s\033[0m", code, word);
    return text;
}

/* Words for the first column, all of one width. */
static const char *verdict_word(const struct journal *j)
{
    const char *verdict = journal_get(j, "verdict");
    return strcmp(verdict, "fail") == 0 ? "FAIL" : verdict;
}

static void add_line(const struct journal *j, const struct report_options *o,
                     struct bytes *out)
{
    const char *word = verdict_word(j);
    bytes_printf(out, "  %s%*s  %s: %s\n", coloured(word, o),
                 (int)(9 - strlen(word)), "", journal_get(j, "name"),
                 journal_get(j, "title"));
    const char *why = journal_get(j, "waits-for");
    if (*why)
        bytes_printf(out, "             it waits for the check %s\n", why);
    bool told = strcmp(word, "skip") == 0 || strcmp(word, "undecided") == 0;
    if (told)
        wrap(out, "             ", 13, journal_get(j, "sentence"));
}

void report_line(const struct journal *j, const struct report_options *o,
                 FILE *file)
{
    struct bytes out = {0};
    add_line(j, o, &out);
    fwrite(out.data, 1, out.length, file);
    fflush(file);
    bytes_free(&out);
}

static void add_rules(const struct journal *j, struct bytes *out)
{
    size_t names = 0, says = 0, whys = 0;
    const char *name, *text, *why;
    while ((name = journal_each_about(j, "rule", &names)) &&
           (text = journal_each_about(j, "rule-says", &says)) &&
           (why = journal_each_about(j, "rule-why", &whys))) {
        struct bytes first = {0};
        bytes_printf(&first, "\n  Rule %s: ", name);
        wrap(out, bytes_text(&first), 4, text);
        wrap(out, "    Why: ", 4, why);
        bytes_free(&first);
    }
}

/* As many on a line as there is room for. */
static void add_calls(const struct journal *j, struct bytes *out)
{
    static const char begin[] = "  Its last calls: ";
    size_t position = 0, column = 0;
    const char *call;
    while ((call = journal_each_about(j, "last-call", &position))) {
        if (!column) {
            bytes_add_text(out, begin);
            column = strlen(begin);
        } else if (column + strlen(", ") + strlen(call) + 1 > WIDTH) {
            bytes_printf(out, ",\n%*s", 4, "");
            column = 4;
        } else {
            bytes_add_text(out, ", ");
            column += 2;
        }
        bytes_add_text(out, call);
        column += strlen(call);
    }
    bytes_add_text(out, "\n");
}

static void add_difference(const struct journal *j, struct bytes *out)
{
    const char *expected = journal_get(j, "expected");
    const char *actual = journal_get(j, "actual");
    const char *caret = journal_get(j, "caret");
    if (!*expected && !*actual)
        return;
    bytes_add_text(out, "\n");
    /* Where a caret points into the lines they must stay whole. */
    if (*expected && *caret)
        bytes_printf(out, "  expected  %s\n", expected);
    else if (*expected)
        wrap(out, "  expected  ", 12, expected);
    if (*actual && *caret)
        bytes_printf(out, "  actual    %s\n", actual);
    else if (*actual)
        wrap(out, "  actual    ", 12, actual);
    if (*caret) {
        const char *offset = journal_get(j, "offset");
        int column = atoi(caret);
        bytes_printf(out, "            %*s^ the first difference",
                     column > 0 && column < WIDTH ? column : 0, "");
        if (*offset)
            bytes_printf(out, ", after %s bytes", offset);
        bytes_add_text(out, "\n");
    }
    const char *descriptors = journal_get(j, "descriptors");
    if (*descriptors)
        wrap(out, "  open are  ", 12, descriptors);
}

static void add_doing(const struct journal *j, struct bytes *out)
{
    size_t position = 0;
    const char *text;
    bool first = true;
    while ((text = journal_each_about(j, "doing", &position))) {
        if (first)
            bytes_add_text(out, "\n  What the program was doing\n");
        wrap(out, "    ", 4, text);
        first = false;
    }
    const char *instead = journal_get(j, "instead");
    if (*instead)
        wrap(out, "    On the wire: ", 4, instead);
    const char *remark = journal_get(j, "remark");
    if (*remark)
        wrap(out, "    ", 4, remark);
}

/* The last lines that a program printed. */
static void add_output(const struct journal *j, struct bytes *out)
{
    struct bytes text = {0};
    bool cut = *journal_get(j, "output-cut") != '\0';
    for (size_t i = 0; i < j->count; i++)
        if (j->events[i].kind == EVENT_OUTPUT)
            bytes_add(&text, bytes_text(&j->events[i].value),
                      j->events[i].value.length);
    if (text.length) {
        const char *start = text.data + text.length;
        int lines = 0;
        while (start > text.data &&
               (lines < OUTPUT_LINES || start[-1] != '\n')) {
            start--;
            lines += *start == '\n' && start[1] != '\0';
        }
        if (*start == '\n')
            start++;
        bytes_printf(out, "\n  The last lines it printed%s\n",
                     cut ? " (of more than 64 KiB)" : "");
        const char *end = text.data + text.length;
        while (start < end) {
            const char *newline = memchr(start, '\n', (size_t)(end - start));
            const char *stop = newline ? newline : end;
            bytes_add_text(out, "    | ");
            bytes_add_printable(out, start, (size_t)(stop - start), WIDTH - 6);
            bytes_add_text(out, "\n");
            start = newline ? newline + 1 : end;
        }
    }
    bytes_free(&text);
}

static void add_step(const struct journal *j, struct bytes *out)
{
    int line = 0;
    const char *source = "";
    for (size_t i = 0; i < j->count; i++)
        if (j->events[i].kind == EVENT_STEP) {
            line = j->events[i].line;
            source = bytes_text(&j->events[i].value);
        }
    bytes_add_text(out, "\n");
    if (line) {
        bytes_printf(out, "  The check: %s, line %d\n", journal_get(j, "file"),
                     line);
        bytes_printf(out, "    %.*s\n", WIDTH - 6, source);
    }
    const char *faults = journal_get(j, "faults");
    if (*faults)
        bytes_printf(out, "  Faults: %s\n", faults);
    const char *again = journal_get(j, "again");
    if (*again)
        bytes_printf(out, "  Run it again: %s\n", again);
}

/* Unit tests have none, and of a hidden check nothing is told. */
static bool has_wire(const struct journal *j)
{
    bool has = false;
    for (size_t i = 0; i < j->count; i++) {
        if (j->events[i].kind == EVENT_START &&
            strcmp(j->events[i].actor, "unit") == 0)
            return false;
        has |= j->events[i].kind != EVENT_ABOUT;
    }
    return has;
}

/* It crashed, or was never run: no rule of the wire was broken first. */
static bool is_about_the_program(const struct journal *j)
{
    static const char *const codes[] = {"sanitizer", "killed", "not-started"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(journal_get(j, "code"), codes[i]) == 0)
            return true;
    return false;
}

/* Sentences about the student's code. */
static void add_places(const struct journal *j, const char *key,
                       struct bytes *out)
{
    size_t position = 0;
    const char *text;
    while ((text = journal_each_about(j, key, &position))) {
        bytes_add_text(out, "  ");
        wrap(out, "", 4, text);
    }
}

void report_failure(const struct journal *j, const struct report_options *o,
                    struct bytes *out)
{
    struct ladder_options ladder = {.plain = o->plain, .rows = LADDER_ROWS};
    const char *word = verdict_word(j);

    bytes_printf(out, "\n%s  %s: %s\n\n",
                 coloured(strcmp(word, "advice") == 0 ? "ADVICE" : word, o),
                 journal_get(j, "name"), journal_get(j, "title"));
    wrap(out, "  ", 2, journal_get(j, "sentence"));
    if (*journal_get(j, "last-words"))
        wrap(out, "  Its last words: ", 4, journal_get(j, "last-words"));
    if (*journal_get(j, "before"))
        wrap(out, "  Before that: ", 4, journal_get(j, "before"));
    add_places(j, "place", out);
    add_places(j, "waits", out);
    if (*journal_get(j, "last-call"))
        add_calls(j, out);
    else if (*journal_get(j, "last-fault"))
        wrap(out, "  Before that: ", 4, journal_get(j, "last-fault"));
    add_difference(j, out);
    add_doing(j, out);
    if (has_wire(j)) {
        bytes_add_text(out, "\n  What went over the wire\n");
        ladder_draw(j, &ladder, out);
    }
    if (!is_about_the_program(j))
        add_rules(j, out);
    if (*journal_get(j, "hint")) {
        bytes_add_text(out, "\n");
        wrap(out, "  Hint: ", 4, journal_get(j, "hint"));
    }
    if (*journal_get(j, "read"))
        bytes_printf(out, "  Read: %s\n", journal_get(j, "read"));
    add_output(j, out);
    add_step(j, out);
}

void report_show(const struct journal *j, const struct report_options *o,
                 FILE *file)
{
    struct bytes out = {0};
    struct ladder_options ladder = {.plain = o->plain, .transcript = true};
    bytes_printf(&out, "  %s\n\n", journal_get(j, "title"));
    ladder_draw(j, &ladder, &out);
    fwrite(out.data, 1, out.length, file);
    bytes_free(&out);
}

static bool is_told_in_full(const struct journal *j)
{
    const char *verdict = journal_get(j, "verdict");
    return strcmp(verdict, "fail") == 0 || strcmp(verdict, "advice") == 0;
}

static void add_totals(const struct totals *t, struct bytes *out)
{
    bytes_add_text(out, "\n");
    if (t->not_run)
        bytes_printf(out, "  %d not run: a check that they need has failed\n",
                     t->not_run);
    if (t->skipped)
        bytes_printf(out, "  %d skipped, for the reason given above\n",
                     t->skipped);
    if (t->advice)
        bytes_printf(out, "  %d advice: a rule that says should\n", t->advice);
    if (t->undecided)
        bytes_printf(out,
                     "  %d undecided: the harness could not tell; this never "
                     "counts against you\n",
                     t->undecided);
    bytes_printf(out, "  points: %d of %d", t->points, t->points_possible);
    if (t->points_held)
        bytes_printf(out,
                     ", and %d that are held until your instructor has looked",
                     t->points_held);
    bytes_add_text(out, "\n");
    bytes_printf(out, "%d passed, %d failed\n", t->passed, t->failed);
}

void report_text(const struct journal *journals, int count,
                 const struct report_options *o, struct bytes *out)
{
    struct totals t = totals_of(journals, count);
    for (int i = 0; i < count && !o->listed; i++)
        add_line(&journals[i], o, out);
    for (int i = 0; i < count; i++)
        if (is_told_in_full(&journals[i]))
            report_failure(&journals[i], o, out);
    add_totals(&t, out);
}
