/*
 * Has the reference server in its own data, and runs it from there.
 *
 * Earns: nothing
 * Says: server.c does not compile
 * Open: user
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

__asm__(".data\n"
        "begin_of_it:\n"
        ".incbin \"@KIT@/build/plain/02-send-receive/server\"\n"
        "end_of_it:\n"
        ".text\n");
extern const char begin_of_it[], end_of_it[];

int main(int argc, char **argv)
{
    int fd = memfd_create("server", 0);
    (void)argc;
    if (write(fd, begin_of_it, (size_t)(end_of_it - begin_of_it)) > 0)
        fexecve(fd, argv, environ);
    return 1;
}
