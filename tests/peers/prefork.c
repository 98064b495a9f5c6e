/* An echo server with a few processes that are there from the start, in C.
 *
 * Each worker serves one client at a time, so as many clients as there are
 * workers are served at once; who comes then waits in the accept queue, from
 * which the workers all take. The parent only waits for signals: it replaces a
 * worker that has died, and when it is told to end it ends them first, since
 * they hold the listener too. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

#define WORKERS 4

static pid_t start_worker(int listener, const sigset_t *before)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    sigprocmask(SIG_SETMASK, before, NULL);
    for (;;) {
        char name[PEER_NAME_MAX];
        int fd = peer_accept(listener, name);

        peer_serve(fd, name);
    }
}

int main(int argc, char *argv[])
{
    pid_t workers[WORKERS];
    sigset_t wanted, before;
    int number;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, &before);
    int listener =
        peer_listen(argc, argv, "prefork takes: [HOST [PORT]], a port number");
    for (int i = 0; i < WORKERS; i++)
        workers[i] = start_worker(listener, &before);

    do {
        pid_t dead;

        sigwait(&wanted, &number);
        while ((dead = waitpid(-1, NULL, WNOHANG)) > 0)
            for (int i = 0; i < WORKERS; i++)
                if (workers[i] == dead)
                    workers[i] = start_worker(listener, &before);
    } while (number == SIGCHLD);

    for (int i = 0; i < WORKERS; i++)
        if (workers[i] > 0)
            kill(workers[i], SIGTERM);
    while (wait(NULL) > 0)
        ;
    return 0;
}
