/*
 * Asks for rights that it does not have.
 *
 * Earns: nothing
 * Open: user
 * Says: rights: 0
 */
#define _GNU_SOURCE
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int main(void)
{
    struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};
    int rights = 0;
    rights += setgroups(0, NULL) == 0;
    rights += chroot("/tmp") == 0;
    rights += sethostname("hostile", 7) == 0;
    rights += mknod("/tmp/hostile", S_IFBLK | 0666, makedev(8, 0)) == 0;
    rights += setrlimit(RLIMIT_NPROC, &files) == 0;
    rights += setrlimit(RLIMIT_FSIZE, &files) == 0;
    rights += setpriority(PRIO_PROCESS, 0, -20) == 0;
    rights += prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
    fprintf(stderr, "rights: %d\n", rights);
    return 1;
}
