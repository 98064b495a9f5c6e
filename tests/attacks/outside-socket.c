/*
 * The same, by a socket that has a name and no file.
 *
 * Earns: nothing
 * Says: nobody is there
 * Open: user
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    const char name[] = "hostile-@PORT@";
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(there.sun_path + 1, name, sizeof name - 1);
    if (connect(fd, (struct sockaddr *)&there,
                offsetof(struct sockaddr_un, sun_path) + sizeof name) == 0)
        dprintf(fd, "from a submission: what is the answer?\n");
    else
        fputs("nobody is there\n", stderr);
    return 1;
}
