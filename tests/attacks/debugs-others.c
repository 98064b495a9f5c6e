/*
 * Takes hold of other processes as a debugger does, and writes to their memory.
 *
 * Earns: nothing
 * Open: user
 * Says: debugged 0
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <unistd.h>

int main(void)
{
    int debugged = 0;
    for (pid_t pid = 1; pid < 70000; pid++) {
        char name[64];
        if (pid == getpid())
            continue;
        debugged += ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
        snprintf(name, sizeof name, "/proc/%d/mem", (int)pid);
        debugged += open(name, O_RDWR) >= 0;
    }
    fprintf(stderr, "debugged %d\n", debugged);
    return 1;
}
