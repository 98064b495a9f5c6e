/* network_stream.h - a connection as a stream that is read and written: what
 * lesson 6 adds. .NET: NetworkStream.
 *
 * A stream sends and receives nothing by itself: it hands each operation to
 * its socket, and adds three things. It knows what it may be used for (reading,
 * writing, both); it may own the socket, and then closes it; and a write is
 * all or an error.
 *
 * The life of a stream: network_stream_close() ends its use,
 * network_stream_destroy() gives its memory back. An operation that is not yet
 * ended keeps the stream: so a callback may always call End, also after Close
 * and after destroy. An operation that nobody ends keeps it for ever.
 *
 * Threads: every function may be called on any thread; callbacks run on the
 * thread of the socket's loop. */

#ifndef NETWORK_STREAM_H
#define NETWORK_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "async_result.h"
#include "async_socket.h"

struct network_stream;

/* What a stream may be used for. .NET: FileAccess. */
enum network_stream_access {
    NETWORK_STREAM_READ = 1,
    NETWORK_STREAM_WRITE = 2,
    NETWORK_STREAM_READ_WRITE = NETWORK_STREAM_READ | NETWORK_STREAM_WRITE
};

/* Makes a stream over SOCKET, which is connected. If it OWNS_SOCKET, closing
 * the stream closes the socket, and nobody else may; else the socket is still
 * the caller's, and has to stay open for as long as the stream is used.
 * The caller ends the stream with network_stream_destroy(), before
 * loop_destroy(), or in a callback that loop_destroy() runs.
 * Returns NULL with EINVAL (no socket, or no such access), EBADF (the socket is
 * closed), ENOTCONN, ENOMEM; then the socket is still the caller's.
 * .NET: new NetworkStream(socket, access, ownsSocket). */
struct network_stream *network_stream_create(struct async_socket *socket,
                                             enum network_stream_access access,
                                             bool owns_socket);

/* Begins to read at most LENGTH bytes into BUFFER, which belongs to the
 * operation until it is complete.
 * Returns the result, or NULL with EBADF (closed, or not for reading) or what
 * async_begin_receive() says: EINVAL (also for no stream), ENOMEM.
 * .NET: BeginRead. */
struct async_result *network_stream_begin_read(struct network_stream *stream,
                                               void *buffer, size_t length,
                                               async_callback *callback,
                                               void *state);

/* Ends it. Returns the number of bytes, 1 to LENGTH; 0 when the other side has
 * sent FIN; -1 with errno (async_result.h), of the operation itself ECONNRESET
 * and the like. .NET: EndRead. */
ssize_t network_stream_end_read(struct network_stream *stream,
                                struct async_result *ar);

/* Begins to write the LENGTH bytes of BUFFER, which belongs to the operation
 * until it is complete: it is not copied.
 * Returns the result, or NULL with EBADF (closed, or not for writing) or what
 * async_begin_send() says: EINVAL (also for no stream), EPIPE (after
 * async_shutdown of the socket), ENOMEM. .NET: BeginWrite. */
struct async_result *network_stream_begin_write(struct network_stream *stream,
                                                const void *buffer,
                                                size_t length,
                                                async_callback *callback,
                                                void *state);

/* Ends it. Returns 0: the kernel has taken all bytes; or -1 with errno
 * (async_result.h), of the operation itself ECONNRESET, EPIPE and the like:
 * perhaps a part was sent, nobody knows how much. .NET: EndWrite, which returns
 * nothing, or throws. */
int network_stream_end_write(struct network_stream *stream,
                             struct async_result *ar);

/* What it may be used for; a closed stream, or none, for nothing.
 * .NET: CanRead, CanWrite. */
bool network_stream_can_read(const struct network_stream *stream);
bool network_stream_can_write(const struct network_stream *stream);

/* True exactly when a read that is begun now would not wait for the other side:
 * bytes have come, or FIN (the read gives 0), or the connection is broken (the
 * read fails). While another read is pending it is false, for that one comes
 * first; so it is for a stream that cannot be read. Never waits itself.
 * .NET: DataAvailable, which is false for FIN. */
bool network_stream_data_available(struct network_stream *stream);

/* Closes the stream, and the socket if the stream owns it; then what is pending
 * completes with ECANCELED, and the rest of async_close() holds too: FIN, or
 * RST if a write is unfinished. A socket that is not owned stays open, and what
 * is pending on it goes on. A Begin on a closed stream fails with EBADF, an End
 * is as good as ever. Closing again does nothing; NULL is fine. .NET: Close. */
void network_stream_close(struct network_stream *stream);

/* Closes the stream, and gives its memory back as soon as every operation that
 * was begun on it is ended. Call it once, for a stream of your own: the one of
 * a struct tcp_client goes with its client. NULL is fine.
 * .NET: none; there the garbage collector does it. */
void network_stream_destroy(struct network_stream *stream);

#endif
