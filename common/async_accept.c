/* async_accept.c - BeginAccept and EndAccept: what lesson 4 adds. */

#include "async_accept.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "async_operation.h"

/* A lack of something which will pass. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

/* One client's trouble, and not the listener's. */
static bool is_transient(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTUNREACH;
}

/* The try: takes one connection, if there is one. A client that has gone away
 * in the queue is no error of the listener: the next one may be fine. */
static enum async_attempt try_accept(struct async_result *ar)
{
    ar->error = ENOSYS;
    /* TODO a: accept() on ar->socket->fd, with ar->address for the peer's;
     * while it fails with an error for which is_transient(), again. If it
     * would block (EAGAIN, EWOULDBLOCK): ASYNC_WAIT. If is_shortage():
     * ASYNC_LATER. Else the operation is over: ar->accepted is the descriptor,
     * and ar->error is 0, or errno. */
    /* BEGIN SOLUTION a */
    /* slide: try-accept */
    do {
        ar->address_length = sizeof ar->address;
        ar->accepted = accept(ar->socket->fd, (struct sockaddr *)&ar->address,
                              &ar->address_length);
    } while (ar->accepted == -1 && is_transient(errno));
    if (ar->accepted == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ASYNC_WAIT;
    if (ar->accepted == -1 && is_shortage(errno))
        return ASYNC_LATER;
    ar->error = ar->accepted == -1 ? errno : 0;
    /* end slide */
    /* END SOLUTION a */
    return ASYNC_OVER;
}

static const struct async_operation accept_operation = {ASYNC_READING,
                                                        try_accept};

struct async_result *async_begin_accept(struct async_socket *listener,
                                        async_callback *callback, void *state)
{
    struct async_result *ar = NULL;

    errno = ENOSYS;
    /* TODO a: async_result_create() a result of the accept_operation; if that
     * fails, return NULL. If the listener's role is not ASYNC_LISTENING,
     * async_result_refuse() it with EINVAL. Else async_result_start() it. */
    /* BEGIN SOLUTION a */
    /* slide: begin */
    ar = async_result_create(listener, &accept_operation, callback, state);
    if (ar == NULL)
        return NULL;
    if (listener->role != ASYNC_LISTENING)
        return async_result_refuse(ar, EINVAL);
    async_result_start(ar);
    /* end slide */
    /* END SOLUTION a */
    return ar;
}

/* So many pieces of what a client has sent are read to turn it away. */
#define TURN_AWAY_READS 16

/* Closes a connection that the loop cannot watch. Its client gets FIN and not
 * RST, so what it has sent already has to be read: within reason, since one
 * that sends on and on must not keep the loop here. */
static void turn_away(int fd)
{
    int saved = errno;
    char ignored[4096];

    shutdown(fd, SHUT_WR);
    for (int i = 0; i < TURN_AWAY_READS; i++)
        if (recv(fd, ignored, sizeof ignored, 0) <= 0)
            break;
    close(fd);
    errno = saved;
}

struct async_socket *async_socket_adopt(struct async_loop *home, int fd,
                                        const struct sockaddr *peer,
                                        socklen_t length)
{
    struct async_socket *socket;

    loop_enter(home->loop);
    socket = async_socket_wrap(home, fd);
    if (socket != NULL) {
        socket->role = ASYNC_CONNECTED;
        socket->peer_length = length;
        memcpy(&socket->peer, peer, length);
    } else {
        turn_away(fd);
    }
    loop_leave(home->loop);
    return socket;
}

struct async_socket *async_end_accept(struct async_socket *listener,
                                      struct async_result *ar)
{
    struct async_socket *accepted = NULL;

    errno = ENOSYS;
    /* TODO a: async_result_take() it; if that fails, return NULL. Else accepted
     * is what async_socket_adopt() makes of the outcome: of its home, the
     * descriptor and the address. */
    /* BEGIN SOLUTION a */
    struct async_result outcome;

    if (async_result_take(ar, listener, &accept_operation, &outcome) == -1)
        return NULL;
    accepted = async_socket_adopt(outcome.home, outcome.accepted,
                                  (struct sockaddr *)&outcome.address,
                                  outcome.address_length);
    /* END SOLUTION a */
    return accepted;
}
