/* The same echo server without a library: epoll, recv(), send(), and nothing in
 * between. What it does not do (a short send, a limit, an error that is told)
 * costs nothing. For make bench-engine.
 *
 * Prints its port, and ends when its standard input does. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    fcntl(fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void echo(int fd)
{
    char buffer[4096];
    ssize_t count = recv(fd, buffer, sizeof buffer, 0);

    if (count <= 0)
        close(fd);
    else if (send(fd, buffer, (size_t)count, MSG_NOSIGNAL) != count)
        close(fd);
}

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    int epoll = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
    struct epoll_event ready[1024];

    if (bind(listener, (struct sockaddr *)&here, sizeof here) == -1 ||
        listen(listener, 1000) == -1 ||
        getsockname(listener, (struct sockaddr *)&here, &length) == -1)
        return 1;
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    watch(epoll, listener);
    watch(epoll, 0);
    for (;;) {
        int count = epoll_wait(epoll, ready, 1024, -1);

        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd;

            if (fd == 0)
                return 0;
            if (fd == listener)
                watch(epoll, accept(listener, NULL, NULL));
            else
                echo(fd);
        }
    }
}
