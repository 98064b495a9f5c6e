/* The head of a check: what it is about, and what a hint is good for. */
#include "parser.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool head_text(struct parser *p, char **out)
{
    struct bytes text = {0};
    bool good = parser_plain_text(p, &text) && parser_end_of_line(p);
    if (good) {
        free(*out);
        *out = memory_text(bytes_text(&text));
    }
    bytes_free(&text);
    return good;
}

static bool head_check(struct parser *p)
{
    if (p->script->title)
        return parser_fail(p, parser_column(p, 0),
                           "expected one check line; a file holds one check");
    return head_text(p, &p->script->title);
}

static bool head_words(struct parser *p, struct text_list *list,
                       const char *what)
{
    if (p->position == p->token_count)
        return parser_fail(p, parser_column(p, p->position), "expected %s",
                           what);
    for (; p->position < p->token_count; p->position++) {
        if (parser_look(p)->kind != TOKEN_WORD)
            return parser_fail(p, parser_look(p)->column, "expected %s", what);
        texts_add(list, parser_look(p)->text);
    }
    return true;
}

static bool head_rule(struct parser *p)
{
    return head_words(p, &p->script->rules,
                      "the name of a rule, such as echo.3");
}

static bool head_needs(struct parser *p)
{
    return head_words(p, &p->script->needs, "names of other checks");
}

static bool head_stage(struct parser *p)
{
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_WORD || strlen(t->text) != 1 ||
        !islower((unsigned char)t->text[0]))
        return parser_fail(p, parser_column(p, p->position),
                           "expected the letter of a stage, such as a");
    p->script->stage = t->text[0];
    p->position++;
    return parser_end_of_line(p);
}

static bool head_number(struct parser *p, int most, const char *expected,
                        int *out)
{
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_NUMBER || t->number > most)
        return parser_fail(p, parser_column(p, p->position), "expected %s",
                           expected);
    *out = (int)t->number;
    p->position++;
    return parser_end_of_line(p);
}

static bool head_points(struct parser *p)
{
    return head_number(p, 1000, "a whole number of points, 0 to 1000",
                       &p->script->points);
}

static bool head_timer(struct parser *p)
{
    return head_number(p, 60000, "a whole number of milliseconds, 0 to 60000",
                       &p->script->timer);
}

static bool head_read(struct parser *p)
{
    return head_text(p, &p->script->read);
}

/* The value of a variable: a word, a number or a text. */
static bool env_value(struct parser *p, struct bytes *out)
{
    struct token *t = parser_look(p);
    if (t && t->kind == TOKEN_TEXT)
        return parser_plain_text(p, out);
    if (!t || (t->kind != TOKEN_WORD && t->kind != TOKEN_NUMBER))
        return parser_fail(p, parser_column(p, p->position),
                           "expected a value: a word, a number or a text in "
                           "quotes");
    if (t->kind == TOKEN_NUMBER)
        bytes_printf(out, "%ld", t->number);
    else
        bytes_add_text(out, t->text);
    p->position++;
    return true;
}

static bool head_env(struct parser *p)
{
    struct token *name = parser_look(p);
    struct bytes text = {0};
    if (!name || name->kind != TOKEN_WORD)
        return parser_fail(p, parser_column(p, p->position),
                           "expected NAME=value");
    p->position++;
    if (!parser_take(p, TOKEN_SIGN, "="))
        return parser_fail(p, parser_column(p, p->position),
                           "expected = and a value");
    bytes_printf(&text, "%s=", name->text);
    if (env_value(p, &text) && parser_end_of_line(p))
        texts_set(&p->script->environment, bytes_text(&text));
    bytes_free(&text);
    return !p->failed;
}

static bool head_peers(struct parser *p)
{
    struct token *t = parser_look(p);
    char name[16];
    long first, last;

    if (!t || t->kind != TOKEN_WORD || !is_capitals(t->text) ||
        strlen(t->text) >= sizeof name || script_actor(p->script, t->text) >= 0)
        return parser_fail(
            p, parser_column(p, p->position),
            "expected a new name in capitals, as in peers A[1..50]");
    snprintf(name, sizeof name, "%.15s", t->text);
    p->position++;
    if (!parser_take(p, TOKEN_SIGN, "["))
        return parser_fail(p, parser_column(p, p->position), "expected [");
    if (!(t = parser_look(p)) || t->kind != TOKEN_NUMBER || t->number < 1)
        return parser_fail(p, parser_column(p, p->position),
                           "expected the first number, 1 or more");
    first = t->number;
    p->position++;
    if (!parser_take(p, TOKEN_SIGN, ".."))
        return parser_fail(p, parser_column(p, p->position), "expected ..");
    if (!(t = parser_look(p)) || t->kind != TOKEN_NUMBER || t->number < first ||
        t->number - first >= 1000)
        return parser_fail(p, parser_column(p, p->position),
                           "expected the last number, %ld to %ld", first,
                           first + 999);
    last = t->number;
    p->position++;
    if (!parser_take(p, TOKEN_SIGN, "]"))
        return parser_fail(p, parser_column(p, p->position), "expected ]");
    int actor = script_add_actor(p->script, name, ACTOR_PEER);
    p->script->actors[actor].first = (int)first;
    p->script->actors[actor].last = (int)last;
    return parser_end_of_line(p);
}

static bool head_actor(struct parser *p)
{
    struct token *t = parser_look(p);
    enum actor_kind kind;
    char name[16];

    if (!t || t->kind != TOKEN_WORD || strlen(t->text) >= sizeof name ||
        script_actor(p->script, t->text) >= 0)
        return parser_fail(p, parser_column(p, p->position),
                           "expected a new name of at most 15 letters");
    snprintf(name, sizeof name, "%.15s", t->text);
    p->position++;
    if (parser_take(p, TOKEN_WORD, "program"))
        kind = ACTOR_PROGRAM;
    else if (parser_take(p, TOKEN_WORD, "peer"))
        kind = ACTOR_PEER;
    else if (parser_take(p, TOKEN_WORD, "relay"))
        kind = ACTOR_RELAY;
    else
        return parser_fail(p, parser_column(p, p->position),
                           "expected program, peer or relay");
    /* udp and unix have their place here when a lesson needs them. */
    if (!parser_take(p, TOKEN_WORD, "tcp"))
        return parser_fail(p, parser_column(p, p->position), "expected tcp");
    script_add_actor(p->script, name, kind);
    return parser_end_of_line(p);
}

static bool hint_word(struct parser *p, struct hint_clause *h,
                      const char *expected)
{
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_WORD)
        return parser_fail(p, parser_column(p, p->position), "expected %s",
                           expected);
    bytes_add_text(&h->what, t->text);
    p->position++;
    return true;
}

static bool hint_got(struct parser *p, struct hint_clause *h)
{
    static const char *const endings[] = {"eof", "reset", "refused", "nothing"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (parser_take(p, TOKEN_WORD, endings[i])) {
            h->condition = HINT_ENDING;
            bytes_add_text(&h->what, endings[i]);
            return true;
        }
    h->condition = HINT_GOT;
    if (!parser_look(p) || parser_look(p)->kind != TOKEN_TEXT)
        return parser_fail(p, parser_column(p, p->position),
                           "expected a text in quotes, eof, reset, refused or "
                           "nothing");
    return parser_plain_text(p, &h->what);
}

static bool hint_output(struct parser *p, struct hint_clause *h,
                        enum hint_condition condition)
{
    h->condition = condition;
    if (!parser_take(p, TOKEN_WORD, "has"))
        return parser_fail(p, parser_column(p, p->position), "expected has");
    return parser_plain_text(p, &h->what);
}

static bool hint_condition(struct parser *p, struct hint_clause *h)
{
    if (parser_take(p, TOKEN_WORD, "got"))
        return hint_got(p, h);
    if (parser_take(p, TOKEN_WORD, "blocked")) {
        h->condition = HINT_BLOCKED;
        if (!parser_take(p, TOKEN_WORD, "in"))
            return parser_fail(p, parser_column(p, p->position), "expected in");
        return hint_word(p, h, "a call, such as recv");
    }
    if (parser_take(p, TOKEN_WORD, "fault")) {
        h->condition = HINT_FAULT;
        if (!parser_take(p, TOKEN_WORD, "in"))
            return parser_fail(p, parser_column(p, p->position), "expected in");
        return hint_word(p, h, "a call, such as recv");
    }
    if (parser_take(p, TOKEN_WORD, "killed")) {
        h->condition = HINT_KILLED;
        if (!parser_take(p, TOKEN_WORD, "by"))
            return parser_fail(p, parser_column(p, p->position), "expected by");
        return hint_word(p, h, "a signal, such as SIGPIPE");
    }
    if (parser_take(p, TOKEN_WORD, "stdout"))
        return hint_output(p, h, HINT_STDOUT);
    if (parser_take(p, TOKEN_WORD, "stderr"))
        return hint_output(p, h, HINT_STDERR);
    if (parser_take(p, TOKEN_WORD, "exited")) {
        h->condition = HINT_EXITED;
        return true;
    }
    if (parser_take(p, TOKEN_WORD, "busy")) {
        h->condition = HINT_BUSY;
        return true;
    }
    return parser_fail(p, parser_column(p, p->position),
                       "expected got, blocked, fault, exited, killed, busy, "
                       "stdout or stderr");
}

/* hint [at STEP] [when CONDITION...] ... : "TEXT" */
static bool head_hint(struct parser *p)
{
    struct script *s = p->script;
    s->hints =
        memory_grow(s->hints, (size_t)(s->hint_count + 1) * sizeof *s->hints);
    struct hint *h = &s->hints[s->hint_count++];
    *h = (struct hint){.line = p->line};

    while (h->clause_count < HINT_CLAUSES_MAX) {
        struct hint_clause *c = &h->clauses[h->clause_count];
        bool good;
        if (parser_take(p, TOKEN_WORD, "when")) {
            good = hint_condition(p, c);
        } else if (parser_take(p, TOKEN_WORD, "at")) {
            c->condition = HINT_STEP;
            good = parser_plain_text(p, &c->what);
        } else {
            break;
        }
        h->clause_count++;
        if (!good)
            return false;
    }
    if (h->clause_count && !parser_take(p, TOKEN_SIGN, ":"))
        return parser_fail(p, parser_column(p, p->position),
                           "expected : and the text of the hint");
    return head_text(p, &h->text);
}

static bool head_threads(struct parser *p)
{
    p->script->threads = true;
    return parser_end_of_line(p);
}

static bool head_hidden(struct parser *p)
{
    p->script->hidden = true;
    return parser_end_of_line(p);
}

static const struct {
    const char *word;
    bool (*parse)(struct parser *p);
} head_words_table[] = {
    {"check", head_check},   {"rule", head_rule},   {"stage", head_stage},
    {"points", head_points}, {"timer", head_timer}, {"needs", head_needs},
    {"read", head_read},     {"env", head_env},     {"peers", head_peers},
    {"actor", head_actor},   {"hint", head_hint},   {"threads", head_threads},
    {"hidden", head_hidden},
};

/* True where the line began with a word of the head. */
bool parser_head_line(struct parser *p)
{
    for (size_t i = 0; i < sizeof head_words_table / sizeof *head_words_table;
         i++)
        if (parser_take(p, TOKEN_WORD, head_words_table[i].word)) {
            head_words_table[i].parse(p);
            return true;
        }
    return false;
}
