/*
 * Keeps all processors busy.
 *
 * Earns: nothing
 */
#include <unistd.h>

int main(void)
{
    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            break;
    for (volatile unsigned long n = 0;; n++)
        ;
}
