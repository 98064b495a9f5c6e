/* async_receive.c - BeginReceive and EndReceive: what lesson 5 adds. */

#include "async_receive.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>

#include "async_operation.h"

/* A receive of length 0 takes nothing; it waits until there is something. */
static bool is_readable(int fd)
{
    struct pollfd socket = {.fd = fd, .events = POLLIN};

    return poll(&socket, 1, 0) == 1;
}

/* The try: takes what is there. */
static enum async_attempt try_receive(struct async_result *ar)
{
    ar->error = ENOSYS;
    /* TODO a: if the length is 0: is_readable(), or ASYNC_WAIT. Else recv()
     * into ar->buffer; EINTR: again; EAGAIN or EWOULDBLOCK: ASYNC_WAIT. Else it
     * is over: ar->error is 0 and ar->done the number of bytes, or ar->error is
     * errno. */
    /* BEGIN SOLUTION a */
    /* slide: try-receive */
    ssize_t count = 0;

    if (ar->length == 0 && !is_readable(ar->socket->fd))
        return ASYNC_WAIT;
    while (ar->length > 0 &&
           (count = recv(ar->socket->fd, ar->buffer, ar->length, 0)) == -1 &&
           errno == EINTR)
        ;
    if (count == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ASYNC_WAIT;
    ar->error = count == -1 ? errno : 0;
    ar->done = count == -1 ? 0 : (size_t)count;
    /* end slide */
    /* END SOLUTION a */
    return ASYNC_OVER;
}

static const struct async_operation receive_operation = {ASYNC_READING,
                                                         try_receive};

struct async_result *async_begin_receive(struct async_socket *socket,
                                         void *buffer, size_t length,
                                         async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO a: async_result_create() a result of the receive_operation; if that
     * fails, return NULL. async_result_refuse() it with EINVAL if there is a
     * length and no buffer, with ENOTCONN if the socket's role is not
     * ASYNC_CONNECTED. Keep buffer and length in it, and async_result_start()
     * it. */
    /* BEGIN SOLUTION a */
    ar = async_result_create(socket, &receive_operation, callback, state);
    if (ar == NULL)
        return NULL;
    if (buffer == NULL && length > 0)
        return async_result_refuse(ar, EINVAL);
    if (socket->role != ASYNC_CONNECTED)
        return async_result_refuse(ar, ENOTCONN);
    ar->buffer = buffer;
    ar->length = length;
    async_result_start(ar);
    /* END SOLUTION a */
    return ar;
}

ssize_t async_end_receive(struct async_socket *socket, struct async_result *ar)
{
    errno = ENOSYS;
    /* TODO a: async_result_take() it; if that fails, return -1. */
    /* BEGIN SOLUTION a */
    struct async_result outcome;

    if (async_result_take(ar, socket, &receive_operation, &outcome) == 0)
        return (ssize_t)outcome.done;
    /* END SOLUTION a */
    return -1;
}
