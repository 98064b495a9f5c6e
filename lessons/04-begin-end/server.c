/* Lesson 4, the server: accepts by Begin and End.
 *
 * It shows   completion in place of readiness: BeginAccept says "take the next
 *            connection for me", and the callback is told when it has been
 *            taken. Nothing here asks whether anything is ready.
 * .NET       Socket.BeginAccept, Socket.EndAccept, IAsyncResult.AsyncState.
 * Run it     make run4
 * Watch      that on_accept() begins the next accept itself: a chain.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: it says nothing to its clients. Lesson 5 brings send
 * and receive. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "async_accept.h"
#include "loop.h"
#include "net.h"
#include "service.h"

struct server {
    struct loop *loop;
    struct async_socket *listener;
    const char *endpoint; /* for people */
    int status;           /* of the program */
};

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* =============================== accepting =============================== */

/* One connection, from beginning to end: short, in this lesson. */
static void serve(struct async_socket *client)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char text[NET_ADDRESS_MAX];

    if (async_remote_address(client, (struct sockaddr *)&address, &length) ==
        0) {
        net_format_address((struct sockaddr *)&address, length, text,
                           sizeof text);
        printf("Accepted %s\n", text);
    }
    async_close(client);
}

static void on_accept(struct async_result *ar);

/* Nothing is waited for here: the result is not even kept, since the callback
 * will be given it. */
static void begin_accept(struct server *server)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO a: async_begin_accept() with on_accept(), and the server as state.
     */
    /* BEGIN SOLUTION a */
    ar = async_begin_accept(server->listener, on_accept, server);
    /* END SOLUTION a */
    if (ar == NULL) {
        server->status = fail("accept on", server->endpoint, strerror(errno));
        loop_stop(server->loop);
    }
}

/* The callback: an accept is over, well or badly. EMFILE means that one client
 * was turned away; ECANCELED, that the listener was closed, so this is the end
 * of the chain. */
static void on_accept(struct async_result *ar)
{
    /* TODO a: the server is the state of ar. async_end_accept(). If that fails
     * with ECANCELED, return; if it fails otherwise, fail("accept on", ...). If
     * it gave a client, serve() it. Then begin the next accept. */
    /* BEGIN SOLUTION a */
    /* slide: callback */
    struct server *server = async_state(ar);
    struct async_socket *client = async_end_accept(server->listener, ar);

    if (client == NULL && errno == ECANCELED)
        return;
    if (client == NULL)
        fail("accept on", server->endpoint, strerror(errno));
    else
        serve(client);
    begin_accept(server);
    /* end slide */
    /* END SOLUTION a */
}

/* ================================ listening ============================== */

static int run(struct server *server, const struct addrinfo *addresses)
{
    server->listener = service_listen(server->loop, addresses, NET_BACKLOG);
    if (server->listener == NULL)
        return fail("listen on", server->endpoint, strerror(errno));
    begin_accept(server);
    if (loop_run(server->loop) == -1)
        return fail("wait on", server->endpoint, strerror(errno));
    return server->status;
}

int main(int argc, char *argv[])
{
    struct server server = {0};
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

    server.loop = loop_create();
    server.endpoint = arguments.endpoint;
    if (server.loop == NULL)
        return fail("listen on", arguments.endpoint, strerror(errno));
    service_stop_on_signals(server.loop);
    status = run(&server, addresses);
    freeaddrinfo(addresses);
    service_end(server.loop); /* closes the listener, too */
    return status;
}
