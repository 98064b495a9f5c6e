#include "ladder.h"

#include <stdlib.h>
#include <string.h>

#define BODY 46 /* columns between the two life lines */

enum direction { TO_RIGHT, TO_LEFT, ASIDE };

struct row {
    double ms;
    char actor[24], to[24];
    enum direction direction;
    struct bytes label; /* what the arrow carries */
    bool data, failed, printed;
    bool program; /* a program speaks, beside its life line */
    bool left;    /* that line is the left one */
    bool fault;   /* what it says is about a call of the program */
    long number;  /* bytes, where it is data */
    struct bytes bytes;
};

struct rows {
    struct row *list;
    size_t count;
};

static struct row *add_row(struct rows *rows, const struct event *e)
{
    rows->list =
        memory_grow(rows->list, (rows->count + 1) * sizeof *rows->list);
    struct row *row = &rows->list[rows->count++];
    *row = (struct row){.ms = e->ms, .direction = ASIDE};
    memcpy(row->actor, e->actor, sizeof row->actor);
    memcpy(row->to, e->to, sizeof row->to);
    return row;
}

static enum direction direction_of(const struct event *e)
{
    switch (e->kind) {
    case EVENT_RECEIVED:
    case EVENT_RECEIVED_FIN:
    case EVENT_RECEIVED_RESET:
    case EVENT_REFUSED:
    case EVENT_ACCEPT:
        return TO_LEFT;
    default:
        /* A relay's events name two programs; the client stands left. */
        return strcmp(e->actor, "server") == 0 ? TO_LEFT : TO_RIGHT;
    }
}

static const char *arrow_words(const struct event *e)
{
    switch (e->kind) {
    case EVENT_CONNECT:
        return e->key[0] ? NULL : "connects";
    case EVENT_ACCEPT:
        return "connects";
    case EVENT_SENT_FIN:
    case EVENT_RECEIVED_FIN:
        return "FIN";
    case EVENT_SENT_RESET:
    case EVENT_RECEIVED_RESET:
        return "RST";
    case EVENT_REFUSED:
        return "RST (refused)";
    default:
        return NULL;
    }
}

/* Rows of data that follow each other in one direction become one. */
static bool joined(struct rows *rows, const struct event *e)
{
    if (!rows->count)
        return false;
    struct row *last = &rows->list[rows->count - 1];
    if (!last->data || last->direction != direction_of(e) ||
        strcmp(last->actor, e->actor) != 0 || strcmp(last->to, e->to) != 0)
        return false;
    if (last->bytes.length < JOURNAL_DATA_MAX)
        bytes_add(&last->bytes, bytes_text(&e->value), e->value.length);
    last->number += e->number;
    return true;
}

static void add_output(struct rows *rows, const struct event *e)
{
    const char *text = bytes_text(&e->value), *end = text + e->value.length;
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        struct row *row = add_row(rows, e);
        row->program = row->printed = true;
        bytes_add_escaped(&row->label, text, (size_t)(stop - text), BODY - 6);
        text = newline ? newline + 1 : end;
    }
}

static void add_event(struct rows *rows, const struct event *e,
                      const struct ladder_options *o)
{
    const char *words = arrow_words(e);
    struct row *row;

    if (words) {
        row = add_row(rows, e);
        row->direction = direction_of(e);
        bytes_add_text(&row->label, words);
        return;
    }
    switch (e->kind) {
    case EVENT_SENT:
    case EVENT_RECEIVED:
        if (joined(rows, e))
            return;
        row = add_row(rows, e);
        row->direction = direction_of(e);
        row->data = true;
        row->number = e->number;
        bytes_add(&row->bytes, bytes_text(&e->value), e->value.length);
        return;
    case EVENT_START:
        row = add_row(rows, e);
        row->program = true;
        bytes_add_text(&row->label, "starts");
        return;
    case EVENT_LISTENING:
        row = add_row(rows, e);
        row->program = true;
        bytes_printf(&row->label, "listens on %s", bytes_text(&e->value));
        return;
    case EVENT_EXIT:
        row = add_row(rows, e);
        row->program = true;
        bytes_add(&row->label, bytes_text(&e->value), e->value.length);
        return;
    case EVENT_SIGNAL:
        row = add_row(rows, e);
        row->program = true;
        bool is_name = e->value.data && e->value.data[0] == 'S';
        bytes_printf(&row->label, is_name ? "is sent %s" : "is %s",
                     bytes_text(&e->value));
        return;
    case EVENT_FAULT:
        row = add_row(rows, e);
        row->program = row->fault = true;
        bytes_add(&row->label, bytes_text(&e->value), e->value.length);
        if (e->number > 1)
            bytes_printf(&row->label, " (x%ld)", e->number);
        return;
    case EVENT_CONNECT: /* with a key: a fake server listens */
        row = add_row(rows, e);
        bytes_add_text(&row->label, "listens");
        return;
    case EVENT_NOTE:
        row = add_row(rows, e);
        bytes_add(&row->label, bytes_text(&e->value), e->value.length);
        return;
    case EVENT_FAILED:
        row = add_row(rows, e);
        row->failed = true;
        bytes_add_text(&row->label, "here the check failed");
        return;
    case EVENT_OUTPUT:
        if (o->transcript)
            add_output(rows, e);
        return;
    default:
        return;
    }
}

static void label_data(struct row *row)
{
    char size[48];
    if (!row->data)
        return;
    snprintf(size, sizeof size, " (%ld byte%s)", row->number,
             row->number == 1 ? "" : "s");
    bytes_add_text(&row->label, "\"");
    bytes_add_escaped(&row->label, bytes_text(&row->bytes), row->bytes.length,
                      BODY - 10 - strlen(size));
    if ((size_t)row->number > row->bytes.length &&
        !strstr(bytes_text(&row->label), "..."))
        bytes_add_text(&row->label, "...");
    bytes_add_text(&row->label, "\"");
    bytes_add_text(&row->label, size);
}

static void repeat(struct bytes *out, const char *text, size_t times)
{
    while (times-- > 0)
        bytes_add_text(out, text);
}

/* The label is ASCII: bytes are columns. */
static void draw_body(const struct row *row, struct bytes *out)
{
    size_t length = row->label.length < BODY - 6 ? row->label.length : BODY - 6;
    size_t rest = BODY - 6 - length;

    if (row->direction == TO_RIGHT) {
        bytes_add_text(out, "──");
        bytes_printf(out, " %.*s ", (int)length, bytes_text(&row->label));
        repeat(out, "─", rest + 1);
        bytes_add_text(out, "▶");
    } else if (row->direction == TO_LEFT) {
        bytes_add_text(out, "◀");
        repeat(out, "─", rest + 1);
        bytes_printf(out, " %.*s ", (int)length, bytes_text(&row->label));
        bytes_add_text(out, "──");
    } else if (row->program) {
        /* What a program prints has a mark: it is no event on the wire. */
        const char *mark = row->printed ? "»" : " ";
        const char *text = bytes_text(&row->label);
        if (row->left)
            bytes_printf(out, " %s %-*.*s", mark, BODY - 3, (int)length, text);
        else
            bytes_printf(out, "%*s%s %.*s ", (int)(BODY - 3 - length), "", mark,
                         (int)length, text);
    } else {
        bytes_printf(out, " %-*.*s", BODY - 1, BODY - 2,
                     bytes_text(&row->label));
    }
}

static void draw_row(const struct row *row, struct bytes *out)
{
    bool relayed =
        strcmp(row->actor, "client") == 0 || strcmp(row->actor, "server") == 0;
    bool left_name = row->program ? row->left : !row->failed && !relayed;
    bytes_printf(out, "%s %7.1f ms ", row->failed ? "  >" : "   ", row->ms);
    bytes_printf(out, "%9s │", left_name ? row->actor : "");
    draw_body(row, out);
    bool right_name = row->program && !row->left;
    bytes_printf(out, "│%s%s\n", right_name ? " " : "",
                 right_name ? row->actor : "");
}

static void draw_sentence(const struct row *row, struct bytes *out)
{
    const char *label = bytes_text(&row->label);
    const char *other = row->to[0] ? row->to : "the program";

    bytes_printf(out, "    After %.1f ms: ", row->ms);
    if (row->failed)
        bytes_add_text(out, label);
    else if (row->printed)
        bytes_printf(out, "%s prints \"%s\"", row->actor, label);
    else if (row->fault)
        bytes_printf(out, "%s's %s", row->actor, label);
    else if (row->direction == ASIDE)
        bytes_printf(out, "%s %s", row->actor, label);
    else if (strcmp(label, "connects") == 0 && row->direction == TO_RIGHT)
        bytes_printf(out, "%s connects to %s", row->actor, other);
    else if (strcmp(label, "connects") == 0)
        bytes_printf(out, "%s accepts a connection of %s", row->actor, other);
    else if (strcmp(row->actor, "server") == 0 || row->direction == TO_RIGHT)
        bytes_printf(out, "%s sends %s to %s", row->actor, label, other);
    else
        bytes_printf(out, "%s sends %s to %s", other, label, row->actor);
    bytes_add_text(out, ".\n");
}

/* Finds out who stands where, and draws the names above the life lines. */
static void place_actors(struct rows *rows, bool draw, struct bytes *out)
{
    bool server = false, client = false, peers = false;
    const char *program = "client"; /* that is neither of the two */
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->list[i];
        bool is_server = strcmp(row->actor, "server") == 0;
        bool is_client = strcmp(row->actor, "client") == 0;
        server |= is_server || strcmp(row->to, "server") == 0;
        client |= is_client || strcmp(row->to, "client") == 0;
        peers |= row->to[0] && !is_server && !is_client;
        if (row->program && !is_server && !is_client)
            program = row->actor;
    }
    const char *left = !peers && server && client ? "client" : "wire";
    const char *right = server ? "server" : client ? "client" : program;
    for (size_t i = 0; i < rows->count; i++)
        rows->list[i].left = strcmp(rows->list[i].actor, left) == 0;
    if (draw)
        bytes_printf(out, "          time %10s%*s\n", left, BODY + 4, right);
}

void ladder_draw(const struct journal *j, const struct ladder_options *o,
                 struct bytes *out)
{
    struct rows rows = {0};
    for (size_t i = 0; i < j->count; i++)
        add_event(&rows, &j->events[i], o);

    size_t first = o->rows && rows.count > o->rows ? rows.count - o->rows : 0;
    place_actors(&rows, !o->plain, out);
    if (first)
        bytes_printf(out, "    (%zu earlier rows are left out)\n", first);
    for (size_t i = 0; i < rows.count; i++) {
        struct row *row = &rows.list[i];
        if (i >= first) {
            label_data(row);
            if (o->plain)
                draw_sentence(row, out);
            else
                draw_row(row, out);
        }
        bytes_free(&row->label);
        bytes_free(&row->bytes);
    }
    free(rows.list);
}
