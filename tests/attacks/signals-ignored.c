/*
 * Ignores what can be ignored, blocks the rest, and sleeps.
 *
 * Earns: nothing
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    sigset_t all;
    for (int number = 1; number < 65; number++)
        signal(number, SIG_IGN);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;)
        pause();
}
