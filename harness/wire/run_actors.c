/* Who takes part in a check, and the values that its steps have saved. */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What wire needs beside its peers: /proc, pipes, a listener or two. */
#define SPARE_FDS 32

struct program *run_program_named(struct run *r, const char *name)
{
    for (int i = 0; i < r->program_count; i++)
        if (strcmp(r->programs[i].name, name) == 0)
            return &r->programs[i];
    return NULL;
}

struct program *run_program(struct run *r, const struct target *t)
{
    return run_program_named(r, t->actor->name);
}

struct peer *run_peer(struct run *r, const struct target *t)
{
    int offset = t->member ? t->member - t->actor->first : 0;
    return &r->peers[r->peer_of_actor[t->actor_index] + offset];
}

int run_add_peer(struct run *r, const char *name, const char *other)
{
    if (r->peer_count == r->peer_capacity)
        return -1;
    struct peer *p = &r->peers[r->peer_count];
    peer_init(p, name);
    snprintf(p->other, sizeof p->other, "%s", other);
    return r->peer_count++;
}

const char *run_who(struct run *r, const char *actor)
{
    static char texts[4][64];
    static int next;
    char *text = texts[next++ % 4];

    if (run_program_named(r, actor)) {
        snprintf(text, sizeof texts[0], "the %s", actor);
        return text;
    }
    for (int i = 0; i < r->peer_count; i++)
        if (strcmp(r->peers[i].name, actor) == 0) {
            snprintf(text, sizeof texts[0], "%s %s",
                     r->peers[i].listener >= 0 ? "the fake server" : "client",
                     actor);
            return text;
        }
    snprintf(text, sizeof texts[0], "%s", actor);
    return text;
}

/* The program of that name in the folder that was given; in san/ is its build
 * with sanitizers. NULL: there is none. */
static char **command_in_folder(struct run *r, const char *name,
                                const char *flavour)
{
    struct bytes path = {0};
    char **command = r->commands[r->program_count];
    if (!r->options->programs)
        return NULL;
    bytes_printf(&path, "%s/%s%s%s", r->options->programs,
                 flavour ? flavour : "", flavour ? "/" : "", name);
    if (access(bytes_text(&path), X_OK) == 0) {
        command[0] = path.data;
        return command;
    }
    bytes_free(&path);
    return flavour ? command_in_folder(r, name, NULL) : NULL;
}

static char **command_of(struct run *r, const char *name)
{
    const struct options *o = r->options;
    bool server = strcmp(name, "server") == 0;
    if (server && o->server)
        return o->server;
    if (strcmp(name, "client") == 0 && o->client)
        return o->client;
    bool wants_san = strcmp(name, "unit") == 0; /* there is no other build */
    return command_in_folder(r, server ? r->server : name,
                             wants_san ? "san" : r->sanitized);
}

static bool skip_without(struct run *r, const char *name)
{
    if (strcmp(name, "server") == 0 && strcmp(r->server, "server") != 0)
        return run_skip(r, "no %s.c yet; to begin: cp server.c %s.c", r->server,
                        r->server);
    return run_skip(r, "no program was given for the %s", name);
}

/* Room for all peers is taken at once, so that a pointer to one stays good
 * while a relay adds more. */
static void make_room_for_peers(struct run *r)
{
    r->peer_capacity = RELAYED_MAX;
    for (int i = 0; i < r->script->actor_count; i++) {
        const struct actor *a = &r->script->actors[i];
        r->peer_capacity += a->last - a->first + 1;
    }
    r->peers = memory_get((size_t)r->peer_capacity * sizeof *r->peers);
    r->watch = memory_get((size_t)r->peer_capacity * sizeof *r->watch);
}

/* Each peer costs wire a descriptor, and the program another one. */
static bool has_descriptors(struct run *r)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)(r->peer_capacity - RELAYED_MAX + SPARE_FDS);

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= needed)
        return true;
    return run_skip(r,
                    "a process may have %lu descriptors here, and %lu are "
                    "needed (ulimit -n)",
                    (unsigned long)limit.rlim_cur, (unsigned long)needed);
}

static void add_program(struct run *r, const char *name, char **command)
{
    struct program *p = &r->programs[r->program_count++];
    const struct text_list *lists[] = {&r->script->environment,
                                       &r->options->environment};
    program_init(p, name, command);
    p->limits.hidden = &r->options->hidden;
    if (r->places)
        texts_set(&p->environment, r->places);
    else if (r->follows)
        p->trail = memory_get(sizeof *p->trail);
    p->is_fed = r->feeds;
    /* Who runs wire has the last word. */
    for (int l = 0; l < 2; l++)
        for (int i = 0; i < lists[l]->count; i++)
            texts_set(&p->environment, lists[l]->texts[i]);
}

bool run_set_up_actors(struct run *r)
{
    make_room_for_peers(r);
    if (!has_descriptors(r))
        return false;
    if (r->script->actor_count > ACTORS_MAX)
        return run_undecided(r, "more than %d actors", ACTORS_MAX);
    for (int i = 0; i < r->script->actor_count; i++) {
        const struct actor *a = &r->script->actors[i];
        r->peer_of_actor[i] = -1;
        if (a->kind == ACTOR_PROGRAM) {
            if (r->program_count == PROGRAMS_MAX)
                return run_undecided(r, "more than %d programs", PROGRAMS_MAX);
            char **command = command_of(r, a->name);
            if (!command)
                return skip_without(r, a->name);
            add_program(r, a->name, command);
        } else if (a->kind == ACTOR_PEER || a->kind == ACTOR_RELAY) {
            int last = a->last ? a->last : a->first;
            for (int m = a->first; m <= last; m++) {
                char name[24];
                if (a->last)
                    snprintf(name, sizeof name, "%.12s[%d]", a->name, m);
                else
                    snprintf(name, sizeof name, "%s", a->name);
                int index = run_add_peer(r, name, "server");
                if (m == a->first)
                    r->peer_of_actor[i] = index;
            }
        }
    }
    return true;
}

/* -------------------------------- values ------------------------------- */

static struct saved *find_saved(struct run *r, const char *name)
{
    for (int i = 0; i < r->saved_count; i++)
        if (strcmp(r->saved[i].name, name) == 0)
            return &r->saved[i];
    return NULL;
}

bool run_is_saved(struct run *r, const char *name)
{
    return find_saved(r, name) != NULL;
}

bool run_save(struct run *r, const char *name, const char *data, size_t length)
{
    struct saved *s = find_saved(r, name);
    if (!s) {
        if (r->saved_count == SAVED_MAX)
            return run_undecided(r, "more than %d saved names", SAVED_MAX);
        s = &r->saved[r->saved_count++];
        snprintf(s->name, sizeof s->name, "%s", name);
    }
    bytes_clear(&s->value);
    bytes_add(&s->value, data, length);
    return true;
}

/* $i, $F.port, $server.port, or a saved name */
static bool add_name(struct run *r, const struct target *t, const char *name,
                     struct bytes *out)
{
    char actor[32];
    const char *dot = strchr(name, '.');
    struct saved *s = find_saved(r, name);

    if (s) {
        bytes_add(out, s->value.data, s->value.length);
        return true;
    }
    if (strcmp(name, "i") == 0 && t) {
        bytes_printf(out, "%d", t->member);
        return true;
    }
    if (dot && strcmp(dot, ".port") == 0) {
        snprintf(actor, sizeof actor, "%.*s", (int)(dot - name), name);
        struct program *p = run_program_named(r, actor);
        if (p && p->last_port) {
            bytes_printf(out, "%d", p->last_port);
            return true;
        }
        for (int i = 0; i < r->peer_count; i++)
            if (strcmp(r->peers[i].name, actor) == 0 &&
                (r->peers[i].listener >= 0 || r->peers[i].connected)) {
                bytes_printf(out, "%d", address_port(&r->peers[i].local));
                return true;
            }
    }
    return run_undecided(r, "nothing is saved under the name %s", name);
}

bool run_bytes(struct run *r, const struct target *t, const struct value *v,
               struct bytes *out)
{
    bytes_add(out, "", 0);
    for (int i = 0; i < v->count; i++) {
        const struct part *part = &v->parts[i];
        if (part->kind == PART_NAME) {
            if (!add_name(r, t, bytes_text(&part->bytes), out))
                return false;
        } else if (part->kind == PART_FILL) {
            for (size_t n = part->count; n > 0;) {
                size_t piece = n < part->bytes.length ? n : part->bytes.length;
                bytes_add(out, part->bytes.data, piece);
                n -= piece;
            }
        } else {
            bytes_add(out, bytes_text(&part->bytes), part->bytes.length);
        }
    }
    return true;
}

bool run_number(struct run *r, const struct target *t, const struct value *v,
                long *out)
{
    struct bytes text = {0};
    char *end;
    if (v->is_number) {
        *out = v->number;
        return true;
    }
    if (!run_bytes(r, t, v, &text))
        return false;
    *out = strtol(bytes_text(&text), &end, 10);
    bool good = text.length && !*end;
    if (!good)
        run_undecided(r, "\"%s\" is no number", bytes_text(&text));
    bytes_free(&text);
    return good;
}
