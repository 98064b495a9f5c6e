/*
 * Kills all of its process group.
 *
 * Earns: nothing
 */
#include <signal.h>

int main(void)
{
    kill(0, SIGKILL);
    return 1;
}
