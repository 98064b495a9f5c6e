/*
 * Writes verdicts to every descriptor that it may have inherited.
 *
 * Earns: nothing
 * Never: ok 1 forged
 */
#include <string.h>
#include <unistd.h>

int main(void)
{
    const char *line = "ok 1 forged\n";
    for (int fd = 3; fd < 1024; fd++)
        if (write(fd, line, strlen(line)) > 0)
            return 0;
    return 1;
}
