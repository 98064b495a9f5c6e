/*
 * Kills the process that has started it, and the one before it, up to the
 * first.
 *
 * Earns: nothing
 * Open: user
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static pid_t parent_of(pid_t pid)
{
    char name[64];
    int parent = 0;
    FILE *file;
    snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
    file = fopen(name, "r");
    if (!file || fscanf(file, "%*d %*s %*c %d", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

int main(void)
{
    pid_t pid = getppid();
    while (pid > 0) {
        pid_t next = parent_of(pid);
        kill(pid, SIGKILL);
        pid = next;
    }
    return 1;
}
