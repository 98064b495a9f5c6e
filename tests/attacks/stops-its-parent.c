/*
 * Stops whoever waits for its end.
 *
 * Earns: nothing
 * Open: user
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
    kill(getppid(), SIGSTOP);
    kill(1, SIGSTOP);
    for (;;)
        pause();
}
