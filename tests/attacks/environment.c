/*
 * Prints its own environment, and that of everybody else.
 *
 * Earns: nothing
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    for (int pid = 1; pid < 70000; pid++) {
        char name[64], text[4096];
        int fd;
        snprintf(name, sizeof name, "/proc/%d/environ", pid);
        fd = open(name, O_RDONLY);
        ssize_t count = fd < 0 ? 0 : read(fd, text, sizeof text);
        if (count > 0 && write(2, text, (size_t)count) < 0)
            return 1;
        if (fd >= 0)
            close(fd);
    }
    return 1;
}
