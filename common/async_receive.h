/* async_receive.h - receive what comes, when it comes: what lesson 5 adds.
 * .NET: BeginReceive, EndReceive. */

#ifndef ASYNC_RECEIVE_H
#define ASYNC_RECEIVE_H

#include <sys/types.h>

#include "async_result.h"
#include "async_socket.h"

/* Begins to receive at most LENGTH bytes into BUFFER, which belongs to the
 * operation until it is complete. With LENGTH 0 nothing is taken: it completes
 * when there is something to receive, or FIN.
 * Returns the result, or NULL with EBADF (closed), EINVAL (no buffer, but a
 * length), ENOTCONN, ENOMEM. */
struct async_result *async_begin_receive(struct async_socket *socket,
                                         void *buffer, size_t length,
                                         async_callback *callback, void *state);

/* Ends it. Returns the number of bytes, 1 to LENGTH; 0 for FIN (or LENGTH 0);
 * -1 with errno (async_result.h), of the operation itself ECONNRESET and the
 * like. What came before FIN or a reset is delivered first. */
ssize_t async_end_receive(struct async_socket *socket, struct async_result *ar);

#endif
