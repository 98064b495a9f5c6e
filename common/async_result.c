/* async_result.c - operations that are under way: what lesson 4 adds.
 *
 * A result is made by Begin, waits in a queue of its socket, is over one day,
 * gets completed by the loop, and is claimed by End. Then it is kept back for a
 * while, and at last used again. One lock guards all results of a loop; it is
 * never held while a callback runs. */

#include "async_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "async_engine.h"

/* ================================= queues ================================ */

void async_queue_put(struct async_queue *queue, struct async_result *ar)
{
    ar->next = NULL;
    if (queue->last != NULL)
        queue->last->next = ar;
    else
        queue->first = ar;
    queue->last = ar;
    queue->count++;
}

struct async_result *async_queue_get(struct async_queue *queue)
{
    struct async_result *ar = queue->first;

    if (ar == NULL)
        return NULL;
    queue->first = ar->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    return ar;
}

/* ============================== the life of one ========================== */

static struct async_result *new_result(struct async_core *core)
{
    struct async_result *ar;

    if (core->kept.count > ASYNC_KEPT) {
        struct async_result old;

        ar = async_queue_get(&core->kept);
        old = *ar;
        memset(ar, 0, sizeof *ar);
        ar->all = old.all;
        ar->wait_handle = old.wait_handle;
        ar->free_hook = old.free_hook;
        return ar;
    }
    ar = calloc(1, sizeof *ar);
    if (ar == NULL)
        return NULL;
    ar->all = core->all;
    core->all = ar;
    return ar;
}

/* Nobody needs it any more: End has it, its callback has returned, and no
 * thread is inside a call on it. */
static void keep_if_done(struct async_result *ar)
{
    if (ar->ended && ar->returned && ar->users == 0)
        async_queue_put(&ar->core->kept, ar);
}

struct async_result *async_result_create(struct async_socket *socket,
                                         enum async_kind kind,
                                         async_callback *callback, void *state)
{
    struct async_core *core = socket->core;
    struct async_result *ar = NULL;

    pthread_mutex_lock(&core->lock);
    if (socket->closed)
        errno = EBADF;
    else
        ar = new_result(core);
    if (ar != NULL) {
        ar->core = core;
        ar->kind = kind;
        ar->socket = socket;
        ar->fd = socket->fd;
        ar->callback = callback;
        ar->state = state;
    }
    pthread_mutex_unlock(&core->lock);
    return ar;
}

struct async_result *async_result_start(struct async_result *ar,
                                        async_try *attempt)
{
    struct async_core *core = ar->core;

    ar->attempt = attempt;
    if (async_socket_submit(ar->socket, ar))
        return ar;
    /* Closed by another thread, a moment ago. */
    pthread_mutex_lock(&core->lock);
    ar->ended = ar->returned = true;
    keep_if_done(ar);
    pthread_mutex_unlock(&core->lock);
    errno = EBADF;
    return NULL;
}

/* The try says that it is over. Everybody else learns of it in phase 3. */
void async_over(struct async_core *core, struct async_result *ar)
{
    async_queue_put(&core->over, ar);
}

/* The order matters: completed, then those who wait, then the callback. A
 * thread that waits may go on before the callback has finished. */
static void complete(struct async_core *core, struct async_result *ar)
{
    pthread_mutex_lock(&core->lock);
    ar->completed = true;
    if (ar->completion_hook != NULL)
        ar->completion_hook(ar);
    pthread_cond_broadcast(&core->completion);
    pthread_mutex_unlock(&core->lock);

    if (ar->callback != NULL)
        ar->callback(ar);

    pthread_mutex_lock(&core->lock);
    ar->returned = true;
    if (ar->kind == ASYNC_SHUTDOWN) { /* nobody else will end it */
        ar->ended = true;
        async_socket_release(ar->socket);
    }
    keep_if_done(ar);
    pthread_mutex_unlock(&core->lock);
}

/* ================================ questions ============================== */

void *async_state(const struct async_result *ar)
{
    return ar->state;
}

bool async_is_completed(const struct async_result *ar)
{
    bool completed;

    pthread_mutex_lock(&ar->core->lock);
    completed = ar->completed;
    pthread_mutex_unlock(&ar->core->lock);
    return completed;
}

bool async_completed_synchronously(const struct async_result *ar)
{
    (void)ar;
    return false;
}

bool async_on_loop(const struct async_core *core)
{
    return pthread_equal(pthread_self(), core->owner) != 0;
}

/* ================================== End ================================== */

/* With the lock held. 0, or the errno of End; a wait is over when it returns.
 */
static int claim(struct async_result *ar, const struct async_socket *socket,
                 enum async_kind kind)
{
    if (ar->kind != kind || ar->socket != socket)
        return EINVAL;
    if (ar->ended)
        return EALREADY;
    if (!ar->completed && async_on_loop(ar->core))
        return EDEADLK;
    ar->users++;
    while (!ar->completed)
        pthread_cond_wait(&ar->core->completion, &ar->core->lock);
    ar->users--;
    if (ar->ended) {
        keep_if_done(ar);
        return EALREADY;
    }
    ar->ended = true;
    if (ar->aborted)
        return ECANCELED;
    return ar->socket->closed ? EBADF : ar->error;
}

int async_result_take(struct async_result *ar, struct async_socket *socket,
                      enum async_kind kind, struct async_outcome *outcome)
{
    struct async_core *core;
    struct async_socket *unwanted = NULL;
    bool mine;
    int error;

    if (ar == NULL || socket == NULL) {
        errno = EINVAL;
        return -1;
    }
    core = ar->core;
    pthread_mutex_lock(&core->lock);
    mine = !ar->ended;
    error = claim(ar, socket, kind);
    mine = mine && ar->ended && error != EALREADY;
    *outcome = (struct async_outcome){ar->done, ar->accepted};
    if (mine) {
        if (error != 0)
            unwanted = ar->accepted;
        ar->accepted = NULL;
        async_socket_release(socket);
        keep_if_done(ar);
    }
    pthread_mutex_unlock(&core->lock);
    async_close(unwanted);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

/* ========================= the core, a loop's extension ================== */

static const char core_key;

static int core_timeout(struct loop_extension *extension)
{
    struct async_core *core = (struct async_core *)extension;
    bool work;

    pthread_mutex_lock(&core->lock);
    work = core->over.first != NULL || core->attention != NULL;
    pthread_mutex_unlock(&core->lock);
    return work ? 0 : -1;
}

/* Completes what was over when the phase began: a callback that begins the next
 * operation cannot keep the loop here. */
static void core_run(struct loop_extension *extension)
{
    struct async_core *core = (struct async_core *)extension;
    size_t count;

    async_core_attend(core);
    pthread_mutex_lock(&core->lock);
    count = core->over.count;
    pthread_mutex_unlock(&core->lock);
    while (count-- > 0) {
        struct async_result *ar;

        pthread_mutex_lock(&core->lock);
        ar = async_queue_get(&core->over);
        pthread_mutex_unlock(&core->lock);
        complete(core, ar);
    }
}

static bool core_is_pending(const struct loop_extension *extension)
{
    return core_timeout((struct loop_extension *)extension) == 0;
}

/* Cancels everything, runs the callbacks, frees what was not ended. */
static void core_destroy(struct loop_extension *extension)
{
    struct async_core *core = (struct async_core *)extension;

    core->owner = pthread_self();
    core->closing = true;
    for (struct async_socket *s = core->all_sockets; s != NULL; s = s->all)
        async_close(s);
    while (core_is_pending(extension))
        core_run(extension);
    while (core->all != NULL) {
        struct async_result *ar = core->all;

        core->all = ar->all;
        if (ar->free_hook != NULL)
            ar->free_hook(ar);
        free(ar);
    }
    while (core->all_sockets != NULL) {
        struct async_socket *socket = core->all_sockets;

        core->all_sockets = socket->all;
        free(socket);
    }
    pthread_cond_destroy(&core->completion);
    pthread_mutex_destroy(&core->lock);
    free(core);
}

struct async_core *async_core_of(struct loop *loop)
{
    struct async_core *core = (struct async_core *)loop_find(loop, &core_key);

    if (core != NULL)
        return core;
    core = calloc(1, sizeof *core);
    if (core == NULL)
        return NULL;
    core->loop = loop;
    core->owner = pthread_self();
    pthread_mutex_init(&core->lock, NULL);
    pthread_cond_init(&core->completion, NULL);
    core->extension = (struct loop_extension){.timeout = core_timeout,
                                              .run = core_run,
                                              .is_pending = core_is_pending,
                                              .destroy = core_destroy,
                                              .key = &core_key};
    loop_extend(loop, &core->extension);
    return core;
}
