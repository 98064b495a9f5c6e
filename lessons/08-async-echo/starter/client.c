/* Lesson 8, the client: the program of the .NET course, as it is taught.
 *
 * Function by function it is Microsoft's "Asynchronous Client Socket Example".
 * It works on good days. Find out what it does on the others.
 *
 * .NET       AsynchronousClient: StartClient, ConnectCallback, Send,
 *            SendCallback, Receive, ReceiveCallback.
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
};

/* ManualResetEvent instances signal completion. */
static struct event *connect_done, *send_done, *receive_done;

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* ================================ connect ================================ */

static void connect_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);

    /* .NET: catch (Exception e) { Console.WriteLine(e.ToString()); } */
    if (async_end_connect(state->work_socket, ar) == -1) {
        fail("connect to", "the server", strerror(errno));
        return;
    }
    /* Signal that the connection has been made. */
    event_set(connect_done);
}

static int connect_to(struct state_object *state, const struct addrinfo *remote)
{
    if (async_begin_connect(state->work_socket, remote->ai_addr,
                            remote->ai_addrlen, connect_callback,
                            state) == NULL)
        return errno;
    event_wait_one(connect_done, -1);
    return 0;
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
    }
    return error;
}

/* ================================== send ================================= */

static void send_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_send(state->work_socket, ar);

    if (count == -1) {
        fail("send to", "the server", strerror(errno));
        return;
    }
    printf("Sent %zd bytes to server.\n", count);
    /* Signal that all bytes have been sent. */
    event_set(send_done);
}

static int send_text(struct state_object *state, const char *text)
{
    size_t length = strlen(text);

    if (async_begin_send(state->work_socket, text, length, send_callback,
                         state) == NULL)
        return errno;
    event_wait_one(send_done, -1);
    return 0;
}

/* ================================ receive ================================ */

static void receive_callback(struct async_result *ar);

static void begin_receive(struct state_object *state)
{
    if (async_begin_receive(state->work_socket, state->buffer, BUFFER_SIZE,
                            receive_callback, state) == NULL)
        fail("receive from", "the server", strerror(errno));
}

static void receive_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == -1) {
        fail("receive from", "the server", strerror(errno));
        return;
    }
    if (count > 0) {
        /* There might be more data, so store the data received so far. */
        message_append(&state->text, state->buffer, (size_t)count);
        begin_receive(state);
    } else {
        /* All the data has arrived. Signal that it has been received. */
        event_set(receive_done);
    }
}

static int receive(struct state_object *state)
{
    begin_receive(state);
    event_wait_one(receive_done, -1);
    return 0;
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
    error = send_text(state, arguments->text);
    if (error != 0)
        return fail("send to", server, strerror(error));
    error = receive(state);
    if (error != 0)
        return fail("receive from", server, strerror(error));
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
