/* An echo server with four threads, each with a listener and a loop of its own,
 * in C.
 *
 * All listeners have one port: SO_REUSEPORT lets the kernel deal the clients
 * out to them. The first one takes the port without that option, and so notices
 * when another server has it. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "peer.h"

#define THREADS 4

/* One more listener where the first one is. */
static int listen_too(int first)
{
    const int on = 1;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = -1;

    if (getsockname(first, (struct sockaddr *)&address, &size) == 0)
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == -1 ||
        bind(fd, (struct sockaddr *)&address, size) == -1 ||
        listen(fd, SOMAXCONN) == -1)
        return -1;
    return fd;
}

static void watch(int epoll, int operation, int fd, uint32_t events,
                  struct peer_talk *talk)
{
    struct epoll_event event = {.events = events, .data.ptr = talk};

    if (epoll_ctl(epoll, operation, fd, &event) == -1)
        perror("server: epoll_ctl");
}

static void go_on(int epoll, struct peer_talk *talk)
{
    int fd = peer_talk_fd(talk);
    enum peer_wish wish = peer_talk_on(talk);

    if (wish == PEER_OVER)
        peer_talk_free(talk);
    else if (wish == PEER_READ)
        watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN, talk);
    else if (wish == PEER_WRITE)
        watch(epoll, EPOLL_CTL_MOD, fd, EPOLLOUT, talk);
    else
        watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, talk);
}

/* A thread with its listener, for ever. */
static void *run(void *argument)
{
    int listener = (int)(intptr_t)argument;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool full = false;

    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    for (;;) {
        struct epoll_event event;
        char name[PEER_NAME_MAX];
        int count = epoll_wait(epoll, &event, 1, full ? 100 : -1);

        if (full) { /* some time has passed, or somebody has moved */
            full = false;
            watch(epoll, EPOLL_CTL_MOD, listener, EPOLLIN, NULL);
        }
        if (count != 1)
            continue;
        if (event.data.ptr != NULL) {
            go_on(epoll, event.data.ptr);
            continue;
        }
        int fd = peer_try_accept(listener, name);
        struct peer_talk *talk = fd != -1 ? peer_talk_new(fd, name) : NULL;
        if (talk != NULL)
            watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, talk);
        full = fd == -1 && peer_is_full(errno);
        if (full)
            watch(epoll, EPOLL_CTL_MOD, listener, 0, NULL);
    }
    return NULL;
}

int main(int argc, char *argv[])
{
    const int on = 1;
    int listeners[THREADS];

    peer_end_on_signals();
    listeners[0] = peer_listen(argc, argv, "reuseport: give it [HOST [PORT]]");
    setsockopt(listeners[0], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    for (int i = 1; i < THREADS; i++)
        listeners[i] = listen_too(listeners[0]);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        void *listener = (void *)(intptr_t)listeners[i];

        if (listeners[i] == -1 ||
            fcntl(listeners[i], F_SETFL, O_NONBLOCK) == -1 ||
            (i > 0 && pthread_create(&thread, NULL, run, listener) != 0)) {
            perror("server: start a thread");
            return 1;
        }
    }
    run((void *)(intptr_t)listeners[0]);
    return 0;
}
