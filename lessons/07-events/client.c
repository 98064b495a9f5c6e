/* Lesson 7, the client: three steps, three events.
 *
 * It shows   a main thread that begins, and waits for as long as it likes: for
 *            the connection 1 s, for the rest as long as it takes. What was a
 *            chain of callbacks reads from top to bottom again.
 * .NET       ManualResetEvent connectDone, sendDone, receiveDone.
 * Run it     make run7
 * Watch      that each callback sets its event on every path, also when it has
 *            failed: main() would wait for ever.
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
#include "event.h"
#include "loop.h"
#include "loop_thread.h"
#include "message.h"
#include "net.h"

#define GIVE_UP_MILLISECONDS 1000
#define BUFFER_SIZE 256

/* What both threads use. From Begin to Set it is the callback's, then it is
 * main()'s again: an event hands it over, so nothing needs a lock. */
struct client {
    struct async_socket *socket;
    struct event *connected, *sent, *received;
    char buffer[BUFFER_SIZE]; /* belongs to the receive that is pending */
    struct message reply;     /* as far as it has arrived */
    int error;                /* of the step that is over; 0: none */
};

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* ================================ connect ================================ */

/* A callback, on the I/O thread, like all of them. */
static void on_connect(struct async_result *ar)
{
    struct client *client = async_state(ar);

    client->error = ENOSYS;
    /* TODO a: async_end_connect(). Keep its errno in client->error, or 0. The
     * step is over, however it went: set the event. */
    /* BEGIN SOLUTION a */
    client->error = async_end_connect(client->socket, ar) == -1 ? errno : 0;
    event_set(client->connected);
    /* END SOLUTION a */
}

/* The main thread. 0, or the errno of this address. */
static int connect_to(struct client *client, const struct addrinfo *address)
{
    event_reset(client->connected);
    if (async_begin_connect(client->socket, address->ai_addr,
                            address->ai_addrlen, on_connect, client) == NULL)
        return errno;
    /* TODO a: wait for the event, at most GIVE_UP_MILLISECONDS. If the time is
     * over, close the socket: that completes the connect, with ECANCELED. Wait
     * for that, too, since until then the client is the callback's. The socket
     * is gone then: make it NULL, and return ETIMEDOUT. */
    /* BEGIN SOLUTION a */
    /* slide: give-up */
    if (event_wait_one(client->connected, GIVE_UP_MILLISECONDS) == 0) {
        async_close(client->socket);
        event_wait_one(client->connected, -1);
        client->socket = NULL;
        return ETIMEDOUT;
    }
    /* end slide */
    /* END SOLUTION a */
    return client->error;
}

static void print_connected(const struct addrinfo *address)
{
    char text[NET_ADDRESS_MAX];

    net_format_address(address->ai_addr, address->ai_addrlen, text,
                       sizeof text);
    printf("Socket connected to %s\n", text);
}

/* To the first of ADDRESSES that answers. 0, or the errno of the last one. */
static int connect_to_any(struct client *client, struct loop *loop,
                          const struct addrinfo *addresses)
{
    int error = 0;

    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        client->socket = async_socket_create(loop, a->ai_family);
        if (client->socket == NULL)
            return errno;
        error = connect_to(client, a);
        if (error == 0) {
            print_connected(a);
            return 0;
        }
        async_close(client->socket);
        client->socket = NULL;
    }
    return error;
}

/* ================================== send ================================= */

static void on_send(struct async_result *ar)
{
    struct client *client = async_state(ar);

    client->error = async_end_send(client->socket, ar) == -1 ? errno : 0;
    event_set(client->sent);
}

static int send_text(struct client *client, const char *text)
{
    size_t length = strlen(text);

    if (async_begin_send(client->socket, text, length, on_send, client) == NULL)
        return errno;
    /* TODO a: wait for client->sent, as long as it takes. */
    /* BEGIN SOLUTION a */
    event_wait_one(client->sent, -1);
    /* END SOLUTION a */
    if (client->error == 0)
        printf("Sent %zu bytes to server.\n", length);
    return client->error;
}

/* ================================ receive ================================ */

static void on_receive(struct async_result *ar);

/* On either thread: nothing is pending when it is called. */
static void begin_receive(struct client *client)
{
    if (async_begin_receive(client->socket, client->buffer,
                            sizeof client->buffer, on_receive, client) != NULL)
        return;
    client->error = errno;
    event_set(client->received);
}

/* The step is over at FIN, or when something failed; until then each piece
 * leads to the next receive, and main() sleeps on. */
static void on_receive(struct async_result *ar)
{
    struct client *client = async_state(ar);
    ssize_t count = async_end_receive(client->socket, ar);

    client->error = 0;
    if (count == -1 ||
        message_append(&client->reply, client->buffer, (size_t)count) == -1)
        client->error = errno;
    if (count > 0 && client->error == 0)
        begin_receive(client);
    else
        event_set(client->received);
}

static int receive_reply(struct client *client)
{
    begin_receive(client);
    /* TODO a: wait for client->received, as long as it takes. */
    /* BEGIN SOLUTION a */
    event_wait_one(client->received, -1);
    /* END SOLUTION a */
    return client->error;
}

/* ================================ the steps ============================== */

/* Reads like lesson 2. */
static int talk(struct client *client, struct loop *loop,
                const struct net_arguments *arguments,
                const struct addrinfo *addresses)
{
    const char *server = arguments->endpoint;
    int error = connect_to_any(client, loop, addresses);

    if (error != 0)
        return fail("connect to", server, strerror(error));
    error = send_text(client, arguments->text);
    if (error != 0)
        return fail("send to", server, strerror(error));
    error = receive_reply(client);
    if (error != 0)
        return fail("receive from", server, strerror(error));
    if (!message_is_complete(&client->reply))
        return fail("receive from", server, "the reply ended before <EOF>");
    printf("Response received : ");
    message_print(stdout, client->reply.bytes, client->reply.length);
    printf("\n");
    return 0;
}

static bool create_events(struct client *client)
{
    client->connected = event_create(EVENT_MANUAL_RESET, false);
    client->sent = event_create(EVENT_MANUAL_RESET, false);
    client->received = event_create(EVENT_MANUAL_RESET, false);
    return client->connected != NULL && client->sent != NULL &&
           client->received != NULL;
}

static void destroy_events(struct client *client)
{
    event_destroy(client->connected);
    event_destroy(client->sent);
    event_destroy(client->received);
}

int main(int argc, char *argv[])
{
    struct client client = {0};
    struct net_arguments arguments;
    struct addrinfo *addresses;
    struct loop *loop;
    int code, status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (net_parse_arguments(argc, argv, 3, &arguments) == -1) {
        fprintf(stderr, "usage: client [HOST [PORT [TEXT]]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, false, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));

    loop = loop_create();
    message_init(&client.reply);
    if (loop == NULL || !create_events(&client) || loop_start(loop) == -1)
        return fail("connect to", arguments.endpoint, strerror(errno));
    status = talk(&client, loop, &arguments, addresses);
    async_close(client.socket);
    loop_destroy(loop); /* no callback runs after this */
    destroy_events(&client);
    message_destroy(&client.reply);
    freeaddrinfo(addresses);
    return status;
}
