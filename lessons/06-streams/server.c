/* Lesson 6, the server: the same conversations, over streams.
 *
 * It shows   what a layer above sockets is worth: a listener gives clients, a
 *            client has a stream, and the stream is read and written. The chain
 *            of callbacks is that of lesson 5, link by link.
 * .NET       TcpListener, TcpClient, NetworkStream.BeginRead, BeginWrite.
 * Run it     make run6
 * Watch      that on_read() ends each read before it begins the next: the .NET
 *            sample of the course does not.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: everything happens on one thread, and nobody can wait
 * for anything. Lesson 7 brings threads and signals between them. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "message.h"
#include "net.h"
#include "network_stream.h"
#include "service.h"
#include "tcp_client.h"
#include "tcp_listener.h"

#define BUFFER_SIZE 4096

struct server {
    struct loop *loop;
    struct tcp_listener *listener;
    const char *endpoint; /* for people */
    int status;           /* of the program */
};

/* One client, from its accept to its close. */
struct conversation {
    struct tcp_client *client;
    struct network_stream *stream; /* the client's: it goes with it */
    char buffer[BUFFER_SIZE];      /* belongs to the read that is pending */
    struct message text;           /* as far as it has arrived */
    char peer[NET_ADDRESS_MAX];    /* the client's address, for people */
};

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

static void print_local_address(struct tcp_listener *listener)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (tcp_listener_local_address(listener, (struct sockaddr *)&address,
                                   &length) == 0)
        service_print_listening((struct sockaddr *)&address, length);
}

/* ============================ a conversation ============================= */

static void on_read(struct async_result *ar);
static void on_write(struct async_result *ar);
static void on_drain(struct async_result *ar);

/* The end of the chain, on every path: nothing is pending any more. */
static void end_conversation(struct conversation *c, const char *reason)
{
    if (reason != NULL)
        fail("serve", c->peer, reason);
    tcp_client_destroy(c->client);
    message_destroy(&c->text);
    free(c);
}

/* The next read of the chain; CALLBACK is what it leads to. */
static void begin_read(struct conversation *c, async_callback *callback)
{
    if (network_stream_begin_read(c->stream, c->buffer, sizeof c->buffer,
                                  callback, c) == NULL)
        end_conversation(c, strerror(errno));
}

/* A stream is closed as a whole; for one direction alone there is the socket
 * below. What the client still has to say is read and thrown away. */
static void stop_sending(struct conversation *c)
{
    async_shutdown(tcp_client_socket(c->client), SHUT_WR);
    begin_read(c, on_drain);
}

static void begin_reply(struct conversation *c)
{
    printf("Read %zu bytes from socket.\n Data : ", c->text.length);
    message_print(stdout, c->text.bytes, c->text.length);
    printf("\n");
    if (network_stream_begin_write(c->stream, c->text.bytes, c->text.length,
                                   on_write, c) == NULL)
        end_conversation(c, strerror(errno));
}

/* A callback. Each read is ended once, and then one more is begun, or none. */
/* slide: on-read */
static void on_read(struct async_result *ar)
{
    struct conversation *c = async_state(ar);
    ssize_t count = network_stream_end_read(c->stream, ar);

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
        begin_read(c, on_read);
    }
}
/* end slide */

/* A callback. A write is all of the text or an error: there is no count. */
static void on_write(struct async_result *ar)
{
    struct conversation *c = async_state(ar);

    if (network_stream_end_write(c->stream, ar) == -1) {
        end_conversation(c, strerror(errno));
        return;
    }
    printf("Sent %zu bytes to client.\n", c->text.length);
    stop_sending(c);
}

/* A callback: what came is not wanted. 0 is the client's FIN. */
static void on_drain(struct async_result *ar)
{
    struct conversation *c = async_state(ar);
    ssize_t count = network_stream_end_read(c->stream, ar);

    if (count > 0)
        begin_read(c, on_drain);
    else
        end_conversation(c, count == -1 ? strerror(errno) : NULL);
}

/* =============================== accepting =============================== */

static void set_peer(struct conversation *c)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (async_remote_address(tcp_client_socket(c->client),
                             (struct sockaddr *)&address, &length) == 0)
        net_format_address((struct sockaddr *)&address, length, c->peer,
                           sizeof c->peer);
}

static void begin_conversation(struct tcp_client *client)
{
    struct conversation *c = calloc(1, sizeof *c);

    if (c == NULL) {
        tcp_client_destroy(client);
        return;
    }
    c->client = client;
    message_init(&c->text);
    set_peer(c);
    printf("Accepted %s\n", c->peer);
    c->stream = tcp_client_get_stream(client);
    if (c->stream == NULL)
        end_conversation(c, strerror(errno));
    else
        begin_read(c, on_read);
}

static void on_accept(struct async_result *ar);

static void begin_accept(struct server *server)
{
    if (tcp_listener_begin_accept(server->listener, on_accept, server) ==
        NULL) {
        server->status = fail("accept on", server->endpoint, strerror(errno));
        loop_stop(server->loop);
    }
}

/* A callback. After Stop it says ECANCELED: the end of the chain. */
static void on_accept(struct async_result *ar)
{
    struct server *server = async_state(ar);
    struct tcp_client *client = tcp_listener_end_accept(server->listener, ar);

    if (client == NULL && errno == ECANCELED)
        return;
    if (client == NULL)
        fail("accept on", server->endpoint, strerror(errno));
    else
        begin_conversation(client);
    begin_accept(server);
}

/* ================================ listening ============================== */

/* On the first of ADDRESSES that lets it. */
static struct tcp_listener *listen_on(struct loop *loop,
                                      const struct addrinfo *addresses)
{
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        struct tcp_listener *listener =
            tcp_listener_create(loop, a->ai_addr, a->ai_addrlen);
        int error;

        if (listener != NULL && tcp_listener_start(listener, NET_BACKLOG) == 0)
            return listener;
        error = errno;
        tcp_listener_destroy(listener);
        errno = error;
    }
    return NULL;
}

static int run(struct server *server, const struct addrinfo *addresses)
{
    server->listener = listen_on(server->loop, addresses);
    if (server->listener == NULL)
        return fail("listen on", server->endpoint, strerror(errno));
    print_local_address(server->listener);
    begin_accept(server);
    if (loop_run(server->loop) == -1)
        server->status = fail("wait on", server->endpoint, strerror(errno));
    tcp_listener_stop(server->listener);
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
    tcp_listener_destroy(server.listener);
    service_end(server.loop); /* cancels what is still pending */
    return status;
}
