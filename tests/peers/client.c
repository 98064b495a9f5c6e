/* An echo client in C whose sockets have time-outs: SO_SNDTIMEO, which Linux
 * applies to connect() as well, and SO_RCVTIMEO. */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "peer.h"

static int fail(const char *what, const char *reason)
{
    fprintf(stderr, "client: %s: %s\n", what, reason);
    return 1;
}

static const char *reason_of(int error)
{
    if (error == EAGAIN || error == EINPROGRESS)
        return "no answer for too long";
    return strerror(error);
}

static void limit(int fd, int option, int seconds)
{
    const struct timeval time = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, option, &time, sizeof time);
}

static int connect_to(const struct addrinfo *all, char name[PEER_NAME_MAX])
{
    int error = 0;

    for (const struct addrinfo *a = all; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);

        if (fd == -1) {
            error = errno;
            continue;
        }
        limit(fd, SO_SNDTIMEO, 1);
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            limit(fd, SO_SNDTIMEO, 30);
            limit(fd, SO_RCVTIMEO, 30);
            peer_format_address(a->ai_addr, a->ai_addrlen, name);
            return fd;
        }
        error = errno;
        close(fd);
    }
    errno = error;
    return -1;
}

static int send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return -1;
        bytes += sent;
        size -= (size_t)sent;
    }
    return 0;
}

/* Everything until the server's FIN. NULL, or what is wrong with it. */
static const char *receive(int fd, struct peer_text *reply)
{
    enum peer_state state = PEER_MORE;

    for (;;) {
        char piece[16384];
        ssize_t size = recv(fd, piece, sizeof piece, 0);

        if (size == -1 && errno == EINTR)
            continue;
        if (size == -1)
            return reason_of(errno);
        if (size == 0 && state != PEER_COMPLETE)
            return "the reply ended before <EOF>";
        if (size == 0)
            return NULL;
        if (state == PEER_MORE)
            state = peer_text_add(reply, piece, (size_t)size);
        if (state == PEER_REFUSED)
            return "the reply is too long";
    }
}

static int talk(int fd, const char *server, const char *text)
{
    struct peer_text reply = {0};

    if (send_all(fd, text, strlen(text)) == -1)
        return fail(server, reason_of(errno));
    printf("Sent %zu bytes to server.\n", strlen(text));
    const char *reason = receive(fd, &reply);
    if (reason != NULL) {
        peer_text_free(&reply);
        return fail(server, reason);
    }
    printf("Response received : ");
    peer_print_escaped(reply.bytes, reply.length);
    printf("\n");
    peer_text_free(&reply);
    return 0;
}

int main(int argc, char *argv[])
{
    const char *host = argc > 1 ? argv[1] : "127.0.0.1";
    const char *port = argc > 2 ? argv[2] : "11000";
    const char *text = argc > 3 ? argv[3] : "This is a test<EOF>";
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV};
    struct addrinfo *all;
    char server[300], name[PEER_NAME_MAX];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 4 || !peer_is_port(port)) {
        fprintf(stderr, "SYNTAX: client [HOST [PORT [TEXT]]]\n");
        return 2;
    }
    snprintf(server, sizeof server, "%s:%s", host, port);
    int code = getaddrinfo(host, port, &hints, &all);
    if (code != 0)
        return fail(host, gai_strerror(code));
    int fd = connect_to(all, name);
    int error = errno;
    freeaddrinfo(all);
    if (fd == -1)
        return fail(server, reason_of(error));
    printf("Socket connected to %s\n", name);
    int status = talk(fd, name, text);
    close(fd);
    return status;
}
