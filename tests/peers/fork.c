/* An echo server with a process for each client, in C.
 *
 * The parent accepts, the child serves and ends. All signals are blocked but
 * while the parent waits in ppoll(), so none of them comes between a look at
 * its flag and the wait. The parent knows its children: it reaps them, and when
 * it is told to end it ends them first. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

static volatile sig_atomic_t told_to_end;

static pid_t *children;
static size_t child_count, child_room;

static void on_signal(int number)
{
    if (number != SIGCHLD)
        told_to_end = 1;
}

static bool room_for_a_child(void)
{
    if (child_count < child_room)
        return true;
    size_t room = child_room > 0 ? 2 * child_room : 16;
    pid_t *more = realloc(children, room * sizeof *more);
    if (more == NULL)
        return false;
    children = more;
    child_room = room;
    return true;
}

static void reap(void)
{
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        for (size_t i = 0; i < child_count; i++)
            if (children[i] == pid)
                children[i] = children[--child_count];
}

static void start_child(int listener, int fd, const char *name,
                        const sigset_t *before)
{
    pid_t pid = room_for_a_child() ? fork() : -1;

    if (pid == -1) {
        peer_refuse(fd, name, strerror(errno));
        return;
    }
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGCHLD, SIG_DFL);
        sigprocmask(SIG_SETMASK, before, NULL);
        close(listener);
        peer_serve(fd, name);
        _exit(0);
    }
    children[child_count++] = pid;
    close(fd);
}

int main(int argc, char *argv[])
{
    const int numbers[] = {SIGINT, SIGTERM, SIGCHLD};
    const struct timespec soon = {.tv_nsec = 100000000};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, before;
    bool full = false;

    sigemptyset(&blocked);
    for (size_t i = 0; i < 3; i++) {
        sigaddset(&blocked, numbers[i]);
        sigaction(numbers[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &before);
    int listener =
        peer_listen(argc, argv, "call it like this: fork [HOST [PORT]]");
    fcntl(listener, F_SETFL, O_NONBLOCK);

    while (!told_to_end) {
        struct pollfd poll_listener = {.fd = full ? -1 : listener,
                                       .events = POLLIN};
        char name[PEER_NAME_MAX];

        ppoll(&poll_listener, 1, full ? &soon : NULL, &before);
        reap();
        int fd = told_to_end ? -1 : peer_try_accept(listener, name);
        full = fd == -1 && !told_to_end && peer_is_full(errno);
        if (fd != -1)
            start_child(listener, fd, name, &before);
    }
    close(listener);
    for (size_t i = 0; i < child_count; i++)
        kill(children[i], SIGTERM);
    while (wait(NULL) > 0)
        ;
    free(children);
    return 0;
}
