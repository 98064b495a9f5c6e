/*
 * parser: what the files that read the check language share. Nobody else
 * includes this; the way in is script.h (a check) and list.h (a list of them).
 *
 *   lexer.c         a line of the file, and the words on it
 *   script_value.c  bytes and numbers
 *   script_step.c   a step, matched against the table of verbs
 *   script_head.c   a line of the head
 *
 * A function that returns bool returns false after parser_fail().
 */
#ifndef WIRE_PARSER_H
#define WIRE_PARSER_H

#include "script.h"

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

/* ------------------------------- lexer.c -------------------------------- */

/* A NUL stands behind the text, as behind all bytes. `script` may be NULL where
 * no line of a check is read. */
void parser_begin(struct parser *p, struct script *script,
                  struct script_error *error, const char *text, size_t length);

/* Splits the next line with anything on it into words; false at the end, or
 * after an error. */
bool parser_next_line(struct parser *p);
void parser_free_tokens(struct parser *p);

/* Says what was expected in that column; only the first error counts, since
 * what follows it may be its consequence. */
bool parser_fail(struct parser *p, int column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int parser_column(const struct parser *p, int token);

/* The word that is next, or NULL; takes it if it is the given one. */
struct token *parser_look(struct parser *p);
bool parser_take(struct parser *p, enum token_kind kind, const char *text);
bool parser_end_of_line(struct parser *p);
bool token_is(const struct token *t, enum token_kind kind, const char *text);
bool is_capitals(const char *word);
int hex_digit(char c);
struct part *add_part(struct part **parts, int *count, enum part_kind kind);

/* ---------------------------- script_value.c ---------------------------- */

void value_free(struct value *v);
bool token_starts_bytes(const struct token *t);
bool parser_bytes(struct parser *p, struct value *v);
/* The bytes of a text that holds no names. */
bool parser_plain_text(struct parser *p, struct bytes *out);

/* ----------------------------- script_step.c ---------------------------- */

bool parser_step_line(struct parser *p, struct step **steps, int *count,
                      int depth);
void steps_free(struct step *steps, int count);
int script_actor(const struct script *s, const char *name);
int script_add_actor(struct script *s, const char *name, enum actor_kind kind);

/* ----------------------------- script_head.c ---------------------------- */

/* True where the line began with a word of the head. */
bool parser_head_line(struct parser *p);

#endif
