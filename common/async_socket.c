/* async_socket.c - sockets whose operations are begun and ended: what lesson 4
 * adds.
 *
 * All sockets of a loop hang in it, as one extension. What happens to their
 * operations is the engine's affair. */

#include "async_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async_operation.h"

/* So many callbacks may follow from callbacks of the same round: a chain that
 * never waits must not keep the loop here. */
#define MORE_PER_ROUND 16

/* ============================ the loop's extension ======================= */

static const char home_key;

static int home_timeout(const struct loop_extension *extension)
{
    const struct async_loop *home = (const struct async_loop *)extension;
    long long left;

    if (home->over.first != NULL || home->changed.first != NULL)
        return 0;
    if (home->starved.first == NULL)
        return -1;
    left = home->retry_at - loop_now();
    return left > 0 ? (int)left : 0;
}

/* Lets the engine settle SOCKET. A descriptor that was closed by that may be
 * what others wait for. */
static void settle(struct async_socket *socket)
{
    struct async_loop *home = socket->home;

    home->engine->settle(socket);
    if (socket->fd == -1 && socket->results == 0)
        list_append(&home->unused, &socket->node);
    if (socket->fd == -1)
        list_join(&home->changed, &home->starved);
}

static void close_inside(struct async_socket *socket)
{
    struct async_loop *home = socket->home;

    if (socket->role == ASYNC_LISTENING) /* its address must be free at once */
        shutdown(socket->fd, SHUT_RDWR);
    home->engine->cancel(socket, ECANCELED);
    socket->role = ASYNC_CLOSED;
    list_append(&home->changed, &socket->node);
    if (!loop_runs_elsewhere(home->loop))
        settle(socket);
}

/* Phase 3: what nobody has needed since the last round goes; then come the
 * callbacks of what is over, and some that follow from them; then the loop
 * learns what to watch. */
static void home_run(struct loop_extension *extension)
{
    struct async_loop *home = (struct async_loop *)extension;
    const struct list_node *last = home->over.last;

    while (home->unused.first != NULL)
        free(list_take(&home->unused));
    for (int more = MORE_PER_ROUND; more > 0 && home->over.first != NULL;) {
        more -= last == NULL ? 1 : 0;
        last = last == home->over.first ? NULL : last;
        async_result_complete((struct async_result *)home->over.first);
    }
    if (home->starved.first != NULL && loop_now() >= home->retry_at)
        list_join(&home->changed, &home->starved);
    while (home->changed.first != NULL)
        settle((struct async_socket *)home->changed.first);
}

/* Cancels everything, and runs the callbacks. */
static void home_stop(struct loop_extension *extension)
{
    struct async_loop *home = (struct async_loop *)extension;

    loop_enter(home->loop);
    home->ending = true;
    list_join(&home->changed, &home->starved);
    list_join(&home->changed, &home->sockets);
    while (home->changed.first != NULL)
        close_inside((struct async_socket *)home->changed.first);
    while (home->over.first != NULL)
        async_result_complete((struct async_result *)home->over.first);
    loop_leave(home->loop);
}

static void home_destroy(struct loop_extension *extension)
{
    struct async_loop *home = (struct async_loop *)extension;

    while (home->complete.first != NULL) /* what was not ended */
        async_result_free((struct async_result *)home->complete.first);
    while (home->unused.first != NULL)
        free(list_take(&home->unused));
    free(home);
}

static struct async_loop *create_home(struct loop *loop)
{
    struct async_loop *home = calloc(1, sizeof *home);

    if (home == NULL)
        return NULL;
    home->loop = loop;
    home->engine = &async_readiness;
    home->extension = (struct loop_extension){.timeout = home_timeout,
                                              .run = home_run,
                                              .stop = home_stop,
                                              .destroy = home_destroy,
                                              .key = &home_key};
    loop_extend(loop, &home->extension);
    return home;
}

/* ============================= making a socket =========================== */

struct async_socket *async_socket_wrap(struct async_loop *home, int fd)
{
    int limit = loop_descriptor_limit(home->loop);
    struct async_socket *socket = NULL;

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
        return NULL;
    errno = home->ending ? ECANCELED : EMFILE;
    if (!home->ending && (limit < 0 || fd < limit))
        socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    socket->home = home;
    socket->fd = fd;
    list_append(&home->sockets, &socket->node);
    return socket;
}

struct async_socket *async_socket_create(struct loop *loop, int family)
{
    struct async_socket *created = NULL;
    struct async_loop *home;
    int fd = -1;

    loop_enter(loop);
    home = (struct async_loop *)loop_find(loop, &home_key);
    if (home == NULL)
        home = create_home(loop);
    if (home != NULL && (fd = socket(family, SOCK_STREAM, 0)) != -1)
        created = async_socket_wrap(home, fd);
    if (fd != -1 && created == NULL)
        close(fd);
    loop_leave(loop);
    return created;
}

/* ================================ addresses ============================== */

/* The way out of each function that async_enter() has let in: 0, or -1 with
 * ERROR. */
static int leave(const struct async_socket *socket, int error)
{
    loop_leave(socket->home->loop);
    if (error != 0)
        errno = error;
    return error == 0 ? 0 : -1;
}

int async_check_connected(struct async_socket *socket)
{
    if (!async_enter(socket))
        return -1;
    return leave(socket, socket->role == ASYNC_CONNECTED ? 0 : ENOTCONN);
}

int async_local_address(struct async_socket *socket, struct sockaddr *address,
                        socklen_t *length)
{
    if (!async_enter(socket))
        return -1;
    return leave(socket,
                 getsockname(socket->fd, address, length) == -1 ? errno : 0);
}

int async_remote_address(struct async_socket *socket, struct sockaddr *address,
                         socklen_t *length)
{
    if (async_check_connected(socket) == -1)
        return -1;
    if (*length > socket->peer_length)
        *length = socket->peer_length;
    memcpy(address, &socket->peer, *length); /* which never changes any more */
    return 0;
}

int async_bind(struct async_socket *socket, const struct sockaddr *address,
               socklen_t length)
{
    const int on = 1;

    if (!async_enter(socket))
        return -1;
    setsockopt(socket->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return leave(socket, bind(socket->fd, address, length) == -1 ? errno : 0);
}

int async_listen(struct async_socket *socket, int backlog)
{
    if (!async_enter(socket))
        return -1;
    if (listen(socket->fd, backlog) == -1)
        return leave(socket, errno);
    socket->role = ASYNC_LISTENING;
    return leave(socket, 0);
}

/* =========================== shutdown and close ========================== */

/* The end of sending takes its turn behind the sends that are pending. */
int async_shutdown(struct async_socket *socket, int how)
{
    if (!async_enter(socket))
        return -1;
    if (socket->role != ASYNC_CONNECTED)
        return leave(socket, ENOTCONN);
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return leave(socket, EINVAL);
    if (how != SHUT_WR && shutdown(socket->fd, SHUT_RD) == -1)
        return leave(socket, errno);
    socket->shut = socket->shut || how != SHUT_RD;
    if (socket->shut && socket->queues[ASYNC_WRITING].first == NULL)
        shutdown(socket->fd, SHUT_WR);
    return leave(socket, 0);
}

int async_close(struct async_socket *socket)
{
    int saved = errno;

    if (async_enter(socket)) {
        close_inside(socket);
        loop_leave(socket->home->loop);
    }
    errno = saved;
    return 0;
}
