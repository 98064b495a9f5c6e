/*
 * Kills what watches it, and goes on as a daemon that nothing ends.
 *
 * Earns: nothing
 * Open: user
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    pid_t watcher = getppid();
    for (int number = 1; number < 65; number++)
        signal(number, SIG_IGN);
    if (fork() > 0)
        return 0;
    setsid();
    if (fork() > 0)
        return 0;
    kill(watcher, SIGKILL);
    for (;;)
        pause();
}
