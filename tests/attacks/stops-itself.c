/*
 * Stops itself, again and again.
 *
 * Earns: nothing
 */
#include <signal.h>

int main(void)
{
    for (;;)
        raise(SIGSTOP);
}
