/* The other end for make bench-engine: messages of 64 bytes go back and forth
 * on many connections at once, one under way on each.
 *
 *   load PORT CONNECTIONS MESSAGES
 *
 * Prints how many messages a second came back. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SIZE 64

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int connect_to(unsigned short port)
{
    struct sockaddr_in there = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons(port)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd == -1 ||
        connect(fd, (struct sockaddr *)&there, sizeof there) == -1) {
        perror("load: connect");
        exit(1);
    }
    return fd;
}

int main(int argc, char *argv[])
{
    int connections = argc > 2 ? atoi(argv[2]) : 0;
    long wanted = argc > 3 ? atol(argv[3]) : 0, begun = 0, back = 0;
    struct epoll_event event = {.events = EPOLLIN}, ready[1024];
    char message[SIZE], reply[SIZE];
    int epoll = epoll_create1(0);
    double start;

    if (wanted < connections || connections < 1) {
        fprintf(stderr, "usage: load PORT CONNECTIONS MESSAGES\n");
        return 2;
    }
    memset(message, 'x', sizeof message);
    for (int i = 0; i < connections; i++) {
        event.data.fd = connect_to((unsigned short)atoi(argv[1]));
        epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
        if (send(event.data.fd, message, SIZE, MSG_NOSIGNAL) != SIZE)
            return 1;
        begun++;
    }
    start = seconds();
    while (back < wanted) {
        int count = epoll_wait(epoll, ready, 1024, 10000);

        if (count <= 0) {
            fprintf(stderr, "load: no reply for 10 s\n");
            return 1;
        }
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;

            if (recv(fd, reply, SIZE, 0) != SIZE) {
                fprintf(stderr, "load: no whole reply\n");
                return 1;
            }
            back++;
            if (begun < wanted && ++begun > 0 &&
                send(fd, message, SIZE, MSG_NOSIGNAL) != SIZE)
                return 1;
        }
    }
    printf("%.0f\n", (double)wanted / (seconds() - start));
    return 0;
}
