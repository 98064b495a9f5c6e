/* Lesson 3, stage c: the same server, with the loop lifted out of it.
 *
 * It shows   callbacks on readiness: the program says "call me when this
 *            descriptor is ready" and returns; common/loop waits, and calls.
 *            What is left here is the protocol and nothing else.
 * .NET       none: it keeps its loop out of sight.
 * Run it     make run3 SERVER=build/plain/03-select/loop_server
 * Watch      what has gone: the sets, the table, the search through it. Hold it
 *            beside server.c.
 *
 * Usage: loop_server [HOST [PORT]]
 *        defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: a callback is told that it may try, and has to know by
 * itself what it was doing. From lesson 4 on it is told what has been done. */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "message.h"
#include "net.h"

/* The life of a connection, as in server.c. */
enum state { RECEIVING, SENDING, DRAINING };

struct connection {
    int fd;
    enum state state;
    struct message text;        /* as far as it has arrived */
    size_t sent;                /* bytes of it that went back already */
    char peer[NET_ADDRESS_MAX]; /* the client's address, for people */
    struct server *server;
};

/* There is no table any more: the loop gives each callback its connection. */
struct server {
    struct loop *loop;
    int listener;
    bool full; /* no descriptor is left: accept() has to wait for one */
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

static void listen_again(struct server *server);

/* First out of the loop, then close(): afterwards the number is free, and may
 * be somebody else's at once. */
static void close_connection(struct connection *c)
{
    struct server *server = c->server;

    loop_unwatch(server->loop, c->fd);
    close(c->fd);
    message_destroy(&c->text);
    free(c);
    listen_again(server);
}

static void on_readable(struct loop *loop, int fd, unsigned events,
                        void *state);
static void on_writable(struct loop *loop, int fd, unsigned events,
                        void *state);

/* The connection goes over to STATE; what it waits for follows from that.
 * Returns 0, or -1 with the errno of loop_watch(). */
static int enter(struct connection *c, enum state state)
{
    int result = -1;

    c->state = state;
    errno = ENOSYS;
    /* TODO c: loop_watch() c->fd, with c as the state: while SENDING for
     * LOOP_WRITE with on_writable(), else for LOOP_READ with on_readable().
     * result is what it returns. */
    /* BEGIN SOLUTION c */
    /* slide: enter */
    if (state == SENDING)
        result = loop_watch(c->server->loop, c->fd, LOOP_WRITE, on_writable, c);
    else
        result = loop_watch(c->server->loop, c->fd, LOOP_READ, on_readable, c);
    /* end slide */
    /* END SOLUTION c */
    return result;
}

/* FIN: "I have said everything". What still comes is thrown away. */
static void stop_sending(struct connection *c)
{
    shutdown(c->fd, SHUT_WR);
    enter(c, DRAINING);
}

/* SENDING: hands the kernel what it takes now. */
static void on_writable(struct loop *loop, int fd, unsigned events, void *state)
{
    struct connection *c = state;
    ssize_t count = message_send_some(fd, c->text.bytes + c->sent,
                                      c->text.length - c->sent);

    (void)loop;
    (void)events;
    if (count == -1 && !is_no_error(errno)) {
        fail("serve", c->peer, strerror(errno));
        close_connection(c);
        return;
    }
    /* TODO c: as in server.c: count the bytes that went, if any; return if the
     * text has not gone as a whole. */
    /* BEGIN SOLUTION c */
    if (count > 0)
        c->sent += (size_t)count;
    if (c->sent < c->text.length)
        return;
    /* END SOLUTION c */
    printf("Sent %zu bytes to client.\n", c->text.length);
    stop_sending(c);
}

/* RECEIVING: COUNT bytes have arrived. */
static void take_bytes(struct connection *c, const char *bytes, size_t count)
{
    if (message_append(&c->text, bytes, count) == -1) {
        fail("serve", c->peer, strerror(errno));
        stop_sending(c);
        return;
    }
    if (!message_is_complete(&c->text))
        return;
    printf("Read %zu bytes from socket.\n Data : ", c->text.length);
    message_print(stdout, c->text.bytes, c->text.length);
    printf("\n");
    enter(c, SENDING);
}

/* RECEIVING and DRAINING: takes what is there now, once. */
static void on_readable(struct loop *loop, int fd, unsigned events, void *state)
{
    struct connection *c = state;
    char bytes[4096];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);

    (void)loop;
    (void)events;
    /* TODO c: as in server.c: if it is no error, return; if it is one, or a
     * text has ended too early, fail(). */
    /* BEGIN SOLUTION c */
    if (count == -1 && is_no_error(errno))
        return;
    if (count == -1)
        fail("serve", c->peer, strerror(errno));
    if (count == 0 && c->state == RECEIVING)
        fail("serve", c->peer, "the text ended before <EOF>");
    /* END SOLUTION c */
    if (count <= 0)
        close_connection(c);
    else if (c->state == RECEIVING)
        take_bytes(c, bytes, (size_t)count);
}

/* ============================== new clients ============================== */

/* The loop cannot watch FD. The client gets FIN and not RST, so what it has
 * sent already has to be read. */
static void turn_away(int fd, const char *peer)
{
    fail("serve", peer,
         errno == EMFILE ? "too many clients for select()" : strerror(errno));
    /* TODO c: as in server.c: FIN, then read what is there, and ignore it. */
    /* BEGIN SOLUTION c */
    char ignored[4096];

    shutdown(fd, SHUT_WR);
    while (recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
        ;
    /* END SOLUTION c */
    close(fd);
}

static void add_connection(struct server *server, int fd, const char *peer)
{
    struct connection *c = calloc(1, sizeof *c);

    if (c == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
        goto refuse;
    c->fd = fd;
    message_init(&c->text);
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    c->server = server;
    if (enter(c, RECEIVING) == -1)
        goto refuse;
    return;
refuse:
    turn_away(fd, peer);
    free(c);
}

static void on_client(struct loop *loop, int listener, unsigned events,
                      void *state)
{
    struct server *server = state;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept(listener, (struct sockaddr *)&address, &length);
    char peer[NET_ADDRESS_MAX];

    (void)events;
    if (fd != -1) {
        net_format_address((struct sockaddr *)&address, length, peer,
                           sizeof peer);
        printf("Accepted %s\n", peer);
        fcntl(fd, F_SETFD, FD_CLOEXEC); /* net_accept() of lesson 1 says why */
        add_connection(server, fd, peer);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
               errno == ENOMEM) {
        server->full = true;
        loop_unwatch(loop, listener);
    }
}

/* A descriptor was closed, or some time has passed: if the server was full, it
 * looks at its listener again. */
static void listen_again(struct server *server)
{
    if (server->full && loop_watch(server->loop, server->listener, LOOP_READ,
                                   on_client, server) == 0)
        server->full = false;
}

/* ================================= running =============================== */

/* Returns only if the wait itself fails. */
static int run(struct server *server)
{
    int result = -1;

    errno = ENOSYS;
    /* TODO c: loop_watch() the listener for LOOP_READ with on_client(), and
     * with the server as the state. Then, while all goes well, loop_run_once():
     * for ever, or for FULL_MILLISECONDS if the server is full; if it was full,
     * listen_again() afterwards. */
    /* BEGIN SOLUTION c */
    /* slide: run */
    result = loop_watch(server->loop, server->listener, LOOP_READ, on_client,
                        server);
    while (result == 0) {
        bool was_full = server->full;

        result = loop_run_once(server->loop, was_full ? FULL_MILLISECONDS : -1);
        if (was_full)
            listen_again(server);
    }
    /* end slide */
    /* END SOLUTION c */
    return result;
}

/* Listens on the first of ADDRESSES that lets it. */
static int open_listener(const struct addrinfo *addresses)
{
    int listener = net_listen(addresses, NET_BACKLOG);

    if (listener == -1)
        return -1;
    if (fcntl(listener, F_SETFL, O_NONBLOCK) == -1) {
        net_close(listener);
        return -1;
    }
    return listener;
}

int main(int argc, char *argv[])
{
    struct server server = {0};
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code;

    setvbuf(stdout, NULL, _IOLBF, 0);
    end_on_signals();
    if (net_parse_arguments(argc, argv, 2, &arguments) == -1) {
        fprintf(stderr, "usage: loop_server [HOST [PORT]]\n");
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

    server.loop = loop_create();
    if (server.loop != NULL)
        run(&server);
    fail("wait on", arguments.endpoint, strerror(errno));
    loop_destroy(server.loop);
    close(server.listener);
    return 1;
}
