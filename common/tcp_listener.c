/* tcp_listener.c - listens at an address: what lesson 6 adds.
 *
 * Each Start has a socket of its own, since a closed one cannot be opened
 * again. A result that was begun before a Stop has to be ended with the socket
 * of then; so the listener remembers its sockets for as long as that matters.
 */

#include "tcp_listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "async_accept.h"
#include "async_operation.h" /* tells of which socket a result is */

/* From one Start to the next Stop. */
struct session {
    struct async_socket *socket; /* alive while it listens, or has accepts */
    size_t accepts;              /* begun and not ended */
    struct session *earlier;
};

struct tcp_listener {
    struct loop *loop;
    struct sockaddr_storage address; /* with the real port, once started */
    socklen_t length;
    struct session *sessions; /* the latest first */
    bool listening;           /* in the latest session */
    bool destroyed;
};

/* ============================ making and ending ========================== */

struct tcp_listener *tcp_listener_create(struct loop *loop,
                                         const struct sockaddr *address,
                                         socklen_t length)
{
    struct tcp_listener *listener;

    if (address == NULL || length < offsetof(struct sockaddr, sa_data) ||
        length > sizeof listener->address) {
        errno = EINVAL;
        return NULL;
    }
    listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return NULL;
    listener->loop = loop;
    memcpy(&listener->address, address, length);
    listener->length = length;
    return listener;
}

static bool has_accepts(const struct tcp_listener *listener)
{
    for (struct session *s = listener->sessions; s != NULL; s = s->earlier)
        if (s->accepts > 0)
            return true;
    return false;
}

static void free_listener(struct tcp_listener *listener)
{
    int saved = errno;

    while (listener->sessions != NULL) {
        struct session *session = listener->sessions;

        listener->sessions = session->earlier;
        free(session);
    }
    free(listener);
    errno = saved;
}

void tcp_listener_destroy(struct tcp_listener *listener)
{
    bool last;

    if (listener == NULL)
        return;
    tcp_listener_stop(listener);
    loop_enter(listener->loop);
    listener->destroyed = true;
    last = !has_accepts(listener);
    loop_leave(listener->loop);
    if (last)
        free_listener(listener);
}

/* ============================= start and stop ============================ */

/* A socket that listens, or NULL with errno. */
static struct async_socket *listen_there(const struct tcp_listener *listener,
                                         int backlog)
{
    const struct sockaddr *address =
        (const struct sockaddr *)&listener->address;
    struct async_socket *socket =
        async_socket_create(listener->loop, address->sa_family);

    if (socket == NULL)
        return NULL;
    if (async_bind(socket, address, listener->length) == 0 &&
        async_listen(socket, backlog) == 0)
        return socket;
    async_close(socket);
    return NULL;
}

/* The sessions all of whose accepts are ended, when a new one begins. (Not
 * before: a second End of theirs still finds out that it is one.) */
static void forget_sessions(struct tcp_listener *listener)
{
    struct session **place = &listener->sessions;

    while (*place != NULL) {
        struct session *session = *place;

        if (session->accepts > 0) {
            place = &session->earlier;
        } else {
            *place = session->earlier;
            free(session);
        }
    }
}

/* Inside. */
static int start(struct tcp_listener *listener, int backlog)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return -1;
    session->socket = listen_there(listener, backlog);
    if (session->socket == NULL) {
        int saved = errno;

        free(session);
        errno = saved;
        return -1;
    }
    listener->length = sizeof listener->address;
    async_local_address(session->socket, (struct sockaddr *)&listener->address,
                        &listener->length);
    forget_sessions(listener);
    session->earlier = listener->sessions;
    listener->sessions = session;
    listener->listening = true;
    return 0;
}

int tcp_listener_start(struct tcp_listener *listener, int backlog)
{
    int result = 0;

    loop_enter(listener->loop);
    if (!listener->listening)
        result = start(listener, backlog);
    loop_leave(listener->loop);
    return result;
}

void tcp_listener_stop(struct tcp_listener *listener)
{
    if (listener == NULL)
        return;
    loop_enter(listener->loop);
    if (listener->listening)
        async_close(listener->sessions->socket);
    listener->listening = false;
    loop_leave(listener->loop);
}

int tcp_listener_local_address(struct tcp_listener *listener,
                               struct sockaddr *address, socklen_t *length)
{
    loop_enter(listener->loop);
    if (*length > listener->length)
        *length = listener->length;
    memcpy(address, &listener->address, *length);
    loop_leave(listener->loop);
    return 0;
}

/* ================================= accept ================================ */

struct async_result *tcp_listener_begin_accept(struct tcp_listener *listener,
                                               async_callback *callback,
                                               void *state)
{
    struct async_result *ar = NULL;

    /* Inside to the end: an End on another thread has to find the
     * accept counted. */
    loop_enter(listener->loop);
    if (listener->listening)
        ar = async_begin_accept(listener->sessions->socket, callback, state);
    else
        errno = EINVAL;
    if (ar != NULL)
        listener->sessions->accepts++;
    loop_leave(listener->loop);
    return ar;
}

/* The session in which AR was begun; inside. NULL with EINVAL: it
 * is another's; or with EALREADY: all of that session are ended, and its socket
 * may be somebody else's by now. */
static struct session *session_of(const struct tcp_listener *listener,
                                  const struct async_result *ar)
{
    struct session *session = listener->sessions;

    while (session != NULL && (ar == NULL || session->socket != ar->socket))
        session = session->earlier;
    if (session != NULL && session->accepts > 0)
        return session;
    errno = session == NULL ? EINVAL : EALREADY;
    return NULL;
}

/* An End has consumed its result, unless it says that. */
static bool is_refusal(int error)
{
    return error == EALREADY || error == EDEADLK;
}

/* Inside to the end: whoever waits in here is waited for by loop_destroy(). */
struct tcp_client *tcp_listener_end_accept(struct tcp_listener *listener,
                                           struct async_result *ar)
{
    struct loop *loop = listener->loop;
    struct async_socket *accepted = NULL;
    struct session *session;
    struct tcp_client *client = NULL;

    loop_enter(loop);
    session = session_of(listener, ar);
    if (session != NULL) {
        accepted = async_end_accept(session->socket, ar);
        if (accepted != NULL || !is_refusal(errno))
            session->accepts--;
    }
    if (accepted != NULL)
        client = tcp_client_adopt(accepted);
    if (listener->destroyed && !has_accepts(listener))
        free_listener(listener);
    loop_leave(loop);
    return client;
}
