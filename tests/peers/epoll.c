/* An echo server with one thread and epoll, edge-triggered, in C.
 *
 * Each descriptor is registered once, for everything. An edge is reported once:
 * so the program goes on with a client until the call says EAGAIN, and accepts
 * until nobody is there. Where it stops sooner, so that the others have their
 * turn, it registers the client anew: then epoll reports it again. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "peer.h"

static int epoll;

static int watch(int operation, int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                                .data.ptr = data};

    return epoll_ctl(epoll, operation, fd, &event);
}

static void go_on(struct peer_talk *talk)
{
    enum peer_wish wish = peer_talk_on(talk);

    if (wish == PEER_OVER)
        peer_talk_free(talk);
    else if (wish == PEER_AGAIN)
        watch(EPOLL_CTL_MOD, peer_talk_fd(talk), talk);
}

/* Returns whether somebody may be left in the queue for lack of something. */
static bool accept_all(int listener)
{
    char name[PEER_NAME_MAX];

    for (;;) {
        int fd = peer_try_accept(listener, name);

        if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd == -1)
            return peer_is_full(errno);
        struct peer_talk *talk = peer_talk_new(fd, name);
        if (talk != NULL && watch(EPOLL_CTL_ADD, fd, talk) == -1)
            peer_talk_free(talk);
    }
}

int main(int argc, char *argv[])
{
    bool full = false;

    peer_end_on_signals();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = peer_listen(argc, argv, "how to: epoll [HOST [PORT]]");
    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (watch(EPOLL_CTL_ADD, listener, NULL) == -1) {
        perror("server: epoll_ctl");
        return 1;
    }

    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll, events, 64, full ? 100 : -1);
        bool look = full;

        for (int i = 0; i < count; i++)
            if (events[i].data.ptr == NULL)
                look = true;
            else
                go_on(events[i].data.ptr);
        if (look)
            full = accept_all(listener);
    }
}
