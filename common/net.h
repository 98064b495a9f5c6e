/* net.h - addresses, listening and connecting: what lesson 1 adds.
 *
 * Everything here is plain POSIX sockets. The functions report errors with -1
 * and errno; they never print and never end the program. None of them keeps
 * any state, so each may be called on any thread. */

#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct addrinfo;

enum {
    NET_ADDRESS_MAX = 80,   /* bytes of a printed address, the NUL included */
    NET_ENDPOINT_MAX = 280, /* the same for a name, which has up to 255 bytes */
    NET_BACKLOG = 100       /* connections that may wait for accept() */
};

/* What the user asked for on the command line: HOST [PORT [TEXT]]. */
struct net_arguments {
    const char *host;                /* a name, an IPv4 or an IPv6 literal */
    const char *port;                /* decimal digits, 0 to 65535 */
    const char *text;                /* what a client sends */
    char endpoint[NET_ENDPOINT_MAX]; /* "HOST:PORT", for messages to people */
};

/* Reads a command line of at most MOST arguments behind the program's name.
 * Arguments that are left out become 127.0.0.1, 11000 and
 * "This is a test<EOF>". The strings still belong to ARGV.
 * Returns 0; or -1 with EINVAL if there are too many arguments, or the port is
 * no decimal number from 0 to 65535: then print how the program is used and
 * exit with status 2. */
int net_parse_arguments(int argc, char *argv[], int most,
                        struct net_arguments *arguments);

/* Looks HOST up and sets *ADDRESSES to the list of all its TCP addresses, in
 * the order in which they are to be tried. PASSIVE says that they are to be
 * listened on. The caller gives the list back with freeaddrinfo().
 * Returns 0, or a code of getaddrinfo(), which net_resolve_reason() explains.
 * Stands for Dns.GetHostEntry of .NET. */
int net_resolve(const char *host, const char *port, bool passive,
                struct addrinfo **addresses);

/* The reason, in words, for a CODE that net_resolve() has just returned. (One
 * code means "see errno", so ask before errno changes.) */
const char *net_resolve_reason(int code);

/* Writes ADDRESS, of LENGTH bytes, to TEXT, which has room for SIZE bytes, as
 * people write it: 127.0.0.1:11000, or [::1]:11000. NET_ADDRESS_MAX bytes are
 * always enough.
 * Returns 0; or -1 with EAFNOSUPPORT or ENOSPC, and then TEXT is "?" where that
 * fits. Stands for EndPoint.ToString of .NET. */
int net_format_address(const struct sockaddr *address, socklen_t length,
                       char *text, size_t size);

/* Listens on the first of ADDRESSES that lets it: makes a socket, allows its
 * port to be used again at once after a restart, binds it, and lets up to about
 * BACKLOG connections wait for net_accept(). A program that this process starts
 * does not inherit the socket.
 * Returns the descriptor, which the caller closes; or -1 with the errno of the
 * last address that was tried: EADDRINUSE, EADDRNOTAVAIL, EACCES, EMFILE ...
 * Stands for new Socket, Bind and Listen of .NET. */
int net_listen(const struct addrinfo *addresses, int backlog);

/* Waits for the next connection to LISTENER and takes it. *PEER and *LENGTH are
 * set to the address of the other side. Errors that do not concern the listener
 * (see net_may_accept_again) are no reason to stop: it waits on.
 * Returns the descriptor of the connection, which the caller closes and which
 * is not inherited; or -1 with errno: EBADF, EINVAL, ENOTSOCK ...
 * Stands for Socket.Accept of .NET. */
int net_accept(int listener, struct sockaddr_storage *peer, socklen_t *length);

/* Whether accept(), having failed with ERROR, should be called again. True for
 * EINTR, and for what went wrong with one connection alone (ECONNABORTED,
 * EPROTO, the network's own errors). Also true when the machine is out of
 * something (EMFILE, ENFILE, ENOBUFS, ENOMEM); but then it first waits for 100
 * ms, because the connection still stands in the queue and accept() would fail
 * again at once, as fast as the processor can go. */
bool net_may_accept_again(int error);

/* Connects to the first of ADDRESSES that answers: they are tried one after
 * another, in order, and each waits as long as the kernel does. *USED is set to
 * the address that answered. A program that this process starts does not
 * inherit the socket. A signal handler of the caller must be installed with
 * SA_RESTART.
 * Returns the descriptor, which the caller closes; or -1 with the errno of the
 * last address that was tried: ECONNREFUSED, ETIMEDOUT, ENETUNREACH ...
 * Stands for new Socket and Connect of .NET. */
int net_connect(const struct addrinfo *addresses, const struct addrinfo **used);

/* Closes FD and leaves errno as it was, so that the error that made the caller
 * give up is still there to be reported. */
void net_close(int fd);

#endif
