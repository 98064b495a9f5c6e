/* service.c - how a server begins and ends, from lesson 4 on: what lesson 4
 * adds. */

#include "service.h"

#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "net.h"

/* A signal handler is given nothing but a number. NULL: there is nothing to
 * stop, or it is being taken apart already. */
static struct loop *_Atomic loop_to_stop;

/* loop_stop() may be called here, and almost nothing else. */
static void stop_the_loop(int signal_number)
{
    struct loop *loop = loop_to_stop;

    (void)signal_number;
    if (loop != NULL)
        loop_stop(loop);
}

void service_stop_on_signals(struct loop *loop)
{
    struct sigaction action = {.sa_handler = stop_the_loop};

    loop_to_stop = loop;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void service_end(struct loop *loop)
{
    loop_to_stop = NULL;
    loop_destroy(loop);
}

void service_print_listening(const struct sockaddr *address, socklen_t length)
{
    char text[NET_ADDRESS_MAX];

    net_format_address(address, length, text, sizeof text);
    printf("Listening on %s\n", text);
}

static struct async_socket *
listen_on(struct loop *loop, const struct addrinfo *address, int backlog)
{
    struct async_socket *socket = async_socket_create(loop, address->ai_family);

    if (socket == NULL)
        return NULL;
    if (async_bind(socket, address->ai_addr, address->ai_addrlen) == 0 &&
        async_listen(socket, backlog) == 0)
        return socket;
    async_close(socket);
    return NULL;
}

struct async_socket *
service_listen(struct loop *loop, const struct addrinfo *addresses, int backlog)
{
    struct async_socket *listener = NULL;
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    for (const struct addrinfo *a = addresses; a != NULL && listener == NULL;
         a = a->ai_next)
        listener = listen_on(loop, a, backlog);
    if (listener != NULL &&
        async_local_address(listener, (struct sockaddr *)&address, &length) ==
            0)
        service_print_listening((struct sockaddr *)&address, length);
    return listener;
}
