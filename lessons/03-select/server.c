/* Lesson 3, the server: serves many clients at the same time, in one thread.
 *
 * It shows   how select() waits for many sockets at once, and what a program
 *            looks like that never waits anywhere else: each connection has a
 *            state, and each event moves one connection one step on.
 * .NET       Socket.Select, Socket.Blocking = false.
 * Run it     make run3
 * Watch      that select() is the only call in which it ever sleeps.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: the loop and the protocol are one piece of code. Stage
 * c lifts the loop out of it: loop_server.c is the same server without. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "message.h"
#include "net.h"

/* The life of a connection. It begins on the left, goes on to the right, and
 * never back:
 *
 *     RECEIVING  ->  SENDING  ->  DRAINING  ->  closed
 *     the text       the reply    what still comes, until the client's FIN
 */
enum state { RECEIVING, SENDING, DRAINING };

struct connection {
    int fd;
    enum state state;
    struct message text;        /* as far as it has arrived */
    size_t sent;                /* bytes of it that went back already */
    char peer[NET_ADDRESS_MAX]; /* the client's address, for people */
};

/* select() knows descriptors below FD_SETSIZE and no others, so a table with
 * the descriptor as its index has room for all that can ever be. */
struct server {
    int listener;
    bool full; /* no descriptor is left: accept() has to wait for one */
    struct connection *connections[FD_SETSIZE];
};

/* While the server is full it asks again after so many milliseconds: the
 * descriptor that it waits for may be somebody else's to close. */
#define FULL_MILLISECONDS 100

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* Lesson 1 says why this is _exit() and not exit(). */
static void end_at_once(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

static void end_on_signals(void)
{
    struct sigaction action = {.sa_handler = end_at_once};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void print_listening(int listener)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char text[NET_ADDRESS_MAX];

    if (getsockname(listener, (struct sockaddr *)&address, &length) == -1)
        return;
    net_format_address((struct sockaddr *)&address, length, text, sizeof text);
    printf("Listening on %s\n", text);
}

/* A call on a non-blocking socket that has nothing to do does not wait: it
 * fails, and says that it would have waited. That is no error, and neither is a
 * signal that came in between: the loop comes back here when it is time. */
static bool is_no_error(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* ============================= one connection ============================ */

/* Forgets the client. Its number is free from now on, and the next client will
 * probably get it: so nothing of this one may stay behind. */
static void close_connection(struct server *server, struct connection *c)
{
    server->connections[c->fd] = NULL;
    server->full = false;
    close(c->fd);
    message_destroy(&c->text);
    free(c);
}

/* FIN: "I have said everything". What still comes is thrown away. */
static void stop_sending(struct connection *c)
{
    shutdown(c->fd, SHUT_WR);
    c->state = DRAINING;
}

/* SENDING: hands the kernel what it takes now. */
static void send_reply(struct server *server, struct connection *c)
{
    ssize_t count = message_send_some(c->fd, c->text.bytes + c->sent,
                                      c->text.length - c->sent);

    if (count == -1 && !is_no_error(errno)) {
        fail("serve", c->peer, strerror(errno));
        close_connection(server, c);
        return;
    }
    /* TODO b: add what was taken to c->sent. If that is not all of the text,
     * return: select() will say when there is room for more. */
    /* BEGIN SOLUTION b */
    /* slide: send */
    if (count > 0)
        c->sent += (size_t)count;
    if (c->sent < c->text.length)
        return;
    /* end slide */
    /* END SOLUTION b */
    printf("Sent %zu bytes to client.\n", c->text.length);
    stop_sending(c);
}

/* RECEIVING: COUNT bytes have arrived. */
static void take_bytes(struct server *server, struct connection *c,
                       const char *bytes, size_t count)
{
    if (message_append(&c->text, bytes, count) == -1) {
        fail("serve", c->peer, strerror(errno));
        /* TODO b: stop_sending(): no reply, but a clean close. */
        /* BEGIN SOLUTION b */
        stop_sending(c);
        /* END SOLUTION b */
        return;
    }
    if (!message_is_complete(&c->text))
        return;
    printf("Read %zu bytes from socket.\n Data : ", c->text.length);
    message_print(stdout, c->text.bytes, c->text.length);
    printf("\n");
    c->state = SENDING;
    send_reply(server, c);
}

/* RECEIVING and DRAINING: takes what is there now, once. More will be reported
 * again, and in between the others have their turn. */
static void receive_bytes(struct server *server, struct connection *c)
{
    /* TODO a: recv() once, into a buffer of 4096 bytes. If it failed with what
     * is_no_error(), return. If it failed otherwise, fail("serve", ...). If it
     * returned 0 while RECEIVING, the text was cut: fail("serve", ...) with
     * "the text ended before <EOF>". Whenever it failed or returned 0, it was
     * the last time: close_connection(). Else take_bytes() while RECEIVING, and
     * forget them while DRAINING. */
    /* BEGIN SOLUTION a */
    /* slide: receive */
    char bytes[4096];
    ssize_t count = recv(c->fd, bytes, sizeof bytes, 0);

    if (count == -1 && is_no_error(errno))
        return;
    if (count == -1)
        fail("serve", c->peer, strerror(errno));
    if (count == 0 && c->state == RECEIVING)
        fail("serve", c->peer, "the text ended before <EOF>");
    if (count <= 0)
        close_connection(server, c);
    else if (c->state == RECEIVING)
        take_bytes(server, c, bytes, (size_t)count);
    /* end slide */
    /* END SOLUTION a */
}

/* ============================== new clients ============================== */

/* select() cannot watch a descriptor of FD_SETSIZE or more: FD_SET() would
 * write behind the set, into whatever lies there. Such a client is refused. It
 * gets FIN and not RST, so what it has sent already has to be read. */
static bool can_be_watched(int fd, const char *peer)
{
    /* TODO b: if fd is not smaller than FD_SETSIZE: fail("serve", ...) with
     * "too many clients for select()"; shutdown() the sending side; recv() with
     * MSG_DONTWAIT until nothing more comes; close(); return false. */
    /* BEGIN SOLUTION b */
    /* slide: refuse */
    if (fd >= FD_SETSIZE) {
        char ignored[4096];

        fail("serve", peer, "too many clients for select()");
        shutdown(fd, SHUT_WR);
        while (recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
            ;
        close(fd);
        return false;
    }
    /* end slide */
    /* END SOLUTION b */
    return true;
}

static void add_connection(struct server *server, int fd, const char *peer)
{
    /* TODO a: get memory for a connection (calloc), and make fd non-blocking
     * (fcntl, F_SETFL, O_NONBLOCK); if one of the two fails, fail("serve",
     * ...), close() fd, free() the memory, and return. Then fill it in: fd,
     * RECEIVING, message_init(), the peer's address; and put it into the table.
     */
    /* BEGIN SOLUTION a */
    struct connection *c = calloc(1, sizeof *c);

    if (c == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
        fail("serve", peer, strerror(errno));
        close(fd);
        free(c);
        return;
    }
    c->fd = fd;
    c->state = RECEIVING;
    message_init(&c->text);
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    server->connections[fd] = c;
    /* END SOLUTION a */
}

/* The listener is readable: somebody waits in the accept queue. Or waited: a
 * client may have gone away since, and then accept() would block; that is why
 * the listener is non-blocking as well. */
static void accept_client(struct server *server)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept(server->listener, (struct sockaddr *)&address, &length);
    char peer[NET_ADDRESS_MAX];

    if (fd != -1) {
        net_format_address((struct sockaddr *)&address, length, peer,
                           sizeof peer);
        printf("Accepted %s\n", peer);
        fcntl(fd, F_SETFD, FD_CLOEXEC); /* net_accept() of lesson 1 says why */
        if (can_be_watched(fd, peer))
            add_connection(server, fd, peer);
        return;
    }
    /* TODO b: if accept() failed for lack of something (EMFILE, ENFILE,
     * ENOBUFS, ENOMEM), the client stays in the queue, and the listener stays
     * readable: the server is full. All its other errors are one client's
     * trouble, or none; nothing needs to be done. */
    /* BEGIN SOLUTION b */
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
        errno == ENOMEM)
        server->full = true;
    /* END SOLUTION b */
}

/* ================================ the loop =============================== */

/* What the server waits for now. select() overwrites the sets that it is given
 * with its answer, so they are made anew in each round. Who asks to be told of
 * something that is not wanted spins: a socket with room in its send buffer is
 * writable all the time.
 * Returns the highest descriptor in the sets. */
static int fill_sets(const struct server *server, fd_set *readable,
                     fd_set *writable)
{
    int highest = server->listener;

    FD_ZERO(readable);
    FD_ZERO(writable);
    /* TODO a: into readable goes the listener, unless the server is full, and
     * each connection that is not SENDING. Keep highest right. */
    /* BEGIN SOLUTION a */
    /* slide: sets */
    if (!server->full)
        FD_SET(server->listener, readable);
    for (int fd = 0; fd < FD_SETSIZE; fd++)
        if (server->connections[fd] != NULL &&
            server->connections[fd]->state != SENDING) {
            FD_SET(fd, readable);
            highest = fd > highest ? fd : highest;
        }
    /* end slide */
    /* END SOLUTION a */
    /* TODO b: into writable goes each connection that is SENDING. */
    /* BEGIN SOLUTION b */
    for (int fd = 0; fd < FD_SETSIZE; fd++)
        if (server->connections[fd] != NULL &&
            server->connections[fd]->state == SENDING) {
            FD_SET(fd, writable);
            highest = fd > highest ? fd : highest;
        }
    /* END SOLUTION b */
    return highest;
}

/* Everything that is ready has its turn. New clients come last: one of them may
 * get the number of a connection that was closed in this round, and the answer
 * of select() was not about the new one. */
static void dispatch(struct server *server, const fd_set *readable,
                     const fd_set *writable)
{
    /* TODO a: receive_bytes() of each connection that is in readable. */
    /* BEGIN SOLUTION a */
    /* slide: dispatch */
    for (int fd = 0; fd < FD_SETSIZE; fd++)
        if (server->connections[fd] != NULL && FD_ISSET(fd, readable))
            receive_bytes(server, server->connections[fd]);
    /* end slide */
    /* END SOLUTION a */
    /* TODO b: send_reply() of each connection that is in writable. */
    /* BEGIN SOLUTION b */
    for (int fd = 0; fd < FD_SETSIZE; fd++)
        if (server->connections[fd] != NULL && FD_ISSET(fd, writable))
            send_reply(server, server->connections[fd]);
    /* END SOLUTION b */
    /* TODO a: accept_client() if the listener is in readable. */
    /* BEGIN SOLUTION a */
    if (FD_ISSET(server->listener, readable))
        accept_client(server);
    /* END SOLUTION a */
}

/* One round: wait until something is ready, then do all of it. */
static int run_once(struct server *server)
{
    fd_set readable, writable;
    struct timeval soon = {0, FULL_MILLISECONDS * 1000L};
    int highest = fill_sets(server, &readable, &writable);
    int ready = select(highest + 1, &readable, &writable, NULL,
                       server->full ? &soon : NULL);

    if (ready == -1)
        return errno == EINTR ? 0 : -1;
    /* TODO b: if nothing was ready, time has passed; a server that was full
     * looks at its listener again. */
    /* BEGIN SOLUTION b */
    if (ready == 0)
        server->full = false;
    /* END SOLUTION b */
    if (ready > 0)
        dispatch(server, &readable, &writable);
    return 0;
}

/* Listens on the first of ADDRESSES that lets it. */
static int open_listener(const struct addrinfo *addresses)
{
    int listener = net_listen(addresses, NET_BACKLOG);

    if (listener == -1)
        return -1;
    if (listener >= FD_SETSIZE) {
        close(listener);
        errno = EMFILE;
        return -1;
    }
    if (fcntl(listener, F_SETFL, O_NONBLOCK) == -1) {
        net_close(listener);
        return -1;
    }
    return listener;
}

int main(int argc, char *argv[])
{
    static struct server server; /* large, and zero */
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code;

    setvbuf(stdout, NULL, _IOLBF, 0);
    end_on_signals();
    if (net_parse_arguments(argc, argv, 2, &arguments) == -1) {
        fprintf(stderr, "usage: server [HOST [PORT]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, true, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));
    server.listener = open_listener(addresses);
    freeaddrinfo(addresses);
    if (server.listener == -1)
        return fail("listen on", arguments.endpoint, strerror(errno));
    print_listening(server.listener);

    while (run_once(&server) == 0)
        ;
    fail("select on", arguments.endpoint, strerror(errno));
    close(server.listener);
    return 1;
}
