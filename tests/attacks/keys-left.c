/*
 * Leaves a key behind in the kernel, in the keyring of its user.
 *
 * Earns: nothing
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>

int main(void)
{
    for (int i = 0; i < 1000; i++) {
        char name[] = "hostile0000";
        name[7] = (char)('0' + i / 100);
        name[8] = (char)('0' + i / 10 % 10);
        name[9] = (char)('0' + i % 10);
        syscall(SYS_add_key, "user", name, "secret", 6UL,
                KEY_SPEC_USER_KEYRING);
    }
    return 1;
}
