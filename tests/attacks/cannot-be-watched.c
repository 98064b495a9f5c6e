/*
 * Does not let anybody look into it, so that nobody can say what it does not
 * do.
 *
 * Earns: nothing
 * Open: user
 */
#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    prctl(PR_SET_DUMPABLE, 0);
    if (bind(fd, (struct sockaddr *)&here, sizeof here) == 0)
        listen(fd, 100);
    for (;;)
        pause();
}
