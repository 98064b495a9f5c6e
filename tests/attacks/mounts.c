/*
 * Takes away what hides the checks and the results, and makes the rest
 * writable.
 *
 * Earns: nothing
 * Says: mounted 0
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

int main(void)
{
    static const char *const places[] = {"/results", "/kit", "/programs",
                                         "/usr",     "/tmp", "/proc"};
    int mounted = unshare(CLONE_NEWNS) == 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        mounted += umount2(places[i], MNT_DETACH) == 0;
        mounted +=
            mount(NULL, places[i], NULL, MS_REMOUNT | MS_BIND, NULL) == 0;
        mounted += mount("/tmp", places[i], NULL, MS_BIND, NULL) == 0;
    }
    fprintf(stderr, "mounted %d\n", mounted);
    return 1;
}
