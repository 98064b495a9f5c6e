/*
 * Makes as many processes as it can, which stay.
 *
 * Earns: nothing
 */
#include <unistd.h>

int main(void)
{
    for (int i = 0; i < 100000; i++)
        if (fork() == 0)
            for (;;)
                pause();
    for (;;)
        pause();
}
