/* async_socket.c - sockets whose operations wait in queues: what lesson 4 adds.
 *
 * Each socket has two queues, one for a direction. Only the operation in front
 * is tried; when it is over, the next has its turn. */

#include "async_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "async_engine.h"
#include "loop_timer.h"

/* So many operations of one direction are tried for one event: a busy socket
 * must not keep the others waiting. */
#define TRIES_PER_EVENT 16

#define RETRY_MILLISECONDS 100

/* ============================= making a socket =========================== */

static struct async_socket *new_socket(struct async_core *core)
{
    struct async_socket *socket, *all;

    if (core->kept_socket_count > ASYNC_KEPT) {
        socket = core->kept_sockets;
        core->kept_sockets = socket->next;
        core->kept_socket_count--;
        all = socket->all;
        memset(socket, 0, sizeof *socket);
        socket->all = all;
    } else {
        socket = calloc(1, sizeof *socket);
        if (socket == NULL)
            return NULL;
        socket->all = core->all_sockets;
        core->all_sockets = socket;
    }
    socket->core = core;
    socket->references = 1;
    return socket;
}

/* Closes a connection that the loop cannot watch. Its client gets FIN and not
 * RST, so what it has sent already has to be read: within reason, since one
 * that sends on and on must not keep the loop here. */
static void turn_away(int fd)
{
    char ignored[4096];

    shutdown(fd, SHUT_WR);
    for (int i = 0; i < TRIES_PER_EVENT; i++)
        if (recv(fd, ignored, sizeof ignored, 0) <= 0)
            break;
    close(fd);
}

/* Takes FD, also on failure. */
static struct async_socket *wrap(struct async_core *core, int fd, int family)
{
    struct async_socket *socket;
    int limit = loop_descriptor_limit(core->loop);

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
        close(fd);
        return NULL;
    }
    if (limit >= 0 && fd >= limit) {
        turn_away(fd);
        errno = EMFILE;
        return NULL;
    }
    pthread_mutex_lock(&core->lock);
    socket = new_socket(core);
    if (socket != NULL) {
        socket->fd = fd;
        socket->family = family;
    }
    pthread_mutex_unlock(&core->lock);
    if (socket == NULL) {
        close(fd);
        errno = ENOMEM;
    }
    return socket;
}

struct async_socket *async_socket_create(struct loop *loop, int family)
{
    struct async_core *core = async_core_of(loop);
    int fd;

    if (core == NULL)
        return NULL;
    if (core->closing) {
        errno = ECANCELED;
        return NULL;
    }
    fd = socket(family, SOCK_STREAM, 0);
    return fd == -1 ? NULL : wrap(core, fd, family);
}

struct async_socket *async_socket_adopt(struct async_socket *listener, int fd,
                                        const struct sockaddr *peer,
                                        socklen_t length)
{
    struct async_socket *socket = wrap(listener->core, fd, listener->family);

    if (socket == NULL)
        return NULL;
    socket->role = ASYNC_CONNECTED;
    socket->peer_length = length;
    memcpy(&socket->peer, peer, length);
    return socket;
}

/* One reference less. Nobody can reach it any more: it is kept back for a
 * while, so that a late call finds a closed socket and no wild memory. */
void async_socket_release(struct async_socket *socket)
{
    struct async_core *core = socket->core;

    if (--socket->references > 0)
        return;
    socket->next = NULL;
    if (core->kept_socket_count == 0)
        core->kept_sockets = socket;
    else
        core->last_kept->next = socket;
    core->last_kept = socket;
    core->kept_socket_count++;
}

/* ================================ questions ============================== */

int async_check_open(struct async_socket *socket)
{
    bool closed;

    if (socket == NULL) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&socket->core->lock);
    closed = socket->closed;
    pthread_mutex_unlock(&socket->core->lock);
    if (!closed)
        return 0;
    errno = EBADF;
    return -1;
}

enum async_socket_role async_socket_role(struct async_socket *socket)
{
    enum async_socket_role role;

    pthread_mutex_lock(&socket->core->lock);
    role = socket->role;
    pthread_mutex_unlock(&socket->core->lock);
    return role;
}

void async_socket_set_role(struct async_socket *socket,
                           enum async_socket_role role)
{
    pthread_mutex_lock(&socket->core->lock);
    socket->role = role;
    pthread_mutex_unlock(&socket->core->lock);
}

int async_begin_connecting(struct async_socket *socket)
{
    int error = 0;

    pthread_mutex_lock(&socket->core->lock);
    switch (socket->role) {
    case ASYNC_NEW:
        socket->role = ASYNC_CONNECTING;
        break;
    case ASYNC_LISTENING:
        error = EINVAL;
        break;
    case ASYNC_CONNECTING:
        error = EALREADY;
        break;
    case ASYNC_CONNECTED:
        error = EISCONN;
        break;
    }
    pthread_mutex_unlock(&socket->core->lock);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

void async_connected(struct async_result *ar)
{
    struct async_socket *socket = ar->socket;

    pthread_mutex_lock(&socket->core->lock);
    socket->role = ar->error == 0 ? ASYNC_CONNECTED : ASYNC_NEW;
    socket->peer = ar->address;
    socket->peer_length = ar->address_length;
    pthread_mutex_unlock(&socket->core->lock);
}

int async_check_connected(struct async_socket *socket)
{
    if (async_check_open(socket) == -1)
        return -1;
    if (async_socket_role(socket) == ASYNC_CONNECTED)
        return 0;
    errno = ENOTCONN;
    return -1;
}

bool async_socket_is_shut(struct async_socket *socket)
{
    bool shut;

    pthread_mutex_lock(&socket->core->lock);
    shut = socket->shut;
    pthread_mutex_unlock(&socket->core->lock);
    return shut;
}

bool async_is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

bool async_is_transient(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTUNREACH;
}

/* ============================ the loop's side ============================ */

static void readiness(struct loop *loop, int fd, unsigned events, void *state)
{
    (void)loop;
    (void)fd;
    (void)events;
    async_socket_process(state);
}

static int direction_of(const struct async_result *ar)
{
    return ar->kind == ASYNC_ACCEPT || ar->kind == ASYNC_RECEIVE ? READING
                                                                 : WRITING;
}

static void retry_starved(struct loop *loop, void *state);

/* A lack of descriptors ends when one is closed; if that is somebody else's,
 * nobody tells, and asking again after a while is all that is left. */
static void starve(struct async_socket *socket)
{
    struct async_core *core = socket->core;

    pthread_mutex_lock(&core->lock);
    core->starved += socket->starved ? 0 : 1;
    socket->starved = true;
    pthread_mutex_unlock(&core->lock);
    if (!core->retry_set)
        core->retry_set = loop_call_later(core->loop, RETRY_MILLISECONDS,
                                          retry_starved, core) != NULL;
}

static struct async_result *front(struct async_socket *socket, int direction)
{
    struct async_result *ar;

    pthread_mutex_lock(&socket->core->lock);
    ar = socket->closed ? NULL : socket->queues[direction].first;
    pthread_mutex_unlock(&socket->core->lock);
    return ar;
}

static void process_direction(struct async_socket *socket, int direction)
{
    struct async_core *core = socket->core;
    struct async_result *ar;

    for (int i = 0; i < TRIES_PER_EVENT; i++) {
        enum async_attempt attempt;

        ar = front(socket, direction);
        if (ar == NULL)
            return;
        attempt = ar->attempt(ar);
        if (attempt == ASYNC_LATER)
            starve(socket);
        if (attempt != ASYNC_OVER)
            return;
        pthread_mutex_lock(&core->lock);
        async_queue_get(&socket->queues[direction]);
        async_over(core, ar);
        pthread_mutex_unlock(&core->lock);
    }
}

/* Watches for what the queues wait for, and for nothing else: a descriptor that
 * is ready for something that nobody wants would make the loop spin. */
static void watch(struct async_socket *socket)
{
    struct async_core *core = socket->core;
    unsigned events = 0;

    if (front(socket, READING) != NULL && !socket->starved)
        events |= LOOP_READ;
    if (front(socket, WRITING) != NULL)
        events |= LOOP_WRITE;
    if (socket->fd == -1 || events == socket->watched)
        return;
    if (events == 0)
        loop_unwatch(core->loop, socket->fd);
    else if (loop_watch(core->loop, socket->fd, events, readiness, socket) ==
             -1)
        return;
    socket->watched = events;
}

void async_socket_process(struct async_socket *socket)
{
    for (int direction = 0; direction < DIRECTIONS; direction++)
        if (direction != READING || !socket->starved)
            process_direction(socket, direction);
    watch(socket);
}

/* With the lock, since another thread may add a socket to the list. */
static struct async_socket *next_starved(struct async_core *core)
{
    struct async_socket *s = NULL;

    pthread_mutex_lock(&core->lock);
    if (core->starved > 0)
        for (s = core->all_sockets; s != NULL && !s->starved; s = s->all)
            ;
    if (s != NULL) {
        s->starved = false;
        core->starved--;
    }
    pthread_mutex_unlock(&core->lock);
    return s;
}

/* A descriptor was closed, or some time has passed. */
static void feed_starved(struct async_core *core)
{
    struct async_socket *s;

    while ((s = next_starved(core)) != NULL)
        watch(s);
}

static void retry_starved(struct loop *loop, void *state)
{
    struct async_core *core = state;

    (void)loop;
    core->retry_set = false;
    feed_starved(core);
}

/* With the lock held: the loop shall look at this socket, and it must not be
 * used again before that. */
static void want_attention(struct async_socket *socket)
{
    if (socket->wants_attention)
        return;
    socket->wants_attention = true;
    socket->references++;
    socket->attention = socket->core->attention;
    socket->core->attention = socket;
}

void async_core_attend(struct async_core *core)
{
    for (;;) {
        struct async_socket *socket;
        bool close_it;

        pthread_mutex_lock(&core->lock);
        socket = core->attention;
        if (socket != NULL) {
            core->attention = socket->attention;
            socket->wants_attention = false;
        }
        close_it = socket != NULL && socket->close_wanted;
        pthread_mutex_unlock(&core->lock);
        if (socket == NULL)
            return;
        if (close_it)
            async_socket_close_now(socket);
        else
            async_socket_process(socket);
        pthread_mutex_lock(&core->lock);
        async_socket_release(socket);
        pthread_mutex_unlock(&core->lock);
    }
}

bool async_socket_submit(struct async_socket *socket, struct async_result *ar)
{
    struct async_core *core = socket->core;
    struct async_queue *queue = &socket->queues[direction_of(ar)];
    bool at_once;

    pthread_mutex_lock(&core->lock);
    if (socket->closed) {
        pthread_mutex_unlock(&core->lock);
        return false;
    }
    socket->references++;
    at_once = async_on_loop(core) && queue->first == NULL;
    async_queue_put(queue, ar);
    if (!at_once)
        want_attention(socket);
    pthread_mutex_unlock(&core->lock);
    if (at_once) {
        process_direction(socket, direction_of(ar));
        watch(socket);
    } else {
        loop_wake(core->loop);
    }
    return true;
}

/* ================================== close ================================ */

/* An end of sending that was asked for may be cut short; a send may not. */
static bool has_unfinished_send(const struct async_socket *socket)
{
    const struct async_result *ar = socket->queues[WRITING].first;

    for (; ar != NULL; ar = ar->next)
        if (ar->kind == ASYNC_SEND)
            return true;
    return false;
}

static void abort_queue(struct async_socket *socket, int direction)
{
    struct async_result *ar;

    while ((ar = async_queue_get(&socket->queues[direction])) != NULL) {
        ar->aborted = true;
        async_over(socket->core, ar);
    }
}

void async_socket_close_now(struct async_socket *socket)
{
    struct async_core *core = socket->core;
    int fd = socket->fd;
    bool reset;

    pthread_mutex_lock(&core->lock);
    socket->close_wanted = false;
    core->starved -= socket->starved ? 1 : 0;
    socket->starved = false;
    socket->fd = -1;
    reset = has_unfinished_send(socket);
    abort_queue(socket, READING);
    abort_queue(socket, WRITING);
    pthread_mutex_unlock(&core->lock);
    if (fd != -1) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};

        if (socket->watched != 0)
            loop_unwatch(core->loop, fd);
        socket->watched = 0;
        if (reset)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
    }
    pthread_mutex_lock(&core->lock);
    async_socket_release(socket);
    pthread_mutex_unlock(&core->lock);
    feed_starved(core);
}

int async_close(struct async_socket *socket)
{
    struct async_core *core;
    bool first, here;

    if (socket == NULL)
        return 0;
    core = socket->core;
    here = async_on_loop(core);
    pthread_mutex_lock(&core->lock);
    first = !socket->closed;
    socket->closed = true;
    if (first && !here) {
        socket->close_wanted = true;
        want_attention(socket);
        /* Its address must be free when this call returns, and close() from
         * another thread would not wake select(). */
        if (socket->role == ASYNC_LISTENING)
            shutdown(socket->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&core->lock);
    if (first && here)
        async_socket_close_now(socket);
    else if (first)
        loop_wake(core->loop);
    return 0;
}

/* ============================= the other calls =========================== */

/* The kernel is asked with the lock held, so that no other thread closes the
 * descriptor, and the number means something else, meanwhile. */
bool async_is_readable(struct async_socket *socket)
{
    struct pollfd watch = {.events = POLLIN};
    bool readable = false;

    pthread_mutex_lock(&socket->core->lock);
    if (!socket->closed && socket->queues[READING].first == NULL) {
        watch.fd = socket->fd;
        readable = poll(&watch, 1, 0) == 1;
    }
    pthread_mutex_unlock(&socket->core->lock);
    return readable;
}

int async_bind(struct async_socket *socket, const struct sockaddr *address,
               socklen_t length)
{
    const int on = 1;

    if (async_check_open(socket) == -1)
        return -1;
    if (setsockopt(socket->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        return -1;
    return bind(socket->fd, address, length);
}

int async_listen(struct async_socket *socket, int backlog)
{
    if (async_check_open(socket) == -1 || listen(socket->fd, backlog) == -1)
        return -1;
    async_socket_set_role(socket, ASYNC_LISTENING);
    return 0;
}

static enum async_attempt try_shutdown(struct async_result *ar)
{
    shutdown(ar->fd, SHUT_WR);
    return ASYNC_OVER;
}

/* The end of sending waits for its turn like a send. Nobody ends its result:
 * the library does, at once. */
static int shut_sending(struct async_socket *socket)
{
    struct async_result *ar =
        async_result_create(socket, ASYNC_SHUTDOWN, NULL, NULL);

    if (ar == NULL)
        return -1;
    pthread_mutex_lock(&socket->core->lock);
    socket->shut = true;
    pthread_mutex_unlock(&socket->core->lock);
    if (async_result_start(ar, try_shutdown) == NULL)
        return -1;
    return 0;
}

int async_shutdown(struct async_socket *socket, int how)
{
    if (async_check_connected(socket) == -1)
        return -1;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) {
        errno = EINVAL;
        return -1;
    }
    if (how != SHUT_WR && shutdown(socket->fd, SHUT_RD) == -1)
        return -1;
    if (how == SHUT_RD || async_socket_is_shut(socket))
        return 0;
    return shut_sending(socket);
}

int async_local_address(struct async_socket *socket, struct sockaddr *address,
                        socklen_t *length)
{
    if (async_check_open(socket) == -1)
        return -1;
    return getsockname(socket->fd, address, length);
}

int async_remote_address(struct async_socket *socket, struct sockaddr *address,
                         socklen_t *length)
{
    if (async_check_connected(socket) == -1)
        return -1;
    if (*length > socket->peer_length)
        *length = socket->peer_length;
    memcpy(address, &socket->peer, *length);
    return 0;
}
