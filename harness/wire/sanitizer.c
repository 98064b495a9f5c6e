#include "sanitizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct kind {
    const char *name; /* the sanitizer's */
    const char *verb; /* NULL: reads or writes */
    const char *what;
};

static const struct kind kinds[] = {
    {"heap-buffer-overflow", NULL, "beyond the end of a block of memory"},
    {"stack-buffer-overflow", NULL, "beyond the end of a local variable"},
    {"stack-buffer-underflow", NULL, "before the begin of a local variable"},
    {"global-buffer-overflow", NULL, "beyond the end of a variable"},
    {"heap-use-after-free", "uses", "memory that was given back before"},
    {"stack-use-after-return", "uses",
     "a local variable of a function that is "
     "over"},
    {"stack-use-after-scope", "uses",
     "a local variable of a block that is over"},
    {"attempting double-free", "gives back",
     "memory that was given back "
     "before"},
    {"attempting free on address", "gives back",
     "memory that did not come "
     "from malloc()"},
    {"SEGV on unknown address", NULL, "where no memory is"},
    {"stack-overflow", "calls",
     "itself again and again, until the stack is "
     "full"},
    {"data race", NULL,
     "what another thread writes, and no lock is between "
     "them"},
};

struct frame {
    char function[80], file[80];
    int line;
    bool is_mine; /* the student's */
};

/* A line "    #1 0x55 in collect message.c:12" of a stack. The file of a
 * student's has no folder; that of the kit or of the C library has one. */
static bool read_frame(const char *line, struct frame *f)
{
    char path[256];
    int skip = 0;
    if (sscanf(line, " #%*d %*s in %79s %n", f->function, &skip) < 1 || !skip)
        /* The thread sanitizer has the address at the end. */
        if (sscanf(line, " #%*d %79s %n", f->function, &skip) < 1 || !skip)
            return false;
    if (sscanf(line + skip, "%255[^: \n]:%d", path, &f->line) != 2)
        return false;
    const char *slash = strrchr(path, '/');
    f->is_mine = slash == NULL;
    snprintf(f->file, sizeof f->file, "%.79s", slash ? slash + 1 : path);
    return strncmp(path, "..", 2) != 0;
}

/* Who is asked where it is tells so in a handler (tests/library/suite.c,
 * harness/grade/last_look.c); it is where that was called. */
#define HANDLER " in tell_place "

/* Of the stack that begins behind TEXT. */
struct place {
    struct frame own;    /* the student's innermost; or else as the first */
    struct frame first;  /* of all; it may be the kit's */
    struct frame caller; /* the one above their own, if that is theirs, too; or
                            else its function is empty */
    struct frame main; /* the first in their program's main file, and the one */
    struct frame above; /* above that; or as own and caller */
};

/* server.c, loop_server.c, client.c; and none of the library's. */
static bool is_main(const struct frame *f)
{
    static const char *const names[] = {"server.c", "client.c"};
    size_t length = strlen(f->file), name = strlen(names[0]);
    return f->is_mine && length >= name &&
           (strcmp(f->file + length - name, names[0]) == 0 ||
            strcmp(f->file + length - name, names[1]) == 0);
}

static bool find_place(const char *text, struct place *p)
{
    struct frame f;
    bool found = false, inside = false, is_next = false, is_above = false;
    memset(p, 0, sizeof *p);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *mark = line + strspn(line, " ");
        if (*mark != '#') {
            if (inside)
                break;
            continue;
        }
        inside = true;
        if (strstr(mark, HANDLER) &&
            strstr(mark, HANDLER) < mark + strcspn(mark, "\n")) {
            found = false;
            continue;
        }
        if (!read_frame(line, &f))
            continue;
        if (!found)
            p->first = f;
        if (!found || (f.is_mine && !p->own.is_mine)) {
            p->own = f;
            is_next = true;
        } else {
            if (is_next && f.is_mine)
                p->caller = f;
            is_next = false;
        }
        if (!p->main.function[0] && is_main(&f)) {
            p->main = f;
            is_above = true;
        } else {
            if (is_above && f.is_mine)
                p->above = f;
            is_above = false;
        }
        found = true;
    }
    if (!p->main.function[0]) {
        p->main = p->own;
        p->above = p->caller;
    }
    return found;
}

static void add_frame(const struct frame *f, const struct frame *inside,
                      struct bytes *out)
{
    bytes_printf(out, " in %s(), %s line %d", f->function, f->file, f->line);
    if (strcmp(f->function, inside->function) != 0)
        bytes_printf(out, ", inside %s()", inside->function);
}

static void add_place(const char *text, bool with_caller, struct bytes *out)
{
    struct place p;
    if (!find_place(text, &p))
        return;
    add_frame(&p.own, &p.first, out);
    if (with_caller && p.caller.function[0])
        bytes_printf(out, ", called by %s()", p.caller.function);
}

void sanitizer_place(const char *text, struct bytes *out)
{
    add_place(text, false, out);
}

void sanitizer_own_place(const char *text, struct bytes *out)
{
    struct place p;
    if (find_place(text, &p) && p.own.is_mine)
        add_frame(&p.own, &p.own, out);
}

void sanitizer_main_place(const char *text, struct bytes *out)
{
    struct place p;
    if (!find_place(text, &p) || !p.own.is_mine)
        return;
    add_frame(&p.main, &p.own, out);
    if (p.above.function[0])
        bytes_printf(out, ", called in line %d of %s()", p.above.line,
                     p.above.function);
}

#define FIRST_FRAME "    #0 "
#define STACKS_MAX 32

void sanitizer_first(const char *text, struct bytes *out)
{
    while (!out->length && (text = strstr(text, FIRST_FRAME))) {
        sanitizer_place(text, out);
        text += strlen(FIRST_FRAME);
    }
}

void sanitizer_most_frequent(const char *text, struct bytes *out)
{
    struct bytes places[STACKS_MAX] = {{0}};
    int times[STACKS_MAX] = {0}, count = 0, most = 0;

    while (text && (text = strstr(text, FIRST_FRAME)) && count < STACKS_MAX) {
        int same = 0;
        sanitizer_place(text, &places[count]);
        while (strcmp(bytes_text(&places[same]), bytes_text(&places[count])))
            same++;
        times[same]++;
        count++;
        text = strstr(text, "\n\n");
    }
    for (int i = 0; i < count; i++)
        if (times[i] > times[most])
            most = i;
    if (count)
        bytes_add_text(out, bytes_text(&places[most]));
    for (int i = 0; i < count; i++)
        bytes_free(&places[i]);
}

static void add_leak(const char *leak, const char *name, struct bytes *out)
{
    unsigned long size = 0, count = 0;
    const char *summary = strstr(leak, "SUMMARY: ");
    const char *direct = strstr(leak, "Direct leak of");
    if (summary)
        sscanf(summary, "SUMMARY: %*s %lu byte(s) leaked in %lu", &size,
               &count);
    bytes_printf(
        out, "the %s " SANITIZER_LEAK ": %lu byte%s in %lu block%s, made", name,
        size, size == 1 ? "" : "s", count, count == 1 ? "" : "s");
    sanitizer_place(direct ? direct : leak, out);
}

/* The local variable that lies in front of where it went: the sanitizer may
 * name the one behind. */
static bool find_variable(const char *error, char *name, unsigned long *size)
{
    static const char at[] = "Memory access at offset ";
    const char *mark = strstr(error, at);
    const char *line = strstr(error, "This frame has ");
    unsigned long offset = mark ? strtoul(mark + strlen(at), NULL, 10) : 0;
    unsigned long begin, end;

    for (; mark && line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, " [%lu, %lu) '%79[^']'", &begin, &end, name) == 3 &&
            begin <= offset && offset <= end) {
            *size = end - begin;
            return true;
        }
    }
    return false;
}

/* Which variable or block, and how large that is: "buffer", 1024 bytes. */
static void add_object(const char *error, struct bytes *out)
{
    const char *block = strstr(error, "-byte region");
    const char *global = strstr(error, " of global variable '");
    char name[80] = "";
    unsigned long size = 0;

    while (block && block > error && block[-1] >= '0' && block[-1] <= '9')
        block--;
    if (find_variable(error, name, &size) ||
        (global && sscanf(global,
                          " of global variable '%79[^']'%*[^(](%*[^)]) of size "
                          "%lu",
                          name, &size) == 2))
        bytes_printf(out, " (\"%s\", %lu bytes)", name, size);
    else if (block && sscanf(block, "%lu-byte region", &size) == 1)
        bytes_printf(out, " (of %lu bytes)", size);
}

static void add_error(const char *error, const struct kind *kind,
                      const char *name, struct bytes *out)
{
    bool writes = strstr(error, "WRITE of size") ||
                  strstr(error, "Write of size") ||
                  strstr(error, "caused by a WRITE");
    const char *freed = strstr(error, "\nfreed by thread");
    bytes_printf(out, "the %s %s %s", name,
                 kind->verb ? kind->verb
                 : writes   ? "writes"
                            : "reads",
                 kind->what);
    if (!kind->verb)
        add_object(error, out);
    bytes_add_text(out, ",");
    add_place(error, true, out);
    if (freed) {
        bytes_add_text(out, "; it was given back");
        add_place(freed, true, out);
    }
}

/* "server.c:16:39: runtime error: signed integer overflow: ..." */
static void add_undefined(const char *text, const char *word, const char *name,
                          struct bytes *out)
{
    struct bytes place = {0};
    word += strlen("runtime error: ");
    bytes_printf(out, "the %s does what C leaves undefined (%.*s)", name,
                 (int)strcspn(word, "\n"), word);
    add_place(word, true, &place);
    if (place.length)
        bytes_printf(out, ",%s", bytes_text(&place));
    bool placed = place.length > 0;
    bytes_free(&place);
    if (placed)
        return;
    const char *line = word;
    while (line > text && line[-1] != '\n')
        line--;
    bytes_printf(out, ", in %.*s", (int)strcspn(line, " "), line);
}

bool sanitizer_ended(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == SANITIZER_STATUS;
}

bool sanitizer_sentence(const char *text, const char *name, struct bytes *out)
{
    const char *leak = strstr(text, "detected memory leaks");
    const char *undefined = strstr(text, "runtime error: ");
    const char *error = strstr(text, "Sanitizer: ");
    if (undefined && (!error || undefined < error)) {
        add_undefined(text, undefined, name, out);
        return true;
    }
    if (leak) {
        add_leak(leak, name, out);
        return true;
    }
    if (!error)
        return false;
    error += strlen("Sanitizer: ");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(error, kinds[i].name, strlen(kinds[i].name)) == 0) {
            add_error(error, &kinds[i], name, out);
            return true;
        }
    bytes_printf(out, "the sanitizer stopped the %s: %.*s", name,
                 (int)strcspn(error, "\n"), error);
    sanitizer_place(error, out);
    return true;
}
