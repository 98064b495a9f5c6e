/* async_result.c - operations that are under way: what lesson 4 adds.
 *
 * A result is made by Begin, goes through the hands of the engine, is completed
 * by the loop, and claimed by End: async_operation.h has a picture. This file
 * is that life, from top to bottom. */

#include "async_result.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "async_operation.h"

/* ================================= begin ================================= */

bool async_enter(struct async_socket *socket)
{
    errno = EINVAL;
    if (socket == NULL)
        return false;
    loop_enter(socket->home->loop);
    if (socket->role != ASYNC_CLOSED)
        return true;
    loop_leave(socket->home->loop);
    errno = EBADF;
    return false;
}

struct async_result *
async_result_create(struct async_socket *socket,
                    const struct async_operation *operation,
                    async_callback *callback, void *state)
{
    struct async_result *ar;

    if (!async_enter(socket))
        return NULL;
    ar = calloc(1, sizeof *ar);
    if (ar == NULL) {
        loop_leave(socket->home->loop);
        return NULL;
    }
    ar->operation = operation;
    ar->socket = socket;
    ar->home = socket->home;
    ar->callback = callback;
    ar->state = state;
    ar->accepted = -1;
    socket->results++;
    return ar;
}

struct async_result *async_result_refuse(struct async_result *ar, int error)
{
    ar->socket->results--;
    loop_leave(ar->home->loop);
    free(ar);
    errno = error;
    return NULL;
}

struct async_result *async_result_start(struct async_result *ar)
{
    ar->home->engine->begin(ar);
    loop_leave(ar->home->loop);
    return ar;
}

/* ================================ complete =============================== */

/* Everybody else learns of it in phase 3, so nothing completes inside a Begin
 * or a Close. */
void async_result_over(struct async_result *ar)
{
    struct async_socket *socket = ar->socket;
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (socket->role == ASYNC_CONNECTING) {
        socket->role = ar->error == 0 ? ASYNC_CONNECTED : ASYNC_NEW;
        socket->peer = ar->address;
        socket->peer_length = ar->address_length;
    }
    list_append(&ar->home->over, &ar->node);
    if (socket->role != ASYNC_CONNECTED ||
        ar->operation->direction != ASYNC_WRITING)
        return;
    if (ar->error != 0) /* RST, not FIN: a part must not pass for the whole */
        setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    else if (socket->shut && socket->queues[ASYNC_WRITING].first == NULL)
        shutdown(socket->fd, SHUT_WR);
}

/* The order matters: complete, then those who wait, then the callback. Who
 * waits may go on as soon as this thread leaves, before the callback has
 * returned. */
void async_result_complete(struct async_result *ar)
{
    ar->life = ASYNC_COMPLETE;
    list_append(&ar->home->complete, &ar->node);
    if (ar->watcher != NULL)
        ar->watcher(ar);
    if (ar->callback != NULL) {
        loop_leave(ar->home->loop);
        ar->callback(ar);
        loop_enter(ar->home->loop);
    }
}

/* ================================== end ================================== */

/* The memory is given back in the next round: its callback may still run, and
 * the program may look at it once more. */
void async_result_free(struct async_result *ar)
{
    struct async_socket *socket = ar->socket;

    ar->life = ASYNC_FREE;
    if (ar->watcher != NULL)
        ar->watcher(ar);
    if (ar->accepted != -1) /* nobody wants it */
        close(ar->accepted);
    list_append(&ar->home->unused, &ar->node);
    socket->results--;
    if (socket->results == 0 && socket->fd == -1)
        list_append(&ar->home->unused, &socket->node);
}

/* 0: AR was this caller's, and nobody else's, and OUTCOME has it; or errno. */
static int claim(struct async_result *ar, struct async_result *outcome)
{
    if (ar->life == ASYNC_PENDING && !loop_runs_elsewhere(ar->home->loop))
        return EDEADLK;
    ar->users++;
    while (ar->life == ASYNC_PENDING)
        loop_await(ar->home->loop);
    ar->users--;
    if (ar->life != ASYNC_COMPLETE)
        return EALREADY;
    ar->life = ASYNC_ENDED;
    if (ar->socket->role == ASYNC_CLOSED && ar->error != ECANCELED)
        return EBADF;
    *outcome = *ar;
    if (ar->error == 0) /* the descriptor is the caller's now */
        ar->accepted = -1;
    return ar->error;
}

int async_result_take(struct async_result *ar, struct async_socket *socket,
                      const struct async_operation *operation,
                      struct async_result *outcome)
{
    int error = EINVAL;

    if (ar != NULL && ar->socket == socket && ar->operation == operation) {
        loop_enter(ar->home->loop);
        error = claim(ar, outcome);
        if (ar->life == ASYNC_ENDED && ar->users == 0)
            async_result_free(ar);
        loop_leave(ar->home->loop);
    }
    if (error != 0)
        errno = error;
    return error == 0 ? 0 : -1;
}

/* ================================ questions ============================== */

void *async_state(const struct async_result *ar)
{
    return ar->state;
}

bool async_is_completed(const struct async_result *ar)
{
    bool completed;

    loop_enter(ar->home->loop);
    completed = ar->life != ASYNC_PENDING;
    loop_leave(ar->home->loop);
    return completed;
}

bool async_completed_synchronously(const struct async_result *ar)
{
    (void)ar;
    return false;
}
