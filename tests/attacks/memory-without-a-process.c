/*
 * Keeps memory that is nobody's: shared, and mapped nowhere. This is not
 * counted; it goes with the processes, which are the first to end where memory
 * gets scarce.
 *
 * Earns: nothing
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

int main(void)
{
    static char piece[1 << 20];
    for (int i = 0; i < 32; i++) {
        int id = shmget(IPC_PRIVATE, 64 << 20, 0600 | IPC_CREAT);
        char *place = shmat(id, NULL, 0);
        if (place == (char *)-1)
            break;
        memset(place, 1, 64 << 20);
        shmdt(place);
    }
    for (int i = 0; i < 32; i++) {
        int fd = memfd_create("hostile", 0);
        for (int k = 0; k < 64; k++)
            if (write(fd, piece, sizeof piece) < 0)
                break;
    }
    for (;;)
        pause();
}
