/* async_connect.c - BeginConnect and EndConnect: what lesson 4 adds. */

#include "async_connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
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
    /* TODO b: the first time (not ar->started): connect() ar->fd to
     * ar->address. If it fails with EINPROGRESS or EINTR, set ar->started, and
     * ASYNC_WAIT. Else it is over: ar->error is 0, or errno. Later: while it is
     * not writable, ASYNC_WAIT; then getsockopt() SO_ERROR into ar->error. */
    /* BEGIN SOLUTION b */
    /* slide: try-connect */
    socklen_t length = sizeof ar->error;

    if (!ar->started) {
        ar->error = 0;
        if (connect(ar->fd, (struct sockaddr *)&ar->address,
                    ar->address_length) == -1)
            ar->error = errno;
        ar->started = ar->error == EINPROGRESS || ar->error == EINTR;
        if (ar->started)
            return ASYNC_WAIT;
    } else if (!is_writable(ar->fd)) {
        return ASYNC_WAIT;
    } else if (getsockopt(ar->fd, SOL_SOCKET, SO_ERROR, &ar->error, &length) ==
               -1) {
        ar->error = errno;
    }
    /* end slide */
    /* END SOLUTION b */
    async_connected(ar);
    return ASYNC_OVER;
}

struct async_result *async_begin_connect(struct async_socket *socket,
                                         const struct sockaddr *address,
                                         socklen_t length,
                                         async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO b: async_check_open(), then async_begin_connecting(), which looks at
     * the socket's role. Fail with EINVAL if there is no address, or if it is
     * longer than ar->address. async_result_create() a result, copy the address
     * into it, and async_result_start() it. */
    /* BEGIN SOLUTION b */
    if (async_check_open(socket) == -1)
        return NULL;
    if (address == NULL || length > sizeof ar->address) {
        errno = EINVAL;
        return NULL;
    }
    if (async_begin_connecting(socket) == -1)
        return NULL;
    ar = async_result_create(socket, ASYNC_CONNECT, callback, state);
    if (ar != NULL) {
        memcpy(&ar->address, address, length);
        ar->address_length = length;
        ar = async_result_start(ar, try_connect);
    }
    if (ar == NULL)
        async_socket_set_role(socket, ASYNC_NEW);
    /* END SOLUTION b */
    return ar;
}

int async_end_connect(struct async_socket *socket, struct async_result *ar)
{
    int result = -1;

    errno = ENOSYS;
    /* TODO b: async_result_take() it. */
    /* BEGIN SOLUTION b */
    struct async_outcome outcome;

    result = async_result_take(ar, socket, ASYNC_CONNECT, &outcome);
    /* END SOLUTION b */
    return result;
}
