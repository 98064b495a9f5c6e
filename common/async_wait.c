/* async_wait.c - wait for an operation as for any other event: what lesson 7
 * adds.
 *
 * Most operations have a callback, and nobody waits for them: so a result has
 * no event until somebody asks for it. */

#include "async_wait.h"

#include <errno.h>

#include "async_operation.h"
#include "event_queue.h"

/* Inside, before the callback runs, and when the result is given back. */
static void watch(struct async_result *ar)
{
    if (ar->life == ASYNC_FREE)
        event_destroy(ar->watcher_state);
    else
        event_set(ar->watcher_state);
}

/* The guard of a handle: its own loop must not wait for it. */
static int refuse_the_loop(void *loop)
{
    return loop_runs_elsewhere(loop) ? 0 : EDEADLK;
}

static struct event *create_handle(struct async_result *ar)
{
    struct event *event =
        event_create(EVENT_MANUAL_RESET, ar->life != ASYNC_PENDING);

    if (event == NULL)
        return NULL;
    event->guard = refuse_the_loop;
    event->guard_state = ar->socket->home->loop;
    ar->watcher = watch;
    ar->watcher_state = event;
    return event;
}

struct event *async_wait_handle(struct async_result *ar)
{
    struct event *handle;
    struct loop *loop;

    if (ar == NULL) {
        errno = EINVAL;
        return NULL;
    }
    loop = ar->socket->home->loop;
    loop_enter(loop);
    handle = ar->watcher != NULL ? ar->watcher_state : create_handle(ar);
    loop_leave(loop);
    return handle;
}
