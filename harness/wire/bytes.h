/*
 * bytes: a growing, length-counted buffer, and how bytes are shown to people.
 *
 * Everything that wire sends, receives or prints goes through this type, since
 * data on a wire may hold any byte, NUL included. Running out of memory ends
 * wire with status 2: a judge that cannot remember must not judge.
 */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
    char *data; /* always ends in a NUL that `length` does not count */
    size_t length;
    size_t capacity;
};

/* Memory that is there, or the end of wire with status 2. */
void *memory_get(size_t size);
void *memory_grow(void *old, size_t size);
char *memory_text(const char *text);

void bytes_free(struct bytes *b);
void bytes_clear(struct bytes *b);
void bytes_add(struct bytes *b, const void *data, size_t length);
void bytes_add_text(struct bytes *b, const char *text);
void bytes_printf(struct bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Removes the first n bytes. */
void bytes_drop(struct bytes *b, size_t n);
bool bytes_equal(const struct bytes *b, const void *data, size_t length);
bool bytes_contain(const struct bytes *b, const void *data, size_t length);

/* Adds all that is in the file, 16 MiB at the most; false with errno. */
bool bytes_read_file(const char *path, struct bytes *out);

/* The text, or "" where nothing was ever added. */
const char *bytes_text(const struct bytes *b);

/*
 * Adds data as a C string literal without the quotes: \n, \0, \xHH for what a
 * terminal must not see. `most` columns at the most; what is cut is marked
 * with "...". Returns the columns written.
 */
size_t bytes_add_escaped(struct bytes *b, const void *data, size_t length,
                         size_t most);

/* The same, but what is printable stays as it is, backslashes and quotes too:
 * for text that somebody has escaped already. */
size_t bytes_add_printable(struct bytes *b, const void *data, size_t length,
                           size_t most);

/* A list of texts that it owns. */
struct text_list {
    char **texts;
    int count;
};

void texts_add(struct text_list *list, const char *text);
/* Adds NAME=value; it takes the place of another of that name. */
void texts_set(struct text_list *list, const char *assignment);
void texts_free(struct text_list *list);

#endif
