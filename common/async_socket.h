/* async_socket.h - a socket whose operations are begun and ended: what lesson 4
 * adds. .NET: Socket.
 *
 * Of one socket, the operations of each direction take their turn: accepts and
 * receives in the order of their Begins, connects and sends likewise. The two
 * directions do not wait for each other.
 *
 * Lifetime: a socket is there until it is closed and the last of its results is
 * ended; and then until the loop runs its next round, which gives it back. So
 * in a callback, whatever was there when it began is there until it returns.
 * After that a pointer to it is as bad as one after free(): set it to NULL
 * where you close it.
 *
 * Threads: every function may be called on any thread, once loop_start() (see
 * loop_thread.h) has made the loop fit for that. There the next round may come
 * at any moment; so other threads than the loop's own may use a socket only
 * while it is open or has a result that is not ended. */

#ifndef ASYNC_SOCKET_H
#define ASYNC_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "loop.h"

struct async_socket;

/* Makes a stream socket of LOOP for addresses of FAMILY (AF_INET, AF_INET6; or
 * AF_UNIX). It is non-blocking and closed on exec. End it with async_close().
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
 * whole (a local socket, AF_UNIX, cannot do that: its peer sees an end); else
 * the peer sees FIN. Closing again does nothing, as long as the
 * socket is there (see above).
 * Returns 0, and leaves errno alone. NULL is fine. .NET: Close. */
int async_close(struct async_socket *socket);

/* The socket's own address, and its peer's. LENGTH holds the room at ADDRESS,
 * and then what was used of it. The peer's address is known also after the peer
 * has reset. Returns 0, or -1 with EBADF (closed) or ENOTCONN.
 * .NET: LocalEndPoint, RemoteEndPoint. */
int async_local_address(struct async_socket *socket, struct sockaddr *address,
                        socklen_t *length);
int async_remote_address(struct async_socket *socket, struct sockaddr *address,
                         socklen_t *length);

#endif
