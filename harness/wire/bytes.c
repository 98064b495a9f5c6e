#include "bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void)
{
    fputs("wire: out of memory\n", stderr);
    exit(2);
}

void *memory_grow(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *memory_get(size_t size)
{
    return memset(memory_grow(NULL, size), 0, size);
}

char *memory_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memory_get(size), text, size);
}

void bytes_free(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

void bytes_clear(struct bytes *b)
{
    b->length = 0;
    if (b->data)
        b->data[0] = '\0';
}

static void bytes_reserve(struct bytes *b, size_t more)
{
    if (b->length + more + 1 <= b->capacity)
        return;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < b->length + more + 1)
        capacity *= 2;
    b->data = memory_grow(b->data, capacity);
    b->capacity = capacity;
}

void bytes_add(struct bytes *b, const void *data, size_t length)
{
    bytes_reserve(b, length);
    if (length)
        memcpy(b->data + b->length, data, length);
    b->length += length;
    b->data[b->length] = '\0';
}

void bytes_add_text(struct bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_printf(struct bytes *b, const char *format, ...)
{
    va_list first, again;
    va_start(first, format);
    va_copy(again, first);
    int length = vsnprintf(NULL, 0, format, first);
    va_end(first);
    if (length > 0) {
        bytes_reserve(b, (size_t)length);
        vsnprintf(b->data + b->length, (size_t)length + 1, format, again);
        b->length += (size_t)length;
    }
    va_end(again);
}

void bytes_drop(struct bytes *b, size_t n)
{
    if (n >= b->length) {
        bytes_clear(b);
        return;
    }
    memmove(b->data, b->data + n, b->length - n + 1);
    b->length -= n;
}

bool bytes_equal(const struct bytes *b, const void *data, size_t length)
{
    return b->length == length &&
           (length == 0 || memcmp(b->data, data, length) == 0);
}

bool bytes_contain(const struct bytes *b, const void *data, size_t length)
{
    return length == 0 ||
           (b->length && memmem(b->data, b->length, data, length) != NULL);
}

const char *bytes_text(const struct bytes *b)
{
    return b->data ? b->data : "";
}

/* One byte in the notation of a C string; returns its columns. */
static size_t escape(unsigned char c, unsigned char next, char out[5])
{
    static const char names[] = "\a\b\t\n\v\f\r\"\\";
    static const char letters[] = "abtnvfr\"\\";
    const char *name = c ? strchr(names, c) : NULL;

    if (name) {
        out[0] = '\\';
        out[1] = letters[name - names];
        return 2;
    }
    if (c == '\0' && (next < '0' || next > '9')) {
        out[0] = '\\';
        out[1] = '0';
        return 2;
    }
    if (c < 0x20 || c >= 0x7f)
        return (size_t)snprintf(out, 5, "\\x%02x", c);
    out[0] = (char)c;
    return 1;
}

static size_t add_shown(struct bytes *b, const void *data, size_t length,
                        size_t most, bool printable_stays)
{
    const unsigned char *p = data;
    size_t columns = 0;
    /* Where the text may still end if what follows must give way to "...". */
    size_t cut_length = b->length, cut_columns = 0;

    for (size_t i = 0; i < length; i++) {
        char one[5];
        size_t width = 1;
        if (printable_stays && p[i] >= 0x20 && p[i] < 0x7f)
            one[0] = (char)p[i];
        else
            width = escape(p[i], i + 1 < length ? p[i + 1] : 0, one);
        if (columns + width > most) {
            b->length = cut_length;
            bytes_add_text(b, "...");
            return cut_columns + 3;
        }
        bytes_add(b, one, width);
        columns += width;
        if (columns + 3 <= most) {
            cut_length = b->length;
            cut_columns = columns;
        }
    }
    return columns;
}

size_t bytes_add_escaped(struct bytes *b, const void *data, size_t length,
                         size_t most)
{
    return add_shown(b, data, length, most, false);
}

size_t bytes_add_printable(struct bytes *b, const void *data, size_t length,
                           size_t most)
{
    return add_shown(b, data, length, most, true);
}

/* More than anybody writes; a device may have no end. */
#define FILE_MAX (16UL << 20)

bool bytes_read_file(const char *path, struct bytes *out)
{
    char block[65536];
    size_t n;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    while (out->length <= FILE_MAX &&
           (n = fread(block, 1, sizeof block, file)) > 0)
        bytes_add(out, block, n);
    bool good = !ferror(file);
    fclose(file);
    bytes_add(out, "", 0);
    if (good && out->length > FILE_MAX) {
        errno = EFBIG;
        return false;
    }
    return good;
}

void texts_add(struct text_list *list, const char *text)
{
    list->texts = memory_grow(list->texts,
                              (size_t)(list->count + 1) * sizeof *list->texts);
    list->texts[list->count++] = memory_text(text);
}

void texts_set(struct text_list *list, const char *assignment)
{
    size_t name = strcspn(assignment, "=") + 1;
    for (int i = 0; i < list->count; i++)
        if (strncmp(list->texts[i], assignment, name) == 0) {
            free(list->texts[i]);
            list->texts[i] = memory_text(assignment);
            return;
        }
    texts_add(list, assignment);
}

void texts_free(struct text_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->texts[i]);
    free(list->texts);
    *list = (struct text_list){0};
}
