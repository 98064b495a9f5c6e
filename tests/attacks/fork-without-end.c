/*
 * Each process makes two, and ends.
 *
 * Earns: nothing
 */
#include <unistd.h>

int main(void)
{
    for (;;) {
        if (fork() > 0 && fork() > 0)
            _exit(0);
        setsid();
    }
}
