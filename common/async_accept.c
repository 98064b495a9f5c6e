/* async_accept.c - BeginAccept and EndAccept: what lesson 4 adds. */

#include "async_accept.h"

#include <errno.h>
#include <netinet/in.h>

#include "async_operation.h"

/* The try: takes one connection, if there is one. A client that has gone away
 * in the queue is no error of the listener: the next one may be fine. */
static enum async_attempt try_accept(struct async_result *ar)
{
    ar->error = ENOSYS;
    /* TODO a: accept() on ar->fd; while it fails with an error for which
     * async_is_transient(), again. If it would block (EAGAIN, EWOULDBLOCK):
     * ASYNC_WAIT. If async_is_shortage(): ASYNC_LATER. Else the operation is
     * over: ar->accepted is what async_socket_adopt() makes of the descriptor,
     * ar->error is 0, or errno if one of the two failed. */
    /* BEGIN SOLUTION a */
    /* slide: try-accept */
    struct sockaddr_storage peer;
    socklen_t length;
    int fd;

    do {
        length = sizeof peer;
        fd = accept(ar->fd, (struct sockaddr *)&peer, &length);
    } while (fd == -1 && async_is_transient(errno));
    if (fd == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ASYNC_WAIT;
    if (fd == -1 && async_is_shortage(errno))
        return ASYNC_LATER;
    if (fd != -1)
        ar->accepted = async_socket_adopt(ar->socket, fd,
                                          (struct sockaddr *)&peer, length);
    ar->error = ar->accepted == NULL ? errno : 0;
    /* end slide */
    /* END SOLUTION a */
    return ASYNC_OVER;
}

struct async_result *async_begin_accept(struct async_socket *listener,
                                        async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO a: async_check_open(). If its role is not ASYNC_LISTENING, fail with
     * EINVAL. async_result_create() a result, and async_result_start() it with
     * the try. */
    /* BEGIN SOLUTION a */
    /* slide: begin */
    if (async_check_open(listener) == -1)
        return NULL;
    if (async_socket_role(listener) != ASYNC_LISTENING) {
        errno = EINVAL;
        return NULL;
    }
    ar = async_result_create(listener, ASYNC_ACCEPT, callback, state);
    if (ar != NULL)
        ar = async_result_start(ar, try_accept);
    /* end slide */
    /* END SOLUTION a */
    return ar;
}

struct async_socket *async_end_accept(struct async_socket *listener,
                                      struct async_result *ar)
{
    struct async_outcome outcome = {0};

    errno = ENOSYS;
    /* TODO a: async_result_take() it; if that fails, return NULL. */
    /* BEGIN SOLUTION a */
    if (async_result_take(ar, listener, ASYNC_ACCEPT, &outcome) == -1)
        return NULL;
    /* END SOLUTION a */
    return outcome.accepted;
}
