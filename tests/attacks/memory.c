/*
 * Takes 8 GiB of memory, and writes to all of it.
 *
 * Earns: nothing
 */
#define _DEFAULT_SOURCE
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (8UL << 30)

static volatile char *big_pages(void)
{
    void *place = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return NULL;
    madvise(place, SIZE, MADV_HUGEPAGE);
    return place;
}

int main(void)
{
    volatile char *place = big_pages();
    for (size_t i = 0; place && i < SIZE; i += 4096)
        place[i] = 1;
    for (;;)
        pause();
}
