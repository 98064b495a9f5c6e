/* net.c - addresses, listening and connecting: what lesson 1 adds.
 *
 * Read it from top to bottom: first what the user types, then names and
 * addresses, then the two sides of a connection. net.h says what each function
 * promises; the comments here say why it is written the way it is. */

#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ============================ the command line =========================== */

/* strtol alone would let "+80", " 80" and "80x" pass. */
static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || text[digits] != '\0')
        return false;
    return strtol(text, NULL, 10) <= 65535;
}

/* An IPv6 literal has colons of its own: brackets keep the port apart. */
static void name_endpoint(struct net_arguments *arguments)
{
    bool literal = strchr(arguments->host, ':') != NULL;

    snprintf(arguments->endpoint, sizeof arguments->endpoint,
             literal ? "[%s]:%s" : "%s:%s", arguments->host, arguments->port);
}

int net_parse_arguments(int argc, char *argv[], int most,
                        struct net_arguments *arguments)
{
    arguments->host = argc > 1 ? argv[1] : "127.0.0.1";
    arguments->port = argc > 2 ? argv[2] : "11000";
    arguments->text = argc > 3 ? argv[3] : "This is a test<EOF>";
    name_endpoint(arguments);
    if (argc - 1 > most || !is_port(arguments->port)) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

/* =========================== names and addresses ========================= */

int net_resolve(const char *host, const char *port, bool passive,
                struct addrinfo **addresses)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_protocol = IPPROTO_TCP};

    hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
    return getaddrinfo(host, port, &hints, addresses);
}

const char *net_resolve_reason(int code)
{
    return code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code);
}

int net_format_address(const struct sockaddr *address, socklen_t length,
                       char *text, size_t size)
{
    char host[NET_ADDRESS_MAX - 8]; /* leaves room for "[]:65535" */
    char port[6];
    int printed;

    if (size > 0)
        snprintf(text, size, "?");
    if (getnameinfo(address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    printed = snprintf(text, size,
                       address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
                       host, port);
    if (printed < 0 || (size_t)printed >= size) {
        if (size > 0)
            snprintf(text, size, "?");
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

void net_close(int fd)
{
    int saved = errno;

    close(fd);
    errno = saved;
}

/* ================================ listening ============================== */

/* A listening socket takes four calls: socket() makes it, bind() gives it an
 * address, listen() opens the door and the queue behind it, and SO_REUSEADDR,
 * before bind(), lets a server that was just stopped start again although old
 * connections of its port are still in TIME_WAIT.
 *
 * FD_CLOEXEC closes the descriptor when this process becomes another program
 * by exec(). Without it, a child would hold the port after we have ended. */

int net_listen(const struct addrinfo *addresses, int backlog)
{
    int fd = -1;

    errno = ENOSYS;
    /* TODO a: for each address in the list (follow ai_next): socket(), then
     * setsockopt() SO_REUSEADDR, fcntl() F_SETFD FD_CLOEXEC, bind(), listen().
     * If all went well, keep the socket in fd and stop. If one of them failed,
     * net_close() the socket, set fd to -1, and try the next address. */
    /* BEGIN SOLUTION a */
    /* slide: listen */
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        const int on = 1;

        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1)
            continue;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
            bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
            listen(fd, backlog) == 0)
            break;
        net_close(fd);
        fd = -1;
    }
    /* end slide */
    /* END SOLUTION a */
    return fd;
}

bool net_may_accept_again(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        /* Nobody tells us when there is enough again. Asking ten times a
         * second is all that is left; lesson 4 does it with a timer. */
        poll(NULL, 0, 100);
        return true;
    default:
        return false;
    }
}

int net_accept(int listener, struct sockaddr_storage *peer, socklen_t *length)
{
    int fd = -1;

    errno = ENOSYS;
    /* TODO a: accept() into fd. Set *length to the size of *peer before each
     * try: accept() changes it. While it fails, and net_may_accept_again() says
     * so of errno, accept() again. Then fcntl() F_SETFD FD_CLOEXEC on fd. */
    /* BEGIN SOLUTION a */
    /* slide: accept */
    do {
        *length = sizeof *peer;
        fd = accept(listener, (struct sockaddr *)peer, length);
    } while (fd == -1 && net_may_accept_again(errno));
    if (fd != -1 && fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
        net_close(fd);
        fd = -1;
    }
    /* end slide */
    /* END SOLUTION a */
    return fd;
}

/* =============================== connecting ============================== */

/* A name often has several addresses: localhost may be ::1 and 127.0.0.1, and a
 * server may listen on one of them only. A socket whose connect() has failed is
 * in no defined state: each address gets a new one. */

int net_connect(const struct addrinfo *addresses, const struct addrinfo **used)
{
    int fd = -1;

    errno = ENOSYS;
    *used = NULL;
    /* TODO b: for each address in the list: socket(), fcntl() F_SETFD
     * FD_CLOEXEC, connect(). On success set *used to this address and stop. On
     * failure net_close() the socket, set fd to -1, and try the next. */
    /* BEGIN SOLUTION b */
    /* slide: connect */
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1)
            continue;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
            connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            *used = a;
            break;
        }
        net_close(fd);
        fd = -1;
    }
    /* end slide */
    /* END SOLUTION b */
    return fd;
}
