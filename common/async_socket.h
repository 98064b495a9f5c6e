/* async_socket.h - a TCP socket whose operations are begun and ended: what
 * lesson 4 adds. .NET: Socket.
 *
 * Threads: every function may be called on any thread. Only the loop's thread
 * makes socket calls: what others ask for is queued, and the loop is woken.
 * Of one socket, the operations of each direction take their turn: accepts and
 * receives in the order of their Begins, connects and sends likewise. The two
 * directions do not wait for each other. */

#ifndef ASYNC_SOCKET_H
#define ASYNC_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "loop.h"

struct async_socket;

/* Makes a TCP socket of LOOP for addresses of FAMILY (AF_INET, AF_INET6). It is
 * non-blocking and closed on exec. End it with async_close().
 * Returns NULL with EMFILE (too many descriptors, or one too large for the back
 * end of LOOP), ENFILE, EAFNOSUPPORT, ENOMEM, or ECANCELED (a callback that
 * loop_destroy() runs has asked). .NET: new Socket(...). */
struct async_socket *async_socket_create(struct loop *loop, int family);

/* Gives the socket its own address, with SO_REUSEADDR. Returns 0, or -1 with
 * EBADF (closed) or the errno of bind(). .NET: Bind. */
int async_bind(struct async_socket *socket, const struct sockaddr *address,
               socklen_t length);

/* Opens the accept queue, with room for BACKLOG connections. Returns 0, or -1
 * with EBADF (closed) or the errno of listen(). .NET: Listen. */
int async_listen(struct async_socket *socket, int backlog);

/* Ends one direction (SHUT_RD, SHUT_WR) or both (SHUT_RDWR). The end of sending
 * takes its turn after the sends that were begun before; a send that is begun
 * later fails with EPIPE. Returns 0, or -1 with EBADF (closed), ENOTCONN,
 * EINVAL (HOW is none of the three). .NET: Shutdown. */
int async_shutdown(struct async_socket *socket, int how);

/* Closes the socket: what is pending on it completes with ECANCELED, and the
 * callbacks of it follow from the loop, never from here. A send that was not
 * finished resets the connection, so that the peer cannot take a part for the
 * whole; else the peer sees FIN. Closing again does nothing. The object stays
 * valid until the last of its results is ended.
 * Returns 0. NULL is fine. .NET: Close. */
int async_close(struct async_socket *socket);

/* True exactly when a receive (or, of a listener, an accept) that is begun now
 * would not wait: bytes have come, or FIN, or the connection is broken. While
 * another one is pending it is false, for that one comes first; so it is for a
 * closed socket. Never waits itself. .NET: Poll(0, SelectMode.SelectRead). */
bool async_is_readable(struct async_socket *socket);

/* The socket's own address, and its peer's. LENGTH holds the room at ADDRESS,
 * and then what was used of it. The peer's address is known also after the peer
 * has reset. Returns 0, or -1 with EBADF (closed) or ENOTCONN.
 * .NET: LocalEndPoint, RemoteEndPoint. */
int async_local_address(struct async_socket *socket, struct sockaddr *address,
                        socklen_t *length);
int async_remote_address(struct async_socket *socket, struct sockaddr *address,
                         socklen_t *length);

#endif
