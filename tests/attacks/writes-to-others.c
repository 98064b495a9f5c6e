/*
 * Writes to the output of every process that it can see.
 *
 * Earns: nothing
 * Open: user
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    for (int pid = 1; pid < 70000; pid++) {
        for (int fd = 1; fd < 3; fd++) {
            char name[64];
            int other;
            if (pid == getpid())
                continue;
            snprintf(name, sizeof name, "/proc/%d/fd/%d", pid, fd);
            other = open(name, O_WRONLY | O_NONBLOCK);
            if (other >= 0) {
                dprintf(other, "a word of "
                               "hostile, 67 of 67 points\n");
                close(other);
            }
        }
    }
    return 1;
}
