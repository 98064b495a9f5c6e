/* Lesson 3, the client: like that of lesson 2, but it does not wait for ever.
 *
 * It shows   a connect that gives up: on a non-blocking socket connect() only
 *            sends the SYN, and select() waits for the answer as long as the
 *            program likes.
 * .NET       Socket.Blocking = false, Socket.ConnectAsync with a time-out.
 * Run it     make run3
 * Watch      that the rest is as it was: once connected, it may wait.
 *
 * Usage: client [HOST [PORT [TEXT]]]
 *        defaults 127.0.0.1 11000 "This is a test<EOF>" */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "net.h"

/* So long a connect may take. */
#define CONNECT_MILLISECONDS 1000

/* Every error is one line: who, what was tried, why it failed. */
static int fail(const char *what, const char *where, const char *reason)
{
    fprintf(stderr, "client: %s %s: %s\n", what, where, reason);
    return 1;
}

/* ============================ connect, in time =========================== */

static long long now_in_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until FD is writable: then its connect is over, well or badly. Returns
 * 0, or -1 with errno, ETIMEDOUT if it took too long. A signal is no reason to
 * begin the time anew. */
static int wait_until_writable(int fd)
{
    long long end = now_in_milliseconds() + CONNECT_MILLISECONDS;
    int ready;

    do {
        long long left = end - now_in_milliseconds();
        struct timeval timeout = {0};
        fd_set writable;

        if (left > 0)
            timeout = (struct timeval){left / 1000, left % 1000 * 1000};
        FD_ZERO(&writable);
        FD_SET(fd, &writable);
        ready = select(fd + 1, NULL, &writable, NULL, &timeout);
    } while (ready == -1 && errno == EINTR);
    if (ready == 0)
        errno = ETIMEDOUT;
    return ready == 1 ? 0 : -1;
}

/* What has become of the connect on FD. SO_ERROR is its errno, or 0, and can be
 * asked for once. Returns 0, or -1 with that errno. */
static int connect_result(int fd)
{
    int error = ENOSYS;

    /* TODO a: getsockopt() SO_ERROR into error; if that fails, error is errno.
     */
    /* BEGIN SOLUTION a */
    socklen_t length = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
        error = errno;
    /* END SOLUTION a */
    errno = error;
    return error == 0 ? 0 : -1;
}

/* Connects FD to ADDRESS, or gives up after CONNECT_MILLISECONDS. Afterwards FD
 * is blocking, as it was before: this client has nothing else to do than to
 * wait for its server. Returns 0, or -1 with errno. */
static int connect_in_time(int fd, const struct addrinfo *address)
{
    int result = -1;

    /* A descriptor that is too large for a set is none for select(). */
    errno = fd < FD_SETSIZE ? ENOSYS : EMFILE;
    if (errno == EMFILE)
        return -1;

    /* TODO a: make fd non-blocking (fcntl, F_SETFL, O_NONBLOCK). connect(). If
     * that fails with EINPROGRESS, wait_until_writable(), and then result is
     * what connect_result() says. If all went well, make fd blocking again. */
    /* BEGIN SOLUTION a */
    /* slide: connect */
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
        return -1;
    result = connect(fd, address->ai_addr, address->ai_addrlen);
    if (result == -1 && errno == EINPROGRESS) {
        result = wait_until_writable(fd);
        if (result == 0)
            result = connect_result(fd);
    }
    if (result == 0)
        result = fcntl(fd, F_SETFL, 0);
    /* end slide */
    /* END SOLUTION a */
    return result;
}

/* Tries one address after another. Returns the descriptor and sets *USED, or
 * -1 with the errno of the last one. */
static int connect_to_one(const struct addrinfo *addresses,
                          const struct addrinfo **used)
{
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM, 0);

        if (fd != -1 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
            connect_in_time(fd, a) == 0) {
            *used = a;
            return fd;
        }
        if (fd != -1)
            net_close(fd);
    }
    return -1;
}

/* ============================ ask, and hear ============================== */

/* Asks. */
static int send_text(int fd, const struct net_arguments *arguments)
{
    size_t length = strlen(arguments->text);

    if (message_send_all(fd, arguments->text, length) == -1)
        return fail("send to", arguments->endpoint, strerror(errno));
    printf("Sent %zu bytes to server.\n", length);
    return 0;
}

/* Hears the answer to its end. A reply is whole when it has its <EOF> AND the
 * server has ended with FIN: a program that prints what it has, whatever
 * happened, cannot be believed. */
static int receive_reply(int fd, const struct net_arguments *arguments)
{
    enum message_outcome outcome;
    struct message reply;

    message_init(&reply);
    outcome = message_receive(fd, &reply);
    if (outcome == MESSAGE_COMPLETE && message_drain(fd) == -1)
        outcome = MESSAGE_FAILED;
    if (outcome == MESSAGE_FAILED)
        fail("receive from", arguments->endpoint, strerror(errno));
    if (outcome == MESSAGE_CUT)
        fail("receive from", arguments->endpoint,
             "the reply ended before <EOF>");
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
    int fd = connect_to_one(addresses, &used), status;

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
