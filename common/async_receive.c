/* async_receive.c - BeginReceive and EndReceive: what lesson 5 adds. */

#include "async_receive.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

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

    if (ar->length == 0 && !is_readable(ar->fd))
        return ASYNC_WAIT;
    while (ar->length > 0 &&
           (count = recv(ar->fd, ar->buffer, ar->length, 0)) == -1 &&
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

struct async_result *async_begin_receive(struct async_socket *socket,
                                         void *buffer, size_t length,
                                         async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO a: async_check_open(). Fail with EINVAL if there is a length and no
     * buffer. async_check_connected(). async_result_create() a result, keep
     * buffer and length in it, and async_result_start() it. */
    /* BEGIN SOLUTION a */
    if (async_check_open(socket) == -1)
        return NULL;
    if (buffer == NULL && length > 0) {
        errno = EINVAL;
        return NULL;
    }
    if (async_check_connected(socket) == -1)
        return NULL;
    ar = async_result_create(socket, ASYNC_RECEIVE, callback, state);
    if (ar != NULL) {
        ar->buffer = buffer;
        ar->length = length;
        ar = async_result_start(ar, try_receive);
    }
    /* END SOLUTION a */
    return ar;
}

ssize_t async_end_receive(struct async_socket *socket, struct async_result *ar)
{
    errno = ENOSYS;
    /* TODO a: async_result_take() it; if that fails, return -1. */
    /* BEGIN SOLUTION a */
    struct async_outcome outcome;

    if (async_result_take(ar, socket, ASYNC_RECEIVE, &outcome) == 0)
        return (ssize_t)outcome.bytes;
    /* END SOLUTION a */
    return -1;
}
