/* A step: who does what, matched against the table of verbs. */
#include "faults_plan.h"
#include "parser.h"
#include "verbs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word (a name, a signal, a call) kept as bytes. */
static void value_from_word(struct value *v, const char *word)
{
    bytes_add_text(&add_part(&v->parts, &v->count, PART_BYTES)->bytes, word);
}

/*
 * How far each pattern got, and what the ones that got furthest wanted next:
 * that is the message for a line that fits none.
 */
struct expectation {
    int token;
    struct bytes wanted;
};

/* True if the list ("send, expect") has that entry. */
static bool is_wanted(const struct bytes *wanted, const char *what)
{
    size_t length = strlen(what);
    for (const char *p = bytes_text(wanted); (p = strstr(p, what)); p++)
        if ((p == wanted->data || p[-1] == ' ') &&
            (p[length] == '\0' || p[length] == ','))
            return true;
    return false;
}

static void want(struct expectation *e, int token, const char *what)
{
    if (token < e->token)
        return;
    if (token > e->token) {
        e->token = token;
        bytes_clear(&e->wanted);
    }
    if (is_wanted(&e->wanted, what))
        return;
    if (e->wanted.length)
        bytes_add_text(&e->wanted, ", ");
    bytes_add_text(&e->wanted, what);
}

/* A text of faults, which must be one already when the check is read. The
 * column of what is wrong in it is right as long as it has no escapes. */
static bool parse_faults(struct parser *p, struct value *v)
{
    int column = parser_column(p, p->position) + 1;
    struct part *part = add_part(&v->parts, &v->count, PART_BYTES);
    struct faults_plan plan = {0};
    struct bytes error = {0};
    size_t place;
    bool good = parser_plain_text(p, &part->bytes);
    if (good &&
        !faults_plan_add(&plan, bytes_text(&part->bytes), &place, &error))
        good = parser_fail(p, column + (int)place, "%s", bytes_text(&error));
    faults_plan_free(&plan);
    bytes_free(&error);
    return good;
}

/* Matches one word of a pattern; true if the token fits it. */
static bool match_word(struct parser *p, struct step *s, const char *word,
                       struct expectation *e)
{
    struct token *t = parser_look(p);
    struct value *v = &s->values[s->value_count];

    if (strcmp(word, "BYTES") == 0) {
        if (!token_starts_bytes(t)) {
            want(e, p->position, "bytes (\"text\", $NAME, hex, fill, file)");
            return false;
        }
        s->value_count++;
        return parser_bytes(p, v);
    }
    if (strcmp(word, "STRINGS") == 0) {
        while (token_starts_bytes(parser_look(p)) &&
               s->value_count < STEP_VALUES_MAX)
            if (!parser_bytes(p, &s->values[s->value_count++]))
                return false;
        return true;
    }
    if (strcmp(word, "FAULTS") == 0) {
        if (!t || t->kind != TOKEN_TEXT) {
            want(e, p->position, "rules in quotes");
            return false;
        }
        s->value_count++;
        return parse_faults(p, v);
    }
    if (strcmp(word, "NUMBER") == 0) {
        if (!t || (t->kind != TOKEN_NUMBER && t->kind != TOKEN_NAME)) {
            want(e, p->position, "a number");
            return false;
        }
        s->value_count++;
        v->is_number = t->kind == TOKEN_NUMBER;
        v->number = t->number;
        if (t->kind == TOKEN_NAME)
            bytes_add_text(&add_part(&v->parts, &v->count, PART_NAME)->bytes,
                           t->text);
        p->position++;
        return true;
    }
    if (isupper((unsigned char)*word)) { /* NAME, SIGNAL */
        if (!t || t->kind != TOKEN_WORD) {
            want(e, p->position,
                 strcmp(word, "SIGNAL") == 0 ? "a signal such as SIGTERM"
                                             : "a name");
            return false;
        }
        s->value_count++;
        value_from_word(v, t->text);
        p->position++;
        return true;
    }
    if (t && (t->kind == TOKEN_WORD || t->kind == TOKEN_SIGN) &&
        strcmp(t->text, word) == 0) {
        p->position++;
        return true;
    }
    want(e, p->position, word);
    return false;
}

static void clear_values(struct step *s)
{
    for (int i = 0; i < STEP_VALUES_MAX; i++)
        value_free(&s->values[i]);
    s->value_count = 0;
}

static bool match_pattern(struct parser *p, struct step *s, const char *pattern,
                          struct expectation *e)
{
    char word[32];
    int start = p->position;

    while (*pattern) {
        size_t n = strcspn(pattern, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, pattern);
        pattern += n + (pattern[n] == ' ');
        if (!match_word(p, s, word, e)) {
            if (!p->failed) {
                clear_values(s);
                p->position = start;
            }
            return false;
        }
    }
    if (p->position < p->token_count) {
        want(e, p->position, "the end of the line");
        clear_values(s);
        p->position = start;
        return false;
    }
    return true;
}

static bool parse_verb(struct parser *p, struct step *s, unsigned kind)
{
    struct expectation e = {.token = p->position};

    for (int i = 0; i < verb_count && !p->failed; i++) {
        if (!(verbs[i].actors & kind))
            continue;
        if (match_pattern(p, s, verbs[i].pattern, &e)) {
            s->verb = &verbs[i];
            bytes_free(&e.wanted);
            return true;
        }
    }
    parser_fail(p, parser_column(p, e.token), "expected %s",
                bytes_text(&e.wanted));
    bytes_free(&e.wanted);
    return false;
}

int script_add_actor(struct script *s, const char *name, enum actor_kind kind)
{
    s->actors = memory_grow(s->actors,
                            (size_t)(s->actor_count + 1) * sizeof *s->actors);
    struct actor *a = &s->actors[s->actor_count];
    *a = (struct actor){.kind = kind};
    snprintf(a->name, sizeof a->name, "%s", name);
    return s->actor_count++;
}

int script_actor(const struct script *s, const char *name)
{
    for (int i = 0; i < s->actor_count; i++)
        if (strcmp(s->actors[i].name, name) == 0)
            return i;
    return -1;
}

/* The actor that a step names; known, or one of those that need no line. */
static int parse_actor(struct parser *p)
{
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_WORD) {
        parser_fail(
            p, parser_column(p, p->position),
            "expected an actor (server, client, a peer such as A) or a word "
            "of the head");
        return -1;
    }
    int actor = script_actor(p->script, t->text);
    if (actor < 0) {
        enum actor_kind kind;
        if (strcmp(t->text, "server") == 0 || strcmp(t->text, "client") == 0 ||
            strcmp(t->text, "unit") == 0)
            kind = ACTOR_PROGRAM;
        else if (strcmp(t->text, "machine") == 0)
            kind = ACTOR_MACHINE;
        else if (is_capitals(t->text) &&
                 strlen(t->text) < sizeof((struct actor *)0)->name)
            kind = ACTOR_PEER;
        else {
            parser_fail(
                p, t->column,
                "no actor \"%s\"; expected server, client, unit, machine, a "
                "peer in capitals such as A, a declared actor, or a word of "
                "the head (check, rule, stage, points, timer, needs, read, "
                "env, threads, hint, peers, actor)",
                t->text);
            return -1;
        }
        actor = script_add_actor(p->script, t->text, kind);
    }
    p->position++;
    return actor;
}

static bool parse_member(struct parser *p, struct step *s)
{
    const struct actor *a = &p->script->actors[s->actor];
    if (!parser_take(p, TOKEN_SIGN, "["))
        return true;
    struct token *t = parser_look(p);
    if (!a->last || !t || t->kind != TOKEN_NUMBER || t->number < a->first ||
        t->number > a->last) {
        if (!a->last)
            return parser_fail(p, parser_column(p, p->position),
                               "%s is no group; expected a line "
                               "\"peers %s[1..N]\" before",
                               a->name, a->name);
        return parser_fail(p, parser_column(p, p->position),
                           "expected a number between %d and %d", a->first,
                           a->last);
    }
    s->member = (int)t->number;
    p->position++;
    if (!parser_take(p, TOKEN_SIGN, "]"))
        return parser_fail(p, parser_column(p, p->position), "expected ]");
    return true;
}

static char *trimmed_line(const struct parser *p)
{
    const char *start = p->line_start, *end = start + p->line_length;
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    char *text = memory_get((size_t)(end - start) + 1);
    memcpy(text, start, (size_t)(end - start));
    return text;
}

static struct step *add_step(struct parser *p, struct step **steps, int *count)
{
    *steps = memory_grow(*steps, (size_t)(*count + 1) * sizeof **steps);
    struct step *s = &(*steps)[(*count)++];
    *s = (struct step){.line = p->line, .column = parser_column(p, 0)};
    s->source = trimmed_line(p);
    return s;
}

bool parser_step_line(struct parser *p, struct step **steps, int *count,
                      int depth);

/* The lines up to the closing brace. */
static bool parse_block(struct parser *p, struct step *s, int depth)
{
    int line = p->line;
    if (!parser_take(p, TOKEN_SIGN, "{"))
        return parser_fail(p, parser_column(p, p->position), "expected {");
    if (!parser_end_of_line(p))
        return false;
    if (depth == STEP_DEPTH_MAX)
        return parser_fail(p, s->column,
                           "expected at most %d blocks in each other",
                           STEP_DEPTH_MAX);
    struct step *body = NULL;
    int count = 0;
    bool closed = false;
    while (!closed && parser_next_line(p)) {
        if (parser_take(p, TOKEN_SIGN, "}")) {
            closed = true;
            parser_end_of_line(p);
        } else {
            parser_step_line(p, &body, &count, depth + 1);
        }
    }
    s->body = body;
    s->body_count = count;
    if (!closed)
        return parser_fail(
            p, 1, "the block of line %d is not closed; expected }", line);
    return !p->failed;
}

static bool parse_count(struct parser *p, long least, long *out)
{
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_NUMBER || t->number < least)
        return parser_fail(p, parser_column(p, p->position),
                           "expected a number, %ld or more", least);
    *out = t->number;
    p->position++;
    return true;
}

/* Fewer cannot be compared with each other. */
#define ROUNDS_LEAST 4

bool parser_step_line(struct parser *p, struct step **steps, int *count,
                      int depth)
{
    struct step *s = add_step(p, steps, count);

    if (parser_take(p, TOKEN_WORD, "repeat")) {
        s->kind = STEP_REPEAT;
        return parse_count(p, 1, &s->times) && parse_block(p, s, depth);
    }
    if (parser_take(p, TOKEN_WORD, "rounds")) {
        s->kind = STEP_ROUNDS;
        if (!parse_count(p, ROUNDS_LEAST, &s->times))
            return false;
        if (!parser_take(p, TOKEN_WORD, "keep"))
            return parser_fail(p, parser_column(p, p->position),
                               "expected keep and a number of bytes");
        return parse_count(p, 1, &s->keep) && parse_block(p, s, depth);
    }
    if (parser_take(p, TOKEN_WORD, "together")) {
        s->kind = STEP_TOGETHER;
        s->times = 1;
        return parse_block(p, s, depth);
    }
    s->actor = parse_actor(p);
    if (s->actor < 0 || !parse_member(p, s))
        return false;
    return parse_verb(p, s, p->script->actors[s->actor].kind);
}

void steps_free(struct step *steps, int count)
{
    for (int i = 0; i < count; i++) {
        free(steps[i].source);
        clear_values(&steps[i]);
        steps_free(steps[i].body, steps[i].body_count);
    }
    free(steps);
}
