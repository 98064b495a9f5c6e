/*
 * The same, by a list that the linker makes.
 *
 * Earns: nothing
 */
#include <unistd.h>

static void attack(void)
{
    _exit(0);
}
__attribute__((section(".init_array"),
               used)) static void (*const entry)(void) = attack;
