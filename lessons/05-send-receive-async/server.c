/* Lesson 5, the server: many conversations by Begin and End.
 *
 * It shows   the chain of callbacks: each End leads to the next Begin, and the
 *            object that goes along with them holds all there is to know of one
 *            client. There is no state variable that says what comes next: the
 *            callback itself does.
 * .NET       Socket.BeginReceive, Socket.BeginSend, the StateObject.
 * Run it     make run5
 * Watch      that a slow client costs a StateObject, and nobody's time.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: sockets and buffers everywhere. Lesson 6 puts a stream
 * over them. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async_accept.h"
#include "async_receive.h"
#include "async_send.h"
#include "loop.h"
#include "message.h"
#include "net.h"
#include "service.h"

#define BUFFER_SIZE 4096

struct server {
    struct loop *loop;
    struct async_socket *listener;
    const char *endpoint; /* for people */
    int status;           /* of the program */
};

/* One client, from its accept to its close. .NET: StateObject. */
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
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO c: async_begin_receive() into the buffer, with the callback, and the
     * conversation as state. */
    /* BEGIN SOLUTION c */
    ar = async_begin_receive(c->socket, c->buffer, sizeof c->buffer, callback,
                             c);
    /* END SOLUTION c */
    if (ar == NULL)
        end_conversation(c, strerror(errno));
}

/* FIN, behind all that is being sent. What the client still has to say is read
 * and thrown away, until it ends its side, too. */
static void stop_sending(struct conversation *c)
{
    async_shutdown(c->socket, SHUT_WR);
    begin_receive(c, on_drain);
}

/* The whole text is there: back with it. */
static void begin_reply(struct conversation *c)
{
    struct async_result *ar = NULL;

    printf("Read %zu bytes from socket.\n Data : ", c->text.length);
    message_print(stdout, c->text.bytes, c->text.length);
    printf("\n");
    errno = ENOSYS;
    /* TODO c: async_begin_send() the text, with on_send(), and the conversation
     * as state. */
    /* BEGIN SOLUTION c */
    ar = async_begin_send(c->socket, c->text.bytes, c->text.length, on_send, c);
    /* END SOLUTION c */
    if (ar == NULL)
        end_conversation(c, strerror(errno));
}

/* A callback: some bytes have arrived, or the client has ended, or the
 * connection is gone. */
static void on_receive(struct async_result *ar)
{
    /* TODO c: the conversation is the state of ar. async_end_receive(). If it
     * failed, end_conversation() with strerror(errno); if it gave 0, with "the
     * text ended before <EOF>". Else message_append() what has come; if that
     * fails, fail("serve", ...), and stop_sending(). If the text is complete,
     * begin_reply(), else begin_receive() with this callback again. */
    /* BEGIN SOLUTION c */
    /* slide: on-receive */
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
    /* end slide */
    /* END SOLUTION c */
}

/* A callback: the kernel has all of the reply, or the connection is gone. */
static void on_send(struct async_result *ar)
{
    /* TODO c: async_end_send(). If it failed, end_conversation() with
     * strerror(errno). Else print "Sent N bytes to client." and stop_sending().
     */
    /* BEGIN SOLUTION c */
    /* slide: on-send */
    struct conversation *c = async_state(ar);
    ssize_t count = async_end_send(c->socket, ar);

    if (count == -1) {
        end_conversation(c, strerror(errno));
    } else {
        printf("Sent %zd bytes to client.\n", count);
        stop_sending(c);
    }
    /* end slide */
    /* END SOLUTION c */
}

/* A callback: what came is not wanted. 0 is the client's FIN. */
static void on_drain(struct async_result *ar)
{
    /* TODO c: async_end_receive(). If it gave something, begin_receive() with
     * this callback again; else end_conversation(), with strerror(errno) if it
     * failed, and with NULL if it gave 0. */
    /* BEGIN SOLUTION c */
    struct conversation *c = async_state(ar);
    ssize_t count = async_end_receive(c->socket, ar);

    if (count > 0)
        begin_receive(c, on_drain);
    else
        end_conversation(c, count == -1 ? strerror(errno) : NULL);
    /* END SOLUTION c */
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

static void on_accept(struct async_result *ar);

static void begin_accept(struct server *server)
{
    if (async_begin_accept(server->listener, on_accept, server) == NULL) {
        server->status = fail("accept on", server->endpoint, strerror(errno));
        loop_stop(server->loop);
    }
}

/* A callback, as in lesson 4. */
static void on_accept(struct async_result *ar)
{
    struct server *server = async_state(ar);
    struct async_socket *client = async_end_accept(server->listener, ar);

    if (client == NULL && errno == ECANCELED)
        return;
    if (client == NULL)
        fail("accept on", server->endpoint, strerror(errno));
    else
        begin_conversation(client);
    begin_accept(server);
}

/* ================================ listening ============================== */

static int run(struct server *server, const struct addrinfo *addresses)
{
    server->listener = service_listen(server->loop, addresses, NET_BACKLOG);
    if (server->listener == NULL)
        return fail("listen on", server->endpoint, strerror(errno));
    begin_accept(server);
    if (loop_run(server->loop) == -1)
        return fail("wait on", server->endpoint, strerror(errno));
    return server->status;
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
    server.endpoint = arguments.endpoint;
    if (server.loop == NULL)
        return fail("listen on", arguments.endpoint, strerror(errno));
    service_stop_on_signals(server.loop);
    status = run(&server, addresses);
    freeaddrinfo(addresses);
    service_end(server.loop); /* closes the listener, too */
    return status;
}
