/* async_wait.c - wait for an operation as for any other event: what lesson 7
 * adds.
 *
 * Most operations have a callback, and nobody waits for them: so a result has
 * no event until somebody asks for it. */

#include "async_wait.h"

#include <errno.h>

#include "async_engine.h"
#include "event_queue.h"

/* With the lock of the core held, before the callback runs. */
static void on_completion(struct async_result *ar)
{
    event_set(ar->wait_handle);
}

static void on_free(struct async_result *ar)
{
    event_destroy(ar->wait_handle);
}

/* The guard of a handle: its own loop must not wait for it. */
static int refuse_the_loop(void *core)
{
    return async_on_loop(core) ? EDEADLK : 0;
}

static struct event *create_handle(struct async_core *core)
{
    struct event *event = event_create(EVENT_MANUAL_RESET, false);

    if (event != NULL) {
        event->guard = refuse_the_loop;
        event->guard_state = core;
    }
    return event;
}

/* With the lock of the core held. A result that is used again has the event of
 * its last life, in whatever state that has left it. */
static void begin_a_life(struct async_result *ar)
{
    ar->completion_hook = on_completion;
    ar->free_hook = on_free;
    if (ar->completed)
        event_set(ar->wait_handle);
    else
        event_reset(ar->wait_handle);
}

struct event *async_wait_handle(struct async_result *ar)
{
    struct event *handle;

    if (ar == NULL) {
        errno = EINVAL;
        return NULL;
    }
    pthread_mutex_lock(&ar->core->lock);
    if (ar->wait_handle == NULL)
        ar->wait_handle = create_handle(ar->core);
    if (ar->wait_handle != NULL && ar->completion_hook == NULL)
        begin_a_life(ar);
    handle = ar->wait_handle;
    pthread_mutex_unlock(&ar->core->lock);
    return handle;
}
