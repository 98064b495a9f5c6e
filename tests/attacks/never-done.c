/*
 * Sends back a byte from time to time, and is not done for long: a grader that
 * waits for it as long as something moves cannot decide.
 *
 * Earns: nothing
 */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) == 0)
        listen(fd, 100);
    for (;;) {
        int client = accept(fd, NULL, NULL);
        if (fork() == 0)
            for (;;) {
                char byte;
                sleep(4);
                if (recv(client, &byte, 1, 0) < 1 ||
                    send(client, &byte, 1, 0) < 0)
                    _exit(0);
            }
        close(client);
    }
}
