/* async_send.h - send all of it, however slowly the peer reads: what lesson 5
 * adds. .NET: BeginSend, EndSend. */

#ifndef ASYNC_SEND_H
#define ASYNC_SEND_H

#include <sys/types.h>

#include "async_result.h"
#include "async_socket.h"

/* Begins to send the LENGTH bytes of BUFFER, which belongs to the operation
 * until it is complete: it is not copied. It completes when the kernel has
 * taken all of them. (The documentation of .NET permits it to take fewer;
 * programs had better not rely on either.)
 * Returns the result, or NULL with EBADF (closed), EINVAL (no buffer, but a
 * length), ENOTCONN, EPIPE (after async_shutdown), ENOMEM. */
struct async_result *async_begin_send(struct async_socket *socket,
                                      const void *buffer, size_t length,
                                      async_callback *callback, void *state);

/* Ends it. Returns LENGTH, or -1 with errno (async_result.h), of the operation
 * itself ECONNRESET, EPIPE and the like, also when a part was sent before. No
 * signal is raised. */
ssize_t async_end_send(struct async_socket *socket, struct async_result *ar);

#endif
