#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <linux/futex.h>

/* How a call waits: which argument holds its time-out, and of what kind. */
enum timeout_kind {
    TIMEOUT_NO_WAIT, /* the call waits for nothing */
    TIMEOUT_NEVER,   /* it has none */
    TIMEOUT_ALWAYS,  /* it ends by itself */
    TIMEOUT_INT,     /* milliseconds; negative: none */
    TIMEOUT_POINTER, /* NULL: none */
    TIMEOUT_RESTART
};

struct call {
    long number;
    const char *name, *kernel_name;
    enum timeout_kind timeout;
    int argument;        /* of the time-out */
    bool has_descriptor; /* argument 0 is one */
};

static const struct call calls[] = {
    {SYS_read, "read", "read", TIMEOUT_NEVER, 0, true},
    {SYS_readv, "readv", "readv", TIMEOUT_NEVER, 0, true},
    {SYS_write, "write", "write", TIMEOUT_NEVER, 0, true},
    {SYS_writev, "writev", "writev", TIMEOUT_NEVER, 0, true},
    {SYS_recvfrom, "recv", "recvfrom", TIMEOUT_NEVER, 0, true},
    {SYS_recvmsg, "recvmsg", "recvmsg", TIMEOUT_NEVER, 0, true},
    {SYS_sendto, "send", "sendto", TIMEOUT_NEVER, 0, true},
    {SYS_sendmsg, "sendmsg", "sendmsg", TIMEOUT_NEVER, 0, true},
    {SYS_accept, "accept", "accept", TIMEOUT_NEVER, 0, true},
    {SYS_accept4, "accept", "accept4", TIMEOUT_NEVER, 0, true},
    {SYS_connect, "connect", "connect", TIMEOUT_ALWAYS, 0, true},
    {SYS_close, "close", "close", TIMEOUT_ALWAYS, 0, true},
    {SYS_ppoll, "poll", "ppoll", TIMEOUT_POINTER, 2, false},
    {SYS_pselect6, "select", "pselect6", TIMEOUT_POINTER, 4, false},
    {SYS_epoll_pwait, "epoll_wait", "epoll_pwait", TIMEOUT_INT, 3, true},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_wait", "epoll_pwait2", TIMEOUT_POINTER, 3, true},
#endif
#ifdef SYS_poll
    {SYS_poll, "poll", "poll", TIMEOUT_INT, 2, false},
#endif
#ifdef SYS_select
    {SYS_select, "select", "select", TIMEOUT_POINTER, 4, false},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", "epoll_wait", TIMEOUT_INT, 3, true},
#endif
#ifdef SYS_pause
    {SYS_pause, "pause", "pause", TIMEOUT_NEVER, 0, false},
#endif
    {SYS_futex, "a wait for a lock, a condition variable or a thread", "futex",
     TIMEOUT_POINTER, 3, false},
    {SYS_rt_sigsuspend, "sigsuspend", "rt_sigsuspend", TIMEOUT_NEVER, 0, false},
    {SYS_rt_sigtimedwait, "sigwait", "rt_sigtimedwait", TIMEOUT_POINTER, 2,
     false},
    {SYS_wait4, "waitpid", "wait4", TIMEOUT_NEVER, 0, false},
    {SYS_waitid, "waitid", "waitid", TIMEOUT_NEVER, 0, false},
    {SYS_nanosleep, "sleep", "nanosleep", TIMEOUT_ALWAYS, 0, false},
    {SYS_clock_nanosleep, "sleep", "clock_nanosleep", TIMEOUT_ALWAYS, 0, false},
    {SYS_flock, "flock", "flock", TIMEOUT_NEVER, 0, true},
    {SYS_fcntl, "fcntl", "fcntl", TIMEOUT_NEVER, 0, true},
#ifdef SYS_io_uring_enter
    {SYS_io_uring_enter, "io_uring_enter", "io_uring_enter", TIMEOUT_ALWAYS, 0,
     true},
#endif
    {SYS_restart_syscall, "a wait with a time-out", "restart_syscall",
     TIMEOUT_RESTART, 0, false},
    {SYS_socket, "socket", "socket", TIMEOUT_NO_WAIT, 0, false},
    {SYS_bind, "bind", "bind", TIMEOUT_NO_WAIT, 0, false},
    {SYS_listen, "listen", "listen", TIMEOUT_NO_WAIT, 0, false},
    {SYS_shutdown, "shutdown", "shutdown", TIMEOUT_NO_WAIT, 0, false},
    {SYS_getsockopt, "getsockopt", "getsockopt", TIMEOUT_NO_WAIT, 0, false},
    {SYS_setsockopt, "setsockopt", "setsockopt", TIMEOUT_NO_WAIT, 0, false},
    {SYS_getsockname, "getsockname", "getsockname", TIMEOUT_NO_WAIT, 0, false},
    {SYS_getpeername, "getpeername", "getpeername", TIMEOUT_NO_WAIT, 0, false},
    {SYS_ioctl, "ioctl", "ioctl", TIMEOUT_NO_WAIT, 0, false},
    {SYS_epoll_ctl, "epoll_ctl", "epoll_ctl", TIMEOUT_NO_WAIT, 0, false},
    {SYS_clock_gettime, "clock_gettime", "clock_gettime", TIMEOUT_NO_WAIT, 0,
     false},
    {SYS_sched_yield, "sched_yield", "sched_yield", TIMEOUT_NO_WAIT, 0, false},
    {SYS_exit_group, "exit", "exit_group", TIMEOUT_NO_WAIT, 0, false},
};

static const struct call *find_call(long number)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

static bool is_file_call(const struct call *c)
{
    return c->number == SYS_read || c->number == SYS_readv ||
           c->number == SYS_write || c->number == SYS_writev;
}

/* A read from a file ends by itself, one from a pipe or socket need not. */
static bool waits_for_peer(const struct thread_facts *t)
{
    static const char *const kinds[] = {
        "socket:", "pipe:", "anon_inode:", "/dev/"};
    char path[64], target[96] = "";
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)t->tid,
             (int)t->arguments[0]);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(target, kinds[i], strlen(kinds[i])) == 0)
            return true;
    return false;
}

enum wait_class thread_wait(const struct thread_facts *t)
{
    if (!t->syscall_known)
        return t->state == 'S' ? WAIT_TIMED : WAIT_NONE;
    const struct call *c = find_call(t->call);
    /* D is a wait for a disk and the like: it ends by itself. */
    if (!c || t->state != 'S')
        return WAIT_NONE;
    if (is_file_call(c) && !waits_for_peer(t))
        return WAIT_NONE;
    switch (c->timeout) {
    case TIMEOUT_NO_WAIT:
        return WAIT_NONE;
    case TIMEOUT_NEVER:
        return WAIT_FOREVER;
    case TIMEOUT_ALWAYS:
        return WAIT_TIMED;
    case TIMEOUT_INT:
        return (int)t->arguments[c->argument] < 0 ? WAIT_FOREVER : WAIT_TIMED;
    case TIMEOUT_POINTER:
        return t->arguments[c->argument] ? WAIT_TIMED : WAIT_FOREVER;
    case TIMEOUT_RESTART:
        return WAIT_RESTART;
    }
    return WAIT_NONE;
}

const char *call_name(long number)
{
    const struct call *c = find_call(number);
    return c ? c->name : "a system call";
}

const char *call_kernel_name(long number)
{
    const struct call *c = find_call(number);
    return c ? c->kernel_name : "";
}

int call_descriptor(const struct thread_facts *t)
{
    const struct call *c = find_call(t->call);
    return c && c->has_descriptor ? (int)t->arguments[0] : -1;
}

/* Of a futex() that gives a time of day, or of the clock. */
static double from_now(struct timespec time, long operation)
{
    struct timespec now;
    clock_gettime(operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME
                                                   : CLOCK_MONOTONIC,
                  &now);
    return (double)(time.tv_sec - now.tv_sec) * 1e3 +
           (double)(time.tv_nsec - now.tv_nsec) / 1e6;
}

double call_timeout_ms(const struct thread_facts *t)
{
    const struct call *c = find_call(t->call);
    unsigned long argument = c ? t->arguments[c->argument] : 0;
    struct timespec time;

    if (c && c->timeout == TIMEOUT_INT)
        return (int)argument < 0 ? -1 : (int)argument;
    if (!c || c->timeout != TIMEOUT_POINTER || !argument ||
        !process_read_memory(t->tid, argument, &time, sizeof time))
        return -1;
#ifdef SYS_select
    if (t->call == SYS_select)
        time.tv_nsec *= 1000; /* a struct timeval */
#endif
    long operation = (long)t->arguments[1] & FUTEX_CMD_MASK;
    if (t->call == SYS_futex && operation == FUTEX_WAIT_BITSET)
        return from_now(time, (long)t->arguments[1]);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* The arguments are as the program has given them until the call is over. */
static int select_awaits(const struct thread_facts *t, struct awaited *out,
                         int most)
{
    unsigned long sets[2][FD_SETSIZE / (8 * sizeof(unsigned long))] = {{0}};
    const unsigned long limit = 8 * sizeof **sets;
    unsigned long end = t->arguments[0];
    int count = 0;

    if (end > FD_SETSIZE)
        return -1;
    for (int i = 0; i < 2; i++)
        if (t->arguments[1 + i] &&
            !process_read_memory(t->tid, t->arguments[1 + i], sets[i],
                                 (end + limit - 1) / limit * sizeof **sets))
            return -1;
    for (unsigned long fd = 0; fd < end; fd++) {
        bool reading = sets[0][fd / limit] >> fd % limit & 1;
        bool writing = sets[1][fd / limit] >> fd % limit & 1;
        if ((reading || writing) && count++ < most)
            out[count - 1] = (struct awaited){(int)fd, reading, writing};
    }
    return count;
}

static int poll_awaits(const struct thread_facts *t, bool is_over,
                       struct awaited *out, int most)
{
    struct pollfd list[FD_SETSIZE];
    unsigned long end = t->arguments[1];
    int count = 0;

    if (end > FD_SETSIZE ||
        !process_read_memory(t->tid, t->arguments[0], list, end * sizeof *list))
        return -1;
    for (unsigned long i = 0; i < end; i++) {
        short events = is_over ? list[i].revents : list[i].events;
        bool told = list[i].fd >= 0 && (!is_over || events);
        if (told && count++ < most)
            out[count - 1] = (struct awaited){list[i].fd, events & ~POLLOUT,
                                              events & POLLOUT};
    }
    return count;
}

int call_awaits(const struct thread_facts *t, bool is_over, struct awaited *out,
                int most)
{
    const char *name = call_name(t->call);
    if (strcmp(name, "select") == 0)
        return select_awaits(t, out, most);
    return strcmp(name, "poll") == 0 ? poll_awaits(t, is_over, out, most) : -1;
}

/* Which of the two time-outs of a socket ends the call. */
static int timeout_option(long call)
{
    return call == SYS_write || call == SYS_writev || call == SYS_sendto ||
                   call == SYS_sendmsg
               ? SO_SNDTIMEO
               : SO_RCVTIMEO;
}

/* PIDFD_THREAD of Linux 6.9, which not every header knows. */
#define PIDFD_OF_THREAD O_EXCL

/* The option belongs to the socket, so a second descriptor of it tells. */
bool call_has_socket_timeout(const struct thread_facts *t)
{
    struct timeval time = {0};
    socklen_t size = sizeof time;
    const struct call *c = find_call(t->call);
    if (!c || !c->has_descriptor || c->timeout != TIMEOUT_NEVER)
        return false;
    /* By the thread that waits: the first one may have ended. */
    int process = (int)syscall(SYS_pidfd_open, t->tid, PIDFD_OF_THREAD);
    if (process < 0)
        process = (int)syscall(SYS_pidfd_open, t->pid, 0);
    int fd = process < 0 ? -1
                         : (int)syscall(SYS_pidfd_getfd, process,
                                        (int)t->arguments[0], 0);
    bool told = fd >= 0 && (getsockopt(fd, SOL_SOCKET, timeout_option(t->call),
                                       &time, &size) == 0 ||
                            errno == ENOTSOCK);
    if (fd >= 0)
        close(fd);
    if (process >= 0)
        close(process);
    return !told || time.tv_sec || time.tv_usec;
}
