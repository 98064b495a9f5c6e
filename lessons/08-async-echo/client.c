/* Lesson 8, the client: the asynchronous echo client of the .NET course, right.
 *
 * It shows   three steps, each begun by the main thread and over when its event
 *            is set, on every path. Function by function it is Microsoft's
 *            "Asynchronous Client Socket Example", repaired.
 * .NET       AsynchronousClient: StartClient, ConnectCallback, Send,
 *            SendCallback, Receive, ReceiveCallback.
 * Run it     make run8
 * Watch      complete(): the only place that sets an event.
 *
 * Usage: client [HOST [PORT [TEXT]]]
 *        defaults 127.0.0.1 11000 "This is a test<EOF>" */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
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

/* State object for receiving data from the remote device. */
struct state_object {
    struct async_socket *work_socket;
    char buffer[BUFFER_SIZE]; /* of the receive that is pending */
    struct message text;      /* received so far; .NET: sb */
};

/* ManualResetEvent instances signal completion. */
static struct event *connect_done, *send_done, *receive_done;

/* What they hand over to the main thread: the errno of the step that is over
 * (0: none), and the response from the remote device. */
static int step_error;
static struct message response;

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* A step is over: with ERROR, or 0. */
static void complete(struct event *done, int error)
{
    step_error = error;
    event_set(done);
}

/* ============================= the main thread =========================== */

static void connect_callback(struct async_result *ar);
static void send_text(struct async_socket *client, const char *text);
static void receive(struct async_socket *client);

/* A socket that is connected to REMOTE; NULL with errno. A time that is over
 * closes the socket, which completes the connect; until then it is the
 * callback's, too. */
static struct async_socket *connect_to(struct loop *loop,
                                       const struct addrinfo *remote)
{
    struct async_socket *client = async_socket_create(loop, remote->ai_family);

    if (client == NULL)
        return NULL;
    event_reset(connect_done);
    if (async_begin_connect(client, remote->ai_addr, remote->ai_addrlen,
                            connect_callback, client) == NULL)
        complete(connect_done, errno);
    if (event_wait_one(connect_done, GIVE_UP_MILLISECONDS) == 0) {
        async_close(client);
        event_wait_one(connect_done, -1);
        errno = ETIMEDOUT;
        return NULL;
    }
    if (step_error == 0)
        return client;
    async_close(client);
    errno = step_error;
    return NULL;
}

/* To the first of ADDRESSES that answers. */
static int start_client(struct loop *loop,
                        const struct net_arguments *arguments,
                        const struct addrinfo *addresses)
{
    const char *server = arguments->endpoint;
    struct async_socket *client = NULL;

    /* Connect to the remote endpoint. */
    for (const struct addrinfo *a = addresses; a != NULL && client == NULL;
         a = a->ai_next)
        client = connect_to(loop, a);
    if (client == NULL)
        return fail("connect to", server, strerror(errno));

    /* Send test data to the remote device. */
    send_text(client, arguments->text);
    event_wait_one(send_done, -1);
    if (step_error != 0)
        return fail("send to", server, strerror(step_error));

    /* Receive the response from the remote device. */
    receive(client);
    event_wait_one(receive_done, -1);
    if (step_error != 0)
        return fail("receive from", server, strerror(step_error));
    if (!message_is_complete(&response))
        return fail("receive from", server, "the reply ended before <EOF>");

    /* Write the response to the console. */
    printf("Response received : ");
    message_print(stdout, response.bytes, response.length);
    printf("\n");

    /* Release the socket. */
    async_shutdown(client, SHUT_RDWR);
    async_close(client);
    return 0;
}

/* ================================ connect ================================ */

static void connect_callback(struct async_result *ar)
{
    struct async_socket *client = async_state(ar);
    struct sockaddr_storage remote;
    socklen_t length = sizeof remote;
    char text[NET_ADDRESS_MAX];

    /* Complete the connection. */
    if (async_end_connect(client, ar) == -1) {
        complete(connect_done, errno);
        return;
    }
    async_remote_address(client, (struct sockaddr *)&remote, &length);
    net_format_address((struct sockaddr *)&remote, length, text, sizeof text);
    printf("Socket connected to %s\n", text);
    /* Signal that the connection has been made. */
    complete(connect_done, 0);
}

/* ================================== send ================================= */

static void send_callback(struct async_result *ar)
{
    struct async_socket *client = async_state(ar);
    /* Complete sending the data to the remote device. */
    ssize_t count = async_end_send(client, ar);

    if (count == -1) {
        complete(send_done, errno);
        return;
    }
    printf("Sent %zd bytes to server.\n", count);
    /* Signal that all bytes have been sent. */
    complete(send_done, 0);
}

static void send_text(struct async_socket *client, const char *text)
{
    /* Begin sending the data to the remote device. */
    if (async_begin_send(client, text, strlen(text), send_callback, client) ==
        NULL)
        complete(send_done, errno);
}

/* ================================ receive ================================ */

static void receive_callback(struct async_result *ar);

/* The step is over: the end of the state object, on every path. */
static void end_receive(struct state_object *state, int error)
{
    response = state->text;
    free(state);
    complete(receive_done, error);
}

static void begin_receive(struct state_object *state)
{
    if (async_begin_receive(state->work_socket, state->buffer, BUFFER_SIZE,
                            receive_callback, state) == NULL)
        end_receive(state, errno);
}

static void receive_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    /* Read data from the remote device. */
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == 0)
        end_receive(state, 0);
    else if (count == -1 ||
             message_append(&state->text, state->buffer, (size_t)count) == -1)
        end_receive(state, errno);
    else
        begin_receive(state);
}

static void receive(struct async_socket *client)
{
    /* Create the state object. */
    struct state_object *state = calloc(1, sizeof *state);

    if (state == NULL) {
        complete(receive_done, errno);
        return;
    }
    state->work_socket = client;
    message_init(&state->text);
    begin_receive(state);
}

/* ================================== main ================================= */

static bool create_events(void)
{
    connect_done = event_create(EVENT_MANUAL_RESET, false);
    send_done = event_create(EVENT_MANUAL_RESET, false);
    receive_done = event_create(EVENT_MANUAL_RESET, false);
    return connect_done != NULL && send_done != NULL && receive_done != NULL;
}

int main(int argc, char *argv[])
{
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
    message_init(&response);
    if (loop == NULL || !create_events() || loop_start(loop) == -1)
        return fail("connect to", arguments.endpoint, strerror(errno));
    status = start_client(loop, &arguments, addresses);
    loop_destroy(loop); /* no callback runs after this */
    event_destroy(connect_done);
    event_destroy(send_done);
    event_destroy(receive_done);
    message_destroy(&response);
    freeaddrinfo(addresses);
    return status;
}
