/* async_readiness.c - the engine that tries, waits until the descriptor is
 * ready, and tries again: what lesson 4 adds.
 *
 * Each socket has two queues, one for a direction. Only the operation in front
 * is tried; when it is over, the next has its turn. */

#include <errno.h>
#include <unistd.h>

#include "async_operation.h"

/* So many operations of one direction are tried for one event: a busy socket
 * must not keep the others waiting. */
#define TRIES_PER_EVENT 16

#define RETRY_MILLISECONDS 100

/* ============================== what is watched ========================== */

/* What the queues wait for, and nothing else: a descriptor that is ready for
 * something that nobody wants would make the loop spin. */
static unsigned wanted(const struct async_socket *socket)
{
    if (socket->node.list == &socket->home->starved)
        return 0;
    return (socket->queues[ASYNC_READING].first != NULL ? LOOP_READ : 0u) |
           (socket->queues[ASYNC_WRITING].first != NULL ? LOOP_WRITE : 0u);
}

/* Most of what a round changes it changes back: a receive is over, and its
 * callback begins the next. So the loop is told at the end of the round. */
static void note_change(struct async_socket *socket)
{
    if (wanted(socket) != socket->watched)
        list_append(&socket->home->changed, &socket->node);
}

/* ================================= trying ================================ */

/* A lack of descriptors ends when one is closed; if that is somebody else's,
 * nobody tells, and asking again after a while is all that is left. */
static void starve(struct async_socket *socket)
{
    struct async_loop *home = socket->home;

    if (home->starved.first == NULL)
        home->retry_at = loop_now() + RETRY_MILLISECONDS;
    loop_unwatch(home->loop, socket->fd); /* or it was not watched */
    socket->watched = 0;
    list_append(&home->starved, &socket->node);
}

/* A receive that got less than it has asked for has left nothing behind: the
 * next one need not try before the descriptor is ready again. */
static void try_queue(struct async_socket *socket,
                      enum async_direction direction)
{
    bool drained = false;

    for (int i = 0; i < TRIES_PER_EVENT && !drained; i++) {
        struct async_result *ar =
            (struct async_result *)socket->queues[direction].first;
        enum async_attempt attempt =
            ar != NULL ? ar->operation->attempt(ar) : ASYNC_WAIT;

        if (attempt == ASYNC_LATER && !loop_runs_elsewhere(ar->home->loop))
            starve(
                socket); /* or the loop tries once more, and finds the same */
        if (attempt != ASYNC_OVER)
            break;
        async_result_over(ar);
        drained = ar->error == 0 && ar->done < ar->length;
    }
    if (direction == ASYNC_READING)
        socket->drained = drained;
    note_change(socket);
}

static void on_ready(struct loop *loop, int fd, unsigned events, void *state)
{
    (void)loop;
    (void)fd;
    if (events & LOOP_READ)
        try_queue(state, ASYNC_READING);
    if (events & LOOP_WRITE)
        try_queue(state, ASYNC_WRITING);
}

/* ================================ the table ============================== */

/* Tries at once if nobody is in front: no overtaking. */
static void readiness_begin(struct async_result *ar)
{
    struct async_socket *socket = ar->socket;
    enum async_direction direction = ar->operation->direction;
    bool first = socket->queues[direction].first == NULL;

    list_append(&socket->queues[direction], &ar->node);
    if (first && (direction == ASYNC_WRITING || !socket->drained))
        try_queue(socket, direction);
    note_change(socket);
}

static void readiness_cancel(struct async_socket *socket, int error)
{
    struct async_result *ar;

    for (int direction = 0; direction < ASYNC_DIRECTIONS; direction++)
        while ((ar = (struct async_result *)socket->queues[direction].first) !=
               NULL) {
            ar->error = error;
            async_result_over(ar);
        }
}

/* What cannot be watched cannot go on. */
static void readiness_settle(struct async_socket *socket)
{
    struct async_loop *home = socket->home;
    unsigned events = wanted(socket);

    list_append(&home->sockets, &socket->node);
    if (events != 0 && events != socket->watched &&
        loop_watch(home->loop, socket->fd, events, on_ready, socket) == -1) {
        readiness_cancel(socket, errno);
        events = 0;
    }
    if (events == 0 && socket->watched != 0)
        loop_unwatch(home->loop, socket->fd);
    socket->watched = events;
    if (socket->role == ASYNC_CLOSED && socket->fd != -1) {
        close(socket->fd);
        socket->fd = -1;
    }
}

const struct async_engine async_readiness = {.begin = readiness_begin,
                                             .cancel = readiness_cancel,
                                             .settle = readiness_settle};
