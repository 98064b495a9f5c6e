/* Lesson 4, the client: connects by Begin and End, and does something else
 * meanwhile.
 *
 * It shows   that a pending connect holds nothing up: a timer ticks beside it,
 *            and another one gives up after 1 s.
 * .NET       Socket.BeginConnect, Socket.EndConnect.
 * Run it     make run4
 * Watch      what it prints while nobody answers (experiment 1 of the text).
 *
 * Usage: client [HOST [PORT [TEXT]]]     defaults 127.0.0.1 11000; TEXT is not
 *                                        used before lesson 5 */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "async_connect.h"
#include "loop.h"
#include "loop_timer.h"
#include "net.h"

#define GIVE_UP_MILLISECONDS 1000
#define TICK_MILLISECONDS 250

struct client {
    struct loop *loop;
    const struct addrinfo *address; /* that is being tried */
    struct async_socket *socket;
    struct loop_timer *give_up, *tick; /* NULL: not set */
    int error;                         /* of the last address; 0: connected */
};

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* =========================== while it is pending ========================= */

/* The other work of this program. A real one would have some. */
static void on_tick(struct loop *loop, void *state)
{
    struct client *client = state;

    printf("Still connecting...\n");
    client->tick = loop_call_later(loop, TICK_MILLISECONDS, on_tick, client);
}

/* An operation cannot be stopped, but its socket can be closed: then End says
 * ECANCELED. */
static void on_give_up(struct loop *loop, void *state)
{
    (void)loop;
    /* TODO b: the client is the state. The timer is gone: client->give_up is
     * NULL from now on. async_close() its socket. */
    /* BEGIN SOLUTION b */
    struct client *client = state;

    client->give_up = NULL;
    async_close(client->socket);
    /* END SOLUTION b */
}

static void stop_timers(struct client *client)
{
    loop_cancel(client->loop, client->tick);
    loop_cancel(client->loop, client->give_up);
    client->tick = client->give_up = NULL;
}

/* =============================== connecting ============================== */

static void begin_connect(struct client *client);

static void print_connected(const struct addrinfo *address)
{
    char text[NET_ADDRESS_MAX];

    net_format_address(address->ai_addr, address->ai_addrlen, text,
                       sizeof text);
    printf("Socket connected to %s\n", text);
}

/* This address is done with. Unless it answered, the next one has its turn. */
static void finish(struct client *client, int error)
{
    stop_timers(client);
    async_close(client->socket);
    client->error = error;
    if (error == 0) {
        print_connected(client->address);
        return;
    }
    client->address = client->address->ai_next;
    if (client->address != NULL)
        begin_connect(client);
}

/* The callback: the connect is over, well or badly. */
static void on_connect(struct async_result *ar)
{
    /* TODO b: the client is the state of ar. async_end_connect(), then finish()
     * with 0, or with errno; ECANCELED means that it took too long: ETIMEDOUT.
     */
    /* BEGIN SOLUTION b */
    /* slide: callback */
    struct client *client = async_state(ar);

    if (async_end_connect(client->socket, ar) == 0)
        finish(client, 0);
    else
        finish(client, errno == ECANCELED ? ETIMEDOUT : errno);
    /* end slide */
    /* END SOLUTION b */
}

static void begin_connect(struct client *client)
{
    const struct addrinfo *a = client->address;
    struct async_result *ar = NULL;

    client->socket = async_socket_create(client->loop, a->ai_family);
    if (client->socket == NULL) {
        finish(client, errno);
        return;
    }
    errno = ENOSYS;
    /* TODO b: two timers with loop_call_later(): client->tick for on_tick(),
     * client->give_up for on_give_up(). Then async_begin_connect() to
     * a->ai_addr, with on_connect(), and the client as state. */
    /* BEGIN SOLUTION b */
    /* slide: begin */
    client->tick =
        loop_call_later(client->loop, TICK_MILLISECONDS, on_tick, client);
    client->give_up =
        loop_call_later(client->loop, GIVE_UP_MILLISECONDS, on_give_up, client);
    ar = async_begin_connect(client->socket, a->ai_addr, a->ai_addrlen,
                             on_connect, client);
    /* end slide */
    /* END SOLUTION b */
    if (ar == NULL)
        finish(client, errno);
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
    client.address = addresses;
    if (client.loop == NULL)
        return fail("connect to", arguments.endpoint, strerror(errno));
    begin_connect(&client);
    if (loop_run(client.loop) == -1)
        client.error = errno;
    loop_destroy(client.loop);
    freeaddrinfo(addresses);
    if (client.error != 0)
        return fail("connect to", arguments.endpoint, strerror(client.error));
    return 0;
}
