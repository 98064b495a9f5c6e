/* Lesson 6, the client: connects a TcpClient, writes to its stream, reads.
 *
 * It shows   the chain of lesson 5 over a stream. There is no
 *            socket to be seen: each client makes its own.
 * .NET       TcpClient.BeginConnect, GetStream, NetworkStream.
 * Run it     make run6
 * Watch      how little of lesson 5's client is left to change.
 *
 * Usage: client [HOST [PORT [TEXT]]]
 *        defaults 127.0.0.1 11000 "This is a test<EOF>" */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "loop.h"
#include "loop_timer.h"
#include "message.h"
#include "net.h"
#include "network_stream.h"
#include "tcp_client.h"

#define GIVE_UP_MILLISECONDS 1000
#define BUFFER_SIZE 256

struct client {
    struct loop *loop;
    const struct net_arguments *arguments;
    const struct addrinfo *address; /* that is being tried */
    struct tcp_client *tcp;
    struct network_stream *stream; /* of tcp, once it is connected */
    struct loop_timer *give_up;    /* NULL: not set */
    char buffer[BUFFER_SIZE];      /* belongs to the read that is pending */
    struct message reply;          /* as far as it has arrived */
    int status;                    /* of the program */
};

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* The end of the chain, on every path. */
static void finish(struct client *client, const char *what, const char *reason)
{
    client->status = 0;
    if (reason != NULL)
        client->status = fail(what, client->arguments->endpoint, reason);
    tcp_client_close(client->tcp);
}

/* ================================== read ================================ */

static void on_read(struct async_result *ar);

static void begin_read(struct client *client)
{
    if (network_stream_begin_read(client->stream, client->buffer,
                                  sizeof client->buffer, on_read,
                                  client) == NULL)
        finish(client, "receive from", strerror(errno));
}

/* FIN: whatever the reply is, no more of it will come. */
static void finish_reply(struct client *client)
{
    if (!message_is_complete(&client->reply)) {
        finish(client, "receive from", "the reply ended before <EOF>");
        return;
    }
    printf("Response received : ");
    message_print(stdout, client->reply.bytes, client->reply.length);
    printf("\n");
    finish(client, "receive from", NULL);
}

/* A callback. A reply is whole when it has its <EOF> AND the server has ended
 * with FIN. */
static void on_read(struct async_result *ar)
{
    struct client *client = async_state(ar);
    ssize_t count = network_stream_end_read(client->stream, ar);

    if (count == 0)
        finish_reply(client);
    else if (count == -1 || message_append(&client->reply, client->buffer,
                                           (size_t)count) == -1)
        finish(client, "receive from", strerror(errno));
    else
        begin_read(client);
}

/* ================================= write ================================= */

static void on_write(struct async_result *ar)
{
    struct client *client = async_state(ar);

    if (network_stream_end_write(client->stream, ar) == -1) {
        finish(client, "send to", strerror(errno));
        return;
    }
    printf("Sent %zu bytes to server.\n", strlen(client->arguments->text));
    begin_read(client);
}

static void begin_write(struct client *client)
{
    const char *text = client->arguments->text;

    client->stream = tcp_client_get_stream(client->tcp);
    if (client->stream == NULL ||
        network_stream_begin_write(client->stream, text, strlen(text), on_write,
                                   client) == NULL)
        finish(client, "send to", strerror(errno));
}

/* ================================ connect ================================ */

static void begin_connect(struct client *client);

static void print_connected(const struct addrinfo *address)
{
    char text[NET_ADDRESS_MAX];

    net_format_address(address->ai_addr, address->ai_addrlen, text,
                       sizeof text);
    printf("Socket connected to %s\n", text);
}

static void on_give_up(struct loop *loop, void *state)
{
    struct client *client = state;

    (void)loop;
    client->give_up = NULL;
    tcp_client_close(client->tcp);
}

/* This address did not answer. The next one has its turn, with a client of its
 * own: the one that gave up is closed. */
static void try_next(struct client *client, int error)
{
    loop_cancel(client->loop, client->give_up);
    client->give_up = NULL;
    tcp_client_destroy(client->tcp);
    client->tcp = NULL;
    client->address = client->address->ai_next;
    if (client->address != NULL)
        begin_connect(client);
    else
        finish(client, "connect to", strerror(error));
}

static void on_connect(struct async_result *ar)
{
    struct client *client = async_state(ar);

    if (tcp_client_end_connect(client->tcp, ar) == -1) {
        try_next(client, errno == ECANCELED ? ETIMEDOUT : errno);
        return;
    }
    loop_cancel(client->loop, client->give_up);
    client->give_up = NULL;
    print_connected(client->address);
    begin_write(client);
}

static void begin_connect(struct client *client)
{
    const struct addrinfo *a = client->address;

    client->tcp = tcp_client_create(client->loop);
    client->give_up =
        loop_call_later(client->loop, GIVE_UP_MILLISECONDS, on_give_up, client);
    if (client->tcp == NULL || client->give_up == NULL ||
        tcp_client_begin_connect(client->tcp, a->ai_addr, a->ai_addrlen,
                                 on_connect, client) == NULL)
        try_next(client, errno);
}

int main(int argc, char *argv[])
{
    struct client client = {0};
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (net_parse_arguments(argc, argv, 3, &arguments) == -1) {
        fprintf(stderr, "usage: client [HOST [PORT [TEXT]]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, false, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));

    client.loop = loop_create();
    client.arguments = &arguments;
    client.address = addresses;
    message_init(&client.reply);
    if (client.loop == NULL)
        return fail("connect to", arguments.endpoint, strerror(errno));
    begin_connect(&client);
    if (loop_run(client.loop) == -1)
        finish(&client, "wait for", strerror(errno));
    tcp_client_destroy(client.tcp);
    loop_destroy(client.loop);
    message_destroy(&client.reply);
    freeaddrinfo(addresses);
    return client.status;
}
