/*
 * Dies with as much memory as it can, which somebody is to keep.
 *
 * Earns: nothing
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int main(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    char *piece = malloc(100 << 20);
    if (piece)
        memset(piece, 1, 100 << 20);
    setrlimit(RLIMIT_CORE, &all);
    abort();
}
