/* An echo server on the library, for make bench-engine: whatever comes goes
 * back, on as many connections as there are. It uses only what every version of
 * the library has, and ends when its standard input does.
 *
 * Prints its port. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_receive.h"
#include "async_send.h"
#include "loop.h"

struct connection {
    struct async_socket *socket;
    char buffer[4096];
};

static struct async_socket *listener;

static void on_receive(struct async_result *ar);

static void finish(struct connection *c)
{
    async_close(c->socket);
    free(c);
}

static void on_send(struct async_result *ar)
{
    struct connection *c = async_state(ar);

    if (async_end_send(c->socket, ar) == -1 ||
        async_begin_receive(c->socket, c->buffer, sizeof c->buffer, on_receive,
                            c) == NULL)
        finish(c);
}

static void on_receive(struct async_result *ar)
{
    struct connection *c = async_state(ar);
    ssize_t count = async_end_receive(c->socket, ar);

    if (count <= 0 || async_begin_send(c->socket, c->buffer, (size_t)count,
                                       on_send, c) == NULL)
        finish(c);
}

static void on_accept(struct async_result *ar)
{
    struct async_socket *socket = async_end_accept(listener, ar);
    struct connection *c;

    if (socket == NULL && errno == ECANCELED)
        return;
    async_begin_accept(listener, on_accept, NULL);
    if (socket == NULL || (c = malloc(sizeof *c)) == NULL)
        return;
    c->socket = socket;
    if (async_begin_receive(socket, c->buffer, sizeof c->buffer, on_receive,
                            c) == NULL)
        finish(c);
}

static void on_input(struct loop *loop, int fd, unsigned events, void *state)
{
    (void)fd;
    (void)events;
    (void)state;
    loop_stop(loop);
}

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    struct loop *loop = loop_create();

    listener = async_socket_create(loop, AF_INET);
    if (listener == NULL ||
        async_bind(listener, (struct sockaddr *)&here, sizeof here) == -1 ||
        async_listen(listener, 1000) == -1 ||
        async_local_address(listener, (struct sockaddr *)&here, &length) == -1)
        return 1;
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    loop_watch(loop, 0, LOOP_READ, on_input, NULL);
    async_begin_accept(listener, on_accept, NULL);
    loop_run(loop);
    loop_destroy(loop);
    return 0;
}
