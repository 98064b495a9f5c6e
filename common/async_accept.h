/* async_accept.h - take a connection out of the accept queue, when there is
 * one: what lesson 4 adds. .NET: BeginAccept, EndAccept. */

#ifndef ASYNC_ACCEPT_H
#define ASYNC_ACCEPT_H

#include "async_result.h"
#include "async_socket.h"

/* Begins to accept one connection of LISTENER. Several may be pending; each
 * gets a connection of its own, in the order of their Begins.
 * Returns the result, or NULL with EBADF (closed), EINVAL (it does not listen)
 * or ENOMEM. */
struct async_result *async_begin_accept(struct async_socket *listener,
                                        async_callback *callback, void *state);

/* Ends it. Returns the new connection, which the caller closes with
 * async_close(), or NULL with errno (async_result.h); of the operation itself:
 * EMFILE where the new descriptor is too large for the loop's back end: that
 * client was turned away, and others may be accepted.
 * A lack of descriptors or memory is no error: the accept is tried again when
 * the loop has closed a descriptor, or after 100 ms. */
struct async_socket *async_end_accept(struct async_socket *listener,
                                      struct async_result *ar);

/* FD, a connection to PEER, as a socket of the loop HOME; async_end_accept()
 * makes its sockets so. Takes FD, also on failure: then its client is turned
 * away. NULL with EMFILE (as above), ECANCELED
 * (loop_destroy() has begun) or ENOMEM. .NET: new Socket(handle). */
struct async_loop;
struct async_socket *async_socket_adopt(struct async_loop *home, int fd,
                                        const struct sockaddr *peer,
                                        socklen_t length);

#endif
