/*
 * The same, in processes that have little each.
 *
 * Earns: nothing
 * Open: user
 * Says: MiB of memory
 */
#define _DEFAULT_SOURCE
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (32UL << 20)

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
    for (int i = 0; i < 250; i++) {
        if (fork() == 0) {
            volatile char *place = big_pages();
            for (size_t k = 0; place && k < SIZE; k += 4096)
                place[k] = 1;
            for (;;)
                pause();
        }
    }
    for (;;)
        pause();
}
