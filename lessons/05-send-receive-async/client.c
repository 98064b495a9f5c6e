/* Lesson 5, the client: connects, sends and receives by Begin and End.
 *
 * It shows   a chain with three links, connect, send, receive, and a program
 *            that is free to do something else between any two of them.
 * .NET       Socket.BeginConnect, Socket.BeginSend, Socket.BeginReceive.
 * Run it     make run5
 * Watch      that main() only begins; the callbacks do the rest.
 *
 * Usage: client [HOST [PORT [TEXT]]]
 *        defaults 127.0.0.1 11000 "This is a test<EOF>" */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "async_connect.h"
#include "async_receive.h"
#include "async_send.h"
#include "loop.h"
#include "loop_timer.h"
#include "message.h"
#include "net.h"

#define GIVE_UP_MILLISECONDS 1000
#define BUFFER_SIZE 256

struct client {
    struct loop *loop;
    const struct net_arguments *arguments;
    const struct addrinfo *address; /* that is being tried */
    struct async_socket *socket;
    struct loop_timer *give_up; /* NULL: not set */
    char buffer[BUFFER_SIZE];   /* belongs to the receive that is pending */
    struct message reply;       /* as far as it has arrived */
    int status;                 /* of the program */
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
    async_close(client->socket);
    client->socket = NULL;
}

/* ================================ receive ================================ */

static void on_receive(struct async_result *ar);

static void begin_receive(struct client *client)
{
    if (async_begin_receive(client->socket, client->buffer,
                            sizeof client->buffer, on_receive, client) == NULL)
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
static void on_receive(struct async_result *ar)
{
    struct client *client = async_state(ar);
    ssize_t count = async_end_receive(client->socket, ar);

    if (count == 0)
        finish_reply(client);
    else if (count == -1 || message_append(&client->reply, client->buffer,
                                           (size_t)count) == -1)
        finish(client, "receive from", strerror(errno));
    else
        begin_receive(client);
}

/* ================================== send ================================= */

static void on_send(struct async_result *ar)
{
    struct client *client = async_state(ar);
    ssize_t count = async_end_send(client->socket, ar);

    if (count == -1) {
        finish(client, "send to", strerror(errno));
        return;
    }
    printf("Sent %zd bytes to server.\n", count);
    begin_receive(client);
}

static void begin_send(struct client *client)
{
    const char *text = client->arguments->text;

    if (async_begin_send(client->socket, text, strlen(text), on_send, client) ==
        NULL)
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
    async_close(client->socket);
}

/* This address did not answer. The next one has its turn. */
static void try_next(struct client *client, int error)
{
    loop_cancel(client->loop, client->give_up);
    client->give_up = NULL;
    async_close(client->socket);
    client->socket = NULL;
    client->address = client->address->ai_next;
    if (client->address != NULL)
        begin_connect(client);
    else
        finish(client, "connect to", strerror(error));
}

static void on_connect(struct async_result *ar)
{
    struct client *client = async_state(ar);

    if (async_end_connect(client->socket, ar) == -1) {
        try_next(client, errno == ECANCELED ? ETIMEDOUT : errno);
        return;
    }
    loop_cancel(client->loop, client->give_up);
    client->give_up = NULL;
    print_connected(client->address);
    begin_send(client);
}

static void begin_connect(struct client *client)
{
    const struct addrinfo *a = client->address;

    client->socket = async_socket_create(client->loop, a->ai_family);
    client->give_up =
        loop_call_later(client->loop, GIVE_UP_MILLISECONDS, on_give_up, client);
    if (client->socket == NULL || client->give_up == NULL ||
        async_begin_connect(client->socket, a->ai_addr, a->ai_addrlen,
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
    loop_destroy(client.loop);
    message_destroy(&client.reply);
    freeaddrinfo(addresses);
    return client.status;
}
