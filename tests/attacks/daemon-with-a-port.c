/*
 * Leaves a daemon behind that holds ports, so that nobody else can listen
 * there.
 *
 * Earns: nothing
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    if (fork() > 0)
        return 0;
    setsid();
    signal(SIGTERM, SIG_IGN);
    for (int port = 11000; port < 11300; port++) {
        struct sockaddr_in here = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(fd, (struct sockaddr *)&here, sizeof here) == 0)
            listen(fd, 1);
    }
    for (;;)
        pause();
}
