/* What the sockets of wire do. */
#include "run.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------- connections ----------------------------- */

bool verb_rcvbuf(struct run *r, const struct target *t, const struct step *s)
{
    long size;
    if (!run_number(r, t, &s->values[0], &size))
        return false;
    run_peer(r, t)->rcvbuf = (int)size;
    return true;
}

struct queue_search {
    const struct sockaddr_storage *address;
    unsigned waiting, backlog;
};

static bool is_queue(const struct socket_facts *facts, void *context)
{
    struct queue_search *q = context;
    if (!address_same(&facts->local, q->address))
        return true;
    q->waiting = facts->receive_queue;
    q->backlog = facts->send_queue;
    return false;
}

static bool queue_is_full(struct run *r, void *context)
{
    struct queue_search *q = context;
    sockdiag_each(TCP_STATE_LISTEN, is_queue, q);
    return r && q->waiting > q->backlog;
}

struct connect_wish {
    const struct peer *peer;
    const struct program *server;
};

/* With a full accept queue the kernel drops the SYN; while the program is
 * frozen, nobody will make room. */
static bool connect_ended(struct run *r, void *context)
{
    const struct connect_wish *w = context;
    struct queue_search q = {.address = &w->server->address};
    return !w->peer->connecting || (w->server->frozen && queue_is_full(r, &q));
}

/* Where a server listens on every address, loopback is one of them. */
static struct sockaddr_storage reachable(const struct sockaddr_storage *a)
{
    struct sockaddr_storage out = *a;
    if (out.ss_family == AF_INET6) {
        struct sockaddr_in6 *in6 = (void *)&out;
        if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
            in6->sin6_addr = in6addr_loopback;
    } else {
        struct sockaddr_in *in = (void *)&out;
        if (in->sin_addr.s_addr == htonl(INADDR_ANY))
            in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return out;
}

static bool end_arrived(struct run *r, void *context)
{
    bool stuck = false;
    return r && peer_end_arrived(context, &stuck);
}

/* Connects, or tries to; what came of it is in the peer. The connection
 * before is waited out: once forgotten, nobody would know that its end is
 * still on its way. */
static bool try_connect(struct run *r, struct peer *p,
                        const struct program *server)
{
    if (!server)
        return run_undecided(r, "the check names no such program");
    if (!server->last_port)
        return run_undecided(r, "the %s has not listened yet", server->name);
    struct sockaddr_storage address = reachable(&server->address);
    run_wait(r, end_arrived, p);
    snprintf(p->other, sizeof p->other, "%s", server->name);
    if (!peer_connect(p, &address, r->journal))
        return run_undecided(r, "%s: no socket: %s", p->name, strerror(errno));
    struct connect_wish w = {p, server};
    if (p->connecting)
        run_wait(r, connect_ended, &w);
    return true;
}

static bool connect_to(struct run *r, struct peer *p,
                       const struct program *server)
{
    if (!try_connect(r, p, server))
        return false;
    if (p->connected)
        return true;
    run_expected(r, "a connection");
    if (p->connecting) {
        run_actual(r, "no answer to the SYN");
        return run_fail(r, "connect-hangs",
                        "%s could not connect: the accept queue is full",
                        run_who(r, p->name));
    }
    r->ending = "refused";
    run_actual(r, "%s", strerror(p->connect_error));
    return run_fail(r, "refused", "%s could not connect to the %s: %s",
                    run_who(r, p->name), server->name,
                    strerror(p->connect_error));
}

bool verb_connect(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    return connect_to(r, run_peer(r, t), run_program_named(r, "server"));
}

bool verb_connect_to(struct run *r, const struct target *t,
                     const struct step *s)
{
    const char *name = bytes_text(&s->values[0].parts[0].bytes);
    return connect_to(r, run_peer(r, t), run_program_named(r, name));
}

static bool accepted_or_ended(struct run *r, void *context)
{
    const struct peer *p = context;
    struct socket_facts facts;
    return r && (p->saw_eof || p->saw_reset || !peer_other_end(p, &facts) ||
                 facts.inode != 0);
}

static bool wait_accepted(struct run *r, struct peer *p)
{
    if (run_wait(r, accepted_or_ended, p) == WAIT_DONE)
        return true;
    r->ending = "nothing";
    run_expected(r, "accept() takes the connection of %s", run_who(r, p->name));
    run_actual(r, "it stays in the accept queue");
    return run_fail(r, "not-accepted", "%s was never accepted",
                    run_who(r, p->name));
}

bool verb_accepted(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    return wait_accepted(r, run_peer(r, t));
}

bool verb_connect_many(struct run *r, const struct target *t,
                       const struct step *s)
{
    long count;
    struct peer *p = run_peer(r, t);
    if (!run_number(r, t, &s->values[0], &count))
        return false;
    for (long i = 0; i < count; i++) {
        if (!connect_to(r, p, run_program_named(r, "server")) ||
            !wait_accepted(r, p))
            return false;
        peer_close(p, r->journal);
    }
    return true;
}

bool verb_expect_refused(struct run *r, const struct target *t,
                         const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (!try_connect(r, p, run_program_named(r, "server")))
        return false;
    if (p->refused)
        return true;
    run_expected(r, "connection refused");
    run_actual(r, p->connected ? "a connection" : "no answer");
    return run_fail(r, "not-refused", "%s could connect", run_who(r, p->name));
}

/* ----------------------------- fake servers ---------------------------- */

/* In place of a backlog: the address is bound, and nobody listens. */
#define REFUSE (-1)

static bool begin_to_listen(struct run *r, struct peer *p, int backlog)
{
    p->refused = backlog == REFUSE;
    snprintf(p->other, sizeof p->other, "client");
    if (peer_listen(p, backlog, r->journal))
        return true;
    return run_undecided(r, "%s cannot listen: %s", p->name, strerror(errno));
}

bool verb_listen(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    return begin_to_listen(r, run_peer(r, t), 100);
}

bool verb_listen_backlog(struct run *r, const struct target *t,
                         const struct step *s)
{
    long backlog;
    return run_number(r, t, &s->values[0], &backlog) &&
           begin_to_listen(r, run_peer(r, t), (int)backlog);
}

bool verb_refuse(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    return begin_to_listen(r, run_peer(r, t), REFUSE);
}

/* A backlog of 0 has room for one connection; the queue is then proved to be
 * full before anything is concluded from it. */
bool verb_hang(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (!begin_to_listen(r, p, 0))
        return false;
    int index = run_add_peer(r, "the filler", p->name);
    if (index < 0)
        return run_undecided(r, "no room for another peer");
    struct peer *filler = &r->peers[index];
    filler->relayed = true; /* its events are no part of the story */
    if (!peer_connect(filler, &p->local, r->journal))
        return run_undecided(r, "no socket: %s", strerror(errno));
    struct queue_search q = {.address = &p->local};
    if (run_wait(r, queue_is_full, &q) == WAIT_DONE || queue_is_full(r, &q))
        return true;
    return run_undecided(r, "the accept queue of %s could not be filled",
                         p->name);
}

static bool accepted(struct run *r, void *context)
{
    return peer_accept(context, r->journal);
}

bool verb_accept(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (p->listener < 0)
        return run_undecided(r, "%s does not listen", p->name);
    if (run_wait(r, accepted, p) == WAIT_DONE)
        return true;
    r->ending = "nothing";
    run_expected(r, "a connection to 127.0.0.1:%d", address_port(&p->local));
    run_actual(r, "none came");
    return run_fail(r, "no-connection", "the client never connected");
}

/* --------------------------------- data -------------------------------- */

bool verb_send(struct run *r, const struct target *t, const struct step *s)
{
    struct bytes data = {0};
    struct peer *p = run_peer(r, t);
    if (p->fd < 0)
        return run_undecided(r, "%s has no connection", p->name);
    bool good = run_bytes(r, t, &s->values[0], &data);
    if (good)
        peer_send(p, data.data, data.length);
    bytes_free(&data);
    run_pump(r);
    return good;
}

/* The program has closed it: no descriptor refers to it any more. (One that
 * waits to be accepted has none either, but is in another state.) */
static bool is_closed(const struct socket_facts *facts)
{
    return !facts->inode && facts->state != TCP_STATE_ESTABLISHED &&
           facts->state != TCP_STATE_CLOSE_WAIT &&
           facts->state != TCP_STATE_SYN_RECEIVED;
}

/* All bytes are with the program and its queue is empty; or there is no
 * connection left that could take them. */
static bool is_consumed(struct run *r, void *context)
{
    const struct peer *p = context;
    struct socket_facts facts;
    if (p->fd < 0 || p->saw_reset || !peer_other_end(p, &facts) ||
        is_closed(&facts))
        return r && p->out.length == 0;
    if (p->out.length || facts.receive_queue || !facts.inode)
        return false;
    return facts.counted ? facts.bytes_received >= p->sent + p->fin_sent : true;
}

static bool wait_consumed(struct run *r, struct peer *p)
{
    if (run_wait(r, is_consumed, p) == WAIT_DONE)
        return true;
    struct socket_facts facts = {0};
    peer_other_end(p, &facts);
    r->ending = "nothing";
    run_expected(r, "the program takes all %zu bytes of %s", p->sent,
                 run_who(r, p->name));
    run_actual(r, "%u bytes lie unread in its receive queue%s",
               facts.receive_queue,
               facts.inode ? "" : ", and the connection was never accepted");
    return run_fail(r, "not-consumed", "the %s does not take what %s has sent",
                    p->other, run_who(r, p->name));
}

bool verb_consumed(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (!wait_consumed(r, p))
        return false;
    const struct program *other = run_program_named(r, p->other);
    if (!other || other->ended)
        return true; /* nobody is there any more who could take it */
    journal_text(r->journal, EVENT_NOTE, p->name,
                 "proved: the %s has taken it all", p->other);
    return true;
}

/* Bytes that have arrived wake up whoever waits for them. So where they lie
 * unread, and all threads are asleep, nobody has been woken up: the program
 * waits for something else, be it only for a while. */
bool verb_consumed_at_once(struct run *r, const struct target *t,
                           const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    enum wait_end end = run_wait_briefly(r, is_consumed, p);
    if (end == WAIT_DONE || is_consumed(r, p))
        return true;
    if (end == WAIT_DEADLINE)
        return wait_consumed(r, p);
    r->ending = "nothing";
    run_expected(r, "what %s sends wakes the program up", run_who(r, p->name));
    run_actual(r, "its bytes lie unread, and the program sleeps");
    return run_fail(r, "sleeps-elsewhere",
                    "the %s sleeps, though %s has sent something", p->other,
                    run_who(r, p->name));
}

bool verb_send_each(struct run *r, const struct target *t, const struct step *s)
{
    struct bytes data = {0};
    struct peer *p = run_peer(r, t);
    bool good = run_bytes(r, t, &s->values[0], &data);
    for (size_t i = 0; i < data.length && good; i++) {
        if (p->fd < 0)
            good = run_undecided(r, "%s has no connection", p->name);
        else
            peer_send(p, data.data + i, 1);
        good = good && wait_consumed(r, p);
    }
    bytes_free(&data);
    return good;
}

bool verb_stop_reading(struct run *r, const struct target *t,
                       const struct step *s)
{
    (void)r;
    (void)s;
    run_peer(r, t)->stopped = true;
    return true;
}

bool verb_read(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    run_peer(r, t)->stopped = false;
    run_peer(r, t)->slow = false;
    return true;
}

bool verb_read_slowly(struct run *r, const struct target *t,
                      const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    p->stopped = false;
    p->slow = true;
    return true;
}

struct read_wish {
    struct peer *peer;
    size_t left;
};

static bool has_read(struct run *r, void *context)
{
    struct read_wish *w = context;
    size_t got = peer_read(w->peer, w->left, r->journal);
    w->left -= got < w->left ? got : w->left;
    return w->left == 0 || w->peer->saw_eof || w->peer->saw_reset;
}

bool verb_read_count(struct run *r, const struct target *t,
                     const struct step *s)
{
    long count;
    struct peer *p = run_peer(r, t);
    if (!run_number(r, t, &s->values[0], &count))
        return false;
    p->stopped = true;
    struct read_wish w = {p, (size_t)count};
    run_wait(r, has_read, &w);
    if (!w.left)
        return true;
    r->ending = p->saw_reset ? "reset" : p->saw_eof ? "eof" : "nothing";
    run_expected(r, "%ld bytes", count);
    run_actual(r, "%ld bytes, then %s", count - (long)w.left, r->ending);
    return run_fail(r, "short", "%s could not read %ld bytes",
                    run_who(r, p->name), count);
}

/* --------------------------------- ends -------------------------------- */

static bool is_flushed(struct run *r, void *context)
{
    const struct peer *p = context;
    return r && (p->fd < 0 || p->saw_reset ||
                 (!p->out.length && (!p->fin_wanted || p->fin_sent)));
}

/* An end comes after what was sent before it. */
static bool wait_flushed(struct run *r, struct peer *p)
{
    if (run_wait(r, is_flushed, p) == WAIT_DONE)
        return true;
    run_expected(r, "the program takes what was sent");
    run_actual(r, "%zu bytes cannot be sent: its receive queue is full",
               p->out.length);
    return run_fail(r, "not-consumed", "the %s does not read", p->other);
}

bool verb_shut(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    peer_shut(p);
    return wait_flushed(r, p);
}

bool verb_reset(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (!wait_flushed(r, p))
        return false;
    peer_reset(p, r->journal);
    return true;
}

bool verb_close(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (!wait_flushed(r, p))
        return false;
    peer_close(p, r->journal);
    return true;
}

/* -------------------------------- relays ------------------------------- */

bool verb_relay(struct run *r, const struct target *t, const struct step *s)
{
    struct peer *p = run_peer(r, t);
    p->relayed = true;
    if (!peer_listen(p, 100, r->journal))
        return run_undecided(r, "%s cannot listen: %s", p->name,
                             strerror(errno));
    snprintf(p->other, sizeof p->other, "%.23s",
             bytes_text(&s->values[0].parts[0].bytes));
    return true;
}

static bool all_relayed(struct run *r, void *context)
{
    const struct peer *listener = context;
    bool any = false;
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *p = &r->peers[i];
        if (p == listener || p->forward < 0 ||
            strcmp(p->name, listener->name) != 0)
            continue;
        any = true;
        const struct peer *to = &r->peers[p->forward];
        bool ended = p->fd < 0 || p->saw_reset ||
                     (p->saw_eof && !p->in.length && to->fin_sent);
        if (!ended)
            return false;
    }
    return any;
}

bool verb_relay_done(struct run *r, const struct target *t,
                     const struct step *s)
{
    (void)s;
    if (run_wait(r, all_relayed, run_peer(r, t)) == WAIT_DONE)
        return true;
    run_expected(r, "an end of every connection, from both sides");
    run_actual(r, "a connection is still open");
    return run_fail(r, "not-ended",
                    "the two programs do not end their connection");
}
