#include "script.h"

#include "verbs.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------- tokens -------------------------------- */

enum token_kind {
    TOKEN_WORD,
    TOKEN_TEXT,
    TOKEN_NUMBER,
    TOKEN_NAME,
    TOKEN_SIGN
};

struct token {
    enum token_kind kind;
    struct part *parts; /* TOKEN_TEXT: literals and names, in order */
    int part_count;
    char text[64]; /* a word, a name without $, a sign */
    long number;
    int column;
};

#define TOKENS_MAX 64

struct parser {
    struct script *script;
    struct script_error *error;
    const char *next, *end; /* what is not read yet */
    const char *line_start;
    size_t line_length;
    int line;
    struct token tokens[TOKENS_MAX];
    int token_count;
    int position; /* the token that is looked at */
    bool failed;
};

static int column_of(const struct parser *p, int token)
{
    if (token < p->token_count)
        return p->tokens[token].column;
    return (int)p->line_length + 1;
}

/* Only the first error counts: what follows it may be its consequence. */
static bool fail(struct parser *p, int column, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    if (p->failed)
        return false;
    p->failed = true;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    p->error->line = p->line;
    p->error->column = column;
    p->error->message = memory_text(message);
    p->error->text = memory_get(p->line_length + 1);
    if (p->line_length)
        memcpy(p->error->text, p->line_start, p->line_length);
    return false;
}

static struct part *add_part(struct part **parts, int *count,
                             enum part_kind kind)
{
    *parts = memory_grow(*parts, (size_t)(*count + 1) * sizeof **parts);
    struct part *part = &(*parts)[(*count)++];
    *part = (struct part){.kind = kind};
    return part;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The escape after a backslash; *c is moved to its last character. */
static bool lex_escape(struct parser *p, const char **c, char *out)
{
    static const char letters[] = "abtnvfr\"\\$";
    static const char values[] = "\a\b\t\n\v\f\r\"\\$";
    const char *letter = **c ? strchr(letters, **c) : NULL;

    if (letter) {
        *out = values[letter - letters];
        return true;
    }
    if (**c == '0') {
        *out = '\0';
        return true;
    }
    if (**c == 'x' && hex_digit((*c)[1]) >= 0 && hex_digit((*c)[2]) >= 0) {
        *out = (char)(hex_digit((*c)[1]) * 16 + hex_digit((*c)[2]));
        *c += 2;
        return true;
    }
    return fail(p, (int)(*c - p->line_start) + 1,
                "no such escape; expected one of \\n \\r \\t \\0 \\xHH \\\" "
                "\\\\ \\$ \\a \\b \\v \\f");
}

/* A name after $; *c is moved behind it. */
static void lex_name(const char **c, const char *end, char *out, size_t size)
{
    size_t n = 0;
    while (*c < end && is_word(**c) && n + 1 < size)
        out[n++] = *(*c)++;
    out[n] = '\0';
    /* A full stop that ends a sentence is no part of the name. */
    while (n && out[n - 1] == '.') {
        out[--n] = '\0';
        --*c;
    }
}

static bool lex_text(struct parser *p, const char **c, struct token *t)
{
    const char *end = p->line_start + p->line_length;
    struct part *part = NULL;
    const char *start = *c;

    t->kind = TOKEN_TEXT;
    for (++*c; *c < end && **c != '"';) {
        if (**c == '$') {
            char name[64];
            const char *dollar = (*c)++;
            lex_name(c, end, name, sizeof name);
            if (!name[0])
                return fail(p, (int)(dollar - p->line_start) + 1,
                            "expected a name after $ (write \\$ for a dollar "
                            "sign)");
            part = add_part(&t->parts, &t->part_count, PART_NAME);
            bytes_add_text(&part->bytes, name);
            part = NULL;
            continue;
        }
        char byte = **c;
        if (byte == '\\') {
            ++*c;
            if (!lex_escape(p, c, &byte))
                return false;
        }
        if (!part)
            part = add_part(&t->parts, &t->part_count, PART_BYTES);
        bytes_add(&part->bytes, &byte, 1);
        ++*c;
    }
    if (*c >= end)
        return fail(p, (int)(start - p->line_start) + 1,
                    "this text has no closing quote; expected \"");
    ++*c;
    return true;
}

static bool lex_number(struct parser *p, const char **c, struct token *t)
{
    char *end;
    errno = 0;
    t->kind = TOKEN_NUMBER;
    t->number = strtol(*c, &end, 10);
    /* "[1..50]": the dots are no part of the number */
    if (errno || (is_word(*end) && *end != '.'))
        return fail(p, t->column, "expected a number between 0 and %ld",
                    LONG_MAX);
    *c = end;
    return true;
}

static bool lex_sign(struct parser *p, const char **c, struct token *t)
{
    static const char *const signs[] = {"==", "..", "<", "{", "}",
                                        ":",  "+",  "[", "]"};
    t->kind = TOKEN_SIGN;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (strncmp(*c, signs[i], n) == 0) {
            memcpy(t->text, signs[i], n + 1);
            *c += n;
            return true;
        }
    }
    return fail(p, t->column,
                "expected a word, a number, a text in quotes, or one of "
                "== < { } : + [ ]");
}

static void free_tokens(struct parser *p)
{
    for (int i = 0; i < p->token_count; i++) {
        for (int k = 0; k < p->tokens[i].part_count; k++)
            bytes_free(&p->tokens[i].parts[k].bytes);
        free(p->tokens[i].parts);
    }
    p->token_count = 0;
    p->position = 0;
}

/* Splits the current line into tokens. */
static bool lex_line(struct parser *p)
{
    const char *c = p->line_start, *end = c + p->line_length;

    free_tokens(p);
    while (c < end) {
        if (*c == '#')
            break;
        if (isspace((unsigned char)*c)) {
            c++;
            continue;
        }
        if (p->token_count == TOKENS_MAX)
            return fail(p, (int)(c - p->line_start) + 1,
                        "this line is too long; expected at most %d words",
                        TOKENS_MAX);
        struct token *t = &p->tokens[p->token_count++];
        *t = (struct token){.column = (int)(c - p->line_start) + 1};
        if (*c == '"') {
            if (!lex_text(p, &c, t))
                return false;
        } else if (*c == '$') {
            c++;
            t->kind = TOKEN_NAME;
            lex_name(&c, end, t->text, sizeof t->text);
            if (!t->text[0])
                return fail(p, t->column, "expected a name after $");
        } else if (isdigit((unsigned char)*c)) {
            const char *word = c;
            while (word < end && is_word(*word))
                word++;
            /* "03-select" is a word, "3" and "1..50" are numbers */
            const char *digits = c;
            while (digits < end && isdigit((unsigned char)*digits))
                digits++;
            if (digits < word && *digits != '.') {
                t->kind = TOKEN_WORD;
                size_t n = (size_t)(word - c);
                if (n >= sizeof t->text)
                    n = sizeof t->text - 1;
                memcpy(t->text, c, n);
                c = word;
            } else if (!lex_number(p, &c, t)) {
                return false;
            }
        } else if (is_word(*c) && *c != '.') {
            t->kind = TOKEN_WORD;
            lex_name(&c, end, t->text, sizeof t->text);
        } else if (!lex_sign(p, &c, t)) {
            return false;
        }
    }
    return true;
}

/* The next line with anything on it; false at the end or after an error. */
static bool next_line(struct parser *p)
{
    while (!p->failed && p->next < p->end) {
        const char *newline = memchr(p->next, '\n', (size_t)(p->end - p->next));
        const char *line_end = newline ? newline : p->end;
        p->line_start = p->next;
        p->line_length = (size_t)(line_end - p->next);
        if (p->line_length && p->line_start[p->line_length - 1] == '\r')
            p->line_length--;
        p->next = newline ? newline + 1 : p->end;
        p->line++;
        if (!lex_line(p))
            return false;
        if (p->token_count)
            return true;
    }
    return false;
}

static struct token *look(struct parser *p)
{
    return p->position < p->token_count ? &p->tokens[p->position] : NULL;
}

static bool is_text(const struct token *t, enum token_kind kind,
                    const char *text)
{
    return t && t->kind == kind && strcmp(t->text, text) == 0;
}

static bool take(struct parser *p, enum token_kind kind, const char *text)
{
    if (!is_text(look(p), kind, text))
        return false;
    p->position++;
    return true;
}

static bool expect_end(struct parser *p)
{
    if (p->position < p->token_count)
        return fail(p, column_of(p, p->position),
                    "expected the end of the line here");
    return true;
}

/* ------------------------------- values -------------------------------- */

static void free_value(struct value *v)
{
    for (int i = 0; i < v->count; i++)
        bytes_free(&v->parts[i].bytes);
    free(v->parts);
    *v = (struct value){0};
}

static void copy_parts(struct value *v, const struct token *t)
{
    for (int i = 0; i < t->part_count; i++) {
        struct part *part = add_part(&v->parts, &v->count, t->parts[i].kind);
        bytes_add(&part->bytes, bytes_text(&t->parts[i].bytes),
                  t->parts[i].bytes.length);
    }
}

/* The bytes of a text that holds no names. */
static bool plain_text(struct parser *p, struct bytes *out)
{
    struct token *t = look(p);
    if (!t || t->kind != TOKEN_TEXT)
        return fail(p, column_of(p, p->position),
                    "expected a text in quotes here");
    for (int i = 0; i < t->part_count; i++) {
        if (t->parts[i].kind != PART_BYTES)
            return fail(p, t->column,
                        "a name ($%s) cannot stand here; expected plain text "
                        "(write \\$ for a dollar sign)",
                        bytes_text(&t->parts[i].bytes));
        bytes_add(out, t->parts[i].bytes.data, t->parts[i].bytes.length);
    }
    bytes_add(out, "", 0);
    p->position++;
    return true;
}

static bool parse_hex(struct parser *p, struct value *v)
{
    struct bytes text = {0};
    int column = column_of(p, p->position);
    bool good = plain_text(p, &text);
    struct part *part = add_part(&v->parts, &v->count, PART_BYTES);

    for (size_t i = 0; good && i < text.length; i++) {
        if (text.data[i] == ' ')
            continue;
        int high = hex_digit(text.data[i]);
        int low = i + 1 < text.length ? hex_digit(text.data[i + 1]) : -1;
        if (high < 0 || low < 0) {
            good = fail(p, column + 1 + (int)i,
                        "expected pairs of hexadecimal digits, such as "
                        "\"00 ff\"");
            break;
        }
        char byte = (char)(high * 16 + low);
        bytes_add(&part->bytes, &byte, 1);
        i++;
    }
    bytes_free(&text);
    return good;
}

static bool parse_fill(struct parser *p, struct value *v)
{
    struct token *t = look(p);
    if (!t || t->kind != TOKEN_NUMBER)
        return fail(p, column_of(p, p->position),
                    "expected a number of bytes after fill");
    size_t count = (size_t)t->number;
    p->position++;
    struct part *part = add_part(&v->parts, &v->count, PART_FILL);
    part->count = count;
    int column = column_of(p, p->position);
    if (!plain_text(p, &part->bytes))
        return false;
    if (!part->bytes.length)
        return fail(p, column, "expected a pattern of at least one byte");
    return true;
}

static bool read_file(const char *path, struct bytes *out)
{
    char block[65536];
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    while ((n = fread(block, 1, sizeof block, file)) > 0)
        bytes_add(out, block, n);
    bool good = !ferror(file);
    fclose(file);
    bytes_add(out, "", 0);
    return good;
}

/* file "path": relative to the check file */
static bool parse_file(struct parser *p, struct value *v)
{
    struct bytes path = {0}, name = {0};
    const char *slash = strrchr(p->script->path, '/');
    int column = column_of(p, p->position);
    bool good = plain_text(p, &name);

    if (good) {
        if (slash && name.length && name.data[0] != '/')
            bytes_add(&path, p->script->path,
                      (size_t)(slash - p->script->path) + 1);
        bytes_add(&path, name.data, name.length);
        struct part *part = add_part(&v->parts, &v->count, PART_BYTES);
        if (!read_file(bytes_text(&path), &part->bytes))
            good = fail(p, column, "cannot read %s: %s", path.data,
                        strerror(errno));
    }
    bytes_free(&path);
    bytes_free(&name);
    return good;
}

static bool starts_bytes(const struct token *t)
{
    return t &&
           (t->kind == TOKEN_TEXT || t->kind == TOKEN_NAME ||
            is_text(t, TOKEN_WORD, "hex") || is_text(t, TOKEN_WORD, "fill") ||
            is_text(t, TOKEN_WORD, "file"));
}

static bool parse_bytes(struct parser *p, struct value *v)
{
    do {
        struct token *t = look(p);
        if (!starts_bytes(t))
            return fail(p, column_of(p, p->position),
                        "expected bytes here: \"text\", $NAME, hex \"00 ff\", "
                        "fill N \"pattern\" or file \"path\"");
        if (t->kind == TOKEN_TEXT) {
            copy_parts(v, t);
            p->position++;
        } else if (t->kind == TOKEN_NAME) {
            struct part *part = add_part(&v->parts, &v->count, PART_NAME);
            bytes_add_text(&part->bytes, t->text);
            p->position++;
        } else {
            p->position++;
            bool good = strcmp(t->text, "hex") == 0    ? parse_hex(p, v)
                        : strcmp(t->text, "fill") == 0 ? parse_fill(p, v)
                                                       : parse_file(p, v);
            if (!good)
                return false;
        }
    } while (take(p, TOKEN_SIGN, "+"));
    return true;
}

/* A word (a name, a signal, a call) kept as bytes. */
static void value_from_word(struct value *v, const char *word)
{
    bytes_add_text(&add_part(&v->parts, &v->count, PART_BYTES)->bytes, word);
}

/* -------------------------------- steps -------------------------------- */

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

/* Matches one word of a pattern; true if the token fits it. */
static bool match_word(struct parser *p, struct step *s, const char *word,
                       struct expectation *e)
{
    struct token *t = look(p);
    struct value *v = &s->values[s->value_count];

    if (strcmp(word, "BYTES") == 0) {
        if (!starts_bytes(t)) {
            want(e, p->position, "bytes (\"text\", $NAME, hex, fill, file)");
            return false;
        }
        s->value_count++;
        return parse_bytes(p, v);
    }
    if (strcmp(word, "STRINGS") == 0) {
        while (starts_bytes(look(p)) && s->value_count < STEP_VALUES_MAX)
            if (!parse_bytes(p, &s->values[s->value_count++]))
                return false;
        return true;
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
        free_value(&s->values[i]);
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
    fail(p, column_of(p, e.token), "expected %s", bytes_text(&e.wanted));
    bytes_free(&e.wanted);
    return false;
}

static int add_actor(struct script *s, const char *name, enum actor_kind kind)
{
    s->actors = memory_grow(s->actors,
                            (size_t)(s->actor_count + 1) * sizeof *s->actors);
    struct actor *a = &s->actors[s->actor_count];
    *a = (struct actor){.kind = kind};
    snprintf(a->name, sizeof a->name, "%s", name);
    return s->actor_count++;
}

static int find_actor(const struct script *s, const char *name)
{
    for (int i = 0; i < s->actor_count; i++)
        if (strcmp(s->actors[i].name, name) == 0)
            return i;
    return -1;
}

static bool is_capitals(const char *word)
{
    if (!isupper((unsigned char)*word))
        return false;
    for (; *word; word++)
        if (!isupper((unsigned char)*word) && !isdigit((unsigned char)*word))
            return false;
    return true;
}

/* The actor that a step names; known, or one of those that need no line. */
static int parse_actor(struct parser *p)
{
    struct token *t = look(p);
    if (!t || t->kind != TOKEN_WORD) {
        fail(p, column_of(p, p->position),
             "expected an actor (server, client, a peer such as A) or a word "
             "of the head");
        return -1;
    }
    int actor = find_actor(p->script, t->text);
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
            fail(p, t->column,
                 "no actor \"%s\"; expected server, client, unit, machine, a "
                 "peer in capitals such as A, a declared actor, or a word of "
                 "the head (check, rule, stage, points, timer, needs, read, "
                 "build, hint, peers, actor)",
                 t->text);
            return -1;
        }
        actor = add_actor(p->script, t->text, kind);
    }
    p->position++;
    return actor;
}

static bool parse_member(struct parser *p, struct step *s)
{
    const struct actor *a = &p->script->actors[s->actor];
    if (!take(p, TOKEN_SIGN, "["))
        return true;
    struct token *t = look(p);
    if (!a->last || !t || t->kind != TOKEN_NUMBER || t->number < a->first ||
        t->number > a->last) {
        if (!a->last)
            return fail(p, column_of(p, p->position),
                        "%s is no group; expected a line "
                        "\"peers %s[1..N]\" before",
                        a->name, a->name);
        return fail(p, column_of(p, p->position),
                    "expected a number between %d and %d", a->first, a->last);
    }
    s->member = (int)t->number;
    p->position++;
    if (!take(p, TOKEN_SIGN, "]"))
        return fail(p, column_of(p, p->position), "expected ]");
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
    *s = (struct step){.line = p->line, .column = column_of(p, 0)};
    s->source = trimmed_line(p);
    return s;
}

static bool parse_step_line(struct parser *p, struct step **steps, int *count,
                            int depth);

/* The lines up to the closing brace. */
static bool parse_block(struct parser *p, struct step *s, int depth)
{
    int line = p->line;
    if (!take(p, TOKEN_SIGN, "{"))
        return fail(p, column_of(p, p->position), "expected {");
    if (!expect_end(p))
        return false;
    if (depth == STEP_DEPTH_MAX)
        return fail(p, s->column, "expected at most %d blocks in each other",
                    STEP_DEPTH_MAX);
    struct step *body = NULL;
    int count = 0;
    bool closed = false;
    while (!closed && next_line(p)) {
        if (take(p, TOKEN_SIGN, "}")) {
            closed = true;
            expect_end(p);
        } else {
            parse_step_line(p, &body, &count, depth + 1);
        }
    }
    s->body = body;
    s->body_count = count;
    if (!closed)
        return fail(p, 1, "the block of line %d is not closed; expected }",
                    line);
    return !p->failed;
}

static bool parse_step_line(struct parser *p, struct step **steps, int *count,
                            int depth)
{
    struct step *s = add_step(p, steps, count);

    if (take(p, TOKEN_WORD, "repeat")) {
        struct token *t = look(p);
        s->kind = STEP_REPEAT;
        if (!t || t->kind != TOKEN_NUMBER || t->number < 1)
            return fail(p, column_of(p, p->position),
                        "expected a number of times, 1 or more");
        s->times = t->number;
        p->position++;
        return parse_block(p, s, depth);
    }
    if (take(p, TOKEN_WORD, "together")) {
        s->kind = STEP_TOGETHER;
        s->times = 1;
        return parse_block(p, s, depth);
    }
    s->actor = parse_actor(p);
    if (s->actor < 0 || !parse_member(p, s))
        return false;
    return parse_verb(p, s, p->script->actors[s->actor].kind);
}

/* --------------------------------- head -------------------------------- */

static void add_text(struct text_list *list, const char *text)
{
    list->texts = memory_grow(list->texts,
                              (size_t)(list->count + 1) * sizeof *list->texts);
    list->texts[list->count++] = memory_text(text);
}

static bool head_text(struct parser *p, char **out)
{
    struct bytes text = {0};
    bool good = plain_text(p, &text) && expect_end(p);
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
        return fail(p, column_of(p, 0),
                    "expected one check line; a file holds one check");
    return head_text(p, &p->script->title);
}

static bool head_words(struct parser *p, struct text_list *list,
                       const char *what)
{
    if (p->position == p->token_count)
        return fail(p, column_of(p, p->position), "expected %s", what);
    for (; p->position < p->token_count; p->position++) {
        if (look(p)->kind != TOKEN_WORD)
            return fail(p, look(p)->column, "expected %s", what);
        add_text(list, look(p)->text);
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
    struct token *t = look(p);
    if (!t || t->kind != TOKEN_WORD || strlen(t->text) != 1 ||
        !islower((unsigned char)t->text[0]))
        return fail(p, column_of(p, p->position),
                    "expected the letter of a stage, such as a");
    p->script->stage = t->text[0];
    p->position++;
    return expect_end(p);
}

static bool head_number(struct parser *p, int most, const char *expected,
                        int *out)
{
    struct token *t = look(p);
    if (!t || t->kind != TOKEN_NUMBER || t->number > most)
        return fail(p, column_of(p, p->position), "expected %s", expected);
    *out = (int)t->number;
    p->position++;
    return expect_end(p);
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

static bool head_build(struct parser *p)
{
    if (!take(p, TOKEN_WORD, "sanitized"))
        return fail(p, column_of(p, p->position), "expected sanitized");
    p->script->sanitized = true;
    return expect_end(p);
}

static bool head_peers(struct parser *p)
{
    struct token *t = look(p);
    char name[16];
    long first, last;

    if (!t || t->kind != TOKEN_WORD || !is_capitals(t->text) ||
        strlen(t->text) >= sizeof name || find_actor(p->script, t->text) >= 0)
        return fail(p, column_of(p, p->position),
                    "expected a new name in capitals, as in peers A[1..50]");
    snprintf(name, sizeof name, "%.15s", t->text);
    p->position++;
    if (!take(p, TOKEN_SIGN, "["))
        return fail(p, column_of(p, p->position), "expected [");
    if (!(t = look(p)) || t->kind != TOKEN_NUMBER || t->number < 1)
        return fail(p, column_of(p, p->position),
                    "expected the first number, 1 or more");
    first = t->number;
    p->position++;
    if (!take(p, TOKEN_SIGN, ".."))
        return fail(p, column_of(p, p->position), "expected ..");
    if (!(t = look(p)) || t->kind != TOKEN_NUMBER || t->number < first ||
        t->number - first >= 1000)
        return fail(p, column_of(p, p->position),
                    "expected the last number, %ld to %ld", first, first + 999);
    last = t->number;
    p->position++;
    if (!take(p, TOKEN_SIGN, "]"))
        return fail(p, column_of(p, p->position), "expected ]");
    int actor = add_actor(p->script, name, ACTOR_PEER);
    p->script->actors[actor].first = (int)first;
    p->script->actors[actor].last = (int)last;
    return expect_end(p);
}

static bool head_actor(struct parser *p)
{
    struct token *t = look(p);
    enum actor_kind kind;
    char name[16];

    if (!t || t->kind != TOKEN_WORD || strlen(t->text) >= sizeof name ||
        find_actor(p->script, t->text) >= 0)
        return fail(p, column_of(p, p->position),
                    "expected a new name of at most 15 letters");
    snprintf(name, sizeof name, "%.15s", t->text);
    p->position++;
    if (take(p, TOKEN_WORD, "program"))
        kind = ACTOR_PROGRAM;
    else if (take(p, TOKEN_WORD, "peer"))
        kind = ACTOR_PEER;
    else if (take(p, TOKEN_WORD, "relay"))
        kind = ACTOR_RELAY;
    else
        return fail(p, column_of(p, p->position),
                    "expected program, peer or relay");
    /* udp and unix have their place here when a lesson needs them. */
    if (!take(p, TOKEN_WORD, "tcp"))
        return fail(p, column_of(p, p->position), "expected tcp");
    add_actor(p->script, name, kind);
    return expect_end(p);
}

static bool hint_word(struct parser *p, struct hint *h, const char *expected)
{
    struct token *t = look(p);
    if (!t || t->kind != TOKEN_WORD)
        return fail(p, column_of(p, p->position), "expected %s", expected);
    bytes_add_text(&h->what, t->text);
    p->position++;
    return true;
}

static bool hint_got(struct parser *p, struct hint *h)
{
    static const char *const endings[] = {"eof", "reset", "refused", "nothing"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (take(p, TOKEN_WORD, endings[i])) {
            h->condition = HINT_ENDING;
            bytes_add_text(&h->what, endings[i]);
            return true;
        }
    h->condition = HINT_GOT;
    if (!look(p) || look(p)->kind != TOKEN_TEXT)
        return fail(p, column_of(p, p->position),
                    "expected a text in quotes, eof, reset, refused or "
                    "nothing");
    return plain_text(p, &h->what);
}

static bool hint_output(struct parser *p, struct hint *h,
                        enum hint_condition condition)
{
    h->condition = condition;
    if (!take(p, TOKEN_WORD, "has"))
        return fail(p, column_of(p, p->position), "expected has");
    return plain_text(p, &h->what);
}

static bool hint_condition(struct parser *p, struct hint *h)
{
    if (take(p, TOKEN_WORD, "got"))
        return hint_got(p, h);
    if (take(p, TOKEN_WORD, "blocked")) {
        h->condition = HINT_BLOCKED;
        if (!take(p, TOKEN_WORD, "in"))
            return fail(p, column_of(p, p->position), "expected in");
        return hint_word(p, h, "a call, such as recv");
    }
    if (take(p, TOKEN_WORD, "killed")) {
        h->condition = HINT_KILLED;
        if (!take(p, TOKEN_WORD, "by"))
            return fail(p, column_of(p, p->position), "expected by");
        return hint_word(p, h, "a signal, such as SIGPIPE");
    }
    if (take(p, TOKEN_WORD, "stdout"))
        return hint_output(p, h, HINT_STDOUT);
    if (take(p, TOKEN_WORD, "stderr"))
        return hint_output(p, h, HINT_STDERR);
    if (take(p, TOKEN_WORD, "exited")) {
        h->condition = HINT_EXITED;
        return true;
    }
    if (take(p, TOKEN_WORD, "busy")) {
        h->condition = HINT_BUSY;
        return true;
    }
    return fail(p, column_of(p, p->position),
                "expected got, blocked, exited, killed, busy, stdout or "
                "stderr");
}

static bool head_hint(struct parser *p)
{
    struct script *s = p->script;
    s->hints =
        memory_grow(s->hints, (size_t)(s->hint_count + 1) * sizeof *s->hints);
    struct hint *h = &s->hints[s->hint_count++];
    *h = (struct hint){.condition = HINT_ALWAYS, .line = p->line};

    bool conditional = false;
    if (take(p, TOKEN_WORD, "when")) {
        conditional = true;
        if (!hint_condition(p, h))
            return false;
    } else if (take(p, TOKEN_WORD, "at")) {
        conditional = true;
        h->condition = HINT_STEP;
        if (!plain_text(p, &h->what))
            return false;
    }
    if (conditional && !take(p, TOKEN_SIGN, ":"))
        return fail(p, column_of(p, p->position),
                    "expected : and the text of the hint");
    return head_text(p, &h->text);
}

static const struct {
    const char *word;
    bool (*parse)(struct parser *p);
} head_words_table[] = {
    {"check", head_check},   {"rule", head_rule},   {"stage", head_stage},
    {"points", head_points}, {"timer", head_timer}, {"needs", head_needs},
    {"read", head_read},     {"build", head_build}, {"peers", head_peers},
    {"actor", head_actor},   {"hint", head_hint},
};

/* True where the line began with a word of the head. */
static bool parse_head_line(struct parser *p)
{
    for (size_t i = 0; i < sizeof head_words_table / sizeof *head_words_table;
         i++)
        if (take(p, TOKEN_WORD, head_words_table[i].word)) {
            head_words_table[i].parse(p);
            return true;
        }
    return false;
}

/* --------------------------------- files ------------------------------- */

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
    *s = (struct script){.path = memory_text(path), .name = name_of(path)};
    *error = (struct script_error){.path = memory_text(path)};
    p->script = s;
    p->error = error;
    p->next = text;
    p->end = text + length;
    p->line_start = text;

    while (next_line(p))
        if (!parse_head_line(p))
            parse_step_line(p, &s->steps, &s->step_count, 0);
    if (!p->failed && (!s->title || !s->step_count)) {
        p->line_length = 0;
        fail(p, 1, "expected %s in this file",
             !s->title ? "a line check \"TITLE\"" : "at least one step");
    }
    bool good = !p->failed;
    free_tokens(p);
    free(p);
    return good;
}

bool script_read(struct script *s, const char *path, struct script_error *error)
{
    struct bytes text = {0};
    if (!read_file(path, &text)) {
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

static void free_steps(struct step *steps, int count)
{
    for (int i = 0; i < count; i++) {
        free(steps[i].source);
        clear_values(&steps[i]);
        free_steps(steps[i].body, steps[i].body_count);
    }
    free(steps);
}

static void free_texts(struct text_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->texts[i]);
    free(list->texts);
}

void script_free(struct script *s)
{
    free(s->path);
    free(s->name);
    free(s->title);
    free(s->read);
    free_texts(&s->rules);
    free_texts(&s->needs);
    free(s->actors);
    free_steps(s->steps, s->step_count);
    for (int i = 0; i < s->hint_count; i++) {
        bytes_free(&s->hints[i].what);
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

bool script_uses(const struct script *s, const char *actor)
{
    return find_actor(s, actor) >= 0;
}
