#include "journal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const kind_names[] = {
    [EVENT_ABOUT] = "about",
    [EVENT_STEP] = "step",
    [EVENT_START] = "start",
    [EVENT_LISTENING] = "listening",
    [EVENT_OUTPUT] = "output",
    [EVENT_SIGNAL] = "signal",
    [EVENT_EXIT] = "exit",
    [EVENT_CONNECT] = "connect",
    [EVENT_ACCEPT] = "accept",
    [EVENT_SENT] = "sent",
    [EVENT_RECEIVED] = "received",
    [EVENT_SENT_FIN] = "sent-fin",
    [EVENT_RECEIVED_FIN] = "received-fin",
    [EVENT_SENT_RESET] = "sent-reset",
    [EVENT_RECEIVED_RESET] = "received-reset",
    [EVENT_REFUSED] = "refused",
    [EVENT_FAULT] = "fault",
    [EVENT_NOTE] = "note",
    [EVENT_FAILED] = "failed",
};

#define KINDS (sizeof kind_names / sizeof *kind_names)

double clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void journal_begin(struct journal *j)
{
    *j = (struct journal){.start = clock_ms()};
}

void journal_free(struct journal *j)
{
    for (size_t i = 0; i < j->count; i++)
        bytes_free(&j->events[i].value);
    free(j->events);
    *j = (struct journal){0};
}

struct event *journal_event(struct journal *j, enum event_kind kind,
                            const char *actor, const char *to)
{
    if (j->count == j->capacity) {
        j->capacity = j->capacity ? 2 * j->capacity : 64;
        j->events = memory_grow(j->events, j->capacity * sizeof *j->events);
    }
    struct event *e = &j->events[j->count++];
    *e = (struct event){.kind = kind, .line = j->line};
    e->ms = clock_ms() - j->start;
    snprintf(e->actor, sizeof e->actor, "%s", actor);
    snprintf(e->to, sizeof e->to, "%s", to);
    return e;
}

void journal_about(struct journal *j, const char *key, const char *text)
{
    struct event *e = journal_event(j, EVENT_ABOUT, "", "");
    snprintf(e->key, sizeof e->key, "%s", key);
    bytes_add_text(&e->value, text);
}

const char *journal_get(const struct journal *j, const char *key)
{
    for (size_t i = j->count; i-- > 0;)
        if (j->events[i].kind == EVENT_ABOUT &&
            strcmp(j->events[i].key, key) == 0)
            return bytes_text(&j->events[i].value);
    return "";
}

bool journal_verdict_is(const struct journal *j, const char *verdict)
{
    return strcmp(journal_get(j, "verdict"), verdict) == 0;
}

const char *journal_each_about(const struct journal *j, const char *key,
                               size_t *position)
{
    for (size_t i = *position; i < j->count; i++)
        if (j->events[i].kind == EVENT_ABOUT &&
            strcmp(j->events[i].key, key) == 0) {
            *position = i + 1;
            return bytes_text(&j->events[i].value);
        }
    return NULL;
}

void journal_text(struct journal *j, enum event_kind kind, const char *actor,
                  const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bytes_add_text(&journal_event(j, kind, actor, "")->value, text);
}

static bool continues(const struct journal *j, enum event_kind kind,
                      const char *actor, const char *to)
{
    const struct event *e = j->count ? &j->events[j->count - 1] : NULL;
    return e && e->kind == kind && kind != EVENT_OUTPUT && e->line == j->line &&
           strcmp(e->actor, actor) == 0 && strcmp(e->to, to) == 0;
}

/* What follows without anything in between is one event: how many reads it
 * took is chance, and a million of one byte would be a million events. */
void journal_data(struct journal *j, enum event_kind kind, const char *actor,
                  const char *to, const void *data, size_t length)
{
    struct event *e = continues(j, kind, actor, to)
                          ? &j->events[j->count - 1]
                          : journal_event(j, kind, actor, to);
    /* What is printed has a limit of its own, in program.c. */
    size_t room =
        kind == EVENT_OUTPUT ? length : JOURNAL_DATA_MAX - e->value.length;
    e->number += (long)length;
    bytes_add(&e->value, data, length < room ? length : room);
}

/* ------------------------------ JSON lines ------------------------------ */

void json_string(struct bytes *out, const char *text, size_t length)
{
    bytes_add_text(out, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            bytes_printf(out, "\\%c", c);
        else if (c == '\n')
            bytes_add_text(out, "\\n");
        else if (c < 0x20 || c >= 0x7f)
            bytes_printf(out, "\\u%04x", c);
        else
            bytes_add(out, &text[i], 1);
    }
    bytes_add_text(out, "\"");
}

static void member(struct bytes *out, const char *name, const char *text,
                   size_t length)
{
    bytes_printf(out, ",\"%s\":", name);
    json_string(out, text, length);
}

void journal_write(const struct journal *j, FILE *file)
{
    struct bytes out = {0};
    for (size_t i = 0; i < j->count; i++) {
        const struct event *e = &j->events[i];
        bytes_clear(&out);
        bytes_printf(&out, "{\"event\":\"%s\",\"ms\":%.3f,\"line\":%d",
                     kind_names[e->kind], e->ms, e->line);
        if (e->actor[0])
            member(&out, "actor", e->actor, strlen(e->actor));
        if (e->to[0])
            member(&out, "to", e->to, strlen(e->to));
        if (e->key[0])
            member(&out, "key", e->key, strlen(e->key));
        if (e->number)
            bytes_printf(&out, ",\"number\":%ld", e->number);
        if (e->value.length)
            member(&out, "value", e->value.data, e->value.length);
        bytes_add_text(&out, "}\n");
        fwrite(out.data, 1, out.length, file);
    }
    bytes_free(&out);
}

static bool read_char(const char **p, char expected)
{
    if (**p != expected)
        return false;
    ++*p;
    return true;
}

/* Four hexadecimal digits of a byte: 0041. */
static bool read_code(const char **p, char *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        const char *digit = **p ? strchr(digits, **p) : NULL;
        if (!digit)
            return false;
        code = code * 16 + (unsigned)(digit - digits);
        ++*p;
    }
    *out = (char)code;
    return code <= 0xff;
}

static bool read_string(const char **p, struct bytes *out)
{
    bytes_clear(out);
    if (!read_char(p, '"'))
        return false;
    while (**p && **p != '"') {
        char c = *(*p)++;
        if (c == '\\') {
            c = **p;
            if (!c)
                return false;
            ++*p;
            if (c == 'n')
                c = '\n';
            else if (c == 'u' ? !read_code(p, &c) : c != '"' && c != '\\')
                return false;
        }
        bytes_add(out, &c, 1);
    }
    return read_char(p, '"');
}

static bool read_kind(const struct bytes *name, enum event_kind *kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (bytes_equal(name, kind_names[i], strlen(kind_names[i]))) {
            *kind = (enum event_kind)i;
            return true;
        }
    return false;
}

static bool read_member(const char **p, const char *name, struct event *e)
{
    struct bytes text = {0};
    bool good = true;

    if (**p == '"') {
        good = read_string(p, &text);
        if (good && strcmp(name, "event") == 0) {
            good = read_kind(&text, &e->kind);
        } else if (strcmp(name, "actor") == 0) {
            snprintf(e->actor, sizeof e->actor, "%s", bytes_text(&text));
        } else if (strcmp(name, "to") == 0) {
            snprintf(e->to, sizeof e->to, "%s", bytes_text(&text));
        } else if (strcmp(name, "key") == 0) {
            snprintf(e->key, sizeof e->key, "%s", bytes_text(&text));
        } else if (strcmp(name, "value") == 0) {
            bytes_clear(&e->value);
            bytes_add(&e->value, bytes_text(&text), text.length);
        }
    } else {
        char *end;
        double number = strtod(*p, &end);
        good = end != *p && number > -1e15 && number < 1e15;
        *p = end;
        if (good && strcmp(name, "ms") == 0)
            e->ms = number;
        else if (good && strcmp(name, "line") == 0)
            e->line = (int)(long)number;
        else if (good && strcmp(name, "number") == 0)
            e->number = (long)number;
    }
    bytes_free(&text);
    return good;
}

static bool read_event(const char *p, struct event *e)
{
    struct bytes name = {0};
    bool good = read_char(&p, '{'), more = good && *p != '}';
    while (more) {
        good = read_string(&p, &name) && read_char(&p, ':') &&
               read_member(&p, bytes_text(&name), e);
        more = good && read_char(&p, ',');
    }
    bytes_free(&name);
    return good && *p == '}' && p[1 + strspn(p + 1, "\r\n")] == '\0';
}

bool journal_read(struct journal *j, FILE *in, int *error_line)
{
    char *line = NULL;
    size_t size = 0;
    bool good = true;

    journal_begin(j);
    for (*error_line = 1; good && getline(&line, &size, in) > 0;
         ++*error_line) {
        struct event *e = journal_event(j, EVENT_ABOUT, "", "");
        good = read_event(line, e);
    }
    free(line);
    return good;
}
