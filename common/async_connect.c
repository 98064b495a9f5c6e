/* async_connect.c - BeginConnect and EndConnect: what lesson 4 adds. */

#include "async_connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "async_operation.h"

/* Has the connect come to an end, good or bad? Then the socket is writable; a
 * socket that was refused is readable as well, so reading proves nothing. */
static bool is_writable(int fd)
{
    struct pollfd socket = {.fd = fd, .events = POLLOUT};

    return poll(&socket, 1, 0) == 1;
}

/* The try: the first time it sends the SYN; after that it asks what has become
 * of it. SO_ERROR tells the reason, and tells it once: asking resets it. */
static enum async_attempt try_connect(struct async_result *ar)
{
    ar->error = ENOSYS;
    /* TODO b: the first time (not ar->started): connect() ar->socket->fd to
     * ar->address. If it fails with EINPROGRESS or EINTR, set ar->started, and
     * ASYNC_WAIT; with EAGAIN (the queue of a local listener is full):
     * ASYNC_LATER. Else it is over: ar->error is 0, or errno. Later: while it
     * is not writable, ASYNC_WAIT; then getsockopt() SO_ERROR into ar->error.
     */
    /* BEGIN SOLUTION b */
    /* slide: try-connect */
    int fd = ar->socket->fd;
    socklen_t length = sizeof ar->error;

    if (!ar->started) {
        ar->error = 0;
        if (connect(fd, (struct sockaddr *)&ar->address, ar->address_length) ==
            -1)
            ar->error = errno;
        ar->started = ar->error == EINPROGRESS || ar->error == EINTR;
        if (ar->started)
            return ASYNC_WAIT;
        if (ar->error == EAGAIN)
            return ASYNC_LATER;
    } else if (!is_writable(fd)) {
        return ASYNC_WAIT;
    } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &ar->error, &length) ==
               -1) {
        ar->error = errno;
    }
    /* end slide */
    /* END SOLUTION b */
    return ASYNC_OVER;
}

static const struct async_operation connect_operation = {ASYNC_WRITING,
                                                         try_connect};

/* Why a socket that is this already cannot connect; 0: it can. */
static int refusal(enum async_role role)
{
    switch (role) {
    case ASYNC_NEW:
        return 0;
    case ASYNC_CONNECTING:
        return EALREADY;
    case ASYNC_CONNECTED:
        return EISCONN;
    default:
        return EINVAL;
    }
}

struct async_result *async_begin_connect(struct async_socket *socket,
                                         const struct sockaddr *address,
                                         socklen_t length,
                                         async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO b: async_result_create() a result of the connect_operation; if that
     * fails, return NULL. async_result_refuse() it with EINVAL if there is no
     * address, or if it is longer than ar->address; then if there is a
     * refusal() for the socket's role. Copy the address into ar, make the role
     * ASYNC_CONNECTING, and async_result_start() it. */
    /* BEGIN SOLUTION b */
    ar = async_result_create(socket, &connect_operation, callback, state);
    if (ar == NULL)
        return NULL;
    if (address == NULL || length > sizeof ar->address)
        return async_result_refuse(ar, EINVAL);
    if (refusal(socket->role) != 0)
        return async_result_refuse(ar, refusal(socket->role));
    memcpy(&ar->address, address, length);
    ar->address_length = length;
    socket->role = ASYNC_CONNECTING;
    async_result_start(ar);
    /* END SOLUTION b */
    return ar;
}

int async_end_connect(struct async_socket *socket, struct async_result *ar)
{
    int result = -1;

    errno = ENOSYS;
    /* TODO b: async_result_take() it. */
    /* BEGIN SOLUTION b */
    struct async_result outcome;

    result = async_result_take(ar, socket, &connect_operation, &outcome);
    /* END SOLUTION b */
    return result;
}
