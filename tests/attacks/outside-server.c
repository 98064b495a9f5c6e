/*
 * Lets a server that runs on the machine answer in its place.
 *
 * Earns: nothing
 * Says: nobody is there
 * Open: user
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in there = {.sin_family = AF_INET,
                                .sin_port = htons((in_port_t)atoi("@PORT@")),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&there, sizeof there) == 0)
        dprintf(fd, "from a submission: what is the answer?\n");
    else
        fputs("nobody is there\n", stderr);
    return 1;
}
