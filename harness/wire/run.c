#include "run.h"

#include "contract.h"
#include "failure.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A wait with a time-out counts as quiet when nothing moved on any socket for
 * this long, and the processor was used (or waited for) for less than this. */
#define STILL_MS 100
#define STILL_BUSY_NS 30000000ULL

/* What wire needs beside its peers: /proc, pipes, a listener or two. */
#define SPARE_FDS 32

double run_deadline_ms(void)
{
    const char *text = getenv("WIRE_TIMEOUT_MULT");
    double factor = text ? strtod(text, NULL) : 1;
    return 5000 * (factor > 0 ? factor : 1);
}

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = {"pass", "fail",    "advice",
                                        "skip", "not run", "undecided"};
    return names[v];
}

/* -------------------------------- actors ------------------------------- */

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

static char **command_of(const struct run *r, const char *name)
{
    const struct options *o = r->options;
    bool server = strcmp(name, "server") == 0;
    if (strcmp(name, "unit") == 0)
        return o->unit;
    if (r->script->sanitized) {
        char **sanitized = server ? o->sanitized_server : o->sanitized_client;
        if (sanitized)
            return sanitized;
    }
    return server ? o->server : strcmp(name, "client") == 0 ? o->client : NULL;
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

static bool set_up_actors(struct run *r)
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
            char **command = command_of(r, a->name);
            if (!command && r->options->no_server &&
                strcmp(a->name, "server") == 0)
                return run_skip(r, "%s", r->options->no_server);
            if (!command)
                return run_skip(r, "no program was given for the %s", a->name);
            if (r->program_count == PROGRAMS_MAX)
                return run_undecided(r, "more than %d programs", PROGRAMS_MAX);
            program_init(&r->programs[r->program_count++], a->name, command);
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

/* -------------------------------- waiting ------------------------------ */

/* A relay hands on what it has received, the end included. */
static bool pump_relay(struct run *r, struct peer *from)
{
    struct peer *to = &r->peers[from->forward];
    bool moved = false;

    if (from->in.length && to->out.length < (1U << 20)) {
        journal_data(r->journal, EVENT_SENT, from->other, to->other,
                     from->in.data, from->in.length);
        peer_send(to, from->in.data, from->in.length);
        bytes_clear(&from->in);
        moved = true;
    }
    if (from->saw_eof && !from->in.length && !to->fin_wanted) {
        journal_event(r->journal, EVENT_SENT_FIN, from->other, to->other);
        peer_shut(to);
        moved = true;
    }
    if (from->saw_reset && to->fd >= 0) {
        journal_event(r->journal, EVENT_SENT_RESET, from->other, to->other);
        peer_reset(to, r->journal);
        moved = true;
    }
    return moved;
}

/* A new client of a relay gets a connection of its own to the server. */
static bool pump_relay_listener(struct run *r, int index)
{
    struct peer *l = &r->peers[index];
    struct program *server = run_program_named(r, l->other);
    struct peer accepted = *l;
    accepted.fd = -1;
    if (!server || !server->listening || !peer_accept(&accepted, r->journal))
        return false;

    int front = run_add_peer(r, l->name, "client");
    int back = run_add_peer(r, l->name, server->name);
    if (front < 0 || back < 0) {
        close(accepted.fd);
        return false;
    }
    struct sockaddr_storage local = accepted.local, remote = accepted.remote;
    r->peers[front].fd = accepted.fd;
    r->peers[front].connected = true;
    r->peers[front].local = local;
    r->peers[front].remote = remote;
    r->peers[front].relayed = r->peers[back].relayed = true;
    r->peers[front].forward = back;
    r->peers[back].forward = front;
    journal_event(r->journal, EVENT_CONNECT, "client", server->name);
    peer_connect(&r->peers[back], &server->address, r->journal);
    return true;
}

bool run_pump(struct run *r)
{
    bool moved = false;
    /* Sockets first: what a program prints of an event comes after the event,
     * and stands below it in the ladder. */
    for (int i = 0; i < r->peer_count; i++) {
        if (r->peers[i].relayed && r->peers[i].listener >= 0)
            moved |= pump_relay_listener(r, i);
        else if (!r->corked)
            moved |= peer_pump(&r->peers[i], r->journal);
        if (r->peers[i].forward >= 0)
            moved |= pump_relay(r, &r->peers[i]);
    }
    for (int i = 0; i < r->program_count; i++)
        moved |= program_pump(&r->programs[i], r->journal);
    return moved;
}

static void poll_all(struct run *r, double ms)
{
    struct pollfd *watch = memory_get(
        (size_t)(2 * r->peer_count + 3 * r->program_count) * sizeof *watch);
    nfds_t count = 0;
    for (int i = 0; i < r->program_count; i++) {
        const struct program *p = &r->programs[i];
        int fds[] = {p->out.fd, p->err.fd, p->ended ? -1 : p->pidfd};
        for (int k = 0; k < 3; k++)
            if (p->started && fds[k] >= 0)
                watch[count++] =
                    (struct pollfd){.fd = fds[k], .events = POLLIN};
    }
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *p = &r->peers[i];
        short events = peer_events(p);
        if (events)
            watch[count++] = (struct pollfd){.fd = p->fd, .events = events};
        if (p->listener >= 0)
            watch[count++] =
                (struct pollfd){.fd = p->listener, .events = POLLIN};
    }
    struct timespec timeout = {(time_t)(ms / 1e3),
                               (long)(ms * 1e6) % 1000000000L};
    /* A listener that nobody accepts from is always readable: then poll
     * returns at once, and the caller's pause has to come from elsewhere. */
    struct timespec none = {0, 0};
    int ready = ppoll(watch, count, &none, NULL);
    bool only_listeners = ready > 0;
    for (nfds_t i = 0; i < count && only_listeners; i++)
        if (watch[i].revents)
            for (int k = 0; k < r->peer_count; k++)
                if (watch[i].fd == r->peers[k].fd)
                    only_listeners = false;
    if (only_listeners)
        for (int k = 0; k < r->peer_count; k++)
            for (nfds_t i = 0; i < count; i++)
                if (watch[i].fd == r->peers[k].listener)
                    watch[i].fd = -1;
    if (ready == 0 || only_listeners)
        ppoll(watch, count, &timeout, NULL);
    free(watch);
}

bool run_other_end(const struct peer *p, struct socket_facts *out)
{
    return sockdiag_find((const struct sockaddr *)&p->remote,
                         (const struct sockaddr *)&p->local, out);
}

static bool delivered(const struct peer *p, const struct socket_facts *facts)
{
    int unacknowledged = 0;
    if (facts->counted)
        return facts->bytes_received >= p->sent + p->fin_sent;
    return ioctl(p->fd, SIOCOUTQ, &unacknowledged) == 0 && !unacknowledged;
}

bool run_end_arrived(const struct peer *p, bool *stuck)
{
    struct socket_facts facts;
    if (!p->closed || !p->connected || !run_other_end(p, &facts))
        return true;
    bool under_way = facts.state == TCP_STATE_ESTABLISHED ||
                     facts.state == TCP_STATE_SYN_RECEIVED ||
                     facts.state == TCP_STATE_FIN_WAIT1 ||
                     facts.state == TCP_STATE_FIN_WAIT2;
    /* Behind unread bytes, the FIN cannot arrive. */
    if (under_way && facts.receive_queue) {
        *stuck = true;
        return true;
    }
    return !under_way;
}

/*
 * Nothing is under way between a peer and its program. `stuck` is set where
 * bytes wait on our side because the program takes none: that cannot be told
 * from bytes on their way by one look, so it wants the time window.
 */
static bool peer_settled(const struct peer *p, bool *stuck)
{
    struct socket_facts facts;
    if (p->fd < 0)
        return run_end_arrived(p, stuck);
    if (p->connecting)
        return false;
    if (!run_other_end(p, &facts))
        return p->stopped || peer_ended(p);
    if (p->out.length || !delivered(p, &facts)) {
        if (!facts.receive_queue)
            return false;
        *stuck = true;
    }
    /* What the program sent and we can take is on its way to us. */
    return p->stopped || peer_ended(p) || p->in.length >= PEER_IN_MAX ||
           facts.send_queue == 0;
}

static bool sockets_settled(struct run *r, bool *stuck)
{
    *stuck = false;
    for (int i = 0; i < r->peer_count; i++)
        if (!peer_settled(&r->peers[i], stuck))
            return false;
    return true;
}

/* A number that changes whenever anything moves on a socket. */
static unsigned long long progress_mark(struct run *r)
{
    unsigned long long mark = 0;
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *p = &r->peers[i];
        struct socket_facts facts;
        mark = mark * 31 + p->received + p->sent + p->connected;
        if (p->fd >= 0 && !p->connecting && run_other_end(p, &facts))
            mark = mark * 31 + facts.bytes_received + facts.receive_queue * 7 +
                   facts.send_queue * 13 + (facts.inode != 0);
    }
    return mark;
}

/* A process that has died is no process at rest: waitpid() tells of it when
 * the last of its threads is gone. */
static bool any_dying(const struct run *r)
{
    for (int i = 0; i < r->program_count; i++) {
        const struct program *p = &r->programs[i];
        if (!p->started || p->ended)
            continue;
        char state = process_state(p->pid);
        if (!state || state == 'Z' || state == 'X')
            return true;
    }
    return false;
}

struct inodes {
    unsigned long list[64];
    int count;
};

static bool note_inode(const struct socket_facts *facts, void *context)
{
    struct inodes *inodes = context;
    inodes->list[inodes->count++] = facts->inode;
    return inodes->count < (int)(sizeof inodes->list / sizeof *inodes->list);
}

static bool holds_one(pid_t pid, const struct inodes *inodes)
{
    struct descriptor *list;
    int count = process_descriptors(pid, &list);
    bool found = false;
    for (int i = 0; i < count && !found; i++)
        for (int k = 0; k < inodes->count && !found; k++)
            found = list[i].socket && list[i].socket == inodes->list[k];
    free(list);
    return found;
}

/* The kernel will have an answer to a SYN, if only that there is none: who
 * waits for that does not wait for ever. */
static bool any_syn_unanswered(const struct run *r)
{
    struct inodes inodes = {.count = 0};
    pid_t pids[PROCESSES_MAX];
    sockdiag_each(TCP_STATE_SYN_SENT, note_inode, &inodes);
    for (int i = 0; i < r->program_count && inodes.count; i++) {
        int count = program_tree(&r->programs[i], pids);
        for (int k = 0; k < count; k++)
            if (holds_one(pids[k], &inodes))
                return true;
    }
    return false;
}

static enum quiet quiet_now(struct run *r)
{
    bool stuck, stuck_again;
    const struct thread_facts *before = NULL;
    int before_count = 0;

    for (int i = 0; i < r->program_count; i++)
        if (r->programs[i].before_freeze_count) {
            before = r->programs[i].before_freeze;
            before_count = r->programs[i].before_freeze_count;
        }
    if (run_pump(r) || !sockets_settled(r, &stuck) || any_dying(r))
        return QUIET_NO;
    enum quiet quiet = quiet_look(getpid(), before, before_count, &r->look);
    if (run_pump(r) || !sockets_settled(r, &stuck_again) || any_dying(r))
        return QUIET_NO;
    if (quiet == QUIET_FOREVER) {
        /* Who got an answer since the look has been woken up by it: only if
         * nobody was, there was nothing to wait for at the look. */
        static struct quiet_look later;
        bool syn = any_syn_unanswered(r);
        if (quiet_look(getpid(), before, before_count, &later) != quiet ||
            !quiet_is_same(&r->look, &later))
            return QUIET_NO;
        if (syn)
            quiet = QUIET_TIMED;
    }
    if (quiet == QUIET_FOREVER && !stuck && !stuck_again)
        return QUIET_FOREVER;

    double now = clock_ms();
    unsigned long long mark = progress_mark(r);
    for (int i = 0; i < r->program_count; i++)
        mark += r->programs[i].out.total + r->programs[i].err.total;
    if (r->still_since <= 0 || mark != r->still_mark ||
        r->look.busy_ns < r->still_busy) {
        r->still_since = now;
        r->still_mark = mark;
        r->still_busy = r->look.busy_ns;
        return QUIET_NO;
    }
    if (now - r->still_since < STILL_MS)
        return QUIET_NO;
    if (r->look.busy_ns - r->still_busy >= STILL_BUSY_NS) {
        r->still_since = 0;
        return QUIET_NO;
    }
    /* On a busy machine a program that spins may have got little time. */
    if (quiet_is_running(&r->look))
        return QUIET_NO;
    return quiet == QUIET_FOREVER ? QUIET_FOREVER : QUIET_TIMED;
}

static void begin_to_count(struct run *r)
{
    quiet_look(getpid(), NULL, 0, &r->look);
    r->wait_since = clock_ms();
    r->wait_busy = r->look.busy_ns;
}

/*
 * Until when to wait. A program that is slow and makes progress gets the same
 * verdict on every machine: what moves on a socket moves the deadline. It is
 * looked at ten times in a period; and somewhere patience ends.
 */
#define LOOKS_A_PERIOD 10
#define PERIODS_MAX 12

struct deadline {
    double period, begin, progress, next_look;
    unsigned long long mark; /* of the last look */
};

static struct deadline deadline_in(double period)
{
    double now = clock_ms();
    return (struct deadline){.period = period,
                             .begin = now,
                             .progress = now,
                             .next_look = now + period / LOOKS_A_PERIOD};
}

static bool deadline_has_come(struct deadline *d, struct run *r)
{
    double now = clock_ms();
    if (now < d->next_look)
        return false;
    d->next_look = now + d->period / LOOKS_A_PERIOD;
    unsigned long long mark = progress_mark(r);
    if (mark != d->mark)
        d->progress = now;
    d->mark = mark;
    if (now - d->progress >= d->period)
        return true;
    r->moves_on = now - d->begin >= d->period * PERIODS_MAX;
    return r->moves_on;
}

/* The loop behind every wait. `quiet_is_enough` ends it on QUIET_TIMED too. */
static enum wait_end wait_loop(struct run *r, wait_condition *condition,
                               void *context, bool quiet_is_enough,
                               double milliseconds)
{
    struct deadline deadline = deadline_in(milliseconds);
    double pause = 0.05;

    r->still_since = r->wait_since = 0;
    r->moves_on = false;
    for (;;) {
        bool moved = run_pump(r);
        if (condition && condition(r, context))
            return WAIT_DONE;
        if (deadline_has_come(&deadline, r))
            return WAIT_DEADLINE;
        if (r->wait_since <= 0 && clock_ms() > deadline.begin + 1)
            begin_to_count(r);
        if (moved) {
            pause = 0.05;
        } else if (pause > 0.3 || !condition) {
            enum quiet quiet = quiet_now(r);
            if (quiet == QUIET_FOREVER ||
                (quiet == QUIET_TIMED && quiet_is_enough)) {
                /* What quiet_now has moved may be what was waited for. */
                if (condition && condition(r, context))
                    return WAIT_DONE;
                return WAIT_HOPELESS;
            }
        }
        poll_all(r, pause);
        if (pause < 10)
            pause *= 1.6;
    }
}

enum wait_end run_wait(struct run *r, wait_condition *condition, void *context)
{
    return wait_loop(r, condition, context, false, run_deadline_ms());
}

/* One moment does not tell: who calls the kernel without end sleeps in between.
 */
void run_note_busy(struct run *r, enum wait_end end)
{
    if (end != WAIT_DEADLINE || r->wait_since <= 0)
        return;
    quiet_look(getpid(), NULL, 0, &r->look);
    double waited_ns = (clock_ms() - r->wait_since) * 1e6;
    r->busy |= r->look.busy_ns > r->wait_busy &&
               (double)(r->look.busy_ns - r->wait_busy) > waited_ns / 2;
}

bool run_wait_quiet(struct run *r)
{
    return wait_loop(r, NULL, NULL, true, run_deadline_ms()) == WAIT_HOPELESS;
}

void run_settle(struct run *r)
{
    wait_loop(r, NULL, NULL, true, run_deadline_ms() / 10);
    r->moves_on = false;
}

/* ------------------------------- verdicts ------------------------------ */

static void note_text(struct run *r, const char *key, const char *format,
                      va_list arguments)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, arguments);
    journal_about(r->journal, key, text);
}

void run_expected(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "expected", format, arguments);
    va_end(arguments);
}

void run_actual(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "actual", format, arguments);
    va_end(arguments);
}

bool run_undecided(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "sentence", format, arguments);
    va_end(arguments);
    r->verdict = VERDICT_UNDECIDED;
    return false;
}

bool run_skip(struct run *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_text(r, "sentence", format, arguments);
    va_end(arguments);
    r->verdict = VERDICT_SKIP;
    return false;
}

static bool has_ended(struct run *r, void *context)
{
    const struct program *p = context;
    return r && p->ended;
}

static bool any_connection_ended(const struct run *r)
{
    for (int i = 0; i < r->peer_count; i++)
        if (r->peers[i].saw_eof || r->peers[i].saw_reset)
            return true;
    return false;
}

/* A program that died in the step is the story, not what its death did to the
 * connection. Its end may become visible a moment after the connection's. */
static struct program *find_dead(struct run *r)
{
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        if (!p->started || p->end_is_fine || p->frozen)
            continue;
        if (!p->ended && any_connection_ended(r))
            wait_loop(r, has_ended, p, true, run_deadline_ms() / 10);
        if (!p->ended)
            continue;
        bool is_client = strcmp(p->name, "client") == 0;
        if (WIFSIGNALED(p->status) || WEXITSTATUS(p->status) == 99 ||
            !is_client)
            return p;
    }
    return NULL;
}

/* The line of a sanitizer that says it in one sentence. */
static bool sanitizer_sentence(const struct program *p, struct bytes *out)
{
    const char *text = bytes_text(&p->err.text);
    const char *summary = strstr(text, "SUMMARY: ");
    const char *runtime = strstr(text, "runtime error: ");
    if (!summary && !runtime)
        return false;
    if (runtime) {
        const char *line = runtime;
        while (line > text && line[-1] != '\n')
            line--;
        bytes_printf(out,
                     "The sanitizer stopped the %s: undefined behaviour, %.*s",
                     p->name, (int)strcspn(line, "\n"), line);
    } else {
        summary += strlen("SUMMARY: ");
        bytes_printf(out, "The sanitizer stopped the %s: %.*s", p->name,
                     (int)strcspn(summary, "\n"), summary);
    }
    return true;
}

static unsigned long long own_delay(void)
{
    pid_t self = getpid();
    return process_run_delay(&self, 1);
}

/* A program with a time-out of its own does in good time what is asked of it
 * only where it gets a processor, and wire another one. In a check that took
 * long, a little here and there adds up and harms nobody. */
static bool machine_is_too_busy(const struct run *r)
{
    unsigned long long delay = own_delay() - r->own_delay;
    pid_t pids[PROCESSES_MAX];

    for (int i = 0; i < r->program_count; i++)
        delay += process_run_delay(pids, program_tree(&r->programs[i], pids));
    double delay_ms = (double)delay / 1e6;
    return delay_ms > r->script->timer / 2.0 &&
           delay_ms > (clock_ms() - r->journal->start) / 4;
}

static bool fail_with(struct run *r, const char *code, const char *sentence)
{
    bool moves_on = r->moves_on;
    struct program *dead = find_dead(r);
    struct bytes text = {0};

    if (moves_on && !dead)
        return run_undecided(r,
                             "the program still makes progress after %.0f s, "
                             "and has not come to an end (%s)",
                             run_deadline_ms() * PERIODS_MAX / 1e3, sentence);
    if (r->script->timer && machine_is_too_busy(r))
        return run_undecided(r,
                             "the machine is too busy: the program has a "
                             "time-out of %d ms, and was kept waiting for a "
                             "processor for half of that",
                             r->script->timer);
    if (dead) {
        dead->end_is_fine = true;
        if (sanitizer_sentence(dead, &text)) {
            code = "sanitizer";
        } else {
            code = WIFSIGNALED(dead->status) ? "killed" : "exited";
            bytes_printf(&text, "The %s ", dead->name);
            describe_end(dead->status, &text);
            bytes_add_text(&text, " in the middle of the check");
        }
        journal_about(r->journal, "instead", sentence);
    } else {
        bytes_add_text(&text, sentence);
    }
    bytes_add_text(&text, ".");
    /* Sentences begin with a capital, whatever name they begin with. */
    if (text.data[0] >= 'a' && text.data[0] <= 'z')
        text.data[0] = (char)(text.data[0] - 'a' + 'A');
    journal_about(r->journal, "code", code);
    journal_about(r->journal, "sentence", bytes_text(&text));
    journal_text(r->journal, EVENT_FAILED, "", "%s", bytes_text(&text));
    bytes_free(&text);
    failure_describe_programs(r);
    const struct hint *hint = failure_hint(r);
    if (hint)
        journal_about(r->journal, "hint", hint->text);
    r->verdict = VERDICT_FAIL;
    return false;
}

bool run_fail(struct run *r, const char *code, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return fail_with(r, code, sentence);
}

/* --------------------------------- steps ------------------------------- */

static bool run_step(struct run *r, const struct step *s)
{
    const struct actor *a = &r->script->actors[s->actor];
    struct target t = {.actor = a, .actor_index = s->actor};
    int first = 0, last = 0;

    if (a->last) {
        first = s->member ? s->member : a->first;
        last = s->member ? s->member : a->last;
    }
    r->step = s;
    r->journal->line = s->line;
    journal_text(r->journal, EVENT_STEP, "", "%s", s->source);
    for (int m = first; m <= last; m++) {
        t.member = m;
        if (!s->verb->run(r, &t, s))
            return false;
    }
    return true;
}

static bool run_steps(struct run *r, const struct step *steps, int count)
{
    for (int i = 0; i < count; i++) {
        const struct step *s = &steps[i];
        if (s->kind == STEP_DO) {
            if (!run_step(r, s))
                return false;
            continue;
        }
        r->corked |= s->kind == STEP_TOGETHER;
        for (long n = 0; n < s->times; n++)
            if (!run_steps(r, s->body, s->body_count))
                return false;
        if (s->kind == STEP_TOGETHER) {
            r->corked = false;
            run_pump(r);
        }
    }
    return true;
}

/* A server that died after its last step has still died. */
static bool still_alive(struct run *r)
{
    run_pump(r);
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        if (!p->started || !p->ended || p->end_is_fine)
            continue;
        bool crashed = WIFSIGNALED(p->status) || WEXITSTATUS(p->status) == 99;
        if (crashed || strcmp(p->name, "client") != 0)
            return run_fail(r, "exited", "the %s ended by itself", p->name);
    }
    return true;
}

/* --------------------------------- checks ------------------------------ */

static bool describe_rules(struct run *r)
{
    bool must = r->script->rules.count == 0;
    for (int i = 0; i < r->script->rules.count; i++) {
        struct rule rule;
        struct bytes error = {0};
        if (!rule_find(r->options->contracts, r->script->rules.texts[i], &rule,
                       &error)) {
            run_undecided(r, "%s", bytes_text(&error));
            bytes_free(&error);
            return false;
        }
        bool binds = rule.must &&
                     (!r->options->lesson || rule.from <= r->options->lesson);
        must |= binds;
        journal_about(r->journal, "rule", rule.name);
        journal_about(r->journal, "rule-says", bytes_text(&rule.says));
        journal_about(r->journal, "rule-why", bytes_text(&rule.why));
        rule_free(&rule);
    }
    journal_about(r->journal, "level", must ? "must" : "should");
    return true;
}

static void describe_check(struct run *r)
{
    const struct script *s = r->script;
    struct journal *j = r->journal;
    char text[1024];

    journal_about(j, "name", s->name);
    journal_about(j, "title", s->title);
    journal_about(j, "file", s->path);
    if (s->stage) {
        snprintf(text, sizeof text, "%c", s->stage);
        journal_about(j, "stage", text);
    }
    snprintf(text, sizeof text, "%d", s->points);
    journal_about(j, "points", text);
    if (s->read)
        journal_about(j, "read", s->read);
    if (r->options->again) {
        const char *again = r->options->again, *place = strstr(again, "%s");
        if (place)
            snprintf(text, sizeof text, "%.*s%s%s", (int)(place - again), again,
                     s->name, place + 2);
        else
            snprintf(text, sizeof text, "%s", again);
        journal_about(j, "again", text);
    }
}

/* The verdict of an earlier check, from its journal; "" where unknown. */
static bool earlier_verdict(const char *results, const char *name, char *out,
                            size_t size)
{
    char path[1024];
    struct journal j;
    int line;
    snprintf(path, sizeof path, "%s/%s.jsonl", results, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool good = journal_read(&j, file, &line);
    if (good)
        snprintf(out, size, "%s", journal_get(&j, "verdict"));
    journal_free(&j);
    fclose(file);
    return good;
}

static bool needs_are_met(struct run *r)
{
    for (int i = 0; i < r->script->needs.count && r->options->results; i++) {
        const char *name = r->script->needs.texts[i];
        char verdict[32];
        if (!earlier_verdict(r->options->results, name, verdict,
                             sizeof verdict))
            continue;
        if (strcmp(verdict, "pass") == 0 || strcmp(verdict, "skip") == 0 ||
            strcmp(verdict, "advice") == 0)
            continue;
        r->verdict = VERDICT_NOT_RUN;
        journal_about(r->journal, "waits-for", name);
        return false;
    }
    return true;
}

static void tear_down(struct run *r)
{
    programs_end_all();
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        /* The last of the output, now that nobody can add to it. */
        while (p->started && program_pump(p, r->journal))
            ;
        if (p->out.total > PROGRAM_OUTPUT_MAX ||
            p->err.total > PROGRAM_OUTPUT_MAX)
            journal_about(r->journal, "output-cut", p->name);
        program_free(p);
    }
    for (int i = 0; i < r->peer_count; i++)
        peer_free(&r->peers[i]);
    free(r->peers);
    for (int i = 0; i < r->saved_count; i++)
        bytes_free(&r->saved[i].value);
    bytes_free(&r->got);
}

enum verdict run_check(const struct script *s, const struct options *o,
                       struct journal *j)
{
    struct run *r = memory_get(sizeof *r);
    r->script = s;
    r->options = o;
    r->journal = j;
    r->verdict = VERDICT_PASS;
    r->own_delay = own_delay();

    journal_begin(j);
    describe_check(r);
    if (describe_rules(r) && needs_are_met(r) && set_up_actors(r) &&
        run_steps(r, s->steps, s->step_count))
        still_alive(r);
    tear_down(r);
    if (r->look.syscalls_hidden)
        journal_about(j, "remark",
                      "The system calls of the program may not be read here; "
                      "that it waits was judged by its switch counts over "
                      "100 ms.");
    if (r->verdict == VERDICT_FAIL &&
        strcmp(journal_get(j, "level"), "should") == 0)
        r->verdict = VERDICT_ADVICE;
    journal_about(j, "verdict", verdict_name(r->verdict));
    char ms[32];
    snprintf(ms, sizeof ms, "%.1f", clock_ms() - j->start);
    journal_about(j, "duration", ms);
    enum verdict verdict = r->verdict;
    free(r);
    return verdict;
}
