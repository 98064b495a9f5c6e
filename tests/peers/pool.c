/* An echo server with a pool of threads, in C.
 *
 * The main thread accepts. Four workers wait at one epoll for any client of
 * whom something can be done now, do what can be done without waiting, and hand
 * the client back. EPOLLONESHOT sees to it that a client is with one worker at
 * a time; so no client needs a lock, and none keeps a worker. */

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "peer.h"

#define WORKERS 4

static int epoll;

static void hand_back(struct peer_talk *talk, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events | EPOLLONESHOT,
                                .data.ptr = talk};

    if (epoll_ctl(epoll, operation, peer_talk_fd(talk), &event) == -1) {
        perror("server: epoll_ctl");
        peer_talk_free(talk);
    }
}

static void *work(void *unused)
{
    (void)unused;
    for (;;) {
        struct epoll_event event;

        if (epoll_wait(epoll, &event, 1, -1) != 1)
            continue;
        struct peer_talk *talk = event.data.ptr;
        enum peer_wish wish = peer_talk_on(talk);
        if (wish == PEER_OVER)
            peer_talk_free(talk);
        else if (wish == PEER_WRITE)
            hand_back(talk, EPOLL_CTL_MOD, EPOLLOUT);
        else if (wish == PEER_READ)
            hand_back(talk, EPOLL_CTL_MOD, EPOLLIN);
        else
            hand_back(talk, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    return NULL;
}

int main(int argc, char *argv[])
{
    peer_end_on_signals();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = peer_listen(argc, argv, "try: pool [HOST [PORT]]");

    for (int i = 0; i < WORKERS; i++) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, work, NULL);

        if (error != 0) {
            fprintf(stderr, "server: start a thread: %s\n", strerror(error));
            return 1;
        }
    }
    for (;;) {
        char name[PEER_NAME_MAX];
        int fd = peer_accept(listener, name);
        struct peer_talk *talk = peer_talk_new(fd, name);

        if (talk != NULL)
            hand_back(talk, EPOLL_CTL_ADD, EPOLLIN);
    }
}
