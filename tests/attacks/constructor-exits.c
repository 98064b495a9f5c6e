/*
 * Ends with a good status before main() has begun.
 *
 * Earns: nothing
 */
#include <unistd.h>

__attribute__((constructor)) static void attack(void)
{
    _exit(0);
}
