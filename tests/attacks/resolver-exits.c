/*
 * The same, while the program is still being loaded.
 *
 * Earns: nothing
 */
#include <sys/syscall.h>

static void (*choose(void))(void)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_exit_group), "D"(0)
                     : "rcx", "r11", "memory");
    return 0;
}
void chosen(void) __attribute__((ifunc("choose")));
void (*volatile user)(void) = chosen;
