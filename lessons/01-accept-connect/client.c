/* Lesson 1, the client: connects, says to whom, and hangs up.
 *
 * It shows   the life of a connection, seen from the side that calls: a name
 *            becomes a list of addresses, connect() tries them, close() sends
 *            FIN.
 * .NET       Dns.GetHostEntry, new Socket, Connect, Close.
 * Run it     make run1
 * Watch      connect() succeeds as soon as the server's KERNEL has answered.
 *            The server program may be busy, or asleep, and know of nothing.
 *
 * Usage: client [HOST [PORT [TEXT]]]     defaults 127.0.0.1 11000
 *
 * TEXT is for lesson 2: here it is read, and not sent. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* A whole connection, from the first packet to the last. The address that is
 * printed is the one that we called, not the answer of getpeername(): that one
 * fails if the server has already reset the connection. */
static int visit(const struct addrinfo *addresses,
                 const struct net_arguments *arguments)
{
    errno = ENOSYS;
    /* TODO b: net_connect(). If it gives a descriptor: net_format_address() the
     * address that was used (its ai_addr and ai_addrlen), print the line
     * "Socket connected to ADDRESS", close() the descriptor, and return 0. */
    /* BEGIN SOLUTION b */
    /* slide: visit */
    const struct addrinfo *used;
    int fd = net_connect(addresses, &used);

    if (fd != -1) {
        char text[NET_ADDRESS_MAX];

        net_format_address(used->ai_addr, used->ai_addrlen, text, sizeof text);
        printf("Socket connected to %s\n", text);
        close(fd);
        return 0;
    }
    /* end slide */
    /* END SOLUTION b */
    return fail("connect to", arguments->endpoint, strerror(errno));
}

int main(int argc, char *argv[])
{
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code, status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (net_parse_arguments(argc, argv, 3, &arguments) == -1) {
        fprintf(stderr, "usage: client [HOST [PORT [TEXT]]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, false, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));

    status = visit(addresses, &arguments);
    freeaddrinfo(addresses);
    return status;
}
