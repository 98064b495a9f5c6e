#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_MAX 4096

void peer_init(struct peer *p, const char *name)
{
    *p = (struct peer){.listener = -1, .fd = -1, .forward = -1};
    snprintf(p->name, sizeof p->name, "%s", name);
}

void peer_free(struct peer *p)
{
    /* At the end of a check the program is dead; a reset leaves no TIME_WAIT
     * behind on the machine. */
    struct linger now = {.l_onoff = 1};
    if (p->fd >= 0) {
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(p->fd);
    }
    if (p->listener >= 0)
        close(p->listener);
    bytes_free(&p->in);
    bytes_free(&p->history);
    bytes_free(&p->said);
    bytes_free(&p->out);
    *p = (struct peer){.listener = -1, .fd = -1, .forward = -1};
}

static void set_up(struct peer *p, int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    p->connected = true;
    socklen_t size = sizeof p->local;
    getsockname(fd, (struct sockaddr *)&p->local, &size);
    size = sizeof p->remote;
    getpeername(fd, (struct sockaddr *)&p->remote, &size);
}

/*
 * A small receive buffer alone does not make a program's send() wait: on
 * loopback, with its segments of 64 KiB, the kernel gives the program a send
 * buffer of megabytes. Its size follows the largest segment that we announce.
 */
static void set_small(const struct peer *p, int fd)
{
    int segment = 536;
    if (!p->rcvbuf)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &p->rcvbuf, sizeof p->rcvbuf);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
}

static void tell(struct peer *p, struct journal *j, enum event_kind kind)
{
    if (!p->relayed)
        journal_event(j, kind, p->name, p->other);
}

static void latch_reset(struct peer *p, struct journal *j);

static void connect_ended(struct peer *p, int error, struct journal *j)
{
    bool reset = error == ECONNRESET || error == EPIPE;
    p->connecting = false;
    p->connect_error = error;
    if (error == 0 || reset) {
        set_up(p, p->fd);
        tell(p, j, EVENT_CONNECT);
        /* It was connected, and reset before we looked. */
        if (reset)
            latch_reset(p, j);
    } else {
        p->refused = error == ECONNREFUSED;
        if (p->refused)
            tell(p, j, EVENT_REFUSED);
        close(p->fd);
        p->fd = -1;
        p->closed = true;
    }
}

/* What belongs to one connection is forgotten, so that A can connect again. */
static void begin_connection(struct peer *p)
{
    p->connecting = p->connected = p->refused = false;
    p->saw_eof = p->saw_reset = false;
    p->fin_wanted = p->fin_sent = p->reset_sent = p->closed = false;
    p->stopped = p->slow = false;
    p->connect_error = 0;
    p->pour = p->sent = p->received = 0;
    bytes_clear(&p->in);
    bytes_clear(&p->history);
    bytes_clear(&p->said);
    bytes_clear(&p->out);
}

bool peer_connect(struct peer *p, const struct sockaddr_storage *address,
                  struct journal *j)
{
    socklen_t size = address->ss_family == AF_INET6
                         ? sizeof(struct sockaddr_in6)
                         : sizeof(struct sockaddr_in);
    if (p->fd >= 0)
        close(p->fd);
    begin_connection(p);
    p->fd = socket(address->ss_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0)
        return false;
    set_small(p, p->fd);
    p->remote = *address; /* known also if the peer is gone by then */
    if (connect(p->fd, (const struct sockaddr *)address, size) == 0)
        connect_ended(p, 0, j);
    else if (errno == EINPROGRESS)
        p->connecting = true;
    else
        connect_ended(p, errno, j);
    return true;
}

bool peer_listen(struct peer *p, int backlog, struct journal *j)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof p->local;
    p->listener =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->listener < 0 ||
        bind(p->listener, (struct sockaddr *)&address, sizeof address) < 0)
        return false;
    set_small(p, p->listener);
    if (backlog >= 0 && listen(p->listener, backlog) < 0)
        return false;
    getsockname(p->listener, (struct sockaddr *)&p->local, &size);
    if (backlog >= 0 && !p->relayed) {
        struct event *e = journal_event(j, EVENT_CONNECT, p->name, "");
        snprintf(e->key, sizeof e->key, "listen");
    }
    return true;
}

bool peer_accept(struct peer *p, struct journal *j)
{
    int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    if (p->fd >= 0)
        close(p->fd);
    begin_connection(p);
    p->fd = fd;
    set_up(p, fd);
    tell(p, j, EVENT_ACCEPT);
    return true;
}

void peer_send(struct peer *p, const void *data, size_t length)
{
    bytes_add(&p->out, data, length);
}

void peer_pour(struct peer *p, size_t count)
{
    p->pour += count;
}

void peer_shut(struct peer *p)
{
    p->fin_wanted = true;
}

static void latch_reset(struct peer *p, struct journal *j)
{
    if (p->saw_reset)
        return;
    p->saw_reset = true;
    bytes_clear(&p->out);
    tell(p, j, EVENT_RECEIVED_RESET);
}

/* Gives the kernel what it takes now. 0: nothing, or there was a reset. */
static size_t give(struct peer *p, const char *data, size_t length,
                   struct journal *j)
{
    ssize_t n;
    do
        n = send(p->fd, data, length, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == ECONNRESET || errno == EPIPE))
        latch_reset(p, j);
    if (n < 0)
        return 0;
    p->sent += (size_t)n;
    return (size_t)n;
}

/* The pieces are large, since the program must not be faster than wire; and
 * after so many the others have their turn. */
#define POUR_PIECE (256UL << 10)
#define POUR_AT_ONCE (8UL << 20)

/* The journal is told by who asked for it: a line for each piece would fill a
 * disk. */
static bool pour(struct peer *p, struct journal *j)
{
    static const char water[POUR_PIECE];
    size_t done = 0, n;

    do {
        n = p->pour < sizeof water ? p->pour : sizeof water;
        n = n ? give(p, water, n, j) : 0;
        p->pour -= n;
        done += n;
    } while (n && done < POUR_AT_ONCE);
    if (p->saw_reset)
        p->pour = 0;
    return done > 0;
}

static bool flush(struct peer *p, struct journal *j)
{
    bool moved = false;
    size_t done = 0;

    while (p->fd >= 0 && done < p->out.length && !p->saw_reset) {
        size_t n = give(p, p->out.data + done, p->out.length - done, j);
        moved |= n || p->saw_reset;
        if (!n)
            break;
        if (!p->relayed)
            journal_data(j, EVENT_SENT, p->name, p->other, p->out.data + done,
                         n);
        size_t room = HISTORY_MAX - p->said.length;
        bytes_add(&p->said, p->out.data + done, n < room ? n : room);
        done += n;
    }
    if (p->saw_reset)
        bytes_clear(&p->out);
    else if (done)
        bytes_drop(&p->out, done);
    if (p->fd >= 0 && p->pour && !p->out.length && !p->saw_reset)
        moved |= pour(p, j);
    if (p->fd >= 0 && p->fin_wanted && !p->fin_sent && !p->out.length &&
        !p->pour) {
        p->fin_sent = true;
        moved = true;
        if (shutdown(p->fd, SHUT_WR) == 0)
            tell(p, j, EVENT_SENT_FIN);
    }
    return moved;
}

/* For tests of wire itself: WIRE_READ_MAX=1 reads one byte at a time. */
static size_t read_size(void)
{
    static size_t size;
    if (!size) {
        const char *text = getenv("WIRE_READ_MAX");
        long wanted = text ? atol(text) : 0;
        size = wanted > 0 ? (size_t)wanted : 65536;
    }
    return size;
}

size_t peer_read(struct peer *p, size_t most, struct journal *j)
{
    char buffer[65536];
    size_t total = 0;

    while (p->fd >= 0 && !p->saw_eof && !p->saw_reset && total < most &&
           p->in.length < PEER_IN_MAX) {
        size_t size = read_size() < sizeof buffer ? read_size() : sizeof buffer;
        if (size > most - total)
            size = most - total;
        ssize_t n = recv(p->fd, buffer, size, 0);
        if (n > 0) {
            size_t got = (size_t)n;
            if (!p->relayed)
                journal_data(j, EVENT_RECEIVED, p->name, p->other, buffer, got);
            bytes_add(&p->in, buffer, got);
            if (p->history.length < HISTORY_MAX)
                bytes_add(&p->history, buffer, got);
            p->received += got;
            total += got;
        } else if (n == 0) {
            p->saw_eof = true;
            tell(p, j, EVENT_RECEIVED_FIN);
            return total + 1;
        } else if (errno == EINTR) {
            continue;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else {
            latch_reset(p, j);
            return total + 1;
        }
    }
    return total;
}

/* A peer that does not read still learns of a reset. */
static bool notice_reset(struct peer *p, struct journal *j)
{
    struct pollfd watch = {.fd = p->fd};
    int error = 0;
    socklen_t size = sizeof error;
    if (p->saw_reset || poll(&watch, 1, 0) <= 0 || !(watch.revents & POLLERR))
        return false;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != ECONNRESET && error != EPIPE)
        return false;
    latch_reset(p, j);
    return true;
}

static bool pump_connect(struct peer *p, struct journal *j)
{
    struct pollfd watch = {.fd = p->fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&watch, 1, 0) <= 0)
        return false;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    connect_ended(p, error, j);
    return true;
}

bool peer_pump(struct peer *p, struct journal *j)
{
    if (p->fd < 0)
        return false;
    if (p->connecting)
        return pump_connect(p, j);
    bool moved = flush(p, j);
    if (p->stopped || p->saw_eof)
        return notice_reset(p, j) || moved;
    if (p->slow)
        return peer_read(p, 2048, j) > 0 || moved;
    return peer_read(p, PEER_IN_MAX, j) > 0 || moved;
}

short peer_events(const struct peer *p)
{
    if (p->fd < 0)
        return 0;
    if (p->connecting)
        return POLLOUT;
    short events = 0;
    if (!p->stopped && !p->saw_eof && !p->saw_reset)
        events |= POLLIN;
    if ((p->out.length || p->pour) && !p->saw_reset)
        events |= POLLOUT;
    return events;
}

void peer_reset(struct peer *p, struct journal *j)
{
    struct linger now = {.l_onoff = 1};
    if (p->fd < 0)
        return;
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(p->fd);
    p->fd = -1;
    p->closed = true;
    p->reset_sent = true;
    tell(p, j, EVENT_SENT_RESET);
}

void peer_close(struct peer *p, struct journal *j)
{
    if (p->fd < 0)
        return;
    peer_read(p, PEER_IN_MAX, j);
    close(p->fd);
    p->fd = -1;
    p->closed = true;
    if (!p->fin_sent && !p->saw_reset)
        tell(p, j, EVENT_SENT_FIN);
}

bool peer_ended(const struct peer *p)
{
    return p->fd < 0 || p->saw_eof || p->saw_reset;
}

bool peer_other_end(const struct peer *p, struct socket_facts *out)
{
    return sockdiag_find((const struct sockaddr *)&p->remote,
                         (const struct sockaddr *)&p->local, out);
}

bool peer_end_arrived(const struct peer *p, bool *stuck)
{
    struct socket_facts facts;
    if (!p->closed || !p->connected || !peer_other_end(p, &facts))
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
