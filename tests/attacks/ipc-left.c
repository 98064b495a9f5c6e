/*
 * Leaves shared memory, queues and semaphores behind, for others or for ever.
 *
 * Earns: nothing
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

int main(void)
{
    for (key_t key = 0x7057113; key < 0x7057113 + 20; key++) {
        shmget(key, 1 << 20, 0666 | IPC_CREAT);
        msgget(key, 0666 | IPC_CREAT);
        semget(key, 1, 0666 | IPC_CREAT);
    }
    shm_open("/hostile", O_CREAT | O_RDWR, 0666);
    mq_open("/hostile", O_CREAT | O_RDWR, 0666, NULL);
    sem_open("/hostile", O_CREAT, 0666, 1);
    return 1;
}
