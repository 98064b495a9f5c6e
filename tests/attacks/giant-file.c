/*
 * Fills the disk.
 *
 * Earns: nothing
 * Open: user
 * Says: wrote little
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    static const char *const places[] = {
        "/tmp/hostile", "/var/tmp/hostile", "/dev/shm/hostile",
        "/dev/hostile", "/hostile",         "/programs/hostile"};
    static char piece[1 << 20];
    int written = 0;
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int fd = open(places[i], O_CREAT | O_WRONLY, 0600);
        for (int k = 0; k < 200 && write(fd, piece, sizeof piece) > 0; k++)
            written++;
    }
    fprintf(stderr, "wrote %s\n", written > 64 ? "too much" : "little");
    return 1;
}
