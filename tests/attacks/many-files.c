/*
 * Makes a million files, which take memory though they are empty.
 *
 * Earns: nothing
 * Open: user
 * Says: few files
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    int made = 0;
    char name[64];
    mkdir("/tmp/hostile", 0700);
    for (int i = 0; i < 1000000; i++) {
        int fd;
        snprintf(name, sizeof name, "/tmp/hostile/%d", i);
        fd = open(name, O_CREAT | O_WRONLY, 0600);
        if (fd < 0)
            break;
        close(fd);
        made++;
    }
    fprintf(stderr, "%s files\n", made > 100000 ? "a great many" : "few");
    return 1;
}
