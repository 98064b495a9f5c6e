#include "script.h"

#include "parser.h"
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = memory_text(slash ? slash + 1 : path);
    char *ending = strstr(name, ".wire");
    if (ending && !ending[5])
        *ending = '\0';
    return name;
}

bool script_parse(struct script *s, const char *path, const char *text,
                  size_t length, struct script_error *error)
{
    struct parser *p = memory_get(sizeof *p);
    struct bytes copy = {0};
    *s = (struct script){.path = memory_text(path), .name = name_of(path)};
    *error = (struct script_error){.path = memory_text(path)};
    bytes_add(&copy, text, length);
    parser_begin(p, s, error, copy.data, length);
    while (parser_next_line(p))
        if (!parser_head_line(p))
            parser_step_line(p, &s->steps, &s->step_count, 0);
    const char *lacks =
        !s->title                      ? "a line check \"TITLE\""
        : !s->step_count && !s->hidden ? "at least one step"
        : s->hidden && script_uses(s, "unit")
            ? "no hidden check of unit tests, which students have,"
            : NULL;
    if (!p->failed && lacks) {
        p->line_length = 0;
        parser_fail(p, 1, "expected %s in this file", lacks);
    }
    bool good = !p->failed;
    parser_free_tokens(p);
    free(p);
    bytes_free(&copy);
    return good;
}

/* One text after another, the other list's behind our own. */
static void move_texts(struct text_list *to, struct text_list *from)
{
    for (int i = 0; i < from->count; i++)
        texts_add(to, from->texts[i]);
    texts_free(from);
}

static void move_hints(struct script *to, struct script *from)
{
    size_t size = sizeof *to->hints;
    int count = from->hint_count + to->hint_count;
    from->hints = memory_grow(from->hints, (size_t)(count + 1) * size);
    if (to->hint_count)
        memcpy(from->hints + from->hint_count, to->hints,
               (size_t)to->hint_count * size);
    free(to->hints);
    to->hints = from->hints;
    to->hint_count = count;
    from->hints = NULL;
    from->hint_count = 0;
}

bool script_read_hints(struct script *s, const char *path,
                       struct script_error *error)
{
    struct bytes text = {0};
    struct script more = {0};
    struct parser *p = memory_get(sizeof *p);
    bool there = bytes_read_file(path, &text);

    *error = (struct script_error){.path = memory_text(path)};
    parser_begin(p, &more, error, bytes_text(&text), text.length);
    while (parser_next_line(p))
        if (!parser_head_line(p))
            parser_fail(p, parser_column(p, 0), "expected hint, needs or read");
    bool good = !p->failed;
    if (good && there) {
        move_hints(s, &more);
        move_texts(&s->needs, &more.needs);
        if (more.read) {
            free(s->read);
            s->read = more.read;
            more.read = NULL;
        }
    }
    parser_free_tokens(p);
    free(p);
    script_free(&more);
    bytes_free(&text);
    return good;
}

bool script_read(struct script *s, const char *path, struct script_error *error)
{
    struct bytes text = {0};
    if (!bytes_read_file(path, &text)) {
        *s = (struct script){.path = memory_text(path), .name = name_of(path)};
        *error = (struct script_error){.path = memory_text(path)};
        char message[256];
        snprintf(message, sizeof message, "cannot read it: %s",
                 strerror(errno));
        error->message = memory_text(message);
        bytes_free(&text);
        return false;
    }
    bool good = script_parse(s, path, bytes_text(&text), text.length, error);
    bytes_free(&text);
    return good;
}

void script_free(struct script *s)
{
    free(s->path);
    free(s->name);
    free(s->title);
    free(s->read);
    texts_free(&s->rules);
    texts_free(&s->needs);
    texts_free(&s->environment);
    free(s->actors);
    steps_free(s->steps, s->step_count);
    for (int i = 0; i < s->hint_count; i++) {
        for (int k = 0; k < HINT_CLAUSES_MAX; k++)
            bytes_free(&s->hints[i].clauses[k].what);
        free(s->hints[i].text);
    }
    free(s->hints);
    *s = (struct script){0};
}

void script_error_show(const struct script_error *e, struct bytes *out)
{
    bytes_printf(out, "%s", e->path);
    if (e->line)
        bytes_printf(out, ":%d:%d", e->line, e->column);
    bytes_printf(out, ": %s\n", e->message ? e->message : "");
    if (!e->text)
        return;
    bytes_printf(out, "%5d | %s\n      | ", e->line, e->text);
    for (int i = 1; i < e->column; i++)
        bytes_add_text(out, e->text[i - 1] == '\t' ? "\t" : " ");
    bytes_add_text(out, "^\n");
}

void script_error_free(struct script_error *e)
{
    free(e->path);
    free(e->text);
    free(e->message);
    *e = (struct script_error){0};
}

static bool any_does(const struct step *steps, int count, verb_function *what)
{
    for (int i = 0; i < count; i++)
        if (steps[i].kind == STEP_DO
                ? steps[i].verb->run == what
                : any_does(steps[i].body, steps[i].body_count, what))
            return true;
    return false;
}

bool script_does(const struct script *s, verb_function *what)
{
    return any_does(s->steps, s->step_count, what);
}

static bool any_rounds(const struct step *steps, int count)
{
    for (int i = 0; i < count; i++)
        if (steps[i].kind == STEP_ROUNDS ||
            any_rounds(steps[i].body, steps[i].body_count))
            return true;
    return false;
}

bool script_has_rounds(const struct script *s)
{
    return any_rounds(s->steps, s->step_count);
}

bool script_uses(const struct script *s, const char *actor)
{
    return script_actor(s, actor) >= 0;
}
