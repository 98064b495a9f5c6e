/* network_stream.c - a connection as a stream: what lesson 6 adds. */

#include "network_stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "async_operation.h"
#include "async_receive.h"
#include "async_send.h"

struct network_stream {
    struct loop *loop;
    struct async_socket *socket; /* not to be touched once this is closed */
    enum network_stream_access access;
    bool owns_socket;
    bool closed;
    bool destroyed;
    unsigned operations; /* that are not ended */
};

/* ================================ the life of one ======================== */

/* What nobody can use any more is let go. Inside. */
static void let_go(struct network_stream *stream)
{
    int saved = errno; /* what End has to say is still to be read */

    if (stream->closed && stream->operations == 0)
        stream->socket = NULL; /* it may be gone */
    if (stream->destroyed && stream->operations == 0)
        free(stream);
    errno = saved;
}

/* GetStream may have failed, and nobody has looked. */
static bool is_stream(const struct network_stream *stream)
{
    if (stream == NULL)
        errno = EINVAL;
    return stream != NULL;
}

/* These say that End has not consumed the result: it is another's, or was ended
 * before, or is not complete. (Neither recv() nor send() fails with them.)
 * ENOSYS: End is not written yet. */
static bool is_refusal(int error)
{
    return error == EINVAL || error == EALREADY || error == EDEADLK ||
           error == ENOSYS;
}

static void ended(struct network_stream *stream, bool failed)
{
    if (failed && is_refusal(errno))
        return;
    stream->operations--;
    let_go(stream);
}

struct network_stream *network_stream_create(struct async_socket *socket,
                                             enum network_stream_access access,
                                             bool owns_socket)
{
    struct network_stream *stream = NULL;

    errno = ENOSYS;
    /* TODO a: fail with EINVAL unless access is one of the three. Fail if
     * async_check_connected() does, which sets errno. calloc() a stream, and
     * keep socket, its home->loop, access and owns_socket in it. */
    /* BEGIN SOLUTION a */
    if (access != NETWORK_STREAM_READ && access != NETWORK_STREAM_WRITE &&
        access != NETWORK_STREAM_READ_WRITE) {
        errno = EINVAL;
        return NULL;
    }
    if (async_check_connected(socket) == -1)
        return NULL;
    stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->loop = socket->home->loop;
    stream->socket = socket;
    stream->access = access;
    stream->owns_socket = owns_socket;
    /* END SOLUTION a */
    return stream;
}

void network_stream_close(struct network_stream *stream)
{
    if (stream == NULL)
        return;
    loop_enter(stream->loop);
    /* TODO a: if the stream is not closed yet and owns its socket,
     * async_close() that. From now on it is closed. */
    /* BEGIN SOLUTION a */
    if (!stream->closed && stream->owns_socket)
        async_close(stream->socket);
    stream->closed = true;
    /* END SOLUTION a */
    let_go(stream);
    loop_leave(stream->loop);
}

void network_stream_destroy(struct network_stream *stream)
{
    struct loop *loop;

    if (stream == NULL)
        return;
    loop = stream->loop;
    loop_enter(loop);
    network_stream_close(stream);
    stream->destroyed = true;
    let_go(stream);
    loop_leave(loop);
}

/* ================================ questions ============================== */

bool network_stream_can_read(const struct network_stream *stream)
{
    bool can = false;

    if (stream == NULL)
        return false;
    loop_enter(stream->loop);
    /* TODO a: true if the stream is not closed, and its access has the bit
     * NETWORK_STREAM_READ. */
    /* BEGIN SOLUTION a */
    can = !stream->closed && (stream->access & NETWORK_STREAM_READ) != 0;
    /* END SOLUTION a */
    loop_leave(stream->loop);
    return can;
}

bool network_stream_can_write(const struct network_stream *stream)
{
    bool can = false;

    if (stream == NULL)
        return false;
    loop_enter(stream->loop);
    /* TODO a: the same for NETWORK_STREAM_WRITE. */
    /* BEGIN SOLUTION a */
    can = !stream->closed && (stream->access & NETWORK_STREAM_WRITE) != 0;
    /* END SOLUTION a */
    loop_leave(stream->loop);
    return can;
}

/* Bytes, FIN or an error; but a read that is pending would get them first. */
static bool is_readable(const struct async_socket *socket)
{
    struct pollfd look = {.fd = socket->fd, .events = POLLIN};

    return socket->role == ASYNC_CONNECTED &&
           socket->queues[ASYNC_READING].first == NULL &&
           poll(&look, 1, 0) == 1;
}

bool network_stream_data_available(struct network_stream *stream)
{
    bool available;

    if (stream == NULL)
        return false;
    loop_enter(stream->loop);
    available = network_stream_can_read(stream) && is_readable(stream->socket);
    loop_leave(stream->loop);
    return available;
}

/* ================================== read ================================= */

struct async_result *network_stream_begin_read(struct network_stream *stream,
                                               void *buffer, size_t length,
                                               async_callback *callback,
                                               void *state)
{
    struct async_result *ar = NULL;

    if (!is_stream(stream))
        return NULL;
    loop_enter(stream->loop);
    errno = ENOSYS;
    /* TODO a: if the stream cannot be read, set errno to EBADF. Else
     * async_begin_receive() on its socket. */
    /* BEGIN SOLUTION a */
    /* slide: begin-read */
    if (network_stream_can_read(stream))
        ar = async_begin_receive(stream->socket, buffer, length, callback,
                                 state);
    else
        errno = EBADF;
    /* end slide */
    /* END SOLUTION a */
    stream->operations += ar != NULL ? 1 : 0;
    loop_leave(stream->loop);
    return ar;
}

ssize_t network_stream_end_read(struct network_stream *stream,
                                struct async_result *ar)
{
    ssize_t count = -1;
    struct loop *loop;

    if (!is_stream(stream))
        return -1;
    loop = stream->loop;
    loop_enter(loop); /* to the end: loop_destroy() waits for who is inside */
    errno = ENOSYS;
    /* TODO a: async_end_receive() it, also if the stream is closed. */
    /* BEGIN SOLUTION a */
    count = async_end_receive(stream->socket, ar);
    /* END SOLUTION a */
    ended(stream, count == -1);
    loop_leave(loop);
    return count;
}

/* ================================= write ================================= */

struct async_result *
network_stream_begin_write(struct network_stream *stream, const void *buffer,
                           size_t length, async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    if (!is_stream(stream))
        return NULL;
    loop_enter(stream->loop);
    errno = ENOSYS;
    /* TODO a: as network_stream_begin_read(), with async_begin_send(). */
    /* BEGIN SOLUTION a */
    if (network_stream_can_write(stream))
        ar = async_begin_send(stream->socket, buffer, length, callback, state);
    else
        errno = EBADF;
    /* END SOLUTION a */
    stream->operations += ar != NULL ? 1 : 0;
    loop_leave(stream->loop);
    return ar;
}

int network_stream_end_write(struct network_stream *stream,
                             struct async_result *ar)
{
    int result = -1;
    struct loop *loop;

    if (!is_stream(stream))
        return -1;
    loop = stream->loop;
    loop_enter(loop); /* to the end: loop_destroy() waits for who is inside */
    errno = ENOSYS;
    /* TODO a: async_end_send() it; result is 0, unless that says -1. */
    /* BEGIN SOLUTION a */
    if (async_end_send(stream->socket, ar) != -1)
        result = 0;
    /* END SOLUTION a */
    ended(stream, result == -1);
    loop_leave(loop);
    return result;
}
