/* loop_select.c - the back end on select(): what lesson 3 adds.
 *
 * A set is an array of FD_SETSIZE bits, one a descriptor. select() overwrites
 * the sets that it is given with its answer, so the wishes are kept apart, and
 * a copy goes to the kernel. */

#include "loop_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/select.h>

#include "loop.h"

struct wishes {
    fd_set read, write;
    int highest; /* no descriptor above it is in a set; -1: none at all */
};

static void *select_create(void)
{
    struct wishes *wishes = malloc(sizeof *wishes);

    if (wishes == NULL)
        return NULL;
    FD_ZERO(&wishes->read);
    FD_ZERO(&wishes->write);
    wishes->highest = -1;
    return wishes;
}

static void select_destroy(void *data)
{
    free(data);
}

static int select_limit(void *data)
{
    (void)data;
    return FD_SETSIZE;
}

/* FD_SET() of a descriptor at or above FD_SETSIZE writes behind the set, into
 * whatever lies there. So this is asked before, always. */
static int select_modify(void *data, int fd, unsigned events)
{
    int result = -1;

    errno = ENOSYS;
    /* TODO c: data is a struct wishes. If fd is not smaller than FD_SETSIZE,
     * fail with EMFILE. Put fd into each set whose event is wanted, and take it
     * out of the other (FD_SET, FD_CLR). Keep highest right, and set result to
     * 0. */
    /* BEGIN SOLUTION c */
    struct wishes *wishes = data;

    if (fd >= FD_SETSIZE) {
        errno = EMFILE;
        return -1;
    }
    if (events & LOOP_READ)
        FD_SET(fd, &wishes->read);
    else
        FD_CLR(fd, &wishes->read);
    if (events & LOOP_WRITE)
        FD_SET(fd, &wishes->write);
    else
        FD_CLR(fd, &wishes->write);
    if (fd > wishes->highest)
        wishes->highest = fd;
    result = 0;
    /* END SOLUTION c */
    return result;
}

static int select_add(void *data, int fd, unsigned events)
{
    return select_modify(data, fd, events);
}

static void select_remove(void *data, int fd)
{
    /* TODO c: take fd out of both sets. If it was the highest, look downwards
     * for the one that is now. */
    /* BEGIN SOLUTION c */
    struct wishes *wishes = data;

    FD_CLR(fd, &wishes->read);
    FD_CLR(fd, &wishes->write);
    while (wishes->highest >= 0 && !FD_ISSET(wishes->highest, &wishes->read) &&
           !FD_ISSET(wishes->highest, &wishes->write))
        wishes->highest--;
    /* END SOLUTION c */
}

/* The answer, descriptor by descriptor. select() tells for how many bits it
 * has an answer, but not for which: all have to be looked at. */
static int collect(const struct wishes *wishes, const fd_set *readable,
                   const fd_set *writable, struct loop_event *events, int count)
{
    int found = 0;

    for (int fd = 0; fd <= wishes->highest && found < count; fd++) {
        unsigned ready = (FD_ISSET(fd, readable) ? LOOP_READ : 0u) |
                         (FD_ISSET(fd, writable) ? LOOP_WRITE : 0u);

        if (ready != 0)
            events[found++] = (struct loop_event){fd, ready};
    }
    return found;
}

static int select_wait(void *data, struct loop_event *events, int count,
                       int milliseconds)
{
    struct wishes *wishes = data;
    fd_set readable = wishes->read, writable = wishes->write;
    int ready = -1;

    errno = ENOSYS;
    /* TODO c: select() on the two copies, with milliseconds as its time-out, or
     * with NULL where they are negative. */
    /* BEGIN SOLUTION c */
    struct timeval timeout = {milliseconds / 1000, milliseconds % 1000 * 1000};

    ready = select(wishes->highest + 1, &readable, &writable, NULL,
                   milliseconds < 0 ? NULL : &timeout);
    /* END SOLUTION c */
    if (ready <= 0)
        return ready;
    return collect(wishes, &readable, &writable, events, count);
}

const struct loop_backend loop_select_backend = {
    .name = "select",
    .create = select_create,
    .destroy = select_destroy,
    .add = select_add,
    .modify = select_modify,
    .remove = select_remove,
    .wait = select_wait,
    .limit = select_limit,
};
