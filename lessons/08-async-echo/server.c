/* Lesson 8, the server: the asynchronous echo server of the .NET course, right.
 *
 * It shows   everything: a main thread that begins one accept after the other,
 *            an I/O thread that runs the callbacks, a state object for each
 *            client.
 *            Function by function it is Microsoft's "Asynchronous Server Socket
 *            Example"; what was wrong there is repaired, and nothing else.
 * .NET       AsynchronousSocketListener: StartListening, AcceptCallback,
 *            ReadCallback, Send, SendCallback.
 * Run it     make run8
 * Watch      close_client(): every path ends there, once.
 *
 * Usage: server [HOST [PORT]]
 *        defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: select() ends at 1024 descriptors, and looks at each
 * of them each time. */

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
    struct message text;              /* received so far; .NET: sb */
    char peer[NET_ADDRESS_MAX];       /* the client's address, for people */
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

/* The end of the chain, on every path: nothing is pending any more. */
static void close_client(struct state_object *state, const char *reason)
{
    if (reason != NULL)
        fail("serve", state->peer, reason);
    async_close(state->work_socket);
    message_destroy(&state->text);
    free(state);
}

static void begin_receive(struct state_object *state, async_callback *callback)
{
    if (async_begin_receive(state->work_socket, state->buffer, BUFFER_SIZE,
                            callback, state) == NULL)
        close_client(state, strerror(errno));
}

/* What comes behind the text is not wanted. 0 is the client's FIN. */
static void drain_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count > 0)
        begin_receive(state, drain_callback);
    else
        close_client(state, count == -1 ? strerror(errno) : NULL);
}

/* A socket that is closed with unread bytes sends RST. So: FIN, then read what
 * the client still has to say, and close when it has ended as well. */
static void stop_sending(struct state_object *state)
{
    async_shutdown(state->work_socket, SHUT_WR);
    begin_receive(state, drain_callback);
}

/* Here a send is all of the text, or an error. In .NET the count has to be
 * compared with the length. */
/* slide: send-callback */
static void send_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_send(state->work_socket, ar);

    if (count == -1) {
        close_client(state, strerror(errno));
        return;
    }
    printf("Sent %zd bytes to client.\n", count);
    stop_sending(state);
}
/* end slide */

static void send_text(struct state_object *state)
{
    if (async_begin_send(state->work_socket, state->text.bytes,
                         state->text.length, send_callback, state) == NULL)
        close_client(state, strerror(errno));
}

/* What the main thread prints must not come in between: flockfile() keeps
 * stdout for this thread. */
static void print_text(const struct message *text)
{
    flockfile(stdout);
    printf("Read %zu bytes from socket.\n Data : ", text->length);
    message_print(stdout, text->bytes, text->length);
    printf("\n");
    funlockfile(stdout);
}

/* message_append() looks for <EOF> where it can be new, cuts the text behind
 * it, and refuses one that is too long. */
/* slide: read-callback */
static void read_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == -1) {
        close_client(state, strerror(errno));
    } else if (count == 0) {
        close_client(state, "the text ended before <EOF>");
    } else if (message_append(&state->text, state->buffer, (size_t)count) ==
               -1) {
        fail("serve", state->peer, strerror(errno));
        stop_sending(state);
    } else if (message_is_complete(&state->text)) {
        print_text(&state->text);
        send_text(state);
    } else {
        begin_receive(state, read_callback);
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
    message_init(&state->text);
    if (async_remote_address(handler, (struct sockaddr *)&address, &length) ==
        0)
        net_format_address((struct sockaddr *)&address, length, state->peer,
                           sizeof state->peer);
    return state;
}

/* On the I/O thread. The event comes first: the main thread may begin the next
 * accept while this one's client is looked after. */
static void accept_callback(struct async_result *ar)
{
    struct async_socket *listener = async_state(ar), *handler;
    struct state_object *state;

    event_set(all_done);
    handler = async_end_accept(listener, ar);
    if (handler == NULL) {
        if (errno != ECANCELED)
            fail("accept on", endpoint, strerror(errno));
        return;
    }
    state = create_state(handler);
    if (state == NULL) {
        async_close(handler);
        return;
    }
    printf("Accepted %s\n", state->peer);
    begin_receive(state, read_callback);
}

/* The main thread, until somebody stops the loop. */
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
        event_reset(all_done);
        printf("Waiting for a connection...\n");
        if (async_begin_accept(listener, accept_callback, listener) == NULL)
            return fail("accept on", endpoint, strerror(errno));
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
