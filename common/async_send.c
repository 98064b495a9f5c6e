/* async_send.c - BeginSend and EndSend: what lesson 5 adds. */

#include "async_send.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>

#include "async_operation.h"

/* At most so much for one event: a peer that reads fast must not keep the loop
 * here while others wait. */
#define SEND_PER_EVENT 262144

/* The try: gives the kernel what it takes, and remembers how far it got. */
static enum async_attempt try_send(struct async_result *ar)
{
    ar->error = ENOSYS;
    /* TODO b: while less than all is done, and less than SEND_PER_EVENT of this
     * call, send() with MSG_NOSIGNAL from ar->done on, and add to ar->done what
     * was taken. EINTR: again; EAGAIN or EWOULDBLOCK: ASYNC_WAIT; another
     * error: ar->error, and over. Then ASYNC_WAIT if there is more to send;
     * else ar->error is 0. */
    /* BEGIN SOLUTION b */
    /* slide: try-send */
    size_t rest = ar->length - ar->done;
    size_t end = ar->done + (rest < SEND_PER_EVENT ? rest : SEND_PER_EVENT);

    while (ar->done < end) {
        ssize_t count = send(ar->socket->fd, ar->buffer + ar->done,
                             end - ar->done, MSG_NOSIGNAL);

        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return ASYNC_WAIT;
        if (count == -1) {
            ar->error = errno;
            return ASYNC_OVER;
        }
        ar->done += (size_t)count;
    }
    if (ar->done < ar->length)
        return ASYNC_WAIT;
    ar->error = 0;
    /* end slide */
    /* END SOLUTION b */
    return ASYNC_OVER;
}

static const struct async_operation send_operation = {ASYNC_WRITING, try_send};

struct async_result *async_begin_send(struct async_socket *socket,
                                      const void *buffer, size_t length,
                                      async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO b: async_result_create() a result of the send_operation; if that
     * fails, return NULL. async_result_refuse() it with EINVAL if there is a
     * length and no buffer, with ENOTCONN if the socket's role is not
     * ASYNC_CONNECTED, with EPIPE if the socket is shut. Keep buffer and length
     * in it, and async_result_start() it. */
    /* BEGIN SOLUTION b */
    ar = async_result_create(socket, &send_operation, callback, state);
    if (ar == NULL)
        return NULL;
    if (buffer == NULL && length > 0)
        return async_result_refuse(ar, EINVAL);
    if (socket->role != ASYNC_CONNECTED)
        return async_result_refuse(ar, ENOTCONN);
    if (socket->shut)
        return async_result_refuse(ar, EPIPE);
    ar->buffer = (char *)buffer; /* only read from */
    ar->length = length;
    async_result_start(ar);
    /* END SOLUTION b */
    return ar;
}

ssize_t async_end_send(struct async_socket *socket, struct async_result *ar)
{
    errno = ENOSYS;
    /* TODO b: async_result_take() it; if that fails, return -1. */
    /* BEGIN SOLUTION b */
    struct async_result outcome;

    if (async_result_take(ar, socket, &send_operation, &outcome) == 0)
        return (ssize_t)outcome.done;
    /* END SOLUTION b */
    return -1;
}
