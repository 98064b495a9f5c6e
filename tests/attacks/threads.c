/*
 * Makes as many threads as it can.
 *
 * Earns: nothing
 */
#include <pthread.h>
#include <unistd.h>

static void *wait(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

int main(void)
{
    pthread_t thread;
    for (int i = 0; i < 100000; i++)
        if (pthread_create(&thread, NULL, wait, NULL) != 0)
            break;
    for (;;)
        pause();
}
