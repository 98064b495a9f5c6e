#include "spin.h"

#include "journal.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

/* So many calls are looked at; so often they must have come round; and so long
 * is waited for each of them, and for all, in milliseconds: on a busy machine
 * the thread has to wait for its turn. */
#define CALLS_WATCHED 128
#define ROUNDS_WANTED 8
#define CALL_MS 60
#define WATCH_MS 2000

static bool same_call(const struct spin_call *a, const struct spin_call *b)
{
    return a->call == b->call && a->result == b->result && a->fd == b->fd;
}

/* Calls that ask whether something has come, or something can go; a call that
 * is not here may be work. */
enum kind {
    MOVES,   /* bytes or a connection, if there are any: its result tells */
    READY,   /* asks which of many can move something: a round begins here */
    ASKS,    /* something else of a descriptor */
    NEUTRAL, /* beside others; alone it says nothing */
};

static const struct asking {
    long call;
    enum kind kind;
} askings[] = {
    {SYS_read, MOVES},
    {SYS_readv, MOVES},
    {SYS_recvfrom, MOVES},
    {SYS_recvmsg, MOVES},
    {SYS_write, MOVES},
    {SYS_writev, MOVES},
    {SYS_sendto, MOVES},
    {SYS_sendmsg, MOVES},
    {SYS_accept, MOVES},
    {SYS_accept4, MOVES},
    {SYS_connect, ASKS},
    {SYS_close, ASKS},
    {SYS_shutdown, ASKS},
    {SYS_getsockopt, ASKS},
    {SYS_getpeername, ASKS},
    {SYS_ioctl, ASKS},
    {SYS_fcntl, ASKS},
    {SYS_epoll_ctl, ASKS},
    {SYS_clock_gettime, NEUTRAL},
    {SYS_sched_yield, NEUTRAL},
    {SYS_ppoll, READY},
    {SYS_pselect6, READY},
    {SYS_epoll_pwait, READY},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, READY},
#endif
#ifdef SYS_poll
    {SYS_poll, READY},
#endif
#ifdef SYS_select
    {SYS_select, READY},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, READY},
#endif
};

static const struct asking *find_asking(long call)
{
    for (size_t i = 0; i < sizeof askings / sizeof *askings; i++)
        if (askings[i].call == call)
            return &askings[i];
    return NULL;
}

/* What is printed by the way moves nothing. */
static bool asks(const struct spin_call *c)
{
    const struct asking *a = find_asking(c->call);
    if (!a)
        return false;
    bool is_accept = c->call == SYS_accept || c->call == SYS_accept4;
    bool prints = c->fd == 1 || c->fd == 2;
    return a->kind != MOVES || prints || c->result < (is_accept ? 0 : 1);
}

/* Where to begin to tell of a round of calls; -1: it proves nothing. */
static int begin_of(const struct spin_call *calls, int count)
{
    int begin = -1;
    for (int i = count - 1; i >= 0; i--) {
        enum kind kind = find_asking(calls[i].call)->kind;
        if (kind == READY)
            begin = i;
        else if (kind != NEUTRAL && begin < 0)
            begin = i;
    }
    return begin;
}

/* Looks for the shortest round that all of the calls are made of. */
static bool find_round(const struct spin_call *calls, int count,
                       struct spin *out)
{
    for (int i = 0; i < count; i++)
        if (!asks(&calls[i]))
            return false;
    for (int round = 1;
         round <= SPIN_CALLS_MAX && round * ROUNDS_WANTED <= count; round++) {
        int same = round;
        while (same < count && same_call(&calls[same], &calls[same - round]))
            same++;
        if (same < count)
            continue;
        int begin = begin_of(calls, round);
        for (int i = 0; i < round && begin >= 0; i++)
            out->calls[i] = calls[begin + i];
        out->count = begin < 0 ? 0 : round;
        return begin >= 0;
    }
    return false;
}

enum stop { STOP_CALL, STOP_OTHER, STOP_LATE, STOP_GONE };

/* Waits until the thread stops. Its end is left for whoever waits for that. */
static enum stop wait_for_stop(pid_t tid, struct faults *faults, double until,
                               int *signal)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    *signal = 0;
    for (;;) {
        int status;
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)tid, &info,
                   WEXITED | WSTOPPED | WNOWAIT | WNOHANG | __WALL) < 0)
            return STOP_GONE;
        if (info.si_pid && info.si_code != CLD_STOPPED &&
            info.si_code != CLD_TRAPPED)
            return STOP_GONE;
        if (info.si_pid && waitpid(tid, &status, __WALL) == tid) {
            if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
                if (faults)
                    faults_at_stop(faults, tid, status);
                return STOP_CALL;
            }
            if (faults)
                *signal = faults_at_stop(faults, tid, status);
            else if (status >> 16 == 0)
                *signal = WSTOPSIG(status);
            return STOP_OTHER;
        }
        double left = until - clock_ms();
        if (left <= 0)
            return STOP_LATE;
        struct timespec time = {0, (long)(left * 1e6) % 1000000000L};
        sigtimedwait(&child, NULL, &time);
    }
}

/* The call that the stopped thread comes out of; T is what it went into one
 * with. False: it goes into one. */
static bool read_call(struct thread_facts *t, struct spin_call *c, bool *inside)
{
    struct ptrace_syscall_info info;
    long size = ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_INFO, t->tid,
                       sizeof info, &info);
    if (size <= 0)
        return false;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        t->call = (long)info.entry.nr;
        for (int i = 0; i < 6; i++)
            t->arguments[i] = info.entry.args[i];
        *inside = true;
        return false;
    }
    if (info.op != PTRACE_SYSCALL_INFO_EXIT || !*inside)
        return false;
    *c = (struct spin_call){.call = t->call,
                            .fd = call_descriptor(t),
                            .result = (long)info.exit.rval};
    if (c->result > 0)
        c->told_count = call_awaits(t, true, c->told, SPIN_TOLD_MAX);
    *inside = false;
    return true;
}

/* It can be let go only where it stands still. */
static void let_go(pid_t tid, struct faults *faults, int signal)
{
    if (faults)
        faults_go_on(faults, tid, signal);
    else
        ptrace(PTRACE_DETACH, tid, NULL, (long)signal);
}

/* Of what ends while it is watched the watcher has to take note: nobody else
 * can before, and a thread holds up the end of its process, and a process that
 * of its parent's wait. But wire's own children are waited for elsewhere. */
static void take_note(const struct thread_facts *t)
{
    if (t->tid != t->pid || process_parent(t->pid) != getpid())
        waitpid(t->tid, NULL, WNOHANG | __WALL);
}

static int record(const struct thread_facts *t, struct faults *faults,
                  struct spin_call *calls)
{
    pid_t tid = t->tid;
    struct thread_facts watched = {.pid = t->pid, .tid = tid};
    double begin = clock_ms();
    bool inside = false;
    int count = 0, signal;
    enum stop stop = wait_for_stop(tid, faults, begin + CALL_MS, &signal);

    while (count < CALLS_WATCHED && clock_ms() - begin < WATCH_MS &&
           (stop == STOP_CALL || stop == STOP_OTHER)) {
        if (stop == STOP_CALL && read_call(&watched, &calls[count], &inside))
            count++;
        ptrace(PTRACE_SYSCALL, tid, NULL, (long)signal);
        stop = wait_for_stop(tid, faults, clock_ms() + CALL_MS, &signal);
    }
    if (stop == STOP_LATE && ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0)
        stop = wait_for_stop(tid, faults, clock_ms() + 1000, &signal);
    if (stop == STOP_CALL || stop == STOP_OTHER)
        let_go(tid, faults, signal);
    if (stop == STOP_GONE)
        take_note(t);
    return count;
}

static bool seize(pid_t tid)
{
    return ptrace(PTRACE_SEIZE, tid, NULL, (long)PTRACE_O_TRACESYSGOOD) == 0;
}

bool spin_watch(const struct thread_facts *t, struct faults *faults,
                struct spin *out)
{
    struct spin_call calls[CALLS_WATCHED];
    sigset_t child, before;
    int count = 0;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    if (faults || seize(t->tid)) {
        if (ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) == 0)
            count = record(t, faults, calls);
        else
            take_note(t);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    out->pid = t->pid;
    return count == CALLS_WATCHED && find_round(calls, count, out);
}
