#include "report.h"
#include "totals.h"

#include <stdlib.h>
#include <string.h>

bool report_format_find(const char *name, enum report_format *out)
{
    static const char *const names[] = {"text", "tap", "junit", "json"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum report_format)i;
            return true;
        }
    return false;
}

/* Of a hidden check a report says what it is about, and which rule was broken.
 * The journal that is returned borrows its texts. */
static struct journal without_what_is_hidden(const struct journal *j)
{
    static const char *const keys[] = {
        "name",   "title",     "file",     "kit",      "stage",
        "points", "level",     "verdict",  "again",    "waits-for",
        "rule",   "rule-says", "rule-why", "duration", "held"};
    bool broken =
        journal_verdict_is(j, "fail") || journal_verdict_is(j, "advice");
    struct journal told = {
        .events = memory_get((j->count + 1) * sizeof *told.events)};
    for (size_t i = 0; i < j->count; i++) {
        struct event e = j->events[i];
        bool kept = strcmp(e.key, "sentence") == 0 && !broken;
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            kept |= strcmp(e.key, keys[k]) == 0;
        if (strcmp(e.key, "hidden") == 0 && broken) {
            snprintf(e.key, sizeof e.key, "sentence");
            kept = true;
        }
        if (e.kind == EVENT_ABOUT && kept)
            told.events[told.count++] = e;
    }
    return told;
}

static void report(const struct journal *journals, int count,
                   const struct report_options *o, FILE *out)
{
    struct bytes text = {0};
    switch (o->format) {
    case REPORT_TEXT:
        report_text(journals, count, o, &text);
        break;
    case REPORT_TAP:
        report_tap(journals, count, &text);
        break;
    case REPORT_JUNIT:
        report_junit(journals, count, &text);
        break;
    case REPORT_JSON:
        report_json(journals, count, &text);
        break;
    }
    fwrite(bytes_text(&text), 1, text.length, out);
    bytes_free(&text);
}

void report_all(const struct journal *journals, int count,
                const struct report_options *o, FILE *out)
{
    struct journal *told = memory_get((size_t)(count + 1) * sizeof *told);
    for (int i = 0; i < count; i++)
        told[i] = *journal_get(&journals[i], "hidden")
                      ? without_what_is_hidden(&journals[i])
                      : journals[i];
    report(told, count, o, out);
    for (int i = 0; i < count; i++)
        if (told[i].events != journals[i].events)
            free(told[i].events);
    free(told);
}

/* Which kit has run them; they are all of one grade. */
static const char *kit(const struct journal *journals, int count)
{
    return count ? journal_get(&journals[0], "kit") : "";
}

/* --------------------------------- TAP --------------------------------- */

/* A YAML scalar on one line. JSON strings are YAML strings. */
static void yaml(struct bytes *out, const char *key, const char *value)
{
    if (!*value)
        return;
    bytes_printf(out, "  %s: ", key);
    json_string(out, value, strlen(value));
    bytes_add_text(out, "\n");
}

void report_tap(const struct journal *journals, int count, struct bytes *out)
{
    bytes_printf(out, "TAP version 13\n1..%d\n", count);
    if (*kit(journals, count))
        bytes_printf(out, "# kit %s\n", kit(journals, count));
    for (int i = 0; i < count; i++) {
        const struct journal *j = &journals[i];
        bool bad = journal_verdict_is(j, "fail");
        bytes_printf(out, "%s %d - %s: ", bad ? "not ok" : "ok", i + 1,
                     journal_get(j, "name"));
        for (const char *c = journal_get(j, "title"); *c; c++)
            bytes_add(out, *c == '#' ? "\\#" : c, *c == '#' ? 2 : 1);
        if (!bad && !journal_verdict_is(j, "pass")) {
            bytes_printf(out, " # %s %s",
                         journal_verdict_is(j, "advice") ? "TODO" : "SKIP",
                         journal_get(j, "verdict"));
            const char *waits = journal_get(j, "waits-for");
            if (*waits)
                bytes_printf(out, ": waits for %s", waits);
        }
        bytes_add_text(out, "\n");
        if (!*journal_get(j, "sentence"))
            continue;
        bytes_add_text(out, "  ---\n");
        yaml(out, "message", journal_get(j, "sentence"));
        yaml(out, "rule", journal_get(j, "rule"));
        yaml(out, "expected", journal_get(j, "expected"));
        yaml(out, "actual", journal_get(j, "actual"));
        yaml(out, "hint", journal_get(j, "hint"));
        yaml(out, "file", journal_get(j, "file"));
        bytes_add_text(out, "  ...\n");
    }
}

/* -------------------------------- JUnit -------------------------------- */

/* XML 1.0 has no place for control characters, not even escaped. */
static void xml(struct bytes *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            bytes_add_text(out, "&amp;");
        else if (c == '<')
            bytes_add_text(out, "&lt;");
        else if (c == '>')
            bytes_add_text(out, "&gt;");
        else if (c == '"')
            bytes_add_text(out, "&quot;");
        else if (c == '\n')
            bytes_add_text(out, "&#10;");
        else if (c >= 0x20 && c != 0x7f)
            bytes_add(out, text, 1);
        else
            bytes_add_text(out, "?");
    }
}

static double seconds(const struct journal *j)
{
    return atof(journal_get(j, "duration")) / 1e3;
}

void report_junit(const struct journal *journals, int count, struct bytes *out)
{
    struct totals t = totals_of(journals, count);
    double time = 0;
    for (int i = 0; i < count; i++)
        time += seconds(&journals[i]);
    bytes_printf(out,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
                 "<testsuite name=\"wire\" tests=\"%d\" failures=\"%d\" "
                 "errors=\"%d\" skipped=\"%d\" time=\"%.3f\">\n",
                 count, t.failed, t.undecided, t.skipped + t.not_run + t.advice,
                 time);
    if (*kit(journals, count)) {
        bytes_add_text(out, "<properties><property name=\"kit\" value=\"");
        xml(out, kit(journals, count));
        bytes_add_text(out, "\"/></properties>\n");
    }
    for (int i = 0; i < count; i++) {
        const struct journal *j = &journals[i];
        bytes_add_text(out, "<testcase classname=\"");
        xml(out, journal_get(j, "file"));
        bytes_add_text(out, "\" name=\"");
        xml(out, journal_get(j, "name"));
        bytes_add_text(out, ": ");
        xml(out, journal_get(j, "title"));
        bytes_printf(out, "\" time=\"%.3f\">", seconds(j));
        if (!journal_verdict_is(j, "pass")) {
            const char *tag = journal_verdict_is(j, "fail")        ? "failure"
                              : journal_verdict_is(j, "undecided") ? "error"
                                                                   : "skipped";
            bytes_printf(out, "<%s message=\"", tag);
            xml(out, *journal_get(j, "sentence") ? journal_get(j, "sentence")
                                                 : journal_get(j, "verdict"));
            bytes_add_text(out, "\">");
            if (journal_verdict_is(j, "fail")) {
                struct bytes text = {0};
                struct report_options plain = {.plain = true};
                report_failure(j, &plain, &text);
                xml(out, bytes_text(&text));
                bytes_free(&text);
            }
            bytes_printf(out, "</%s>", tag);
        }
        bytes_add_text(out, "</testcase>\n");
    }
    bytes_add_text(out, "</testsuite>\n</testsuites>\n");
}

/* --------------------------------- JSON -------------------------------- */

static void json_list(struct bytes *out, const struct journal *j,
                      const char *key)
{
    size_t position = 0;
    const char *text;
    bool first = true;
    bytes_printf(out, ",\"%s\":[", key);
    while ((text = journal_each_about(j, key, &position))) {
        if (!first)
            bytes_add_text(out, ",");
        json_string(out, text, strlen(text));
        first = false;
    }
    bytes_add_text(out, "]");
}

void report_json(const struct journal *journals, int count, struct bytes *out)
{
    static const char *const keys[] = {
        "title",    "file",   "stage", "level", "verdict",   "code", "sentence",
        "expected", "actual", "hint",  "read",  "waits-for", "held"};
    struct totals t = totals_of(journals, count);

    bytes_add_text(out, "{");
    if (*kit(journals, count)) {
        bytes_add_text(out, "\"kit\":");
        json_string(out, kit(journals, count), strlen(kit(journals, count)));
        bytes_add_text(out, ",");
    }
    bytes_add_text(out, "\"checks\":[");
    for (int i = 0; i < count; i++) {
        const struct journal *j = &journals[i];
        bytes_printf(out, "%s\n{\"name\":", i ? "," : "");
        json_string(out, journal_get(j, "name"),
                    strlen(journal_get(j, "name")));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            const char *value = journal_get(j, keys[k]);
            if (!*value)
                continue;
            bytes_printf(out, ",\"%s\":", keys[k]);
            json_string(out, value, strlen(value));
        }
        json_list(out, j, "rule");
        json_list(out, j, "last-call");
        json_list(out, j, "doing");
        bytes_printf(out, ",\"points\":%d,\"duration_ms\":%.1f}",
                     atoi(journal_get(j, "points")), seconds(j) * 1e3);
    }
    bytes_printf(out,
                 "\n],\"passed\":%d,\"failed\":%d,\"advice\":%d,\"skipped\":%d,"
                 "\"not_run\":%d,\"undecided\":%d,\"points\":%d,"
                 "\"points_held\":%d,\"points_possible\":%d}\n",
                 t.passed, t.failed, t.advice, t.skipped, t.not_run,
                 t.undecided, t.points, t.points_held, t.points_possible);
}
