/* A line of a check file, and the words on it. */
#include "parser.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void parser_begin(struct parser *p, struct script *script,
                  struct script_error *error, const char *text, size_t length)
{
    *p = (struct parser){.script = script,
                         .error = error,
                         .next = text,
                         .end = text + length,
                         .line_start = text};
}

int parser_column(const struct parser *p, int token)
{
    if (token < p->token_count)
        return p->tokens[token].column;
    return (int)p->line_length + 1;
}

/* Only the first error counts: what follows it may be its consequence. */
bool parser_fail(struct parser *p, int column, const char *format, ...)
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

struct part *add_part(struct part **parts, int *count, enum part_kind kind)
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

int hex_digit(char c)
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
    return parser_fail(
        p, (int)(*c - p->line_start) + 1,
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
                return parser_fail(
                    p, (int)(dollar - p->line_start) + 1,
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
        return parser_fail(p, (int)(start - p->line_start) + 1,
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
        return parser_fail(p, t->column, "expected a number between 0 and %ld",
                           LONG_MAX);
    *c = end;
    return true;
}

static bool lex_sign(struct parser *p, const char **c, struct token *t)
{
    static const char *const signs[] = {"==", "=", "..", "<", "{",
                                        "}",  ":", "+",  "[", "]"};
    t->kind = TOKEN_SIGN;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (strncmp(*c, signs[i], n) == 0) {
            memcpy(t->text, signs[i], n + 1);
            *c += n;
            return true;
        }
    }
    return parser_fail(p, t->column,
                       "expected a word, a number, a text in quotes, or one of "
                       "== = < { } : + [ ]");
}

void parser_free_tokens(struct parser *p)
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

    parser_free_tokens(p);
    while (c < end) {
        if (*c == '#')
            break;
        if (isspace((unsigned char)*c)) {
            c++;
            continue;
        }
        if (p->token_count == TOKENS_MAX)
            return parser_fail(
                p, (int)(c - p->line_start) + 1,
                "this line is too long; expected at most %d words", TOKENS_MAX);
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
                return parser_fail(p, t->column, "expected a name after $");
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
bool parser_next_line(struct parser *p)
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

struct token *parser_look(struct parser *p)
{
    return p->position < p->token_count ? &p->tokens[p->position] : NULL;
}

bool token_is(const struct token *t, enum token_kind kind, const char *text)
{
    return t && t->kind == kind && strcmp(t->text, text) == 0;
}

bool parser_take(struct parser *p, enum token_kind kind, const char *text)
{
    if (!token_is(parser_look(p), kind, text))
        return false;
    p->position++;
    return true;
}

bool parser_end_of_line(struct parser *p)
{
    if (p->position < p->token_count)
        return parser_fail(p, parser_column(p, p->position),
                           "expected the end of the line here");
    return true;
}

bool is_capitals(const char *word)
{
    if (!isupper((unsigned char)*word))
        return false;
    for (; *word; word++)
        if (!isupper((unsigned char)*word) && !isdigit((unsigned char)*word))
            return false;
    return true;
}
