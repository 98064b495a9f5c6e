/* A back end of the loop on epoll, as a prototype: the tests of the engine have
 * it in the place of select(), to count what the kernel is told. With epoll
 * each change of a watch is a system call. */

#include "epoll.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"
#include "loop_backend.h"

unsigned long epoll_changes;

static int handle = -1; /* tests have one loop at a time */

static void *create(void)
{
    handle = epoll_create1(EPOLL_CLOEXEC);
    return handle == -1 ? NULL : &handle;
}

static void destroy(void *data)
{
    (void)data;
    close(handle);
}

static int change(int operation, int fd, unsigned events)
{
    struct epoll_event event = {.data.fd = fd};

    if (events & LOOP_READ)
        event.events |= EPOLLIN;
    if (events & LOOP_WRITE)
        event.events |= EPOLLOUT;
    epoll_changes++;
    return epoll_ctl(handle, operation, fd, &event);
}

static int add(void *data, int fd, unsigned events)
{
    (void)data;
    return change(EPOLL_CTL_ADD, fd, events);
}

static int modify(void *data, int fd, unsigned events)
{
    (void)data;
    return change(EPOLL_CTL_MOD, fd, events);
}

static void remove_fd(void *data, int fd)
{
    (void)data;
    change(EPOLL_CTL_DEL, fd, 0);
}

/* An error or a hang-up counts as both, as loop.h says. */
static int wait_for(void *data, struct loop_event *events, int count,
                    int milliseconds)
{
    struct epoll_event ready[64];
    int found =
        epoll_wait(handle, ready, count < 64 ? count : 64, milliseconds);

    (void)data;
    for (int i = 0; i < found; i++) {
        unsigned bits = 0;

        if (ready[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
            bits |= LOOP_READ;
        if (ready[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            bits |= LOOP_WRITE;
        events[i] = (struct loop_event){ready[i].data.fd, bits};
    }
    return found;
}

static int limit(void *data)
{
    (void)data;
    return -1;
}

/* Under this name the loop looks for it. */
const struct loop_backend loop_select_backend = {
    .name = "select",
    .create = create,
    .destroy = destroy,
    .add = add,
    .modify = modify,
    .remove = remove_fd,
    .wait = wait_for,
    .limit = limit,
};
