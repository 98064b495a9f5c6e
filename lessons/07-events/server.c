/* Lesson 7, the server: the main thread accepts, the I/O thread talks.
 *
 * It shows   two threads and the event between them: main() begins one accept
 *            and sleeps; the callback, on the I/O thread, sets the event; then
 *            main() goes on to the next.
 * .NET       ManualResetEvent allDone: allDone.Reset, BeginAccept,
 *            allDone.WaitOne; allDone.Set in the callback. Line by line.
 * Run it     make run7
 * Watch      the order in serve(): Reset, Begin, Wait. With any other order a
 *            signal is lost one day.
 *
 * Usage: server [HOST [PORT]]
 *        defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: next to nothing. Lesson 8 takes the .NET program as it
 * is taught, and finds out what is wrong with that. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async_accept.h"
#include "async_receive.h"
#include "async_send.h"
#include "event.h"
#include "loop.h"
#include "loop_thread.h"
#include "message.h"
#include "net.h"
#include "service.h"

#define BUFFER_SIZE 4096

/* What both threads use. Nothing here changes once the I/O thread runs, but for
 * the event, which is made for that. */
struct server {
    struct loop *loop;
    struct async_socket *listener;
    struct event *accepted; /* the accept that was begun last is over */
    const char *endpoint;   /* for people */
};

/* One client, from its accept to its close. The I/O thread's alone: no lock.
 * .NET: StateObject. */
struct conversation {
    struct async_socket *socket;
    char buffer[BUFFER_SIZE];   /* belongs to the receive that is pending */
    struct message text;        /* as far as it has arrived */
    char peer[NET_ADDRESS_MAX]; /* the client's address, for people */
};

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* ============================ a conversation ============================= */

static void on_receive(struct async_result *ar);
static void on_send(struct async_result *ar);
static void on_drain(struct async_result *ar);

/* The end of the chain, on every path: nothing is pending any more. */
static void end_conversation(struct conversation *c, const char *reason)
{
    if (reason != NULL)
        fail("serve", c->peer, reason);
    async_close(c->socket);
    message_destroy(&c->text);
    free(c);
}

/* The next receive of the chain; CALLBACK is what it leads to. */
static void begin_receive(struct conversation *c, async_callback *callback)
{
    if (async_begin_receive(c->socket, c->buffer, sizeof c->buffer, callback,
                            c) == NULL)
        end_conversation(c, strerror(errno));
}

/* FIN, behind all that is being sent. What the client still has to say is read
 * and thrown away, until it ends its side, too. */
static void stop_sending(struct conversation *c)
{
    async_shutdown(c->socket, SHUT_WR);
    begin_receive(c, on_drain);
}

/* The whole text is there: back with it. What the main thread prints must not
 * come in between: flockfile() keeps stdout for this thread. */
static void begin_reply(struct conversation *c)
{
    flockfile(stdout);
    printf("Read %zu bytes from socket.\n Data : ", c->text.length);
    message_print(stdout, c->text.bytes, c->text.length);
    printf("\n");
    funlockfile(stdout);
    if (async_begin_send(c->socket, c->text.bytes, c->text.length, on_send,
                         c) == NULL)
        end_conversation(c, strerror(errno));
}

/* A callback: some bytes have arrived, or the client has ended, or the
 * connection is gone. */
static void on_receive(struct async_result *ar)
{
    struct conversation *c = async_state(ar);
    ssize_t count = async_end_receive(c->socket, ar);

    if (count == -1) {
        end_conversation(c, strerror(errno));
    } else if (count == 0) {
        end_conversation(c, "the text ended before <EOF>");
    } else if (message_append(&c->text, c->buffer, (size_t)count) == -1) {
        fail("serve", c->peer, strerror(errno));
        stop_sending(c);
    } else if (message_is_complete(&c->text)) {
        begin_reply(c);
    } else {
        begin_receive(c, on_receive);
    }
}

/* A callback: the kernel has all of the reply, or the connection is gone. */
static void on_send(struct async_result *ar)
{
    struct conversation *c = async_state(ar);
    ssize_t count = async_end_send(c->socket, ar);

    if (count == -1) {
        end_conversation(c, strerror(errno));
    } else {
        printf("Sent %zd bytes to client.\n", count);
        stop_sending(c);
    }
}

/* A callback: what came is not wanted. 0 is the client's FIN. */
static void on_drain(struct async_result *ar)
{
    struct conversation *c = async_state(ar);
    ssize_t count = async_end_receive(c->socket, ar);

    if (count > 0)
        begin_receive(c, on_drain);
    else
        end_conversation(c, count == -1 ? strerror(errno) : NULL);
}

/* =============================== accepting =============================== */

static void begin_conversation(struct async_socket *socket)
{
    struct conversation *c = calloc(1, sizeof *c);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (c == NULL) {
        async_close(socket);
        return;
    }
    c->socket = socket;
    message_init(&c->text);
    if (async_remote_address(socket, (struct sockaddr *)&address, &length) == 0)
        net_format_address((struct sockaddr *)&address, length, c->peer,
                           sizeof c->peer);
    printf("Accepted %s\n", c->peer);
    begin_receive(c, on_receive);
}

/* A callback, on the I/O thread. The event comes first: main() may begin the
 * next accept while this one's client is looked after. */
static void on_accept(struct async_result *ar)
{
    struct server *server = async_state(ar);
    struct async_socket *client;

    /* TODO a: the accept is over: set the event. */
    /* BEGIN SOLUTION a */
    event_set(server->accepted);
    /* END SOLUTION a */
    client = async_end_accept(server->listener, ar);
    if (client == NULL && errno == ECANCELED)
        return;
    if (client == NULL)
        fail("accept on", server->endpoint, strerror(errno));
    else
        begin_conversation(client);
}

/* The main thread. One accept at a time is pending; clients that come meanwhile
 * wait in the listener's queue. */
static int serve(struct server *server)
{
    enum { ACCEPTED, ENDED };
    struct event *const either[] = {
        [ACCEPTED] = server->accepted, [ENDED] = loop_ended(server->loop)};
    int which = ENDED;

    if (either[ENDED] == NULL)
        return fail("wait on", server->endpoint, strerror(errno));
    /* TODO a: again and again, as long as which is ACCEPTED: reset the event.
     * Print "Waiting for a connection...". async_begin_accept() with
     * on_accept() and the server as state; if that fails, return fail("accept
     * on", ...). Then which is what event_wait_any() of the two events says. */
    /* BEGIN SOLUTION a */
    /* slide: serve */
    do {
        event_reset(server->accepted);
        printf("Waiting for a connection...\n");
        if (async_begin_accept(server->listener, on_accept, server) == NULL)
            return fail("accept on", server->endpoint, strerror(errno));
        which = event_wait_any(either, 2, -1);
    } while (which == ACCEPTED);
    /* end slide */
    /* END SOLUTION a */
    if (which == -1 || loop_join(server->loop) == -1)
        return fail("wait on", server->endpoint, strerror(errno));
    return 0;
}

/* ================================ listening ============================== */

static int run(struct server *server, const struct addrinfo *addresses)
{
    server->listener = service_listen(server->loop, addresses, NET_BACKLOG);
    if (server->listener == NULL)
        return fail("listen on", server->endpoint, strerror(errno));
    if (loop_start(server->loop) == -1)
        return fail("start a thread for", server->endpoint, strerror(errno));
    return serve(server);
}

int main(int argc, char *argv[])
{
    struct server server = {0};
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code, status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (net_parse_arguments(argc, argv, 2, &arguments) == -1) {
        fprintf(stderr, "usage: server [HOST [PORT]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, true, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));

    server.loop = loop_create();
    server.accepted = event_create(EVENT_MANUAL_RESET, false);
    server.endpoint = arguments.endpoint;
    if (server.loop == NULL || server.accepted == NULL)
        return fail("listen on", arguments.endpoint, strerror(errno));
    service_stop_on_signals(server.loop);
    status = run(&server, addresses);
    freeaddrinfo(addresses);
    service_end(server.loop); /* ends the thread, closes the listener, too */
    event_destroy(server.accepted);
    return status;
}
