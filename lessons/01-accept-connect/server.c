/* Lesson 1, the server: waits for clients, says who came, and hangs up.
 *
 * It shows   the life of a connection, seen from the side that waits: a socket
 *            that listens, the queue of connections behind it, accept(), and
 *            the FIN that close() sends.
 * .NET       new Socket, Bind, Listen, Accept, Close.
 * Run it     make run1
 * Watch      accept() gives a NEW descriptor for each client. The listening one
 *            never carries a byte; it only brings forth others.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 *
 * No data is sent here. That, and the surprises in it, is lesson 2. */

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* A signal can arrive between any two instructions, even inside printf(). So a
 * handler may call only the few functions that POSIX calls async-signal-safe:
 * _exit() is one, exit() and printf() are not. Nothing is lost by leaving so
 * abruptly: main() made standard output line-buffered, and the kernel closes
 * all descriptors. */
static void end_at_once(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

static void end_on_signals(void)
{
    struct sigaction action = {.sa_handler = end_at_once};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* The kernel knows the real port, also when the user asked for port 0. */
static void print_listening(int listener)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char text[NET_ADDRESS_MAX];

    if (getsockname(listener, (struct sockaddr *)&address, &length) == -1)
        return;
    net_format_address((struct sockaddr *)&address, length, text, sizeof text);
    printf("Listening on %s\n", text);
}

/* ================================ the server ============================= */

/* Takes one client after another out of the queue, for ever. close() sends FIN:
 * "I have nothing more to say". The server does not wait for the client's
 * answer, so nobody can hold it up.
 *
 * Left out: what if the client has sent something? Then close() throws unread
 * bytes away and sends RST in place of FIN. Lesson 2 reads before it closes. */
static int greet_clients(int listener)
{
    errno = ENOSYS;
    /* TODO a: net_accept() a client; net_format_address() its address; print
     * the line "Accepted ADDRESS"; close() it; and so on with the next client,
     * until net_accept() returns -1. */
    /* BEGIN SOLUTION a */
    /* slide: greet */
    struct sockaddr_storage peer;
    socklen_t length;
    int client;

    while ((client = net_accept(listener, &peer, &length)) != -1) {
        char text[NET_ADDRESS_MAX];

        net_format_address((struct sockaddr *)&peer, length, text, sizeof text);
        printf("Accepted %s\n", text);
        close(client);
    }
    /* end slide */
    /* END SOLUTION a */
    return -1;
}

int main(int argc, char *argv[])
{
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code, listener;

    setvbuf(stdout, NULL, _IOLBF, 0);
    end_on_signals();
    if (net_parse_arguments(argc, argv, 2, &arguments) == -1) {
        fprintf(stderr, "usage: server [HOST [PORT]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, true, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));

    listener = net_listen(addresses, NET_BACKLOG);
    freeaddrinfo(addresses);
    if (listener == -1)
        return fail("listen on", arguments.endpoint, strerror(errno));
    print_listening(listener);

    greet_clients(listener);
    fail("accept on", arguments.endpoint, strerror(errno));
    close(listener);
    return 1;
}
