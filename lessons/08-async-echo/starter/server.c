/* Lesson 8, the server: the program of the .NET course, as it is taught.
 *
 * Function by function it is Microsoft's "Asynchronous Server Socket Example",
 * which a generation has learned from. It works on good days. Find out what it
 * does on the others.
 *
 * Other than there: send_text() and its callback are given the state object,
 * and not text and socket. .NET leaves what nobody needs any more to its
 * garbage collector; here somebody must know what to free.
 *
 * .NET       AsynchronousSocketListener: StartListening, AcceptCallback,
 *            ReadCallback, Send, SendCallback.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 */

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

#define BACKLOG 100
#define BUFFER_SIZE 1024

/* State object for reading client data asynchronously. The I/O thread's alone.
 */
struct state_object {
    struct async_socket *work_socket; /* the client */
    char buffer[BUFFER_SIZE];         /* of the receive that is pending */
    char *text;                       /* received so far; .NET: sb */
    size_t length;
    char peer[NET_ADDRESS_MAX]; /* the client's address, for people */
};

/* Both threads read these, and no one writes them once the I/O thread runs. */
static struct loop *loop;
static const char *endpoint;   /* where it listens, for people */
static struct event *all_done; /* the accept that was begun last is over */

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* ================================ one client ============================= */

/* An exception that no callback catches ends the program. */
static void give_up(const struct state_object *state)
{
    fail("serve", state->peer, strerror(errno));
    exit(1);
}

static void begin_receive(struct state_object *state, async_callback *callback)
{
    if (async_begin_receive(state->work_socket, state->buffer, BUFFER_SIZE,
                            callback, state) == NULL)
        give_up(state);
}

static void send_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);

    /* Complete sending the data to the remote device. */
    async_end_send(state->work_socket, ar);
    printf("Sent %zu bytes to client.\n", state->length);
    async_shutdown(state->work_socket, SHUT_RDWR);
    async_close(state->work_socket);
    free(state->text);
    free(state);
}

static void send_text(struct state_object *state)
{
    if (async_begin_send(state->work_socket, state->text, state->length,
                         send_callback, state) == NULL)
        give_up(state);
}

/* What the main thread prints must not come in between: flockfile() keeps
 * stdout for this thread. */
static void print_text(const struct state_object *state)
{
    flockfile(stdout);
    printf("Read %zu bytes from socket.\n Data : ", state->length);
    message_print(stdout, state->text, state->length);
    printf("\n");
    funlockfile(stdout);
}

/* .NET: state.sb.Append(...). */
static void append(struct state_object *state, size_t count)
{
    char *longer = realloc(state->text, state->length + count);

    if (longer == NULL)
        give_up(state);
    memcpy(longer + state->length, state->buffer, count);
    state->text = longer;
    state->length += count;
}

/* .NET: content.IndexOf("<EOF>") > -1. */
static bool has_eof(const struct state_object *state)
{
    for (size_t i = 0; i + 5 <= state->length; i++)
        if (memcmp(state->text + i, "<EOF>", 5) == 0)
            return true;
    return false;
}

/* slide: read-callback */
static void read_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == -1)
        give_up(state);
    if (count > 0) {
        /* There might be more data, so store the data received so far. */
        append(state, (size_t)count);
        if (has_eof(state)) {
            /* All the data has been read from the client. Echo it. */
            print_text(state);
            send_text(state);
        } else {
            /* Not all data received. Get more. */
            begin_receive(state, read_callback);
        }
    }
}
/* end slide */

/* =============================== accepting =============================== */

static struct state_object *create_state(struct async_socket *handler)
{
    struct state_object *state = calloc(1, sizeof *state);
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (state == NULL)
        return NULL;
    state->work_socket = handler;
    if (async_remote_address(handler, (struct sockaddr *)&address, &length) ==
        0)
        net_format_address((struct sockaddr *)&address, length, state->peer,
                           sizeof state->peer);
    return state;
}

static void accept_callback(struct async_result *ar)
{
    struct async_socket *listener = async_state(ar), *handler;
    struct state_object *state;

    /* Signal the main thread to continue. */
    event_set(all_done);
    /* Get the socket that handles the client request. */
    handler = async_end_accept(listener, ar);
    if (handler == NULL) {
        if (errno == ECANCELED)
            return;
        fail("accept on", endpoint, strerror(errno));
        exit(1);
    }
    state = create_state(handler);
    if (state == NULL) {
        async_close(handler);
        return;
    }
    printf("Accepted %s\n", state->peer);
    begin_receive(state, read_callback);
}

/* The main thread. .NET waits for all_done alone, and for ever: a service that
 * can be stopped waits for the end of its loop as well. */
static int start_listening(const struct addrinfo *addresses)
{
    enum { ACCEPTED, ENDED };
    struct event *either[] = {[ACCEPTED] = all_done, [ENDED] = NULL};
    struct async_socket *listener = service_listen(loop, addresses, BACKLOG);
    int which;

    if (listener == NULL)
        return fail("listen on", endpoint, strerror(errno));
    if (loop_start(loop) == -1)
        return fail("start a thread for", endpoint, strerror(errno));
    either[ENDED] = loop_ended(loop);
    do {
        /* Set the event to nonsignaled state. */
        event_reset(all_done);
        /* Start an asynchronous socket to listen for connections. */
        printf("Waiting for a connection...\n");
        if (async_begin_accept(listener, accept_callback, listener) == NULL)
            return fail("accept on", endpoint, strerror(errno));
        /* Wait until a connection is made before continuing. */
        which = event_wait_any(either, 2, -1);
    } while (which == ACCEPTED);
    if (which == -1 || loop_join(loop) == -1)
        return fail("wait on", endpoint, strerror(errno));
    return 0;
}

int main(int argc, char *argv[])
{
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
    endpoint = arguments.endpoint;
    loop = loop_create();
    all_done = event_create(EVENT_MANUAL_RESET, false);
    if (loop == NULL || all_done == NULL)
        return fail("listen on", endpoint, strerror(errno));
    service_stop_on_signals(loop);
    status = start_listening(addresses);
    freeaddrinfo(addresses);
    service_end(loop); /* ends the thread, closes the sockets, too */
    event_destroy(all_done);
    return status;
}
