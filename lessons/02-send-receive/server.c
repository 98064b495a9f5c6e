/* Lesson 2, the server: sends each text back to the client it came from.
 *
 * It shows   that TCP is a stream of bytes: how to receive until a text is
 *            complete, how to send all of it, and how to end a connection so
 *            that nothing gets lost. One client at a time.
 * .NET       Socket.Receive, Socket.Send, Socket.Shutdown, Socket.Close.
 * Run it     make run2
 * Watch      the two lines at the end of the ladder: each side sends its own
 *            FIN, and the server's comes before the client has closed.
 *
 * Usage: server [HOST [PORT]]     defaults 127.0.0.1 11000; 0 is any free port
 *
 * What is wrong with it: a client that says nothing keeps all others waiting.
 * Lesson 3 cures that. */

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "net.h"

/* ============================== odds and ends ============================ */

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "server: %s %s: %s\n", what, where, reason);
    return 1;
}

/* Lesson 1 says why this is _exit() and not exit(). */
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

/* ============================== one client =============================== */

/* Says goodbye in the polite order. First FIN, with shutdown(): the client
 * knows at once that the reply is over. Then wait for the client's own FIN, and
 * throw away what it still sends. Only then close(): closed with unread bytes
 * in it, the socket would forget the part of the reply that is still on its
 * way, and send RST in place of FIN. */
static void hang_up(int client)
{
    /* TODO b: shutdown() the sending side, then message_drain(). */
    /* BEGIN SOLUTION b */
    shutdown(client, SHUT_WR);
    message_drain(client);
    /* END SOLUTION b */
    close(client);
}

/* One whole conversation. Whatever goes wrong in it is this client's trouble:
 * it is reported, and the next client gets its turn. PEER is the client's
 * address as people write it. */
static void serve(int client, const char *peer)
{
    enum message_outcome outcome = MESSAGE_FAILED;
    struct message text;

    message_init(&text);
    errno = ENOSYS;
    /* TODO a: message_receive() the text. If it is complete, print the line
     * "Read N bytes from socket." and the line " Data : TEXT" (the text with
     * message_print()). Then message_send_all() it back and print the line
     * "Sent N bytes to client."; if sending fails, the outcome is
     * MESSAGE_FAILED. */
    /* BEGIN SOLUTION a */
    /* slide: serve */
    outcome = message_receive(client, &text);
    if (outcome == MESSAGE_COMPLETE) {
        printf("Read %zu bytes from socket.\n Data : ", text.length);
        message_print(stdout, text.bytes, text.length);
        printf("\n");
        if (message_send_all(client, text.bytes, text.length) == 0)
            printf("Sent %zu bytes to client.\n", text.length);
        else
            outcome = MESSAGE_FAILED;
    }
    /* end slide */
    /* END SOLUTION a */
    if (outcome == MESSAGE_FAILED)
        fail("serve", peer, strerror(errno));
    if (outcome == MESSAGE_CUT)
        fail("serve", peer, "the text ended before <EOF>");

    hang_up(client);
    message_destroy(&text);
}

/* ============================= all of them =============================== */

static int serve_clients(int listener)
{
    struct sockaddr_storage peer;
    socklen_t length;
    int client;

    while ((client = net_accept(listener, &peer, &length)) != -1) {
        char text[NET_ADDRESS_MAX];

        net_format_address((struct sockaddr *)&peer, length, text, sizeof text);
        printf("Accepted %s\n", text);
        serve(client, text);
    }
    return -1;
}

int main(int argc, char *argv[])
{
    struct net_arguments arguments;
    struct addrinfo *addresses;
    int code, listener = -1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    end_on_signals();
    if (net_parse_arguments(argc, argv, 2, &arguments) == -1) {
        fprintf(stderr, "usage: server [HOST [PORT]]\n");
        return 2;
    }
    code = net_resolve(arguments.host, arguments.port, true, &addresses);
    if (code != 0)
        return fail("look up", arguments.host, net_resolve_reason(code));

    errno = ENOSYS;
    /* TODO a: net_listen(), as in lesson 1. */
    /* BEGIN SOLUTION a */
    listener = net_listen(addresses, NET_BACKLOG);
    /* END SOLUTION a */
    freeaddrinfo(addresses);
    if (listener == -1)
        return fail("listen on", arguments.endpoint, strerror(errno));
    print_listening(listener);

    serve_clients(listener);
    fail("accept on", arguments.endpoint, strerror(errno));
    close(listener);
    return 1;
}
