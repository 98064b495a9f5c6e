/*
 * Leaves a daemon behind that holds the end of its output open.
 *
 * Earns: nothing
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    if (fork() > 0)
        return 0;
    setsid();
    if (fork() > 0)
        return 0;
    for (int number = 1; number < 65; number++)
        signal(number, SIG_IGN);
    for (;;)
        pause();
}
