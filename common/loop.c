/* loop.c - one thread waits for many descriptors: what lesson 3 adds.
 *
 * Read it from the bottom: loop_run() is the whole idea, and what stands above
 * it are the three phases of one round. */

#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loop_backend.h"
#include "loop_extension.h"

/* As many as select() can tell of: else those with small numbers could keep the
 * others waiting. */
#define EVENTS_PER_ROUND 1024

/* What is known of one descriptor. */
struct watch {
    loop_callback *callback; /* NULL: it is not watched */
    void *state;
    unsigned events;
    unsigned long long round; /* in which it was watched first */
};

struct loop {
    const struct loop_backend *backend;
    void *data;            /* the back end's */
    struct watch *watches; /* the descriptor is the index */
    int room;              /* in watches */
    int watched;           /* descriptors, without wake[0] */
    unsigned long long round;
    int wake[2];         /* a byte in this pipe ends a wait */
    atomic_bool stopped; /* by a signal handler, or by another thread */
    bool waiting;        /* in phase 1 */
    int timeout;         /* of that wait */
    struct loop_extension *extensions; /* last hung in first */
    struct loop_monitor *monitor;      /* NULL: one thread has it all */
};

/* ============================ making and ending ========================== */

static const struct loop_backend *const backends[] = {&loop_select_backend};

static const struct loop_backend *find_backend(void)
{
    const char *name = getenv("LOOP_BACKEND");

    if (name == NULL || name[0] == '\0')
        return backends[0];
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    errno = EINVAL;
    return NULL;
}

/* The bytes themselves say nothing; that they came has ended the wait. */
static void drain_wake_pipe(struct loop *loop, int fd, unsigned events,
                            void *state)
{
    char ignored[64];

    (void)loop;
    (void)events;
    (void)state;
    while (read(fd, ignored, sizeof ignored) > 0)
        ;
}

static int open_wake_pipe(struct loop *loop)
{
    if (pipe(loop->wake) == -1)
        return -1;
    for (int i = 0; i < 2; i++)
        if (fcntl(loop->wake[i], F_SETFD, FD_CLOEXEC) == -1 ||
            fcntl(loop->wake[i], F_SETFL, O_NONBLOCK) == -1)
            return -1;
    if (loop_watch(loop, loop->wake[0], LOOP_READ, drain_wake_pipe, NULL) == -1)
        return -1;
    loop->watched = 0; /* the pipe alone is no reason to run */
    return 0;
}

struct loop *loop_create(void)
{
    const struct loop_backend *backend = find_backend();
    struct loop *loop;

    if (backend == NULL || (loop = calloc(1, sizeof *loop)) == NULL)
        return NULL;
    loop->backend = backend;
    loop->wake[0] = loop->wake[1] = -1;
    loop->data = backend->create();
    if (loop->data == NULL || open_wake_pipe(loop) == -1) {
        int saved = errno;

        loop_destroy(loop);
        errno = saved;
        return NULL;
    }
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->monitor != NULL)
        loop->monitor->stop(loop->monitor);
    for (struct loop_extension *e = loop->extensions; e != NULL; e = e->next)
        if (e->stop != NULL)
            e->stop(e);
    if (loop->monitor != NULL)
        loop->monitor->close(loop->monitor);
    loop->monitor = NULL;
    while (loop->extensions != NULL) {
        struct loop_extension *last = loop->extensions;

        loop->extensions = last->next;
        last->destroy(last);
    }
    for (int i = 0; i < 2; i++)
        if (loop->wake[i] != -1)
            close(loop->wake[i]);
    if (loop->data != NULL)
        loop->backend->destroy(loop->data);
    free(loop->watches);
    free(loop);
}

/* ================================ watching =============================== */

static int make_room(struct loop *loop, int fd)
{
    int room = loop->room > 0 ? loop->room : 64;
    struct watch *watches;

    if (fd < loop->room)
        return 0;
    if (fd > INT_MAX / 2) { /* no system has so many */
        errno = EMFILE;
        return -1;
    }
    while (room <= fd)
        room *= 2;
    watches = realloc(loop->watches, (size_t)room * sizeof *watches);
    if (watches == NULL)
        return -1;
    memset(watches + loop->room, 0,
           (size_t)(room - loop->room) * sizeof *watches);
    loop->watches = watches;
    loop->room = room;
    return 0;
}

static struct watch *find_watch(struct loop *loop, int fd)
{
    if (fd < 0 || fd >= loop->room || loop->watches[fd].callback == NULL)
        return NULL;
    return &loop->watches[fd];
}

int loop_watch(struct loop *loop, int fd, unsigned events,
               loop_callback *callback, void *state)
{
    int result = -1;

    if (fd < 0 || (events & ~(unsigned)(LOOP_READ | LOOP_WRITE)) != 0 ||
        callback == NULL) {
        errno = fd < 0 ? EBADF : EINVAL;
        return -1;
    }
    if (make_room(loop, fd) == -1)
        return -1;
    errno = ENOSYS;
    /* TODO c: what is known of fd stands in loop->watches[fd]; it is watched
     * already if it has a callback there. Tell the back end: modify() if it is,
     * else add(). If that fails, return -1. For a new one, count it in
     * loop->watched, and remember the round of now. Then keep events, callback
     * and state there, and set result to 0. */
    /* BEGIN SOLUTION c */
    struct watch *watch = &loop->watches[fd];

    if (watch->callback != NULL) {
        if (loop->backend->modify(loop->data, fd, events) == -1)
            return -1;
    } else {
        if (loop->backend->add(loop->data, fd, events) == -1)
            return -1;
        watch->round = loop->round;
        loop->watched++;
    }
    watch->events = events;
    watch->callback = callback;
    watch->state = state;
    result = 0;
    /* END SOLUTION c */
    return result;
}

int loop_unwatch(struct loop *loop, int fd)
{
    struct watch *watch = find_watch(loop, fd);

    if (watch == NULL) {
        errno = ENOENT;
        return -1;
    }
    loop->backend->remove(loop->data, fd);
    watch->callback = NULL;
    loop->watched--;
    return 0;
}

/* ================================ stopping =============================== */

/* A flag alone would be lost if it was set just before the wait begins: the
 * byte in the pipe makes that wait end at once. write() is one of the few
 * functions that a signal handler may call. */
void loop_wake(struct loop *loop)
{
    int saved = errno;
    ssize_t written = write(loop->wake[1], "", 1);

    (void)written; /* a full pipe ends the wait just as well */
    errno = saved;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    loop_wake(loop);
}

/* =============================== extensions ============================== */

void loop_extend(struct loop *loop, struct loop_extension *extension)
{
    extension->next = loop->extensions;
    loop->extensions = extension;
}

struct loop_extension *loop_find(struct loop *loop, const void *key)
{
    for (struct loop_extension *e = loop->extensions; e != NULL; e = e->next)
        if (e->key == key)
            return e;
    return NULL;
}

/* The shortest of all time-outs; -1 is the longest. */
static int shortest_timeout(const struct loop *loop, int milliseconds)
{
    for (struct loop_extension *e = loop->extensions; e != NULL; e = e->next) {
        int wish = e->timeout(e);

        if (wish >= 0 && (milliseconds < 0 || wish < milliseconds))
            milliseconds = wish;
    }
    return milliseconds;
}

/* =============================== one at a time =========================== */

void loop_set_monitor(struct loop *loop, struct loop_monitor *monitor)
{
    loop->monitor = monitor;
}

static void leave(struct loop *loop)
{
    if (loop->monitor != NULL)
        loop->monitor->leave(loop->monitor);
}

void loop_enter(struct loop *loop)
{
    if (loop->monitor != NULL)
        loop->monitor->enter(loop->monitor);
}

void loop_leave(struct loop *loop)
{
    if (loop->waiting && shortest_timeout(loop, loop->timeout) != loop->timeout)
        loop_wake(loop);
    leave(loop);
}

bool loop_runs_elsewhere(const struct loop *loop)
{
    return loop->monitor != NULL &&
           loop->monitor->runs_elsewhere(loop->monitor);
}

void loop_await(struct loop *loop)
{
    loop->monitor->await(loop->monitor);
}

/* ================================= running =============================== */

/* Phase 1. */
static int wait_for(struct loop *loop, struct loop_event *events,
                    int milliseconds)
{
    int count;

    loop->timeout = shortest_timeout(loop, milliseconds);
    loop->waiting = true;
    leave(loop);
    count = loop->backend->wait(loop->data, events, EVENTS_PER_ROUND,
                                loop->timeout);
    loop_enter(loop);
    loop->waiting = false;
    return count;
}

/* Phase 2. A callback can unwatch other descriptors, close them, and get their
 * numbers again for new connections. So each event is checked against what is
 * watched now: gone, or new in this round, and the event is not for it. */
static void dispatch(struct loop *loop, const struct loop_event *events,
                     int count)
{
    /* TODO c: for each event, find_watch() of its fd. Skip it if there is none,
     * or if it was watched in this very round. Of the event's bits keep those
     * that are wanted; if any is left, call the callback. */
    /* BEGIN SOLUTION c */
    /* slide: dispatch */
    for (int i = 0; i < count; i++) {
        const struct watch *watch = find_watch(loop, events[i].fd);

        if (watch == NULL || watch->round == loop->round)
            continue;
        if ((events[i].events & watch->events) != 0)
            watch->callback(loop, events[i].fd,
                            events[i].events & watch->events, watch->state);
    }
    /* end slide */
    /* END SOLUTION c */
}

static bool has_work(const struct loop *loop)
{
    return loop->watched > 0 || shortest_timeout(loop, -1) != -1 ||
           (loop->monitor != NULL && loop->monitor->running);
}

static int run_round(struct loop *loop, int milliseconds)
{
    struct loop_event events[EVENTS_PER_ROUND];
    int count = wait_for(loop, events, milliseconds);

    if (count == -1 && errno != EINTR)
        return -1;
    loop->round++;
    dispatch(loop, events, count);
    for (struct loop_extension *e = loop->extensions; e != NULL; e = e->next)
        e->run(e);
    return 0;
}

int loop_run_once(struct loop *loop, int milliseconds)
{
    int result;

    loop_enter(loop);
    result = run_round(loop, milliseconds);
    loop_leave(loop);
    return result;
}

int loop_run(struct loop *loop)
{
    int result = 0;

    loop_enter(loop);
    while (result == 0 && !loop->stopped && has_work(loop))
        result = run_round(loop, -1);
    loop->stopped = false;
    loop_leave(loop);
    return result;
}

/* ================================ questions ============================== */

const char *loop_backend_name(const struct loop *loop)
{
    return loop->backend->name;
}

int loop_descriptor_limit(const struct loop *loop)
{
    return loop->backend->limit(loop->data);
}

long long loop_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
