/* async_connect.h - connect without waiting for the other side: what lesson 4
 * adds. .NET: BeginConnect, EndConnect. */

#ifndef ASYNC_CONNECT_H
#define ASYNC_CONNECT_H

#include "async_result.h"
#include "async_socket.h"

/* Begins to connect SOCKET to ADDRESS, which is copied.
 * To give up after a time, close the socket from a timer: End then says
 * ECANCELED. Returns the result, or NULL with EBADF (closed), EINVAL (it
 * listens, or there is no address), EISCONN, EALREADY (a connect is pending),
 * ENOMEM. */
struct async_result *async_begin_connect(struct async_socket *socket,
                                         const struct sockaddr *address,
                                         socklen_t length,
                                         async_callback *callback, void *state);

/* Ends it. Returns 0, or -1 with errno (async_result.h); of the operation
 * itself: ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH and the other
 * errors of connect(). */
int async_end_connect(struct async_socket *socket, struct async_result *ar);

#endif
