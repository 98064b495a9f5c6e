/* Lesson 2, the client: sends a text and prints what comes back.
 *
 * It shows   the other end of the stream: send all of the text, receive until
 *            the server has ended, and tell a whole reply from a cut one.
 * .NET       Socket.Connect, Socket.Send, Socket.Receive, Socket.Close.
 * Run it     make run2
 * Watch      how many packets the text takes, and that neither program can
 *            tell.
 *
 * Usage: client [HOST [PORT [TEXT]]]
 *        defaults 127.0.0.1 11000 "This is a test<EOF>"
 *
 * TEXT should end with <EOF>. If it does not, the server waits for the rest of
 * the text, the client waits for the reply, and both are right. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "net.h"

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* Asks. */
static int send_text(int fd, const struct net_arguments *arguments)
{
    size_t length = strlen(arguments->text);
    int result = -1;

    errno = ENOSYS;
    /* TODO a: message_send_all() the text. */
    /* BEGIN SOLUTION a */
    result = message_send_all(fd, arguments->text, length);
    /* END SOLUTION a */
    if (result == -1)
        return fail("send to", arguments->endpoint, strerror(errno));
    printf("Sent %zu bytes to server.\n", length);
    return 0;
}

/* Hears the answer to its end. A reply is whole when it has its <EOF> AND the
 * server has ended with FIN: a program that prints what it has, whatever
 * happened, cannot be believed. */
static int receive_reply(int fd, const struct net_arguments *arguments)
{
    enum message_outcome outcome = MESSAGE_FAILED;
    struct message reply;

    message_init(&reply);
    errno = ENOSYS;
    /* TODO a: message_receive() the reply. */
    /* BEGIN SOLUTION a */
    outcome = message_receive(fd, &reply);
    /* END SOLUTION a */

    /* TODO b: if it is complete, message_drain() until the server's FIN; if
     * that fails, the outcome is MESSAGE_FAILED. Then, if the outcome is
     * MESSAGE_FAILED, fail("receive from", ...) with the reason of errno; if it
     * is MESSAGE_CUT, with "the reply ended before <EOF>". */
    /* BEGIN SOLUTION b */
    /* slide: reply */
    if (outcome == MESSAGE_COMPLETE && message_drain(fd) == -1)
        outcome = MESSAGE_FAILED;
    if (outcome == MESSAGE_FAILED)
        fail("receive from", arguments->endpoint, strerror(errno));
    if (outcome == MESSAGE_CUT)
        fail("receive from", arguments->endpoint,
             "the reply ended before <EOF>");
    /* end slide */
    /* END SOLUTION b */

    if (outcome == MESSAGE_COMPLETE) {
        printf("Response received : ");
        message_print(stdout, reply.bytes, reply.length);
        printf("\n");
    }
    message_destroy(&reply);
    return outcome == MESSAGE_COMPLETE ? 0 : 1;
}

/* A whole connection: connect, ask, hear, close. */
static int converse(const struct addrinfo *addresses,
                    const struct net_arguments *arguments)
{
    const struct addrinfo *used = NULL;
    char text[NET_ADDRESS_MAX];
    int fd = -1, status;

    errno = ENOSYS;
    /* TODO a: net_connect(), as in lesson 1. */
    /* BEGIN SOLUTION a */
    fd = net_connect(addresses, &used);
    /* END SOLUTION a */
    if (fd == -1)
        return fail("connect to", arguments->endpoint, strerror(errno));
    net_format_address(used->ai_addr, used->ai_addrlen, text, sizeof text);
    printf("Socket connected to %s\n", text);

    status = send_text(fd, arguments);
    if (status == 0)
        status = receive_reply(fd, arguments);
    close(fd);
    return status;
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

    status = converse(addresses, &arguments);
    freeaddrinfo(addresses);
    return status;
}
