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

#define BUFFER_SIZE 256

/* State object for receiving data from the remote device. */
struct state_object {
    struct async_socket *work_socket;
    char buffer[BUFFER_SIZE]; /* of the receive that is pending */
    struct message text;      /* received so far; .NET: sb */
};

/* ManualResetEvent instances signal completion. */
static struct event *connect_done, *send_done, *receive_done;

/* The response from the remote device. The I/O thread's until receive_done. */
static struct message response;

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* .NET: catch (Exception e) { Console.WriteLine(e.ToString()); } */
static void write_exception(const char *what)
{
    fail(what, "the server", strerror(errno));
}

/* ============================= the main thread =========================== */

static void connect_callback(struct async_result *ar);
static void send_text(struct async_socket *client, const char *text);
static void receive(struct async_socket *client);

/* To the first address of the name, as .NET's AddressList[0]. */
static int start_client(struct loop *loop,
                        const struct net_arguments *arguments,
                        const struct addrinfo *remote)
{
    /* Create a TCP/IP socket. */
    struct async_socket *client = async_socket_create(loop, remote->ai_family);

    if (client == NULL)
        return fail("connect to", arguments->endpoint, strerror(errno));
    /* Connect to the remote endpoint. */
    if (async_begin_connect(client, remote->ai_addr, remote->ai_addrlen,
                            connect_callback, client) == NULL)
        return fail("connect to", arguments->endpoint, strerror(errno));
    event_wait_one(connect_done, -1);

    /* Send test data to the remote device. */
    send_text(client, arguments->text);
    event_wait_one(send_done, -1);

    /* Receive the response from the remote device. */
    receive(client);
    event_wait_one(receive_done, -1);

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
        write_exception("connect to");
        return;
    }
    async_remote_address(client, (struct sockaddr *)&remote, &length);
    net_format_address((struct sockaddr *)&remote, length, text, sizeof text);
    printf("Socket connected to %s\n", text);
    /* Signal that the connection has been made. */
    event_set(connect_done);
}

/* ================================== send ================================= */

static void send_callback(struct async_result *ar)
{
    struct async_socket *client = async_state(ar);
    /* Complete sending the data to the remote device. */
    ssize_t count = async_end_send(client, ar);

    if (count == -1) {
        write_exception("send to");
        return;
    }
    printf("Sent %zd bytes to server.\n", count);
    /* Signal that all bytes have been sent. */
    event_set(send_done);
}

static void send_text(struct async_socket *client, const char *text)
{
    /* Begin sending the data to the remote device. */
    if (async_begin_send(client, text, strlen(text), send_callback, client) ==
        NULL)
        write_exception("send to");
}

/* ================================ receive ================================ */

static void receive_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    /* Read data from the remote device. */
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == -1) {
        write_exception("receive from");
        return;
    }
    if (count > 0) {
        /* There might be more data, so store the data received so far. */
        message_append(&state->text, state->buffer, (size_t)count);
        /* Get the rest of the data. */
        if (async_begin_receive(state->work_socket, state->buffer, BUFFER_SIZE,
                                receive_callback, state) == NULL)
            write_exception("receive from");
    } else {
        /* All the data has arrived; put it in response. */
        response = state->text;
        free(state);
        /* Signal that all bytes have been received. */
        event_set(receive_done);
    }
}

static void receive(struct async_socket *client)
{
    /* Create the state object. */
    struct state_object *state = calloc(1, sizeof *state);

    if (state == NULL) {
        write_exception("receive from");
        return;
    }
    state->work_socket = client;
    message_init(&state->text);
    /* Begin receiving the data from the remote device. */
    if (async_begin_receive(client, state->buffer, BUFFER_SIZE,
                            receive_callback, state) == NULL)
        write_exception("receive from");
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
