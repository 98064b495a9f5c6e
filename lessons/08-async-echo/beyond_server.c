/* Lesson 8, beyond: the asynchronous echo server with what a service needs.
 *
 * It shows   three things that the program of the course leaves out: a maximum
 *            number of clients, a time-out for silent clients, a graceful stop.
 *            It begins as a copy of server.c.
 * .NET       SemaphoreSlim for the places, a Timer for the silence,
 *            Console.CancelKeyPress for the stop.
 * Run it     cp server.c beyond_server.c, and build on that;
 *            make grade8 STAGE=c
 * Watch      who touches what. The I/O thread: each client, and its timer. The
 *            main thread: accepts, and the stop. Both, with a lock: the list of
 *            clients. The signal thread: one event.
 *
 * Usage: beyond_server [HOST [PORT]]
 *        defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: ten clients that say a word now and then keep everyone
 * else waiting. And what a client sends in the very moment in which its time is
 * over meets a closed socket, which answers with RST. */

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async_accept.h"
#include "async_receive.h"
#include "async_send.h"
#include "event.h"
#include "loop.h"
#include "loop_thread.h"
#include "loop_timer.h"
#include "message.h"
#include "net.h"
#include "service.h"

#define BACKLOG 100
#define BUFFER_SIZE 1024
#define PIECE_SIZE 16384 /* of a reply: so much is sent at a time */
#define CLIENTS_MAX 10
#define SILENT_MILLISECONDS 1000

/* State object for one client. The I/O thread's alone, but for the last three.
 */
struct state_object {
    struct async_socket *work_socket; /* the client */
    char buffer[BUFFER_SIZE];         /* of the receive that is pending */
    struct message text;              /* received so far; .NET: sb */
    size_t sent;                      /* bytes of it that were sent back */
    struct loop_timer *timer;         /* when it rings, the client is closed */
    char peer[NET_ADDRESS_MAX];       /* the client's address, for people */
    struct async_result *receiving;   /* the receive that was begun last */
    bool has_begun;                   /* has sent something; clients.lock */
    struct state_object *next;        /* in the list; clients.lock */
};

/* Who is served. The I/O thread puts clients in and takes them out; the main
 * thread looks through them when it stops. */
static struct {
    pthread_mutex_t lock;
    struct state_object *first;
    int count;
} clients = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* All threads read these, and no one writes them once the I/O thread runs. */
static struct loop *loop;
static struct async_socket *listener;
static struct event *all_done;   /* no accept is under way */
static struct event *room;       /* fewer than CLIENTS_MAX are served */
static struct event *nobody;     /* no client is served */
static struct event *stop_asked; /* auto reset: one SIGINT or SIGTERM */

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* All threads block these signals: each waits until this one asks for it. So
 * they interrupt nothing, and here every function may be called. */
static void *signal_thread(void *argument)
{
    const sigset_t *signals = argument;
    int signal_number;

    while (sigwait(signals, &signal_number) == 0)
        event_set(stop_asked);
    return NULL;
}

/* ========================== the list of clients ========================== */

/* Both run on the I/O thread, and room and nobody are set and reset nowhere
 * else: an event can never contradict the count. */
static void add_client(struct state_object *state)
{
    pthread_mutex_lock(&clients.lock);
    state->next = clients.first;
    clients.first = state;
    if (++clients.count == CLIENTS_MAX)
        event_reset(room);
    event_reset(nobody);
    pthread_mutex_unlock(&clients.lock);
}

static void remove_client(struct state_object *state)
{
    struct state_object **place = &clients.first;

    pthread_mutex_lock(&clients.lock);
    while (*place != state)
        place = &(*place)->next;
    *place = state->next;
    event_set(room);
    if (--clients.count == 0)
        event_set(nobody);
    pthread_mutex_unlock(&clients.lock);
}

static void note_begin(struct state_object *state)
{
    pthread_mutex_lock(&clients.lock);
    state->has_begun = true;
    pthread_mutex_unlock(&clients.lock);
}

/* On the main thread. It only closes the sockets: the receive that is pending
 * ends with ECANCELED, and its callback does the rest, on the I/O thread. The
 * lock keeps each state alive meanwhile. A receive that is complete has got
 * something, though its callback may not have run yet. */
static void close_who_has_not_begun(void)
{
    pthread_mutex_lock(&clients.lock);
    for (struct state_object *s = clients.first; s != NULL; s = s->next)
        if (!s->has_begun && !async_is_completed(s->receiving))
            async_close(s->work_socket);
    pthread_mutex_unlock(&clients.lock);
}

/* ================================ one client ============================= */

/* The end of the chain, on every path: nothing is pending any more. ERROR is
 * the errno of what failed, or 0. If the socket was closed here, by the
 * time-out or the stop, that is ECANCELED; or EBADF, where the operation was
 * over and its callback had not run yet. */
static void close_client(struct state_object *state, int error)
{
    if (error != 0 && error != ECANCELED && error != EBADF)
        fail("serve", state->peer, strerror(error));
    loop_cancel(loop, state->timer);
    remove_client(state);
    async_close(state->work_socket);
    message_destroy(&state->text);
    free(state);
}

/* It closes the socket and no more: an operation is pending, and its callback
 * is the end of the chain. A receive alone ends with FIN; a reply that has not
 * left in full with RST, so that nobody takes a part for the whole. */
static void time_is_over(struct loop *its_loop, void *argument)
{
    struct state_object *state = argument;

    (void)its_loop;
    state->timer = NULL; /* it is gone when it rings */
    fail("serve", state->peer, "silent for too long");
    async_close(state->work_socket);
}

/* Before each wait for the client, so that each piece starts the time anew. The
 * same time holds in all states: for the text, for a reply that has to be
 * taken, and for the client's FIN. Otherwise a client that never ends its side
 * would keep its place, and the stop, for ever. */
static int start_time(struct state_object *state)
{
    loop_cancel(loop, state->timer);
    state->timer =
        loop_call_later(loop, SILENT_MILLISECONDS, time_is_over, state);
    return state->timer != NULL ? 0 : -1;
}

static void begin_receive(struct state_object *state, async_callback *callback)
{
    state->receiving = NULL;
    if (start_time(state) == 0)
        state->receiving = async_begin_receive(
            state->work_socket, state->buffer, BUFFER_SIZE, callback, state);
    if (state->receiving == NULL)
        close_client(state, errno);
}

/* What comes behind the text is not wanted. 0 is the client's FIN. */
static void drain_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count > 0)
        begin_receive(state, drain_callback);
    else
        close_client(state, count == -1 ? errno : 0);
}

/* A socket that is closed with unread bytes sends RST. So: FIN, then read what
 * the client still has to say, and close when it has ended as well. */
static void stop_sending(struct state_object *state)
{
    async_shutdown(state->work_socket, SHUT_WR);
    begin_receive(state, drain_callback);
}

static void send_callback(struct async_result *ar);

/* A send is over when all of it has left. In pieces, so that a client that
 * takes a long reply slowly is seen to take it, and has time enough. */
static void send_piece(struct state_object *state)
{
    size_t left = state->text.length - state->sent;

    if (start_time(state) == -1 ||
        async_begin_send(state->work_socket, state->text.bytes + state->sent,
                         left < PIECE_SIZE ? left : PIECE_SIZE, send_callback,
                         state) == NULL)
        close_client(state, errno);
}

static void send_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_send(state->work_socket, ar);

    if (count == -1) {
        close_client(state, errno);
        return;
    }
    state->sent += (size_t)count;
    if (state->sent < state->text.length) {
        send_piece(state);
        return;
    }
    printf("Sent %zu bytes to client.\n", state->sent);
    stop_sending(state);
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
static void read_callback(struct async_result *ar)
{
    struct state_object *state = async_state(ar);
    ssize_t count = async_end_receive(state->work_socket, ar);

    if (count == -1) {
        close_client(state, errno);
        return;
    }
    if (count == 0) {
        fail("serve", state->peer, "the text ended before <EOF>");
        close_client(state, 0);
        return;
    }
    note_begin(state);
    if (message_append(&state->text, state->buffer, (size_t)count) == -1) {
        fail("serve", state->peer, strerror(errno));
        stop_sending(state);
    } else if (message_is_complete(&state->text)) {
        print_text(&state->text);
        send_piece(state);
    } else {
        begin_receive(state, read_callback);
    }
}

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

/* On the I/O thread. The event comes last, on every path: when the main thread
 * sees it, the new client is in the list, and has been counted. */
static void accept_callback(struct async_result *ar)
{
    struct async_socket *handler = async_end_accept(listener, ar);
    struct state_object *state;

    if (handler != NULL) {
        state = create_state(handler);
        if (state != NULL) {
            printf("Accepted %s\n", state->peer);
            add_client(state);
            begin_receive(state, read_callback);
        } else {
            async_close(handler);
        }
    } else if (errno != ECANCELED && errno != EBADF) {
        fail("accept on", async_state(ar), strerror(errno));
    }
    event_set(all_done);
}

/* =============================== the main thread ========================= */

/* Sleeps until EVENT is set, but no longer than the I/O thread runs, and nobody
 * asks for a stop. */
enum { ENDED, STOP, HAPPENED };
static int wait_for(struct event *event)
{
    struct event *any[] = {
        [ENDED] = loop_ended(loop), [STOP] = stop_asked, [HAPPENED] = event};

    return event_wait_any(any, 3, -1);
}

/* With nobody at the door any more, and an accept that was under way over, the
 * list can only get shorter. A second signal ends the waits. */
static int stop_gracefully(void)
{
    int which;

    async_close(listener);
    which = wait_for(all_done);
    if (which != HAPPENED)
        return which;
    close_who_has_not_begun();
    return wait_for(nobody);
}

static int start_listening(const struct addrinfo *addresses, char *endpoint)
{
    int which;

    listener = service_listen(loop, addresses, BACKLOG);
    if (listener == NULL)
        return fail("listen on", endpoint, strerror(errno));
    if (loop_start(loop) == -1)
        return fail("start a thread for", endpoint, strerror(errno));
    while ((which = wait_for(room)) == HAPPENED) {
        event_reset(all_done);
        printf("Waiting for a connection...\n");
        if (async_begin_accept(listener, accept_callback, endpoint) == NULL)
            return fail("accept on", endpoint, strerror(errno));
        which = wait_for(all_done);
        if (which != HAPPENED)
            break;
    }
    if (which == STOP)
        which = stop_gracefully();
    loop_stop(loop);
    if (which == -1 || loop_join(loop) == -1)
        return fail("wait on", endpoint, strerror(errno));
    return 0;
}

static bool create_everything(void)
{
    loop = loop_create();
    all_done = event_create(EVENT_MANUAL_RESET, true);
    room = event_create(EVENT_MANUAL_RESET, true);
    nobody = event_create(EVENT_MANUAL_RESET, true);
    stop_asked = event_create(EVENT_AUTO_RESET, false);
    return loop != NULL && all_done != NULL && room != NULL && nobody != NULL &&
           stop_asked != NULL;
}

/* The loop comes first: it runs the callbacks of what is pending. */
static void destroy_everything(void)
{
    loop_destroy(loop); /* ends the thread, closes the sockets, too */
    event_destroy(all_done);
    event_destroy(room);
    event_destroy(nobody);
    event_destroy(stop_asked);
}

int main(int argc, char *argv[])
{
    struct net_arguments arguments;
    struct addrinfo *addresses;
    pthread_t signals_wait;
    sigset_t signals;
    int code, status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (net_parse_arguments(argc, argv, 2, &arguments) == -1) {
        fprintf(stderr, "usage: beyond_server [HOST [PORT]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, true, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));
    if (!create_everything())
        return fail("listen on", arguments.endpoint, strerror(errno));
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* threads inherit it */
    code = pthread_create(&signals_wait, NULL, signal_thread, &signals);
    if (code != 0)
        return fail("start a thread for", "signals", strerror(code));
    status = start_listening(addresses, arguments.endpoint);
    freeaddrinfo(addresses);
    pthread_cancel(signals_wait); /* sigwait() ends then */
    pthread_join(signals_wait, NULL);
    destroy_everything();
    return status;
}
