/* Bytes, as a check writes them: texts, names, hex, fill, file. */
#include "parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void value_free(struct value *v)
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
bool parser_plain_text(struct parser *p, struct bytes *out)
{
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_TEXT)
        return parser_fail(p, parser_column(p, p->position),
                           "expected a text in quotes here");
    for (int i = 0; i < t->part_count; i++) {
        if (t->parts[i].kind != PART_BYTES)
            return parser_fail(
                p, t->column,
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
    int column = parser_column(p, p->position);
    bool good = parser_plain_text(p, &text);
    struct part *part = add_part(&v->parts, &v->count, PART_BYTES);

    for (size_t i = 0; good && i < text.length; i++) {
        if (text.data[i] == ' ')
            continue;
        int high = hex_digit(text.data[i]);
        int low = i + 1 < text.length ? hex_digit(text.data[i + 1]) : -1;
        if (high < 0 || low < 0) {
            good = parser_fail(p, column + 1 + (int)i,
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
    struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_NUMBER)
        return parser_fail(p, parser_column(p, p->position),
                           "expected a number of bytes after fill");
    size_t count = (size_t)t->number;
    p->position++;
    struct part *part = add_part(&v->parts, &v->count, PART_FILL);
    part->count = count;
    int column = parser_column(p, p->position);
    if (!parser_plain_text(p, &part->bytes))
        return false;
    if (!part->bytes.length)
        return parser_fail(p, column,
                           "expected a pattern of at least one byte");
    return true;
}

/* file "path": relative to the check file */
static bool parse_file(struct parser *p, struct value *v)
{
    struct bytes path = {0}, name = {0};
    const char *slash = strrchr(p->script->path, '/');
    int column = parser_column(p, p->position);
    bool good = parser_plain_text(p, &name);

    if (good) {
        if (slash && name.length && name.data[0] != '/')
            bytes_add(&path, p->script->path,
                      (size_t)(slash - p->script->path) + 1);
        bytes_add(&path, name.data, name.length);
        struct part *part = add_part(&v->parts, &v->count, PART_BYTES);
        if (!bytes_read_file(bytes_text(&path), &part->bytes))
            good = parser_fail(p, column, "cannot read %s: %s", path.data,
                               strerror(errno));
    }
    bytes_free(&path);
    bytes_free(&name);
    return good;
}

bool token_starts_bytes(const struct token *t)
{
    return t &&
           (t->kind == TOKEN_TEXT || t->kind == TOKEN_NAME ||
            token_is(t, TOKEN_WORD, "hex") || token_is(t, TOKEN_WORD, "fill") ||
            token_is(t, TOKEN_WORD, "file"));
}

bool parser_bytes(struct parser *p, struct value *v)
{
    do {
        struct token *t = parser_look(p);
        if (!token_starts_bytes(t))
            return parser_fail(
                p, parser_column(p, p->position),
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
    } while (parser_take(p, TOKEN_SIGN, "+"));
    return true;
}
