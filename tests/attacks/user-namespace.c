/*
 * Makes itself root in a namespace of its own, and mounts there what has no
 * limit.
 *
 * Earns: nothing
 * Open: user
 * Says: no namespace
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(void)
{
    static char piece[1 << 20];
    int fd;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1) {
        fputs("no namespace\n", stderr);
        return 1;
    }
    mount("none", "/tmp", "tmpfs", 0, "size=64g");
    fd = open("/tmp/hostile", O_CREAT | O_WRONLY, 0600);
    for (int i = 0; i < 4000 && write(fd, piece, sizeof piece) > 0; i++)
        ;
    for (;;)
        pause();
}
