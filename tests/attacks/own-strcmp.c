/*
 * Brings functions of its own in place of the C library's: all texts are equal.
 *
 * Earns: nothing
 */
#include <stddef.h>
#include <sys/types.h>

int strcmp(const char *a, const char *b)
{
    (void)a, (void)b;
    return 0;
}
int memcmp(const void *a, const void *b, size_t size)
{
    (void)a, (void)b, (void)size;
    return 0;
}
int main(void)
{
    return strcmp("a", "b");
}
