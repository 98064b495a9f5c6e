/* The one loop behind every wait, and when waiting has no more sense. */
#include "run.h"

#include "cell.h"
#include "sanitizer.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A wait with a time-out counts as quiet when nothing moved on any socket for
 * this long, and the processor was used (or waited for) for less than this. */
#define STILL_MS 100
#define STILL_BUSY_NS 30000000ULL

double run_deadline_ms(void)
{
    const char *text = getenv("WIRE_TIMEOUT_MULT");
    double factor = text ? strtod(text, NULL) : 1;
    return 5000 * (factor > 0 ? factor : 1);
}

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

/* Asks the kernel once which peers have anything to do: of 500, mostly none. */
static void look_at_peers(struct run *r)
{
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *p = &r->peers[i];
        r->watch[i] = (struct pollfd){.fd = p->fd, .events = peer_events(p)};
    }
    if (poll(r->watch, (nfds_t)r->peer_count, 0) < 0)
        for (int i = 0; i < r->peer_count; i++)
            r->watch[i].revents = POLLNVAL; /* interrupted: all may have */
}

static bool wants_to_send(const struct peer *p)
{
    return p->out.length || (p->fin_wanted && !p->fin_sent);
}

bool run_was_fed(struct run *r, const struct peer *p)
{
    const struct program *other = run_program_named(r, p->other);
    return other && other->faults && faults_fed(other->faults) >= FED_MAX;
}

/* Else a program that receives for as long as something comes would never come
 * to what it is judged for. */
static void end_feeding(struct run *r)
{
    for (int i = 0; i < r->peer_count; i++) {
        struct peer *p = &r->peers[i];
        if (!p->pour || !run_was_fed(r, p))
            continue;
        p->pour = 0;
        faults_feed(run_program_named(r, p->other)->faults, 0);
    }
}

bool run_pump(struct run *r)
{
    bool moved = false;
    int count = r->peer_count; /* a relay adds more */
    look_at_peers(r);
    /* Sockets first: what a program prints of an event comes after the event,
     * and stands below it in the ladder. */
    for (int i = 0; i < count; i++) {
        struct peer *p = &r->peers[i];
        if (p->relayed && p->listener >= 0)
            moved |= pump_relay_listener(r, i);
        else if (!r->corked && (r->watch[i].revents || wants_to_send(p)))
            moved |= peer_pump(p, r->journal);
        if (p->forward >= 0)
            moved |= pump_relay(r, p);
    }
    r->stirred = false;
    for (int i = 0; i < r->program_count; i++) {
        moved |= program_pump(&r->programs[i], r->journal);
        r->stirred |= r->programs[i].stirred;
    }
    end_feeding(r);
    return moved;
}

static void poll_all(struct run *r, double ms)
{
    struct pollfd *watch = memory_get(
        (size_t)(2 * r->peer_count + 4 * r->program_count) * sizeof *watch);
    nfds_t count = 0;
    for (int i = 0; i < r->program_count; i++) {
        const struct program *p = &r->programs[i];
        int fds[] = {p->out.fd, p->err.fd, p->ended ? -1 : p->pidfd,
                     p->faults ? faults_wake(p->faults) : -1};
        for (int k = 0; k < 4; k++)
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

static bool delivered(const struct peer *p, const struct socket_facts *facts)
{
    int unacknowledged = 0;
    if (facts->counted)
        return facts->bytes_received >= p->sent + p->fin_sent;
    return ioctl(p->fd, SIOCOUTQ, &unacknowledged) == 0 && !unacknowledged;
}

/*
 * Nothing is under way between a peer and its program. `stuck` is set where
 * bytes wait on our side because the program takes none: that cannot be told
 * from bytes on their way by one look, so it wants the time window.
 */
static bool peer_settled(struct peer *p, bool *stuck)
{
    struct socket_facts facts;
    p->other_inode = 0;
    if (p->fd < 0)
        return peer_end_arrived(p, stuck);
    if (p->connecting)
        return false;
    if (!peer_other_end(p, &facts))
        return p->stopped || peer_ended(p);
    p->other_inode = facts.inode;
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

/* One look at all programs. */
static enum quiet look(const struct run *r, struct quiet_look *out)
{
    const struct thread_facts *before = NULL;
    int before_count = 0;

    for (int i = 0; i < r->program_count; i++)
        if (r->programs[i].before_freeze_count) {
            before = r->programs[i].before_freeze;
            before_count = r->programs[i].before_freeze_count;
        }
    enum quiet quiet = quiet_look(getpid(), before, before_count, out);
    return out->only_timer && r->frame_has_timer ? QUIET_FOREVER : quiet;
}

/* A number that changes whenever anything moves on a socket, or a program that
 * is held back goes on: each of its calls waits for all others, which on a busy
 * machine takes long. */
static unsigned long long progress_mark(struct run *r)
{
    unsigned long long mark = 0;
    for (int i = 0; i < r->program_count; i++)
        mark = mark * 31 + r->programs[i].stops;
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *p = &r->peers[i];
        struct socket_facts facts;
        mark = mark * 31 + p->received + p->sent + p->connected;
        if (p->fd >= 0 && !p->connecting && peer_other_end(p, &facts))
            mark = mark * 31 + facts.bytes_received + facts.receive_queue * 7 +
                   facts.send_queue * 13 + (facts.inode != 0);
    }
    return mark;
}

/* It is no program at rest. */
static bool any_dying(const struct run *r)
{
    for (int i = 0; i < r->program_count; i++)
        if (program_is_dying(&r->programs[i]))
            return true;
    return false;
}

struct own_sockets {
    unsigned long *inodes;
    int count;
    bool any; /* is in the state that is looked for */
};

/* A socket of which we know that it listens, or is connected with a peer. */
static bool is_known(const struct run *r, unsigned long inode)
{
    for (int i = 0; i < r->program_count; i++)
        if (r->programs[i].listener == inode)
            return true;
    for (int i = 0; i < r->peer_count; i++)
        if (r->peers[i].other_inode == inode)
            return true;
    return false;
}

static void add_sockets(const struct run *r, struct own_sockets *own, pid_t pid)
{
    struct descriptor *list;
    int count = process_descriptors(pid, &list);
    for (int i = 0; i < count; i++) {
        if (!list[i].socket || is_known(r, list[i].socket))
            continue;
        own->inodes = memory_grow(own->inodes, (size_t)(own->count + 1) *
                                                   sizeof *own->inodes);
        own->inodes[own->count++] = list[i].socket;
    }
    free(list);
}

static bool note_own(const struct socket_facts *facts, void *context)
{
    struct own_sockets *own = context;
    for (int i = 0; i < own->count && !own->any; i++)
        own->any = own->inodes[i] == facts->inode;
    return !own->any;
}

/* The kernel will have an answer to a SYN, if only that there is none: who
 * waits for that does not wait for ever. (To ask for all sockets of a state the
 * kernel walks through a table of a million places, so it is asked only where a
 * socket is not known otherwise.) */
static bool any_syn_unanswered(const struct run *r)
{
    pid_t pids[PROCESSES_MAX];
    struct own_sockets own = {0};
    for (int i = 0; i < r->program_count; i++) {
        int count = program_tree(&r->programs[i], pids);
        for (int k = 0; k < count; k++)
            add_sockets(r, &own, pids[k]);
    }
    if (own.count)
        sockdiag_each(TCP_STATE_SYN_SENT, note_own, &own);
    free(own.inodes);
    return own.any;
}

static enum quiet quiet_now(struct run *r)
{
    bool stuck, stuck_again;

    if (run_pump(r) || !sockets_settled(r, &stuck) || any_dying(r))
        return QUIET_NO;
    enum quiet quiet = look(r, &r->look);
    if (run_pump(r) || !sockets_settled(r, &stuck_again) || any_dying(r))
        return QUIET_NO;
    if (quiet == QUIET_FOREVER) {
        /* Who got an answer since the look has been woken up by it: only if
         * nobody was, there was nothing to wait for at the look. */
        static struct quiet_look later;
        bool syn = any_syn_unanswered(r);
        if (look(r, &later) != quiet || !quiet_is_same(&r->look, &later))
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

static struct program *server_of(struct run *r, pid_t pid)
{
    pid_t pids[PROCESSES_MAX];
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        int count = p->listening && !p->held_back ? program_tree(p, pids) : 0;
        for (int k = 0; k < count; k++)
            if (pids[k] == pid)
                return p;
    }
    return NULL;
}

/* It runs, or stands at a call for a moment, because of faults. */
static bool spins(struct run *r, const struct thread_facts *t)
{
    const struct program *p = server_of(r, t->pid);
    if (!p || (t->state != 'R' && t->state != 't'))
        return false;
    /* It traces itself, which nobody else may do meanwhile. */
    if (process_has_thread_named(t->pid, LAST_LOOK))
        return false;
    if (t->state == 't' &&
        !(p->faults && faults_has_running(p->faults, t->tid)))
        return false;
    return spin_watch(t, p->faults, &r->spin);
}

/* A client may ask again and again until a time is over, and nothing but its
 * end tells of that. A server has no such time. */
bool run_is_spinning(struct run *r)
{
    bool stuck, found = false;
    if (!sockets_settled(r, &stuck))
        return false;
    unsigned long long mark = progress_mark(r);
    quiet_look(getpid(), NULL, 0, &r->look);
    for (int i = 0; i < r->look.count && !found; i++)
        found = spins(r, &r->look.threads[i]);
    found &= !run_pump(r) && mark == progress_mark(r);
    if (found)
        r->busy = true;
    else
        r->spin.count = 0;
    return found;
}

const char *wait_end_words(enum wait_end end)
{
    switch (end) {
    case WAIT_HOPELESS:
        return ", and never will: it waits";
    case WAIT_SPINNING:
        return ", and never will: it asks the same again and again";
    default:
        return " until the deadline";
    }
}

static void begin_to_count(struct run *r)
{
    quiet_look(getpid(), NULL, 0, &r->look);
    r->wait_since = clock_ms();
    r->wait_busy = r->look.busy_ns;
}

/*
 * Until when to wait. A program that is slow and makes progress gets the same
 * verdict on every machine: what moves moves the deadline (progress_mark). It
 * is looked at ten times in a period; and somewhere patience ends.
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

/* Tells who runs the checks whether this one only waits for time to pass, so
 * that another one can begin beside it. */
static void tell_rest(struct run *r, bool rests)
{
    char word = rests ? NEWS_REST : NEWS_WORK;
    if (r->rests == rests || r->news < 0)
        return;
    if (write(r->news, &word, 1) == 1)
        r->rests = rests;
}

/* Nothing has moved for so long that a program is at rest, or computes. */
#define REST_PAUSE_MS 4

/* A program that runs for so long, and moves nothing, is watched; and where
 * that has shown nothing, again after twice the time. */
#define WATCH_AFTER_MS 50

/* What the kernel limits only for one process at a time. How often it is looked
 * at depends on what that costs. */
#define EXCESS_PAUSE_MS 10
#define EXCESS_SHARE 3

/* Whoever has too much of it is ended with all that is below wire: a thousand
 * processes leave nobody else a processor. */
static void end_excess(struct run *r)
{
    double now = clock_ms();
    if (!r->options->hidden.count || now < r->excess_look)
        return;
    const char *excess = cell_excess();
    if (excess)
        cell_end();
    for (int i = 0; excess && i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        p->excess = excess;
        /* To give gigabytes back takes a while. */
        while (p->started && !p->ended) {
            struct pollfd end = {.fd = p->pidfd, .events = POLLIN};
            poll(&end, 1, 10);
            program_pump(p, r->journal);
        }
    }
    double cost = clock_ms() - now;
    r->excess_look = now + EXCESS_PAUSE_MS + EXCESS_SHARE * cost;
}

/* The loop behind every wait. `quiet_is_enough` ends it on QUIET_TIMED too. */
static enum wait_end wait_until(struct run *r, wait_condition *condition,
                                void *context, bool quiet_is_enough,
                                double milliseconds)
{
    struct deadline deadline = deadline_in(milliseconds);
    double pause = 0.05, watch_after = WATCH_AFTER_MS, moved_at = clock_ms();

    r->still_since = r->wait_since = 0;
    r->moves_on = false;
    for (;;) {
        end_excess(r);
        bool moved = run_pump(r), stirs = r->stirred;
        if (condition && condition(r, context))
            return WAIT_DONE;
        if (deadline_has_come(&deadline, r))
            return WAIT_DEADLINE;
        if (r->wait_since <= 0 && clock_ms() > deadline.begin + 1)
            begin_to_count(r);
        if (moved) {
            tell_rest(r, false);
            moved_at = clock_ms();
            watch_after = WATCH_AFTER_MS;
        }
        if (clock_ms() - moved_at > watch_after) {
            quiet_look(getpid(), NULL, 0, &r->look);
            if ((stirs || quiet_is_running(&r->look)) && run_is_spinning(r))
                return WAIT_SPINNING;
            watch_after = 2 * (clock_ms() - moved_at);
        }
        if (pause > REST_PAUSE_MS && !r->rests && r->news >= 0) {
            quiet_look(getpid(), NULL, 0, &r->look);
            tell_rest(r, !quiet_is_running(&r->look));
        }
        if (moved || stirs) {
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

static enum wait_end wait_loop(struct run *r, wait_condition *condition,
                               void *context, bool quiet_is_enough,
                               double milliseconds)
{
    enum wait_end end =
        wait_until(r, condition, context, quiet_is_enough, milliseconds);
    tell_rest(r, false);
    return end;
}

enum wait_end run_wait(struct run *r, wait_condition *condition, void *context)
{
    return wait_loop(r, condition, context, false, run_deadline_ms());
}

enum wait_end run_wait_or_rest(struct run *r, wait_condition *condition,
                               void *context)
{
    return wait_loop(r, condition, context, true, run_deadline_ms());
}

enum wait_end run_wait_briefly(struct run *r, wait_condition *condition,
                               void *context)
{
    enum wait_end end =
        wait_loop(r, condition, context, true, run_deadline_ms() / 10);
    r->moves_on = false;
    return end;
}

double run_patience_ms(void)
{
    return run_deadline_ms() * PERIODS_MAX;
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

void run_let_pass(struct run *r, double milliseconds)
{
    double now = clock_ms(), end = now + milliseconds;
    tell_rest(r, true);
    for (; now < end; now = clock_ms()) {
        run_pump(r);
        poll_all(r, end - now < 10 ? end - now : 10);
    }
    run_pump(r);
    tell_rest(r, false);
}

bool run_wait_quiet(struct run *r)
{
    return run_wait_or_rest(r, NULL, NULL) == WAIT_HOPELESS;
}
