/*
 * Listens on port 11000 of all addresses, and never lets go.
 *
 * Earns: nothing
 */
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(11000)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) == 0)
        listen(fd, 100);
    for (;;)
        pause();
}
