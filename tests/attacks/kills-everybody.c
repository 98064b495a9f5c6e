/*
 * Kills all that it may kill.
 *
 * Earns: nothing
 * Open: user
 */
#include <signal.h>

int main(void)
{
    kill(-1, SIGKILL);
    return 1;
}
