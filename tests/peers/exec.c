/* An echo server that runs a program for each client, in C: as inetd does it.
 *
 * The parent accepts, and starts this same program anew with the connection as
 * its standard input; all its other sockets are closed on exec. Signals come as
 * bytes from a signalfd. The kernel ends a child whose parent has gone. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"

static const char serve_word[] = "--serve-standard-input";

/* What the child does: serve NAME, who is on standard input. */
static int serve(const char *name, const char *parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == (pid_t)strtol(parent, NULL, 10))
        peer_serve(STDIN_FILENO, name);
    return 0;
}

static void start_child(int fd, char *name, const sigset_t *before)
{
    char parent[16];
    char *words[] = {"exec", (char *)serve_word, name, parent, NULL};
    char *nothing[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid;
    int error;

    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, before);
    error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, words,
                        nothing);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        peer_refuse(fd, name, strerror(error));
    else
        close(fd);
}

/* Returns whether one of the signals says: end. */
static bool take_signals(int signals)
{
    struct signalfd_siginfo news;
    bool end = false;

    while (read(signals, &news, sizeof news) == (ssize_t)sizeof news)
        if (news.ssi_signo != SIGCHLD)
            end = true;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    return end;
}

int main(int argc, char *argv[])
{
    sigset_t wanted, before;
    bool full = false;

    if (argc == 4 && strcmp(argv[1], serve_word) == 0)
        return serve(argv[2], argv[3]);

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGCHLD);
    sigprocmask(SIG_BLOCK, &wanted, &before);
    int listener = peer_listen(argc, argv, "arguments: [HOST [PORT]]");
    int signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    fcntl(listener, F_SETFL, O_NONBLOCK);

    for (;;) {
        struct pollfd ready[] = {
            {.fd = signals, .events = POLLIN},
            {.fd = full ? -1 : listener, .events = POLLIN},
        };
        char name[PEER_NAME_MAX];

        poll(ready, 2, full ? 100 : -1);
        if (take_signals(signals))
            return 0;
        int fd = peer_try_accept(listener, name);
        full = fd == -1 && peer_is_full(errno);
        if (fd != -1)
            start_child(fd, name, &before);
    }
}
