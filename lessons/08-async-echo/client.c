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

/* State object for receiving data from the remote device. From a Begin until
 * its event is set it is the callbacks', and the main thread's at all other
 * times. */
struct state_object {
    struct async_socket *work_socket;
    char buffer[BUFFER_SIZE]; /* of the receive that is pending */
    struct message text;      /* received so far; .NET: sb */
    int error;                /* of the step that is over; 0: none */
};

/* Each says that a step is over, whether it went well or not. */
static struct event *connect_done, *send_done, *receive_done;

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* A step is over: with ERROR, or 0. Hands the state over to the main thread. */
static void complete(struct state_object *state, struct event *done, int error)
{
    state->error = error;
    event_set(done);
}

/* ================================ connect ================================ */

static void connect_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);

    complete(state, connect_done,
             async_end_connect(state->work_socket, ar) == -1 ? errno : 0);
}

/* 0, or the errno of this address. A time that is over closes the socket, which
 * completes the connect; until then the state is the callback's. */
static int connect_to(struct state_object *state, const struct addrinfo *remote)
{
    event_reset(connect_done);
    if (async_begin_connect(state->work_socket, remote->ai_addr,
                            remote->ai_addrlen, connect_callback,
                            state) == NULL)
        return errno;
    if (event_wait_one(connect_done, GIVE_UP_MILLISECONDS) == 0) {
        async_close(state->work_socket);
        event_wait_one(connect_done, -1);
        state->work_socket = NULL;
        return ETIMEDOUT;
    }
    return state->error;
}

static void print_connected(const struct addrinfo *remote)
{
    char text[NET_ADDRESS_MAX];

    net_format_address(remote->ai_addr, remote->ai_addrlen, text, sizeof text);
    printf("Socket connected to %s\n", text);
}

/* To the first of ADDRESSES that answers. 0, or the errno of the last one. */
static int connect_to_any(struct state_object *state, struct loop *loop,
                          const struct addrinfo *addresses)
{
    int error = 0;

    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        state->work_socket = async_socket_create(loop, a->ai_family);
        if (state->work_socket == NULL)
            return errno;
        error = connect_to(state, a);
        if (error == 0) {
            print_connected(a);
            return 0;
        }
        async_close(state->work_socket);
        state->work_socket = NULL;
    }
    return error;
}

/* ================================== send ================================= */

static void send_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_send(state->work_socket, ar);
    int error = count == -1 ? errno : 0;

    if (count != -1)
        printf("Sent %zd bytes to server.\n", count);
    complete(state, send_done, error);
}

static void send_text(struct state_object *state, const char *text)
{
    if (async_begin_send(state->work_socket, text, strlen(text), send_callback,
                         state) == NULL)
        complete(state, send_done, errno);
}

/* ================================ receive ================================ */

static void receive_callback(struct async_result *ar);

static void receive(struct state_object *state)
{
    if (async_begin_receive(state->work_socket, state->buffer, BUFFER_SIZE,
                            receive_callback, state) == NULL)
        complete(state, receive_done, errno);
}

/* The step is over at FIN, or when something failed; until then each piece
 * leads to the next receive, and the main thread sleeps on. */
static void receive_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == 0)
        complete(state, receive_done, 0);
    else if (count == -1 ||
             message_append(&state->text, state->buffer, (size_t)count) == -1)
        complete(state, receive_done, errno);
    else
        receive(state);
}

/* ================================ the steps ============================== */

static int start_client(struct state_object *state, struct loop *loop,
                        const struct net_arguments *arguments,
                        const struct addrinfo *addresses)
{
    const char *server = arguments->endpoint;
    int error = connect_to_any(state, loop, addresses);

    if (error != 0)
        return fail("connect to", server, strerror(error));
    send_text(state, arguments->text);
    event_wait_one(send_done, -1);
    if (state->error != 0)
        return fail("send to", server, strerror(state->error));
    receive(state);
    event_wait_one(receive_done, -1);
    if (state->error != 0)
        return fail("receive from", server, strerror(state->error));
    if (!message_is_complete(&state->text))
        return fail("receive from", server, "the reply ended before <EOF>");
    printf("Response received : ");
    message_print(stdout, state->text.bytes, state->text.length);
    printf("\n");
    return 0;
}

static bool create_events(void)
{
    connect_done = event_create(EVENT_MANUAL_RESET, false);
    send_done = event_create(EVENT_MANUAL_RESET, false);
    receive_done = event_create(EVENT_MANUAL_RESET, false);
    return connect_done != NULL && send_done != NULL && receive_done != NULL;
}

int main(int argc, char *argv[])
{
    struct state_object state = {0};
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
    message_init(&state.text);
    if (loop == NULL || !create_events() || loop_start(loop) == -1)
        return fail("connect to", arguments.endpoint, strerror(errno));
    status = start_client(&state, loop, &arguments, addresses);
    async_close(state.work_socket);
    loop_destroy(loop); /* no callback runs after this */
    event_destroy(connect_done);
    event_destroy(send_done);
    event_destroy(receive_done);
    message_destroy(&state.text);
    freeaddrinfo(addresses);
    return status;
}
