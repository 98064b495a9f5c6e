#include "faults.h"

#include "call_change.h"
#include "calls.h"
#include "process.h"
#include "sockdiag.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>

/* ------------------------------- the calls ------------------------------ */

static const struct traced_call {
    int number;
    enum fault_call call;
    enum cut cut;
    int flags; /* which argument has the MSG_ flags; 0: none has */
} traced_calls[] = {
    {SYS_accept, FAULT_ACCEPT, CUT_NOT, 0},
    {SYS_accept4, FAULT_ACCEPT, CUT_NOT, 0},
    {SYS_read, FAULT_RECV, CUT_BYTES, 0},
    {SYS_readv, FAULT_RECV, CUT_BUFFERS, 0},
    {SYS_recvfrom, FAULT_RECV, CUT_BYTES, 3},
    {SYS_recvmsg, FAULT_RECV, CUT_MESSAGE, 2},
    {SYS_write, FAULT_SEND, CUT_BYTES, 0},
    {SYS_writev, FAULT_SEND, CUT_BUFFERS, 0},
    {SYS_sendto, FAULT_SEND, CUT_BYTES, 3},
    {SYS_sendmsg, FAULT_SEND, CUT_MESSAGE, 2},
    {SYS_connect, FAULT_CONNECT, CUT_NOT, 0},
    /* for the trail alone */
    {SYS_socket, FAULT_CALLS, CUT_NOT, 0},
    {SYS_bind, FAULT_CALLS, CUT_NOT, 0},
    {SYS_listen, FAULT_CALLS, CUT_NOT, 0},
    {SYS_getsockopt, FAULT_CALLS, CUT_NOT, 0},
    {SYS_setsockopt, FAULT_CALLS, CUT_NOT, 0},
    {SYS_getsockname, FAULT_CALLS, CUT_NOT, 0},
    {SYS_getpeername, FAULT_CALLS, CUT_NOT, 0},
    {SYS_shutdown, FAULT_CALLS, CUT_NOT, 0},
    {SYS_close, FAULT_CALLS, CUT_NOT, 0},
    {SYS_exit_group, FAULT_CALLS, CUT_NOT, 0},
    {SYS_rt_sigreturn, FAULT_CALLS, CUT_NOT, 0},
    /* waits */
    {SYS_ppoll, FAULT_WAIT, CUT_NOT, 0},
    {SYS_pselect6, FAULT_WAIT, CUT_NOT, 0},
    {SYS_epoll_pwait, FAULT_WAIT, CUT_NOT, 0},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, FAULT_WAIT, CUT_NOT, 0},
#endif
#ifdef SYS_poll
    {SYS_poll, FAULT_WAIT, CUT_NOT, 0},
#endif
#ifdef SYS_select
    {SYS_select, FAULT_WAIT, CUT_NOT, 0},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, FAULT_WAIT, CUT_NOT, 0},
#endif
};

#define TRACED_CALLS ((int)(sizeof traced_calls / sizeof *traced_calls))

static const struct traced_call *find_call(unsigned long long number)
{
    for (int i = 0; i < TRACED_CALLS; i++)
        if ((unsigned long long)traced_calls[i].number == number)
            return &traced_calls[i];
    return NULL;
}

/* ------------------------------- the filter ----------------------------- */

static bool is_wanted(const struct faults_wish *w, enum fault_call call)
{
    return w->trail || (w->feeds && call == FAULT_RECV) ||
           faults_plan_is_about(w->plan, call);
}

/* Looks at the architecture first: elsewhere the same numbers mean other calls,
 * and those pass. */
static unsigned short write_filter(const struct faults_wish *wish,
                                   struct sock_filter *out)
{
    const unsigned architecture = offsetof(struct seccomp_data, arch);
    const unsigned number = offsetof(struct seccomp_data, nr);
    int wanted[TRACED_CALLS], count = 0, at = 0;

    for (int i = 0; i < TRACED_CALLS; i++)
        if (is_wanted(wish, traced_calls[i].call))
            wanted[count++] = traced_calls[i].number;
    out[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, architecture);
    out[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                             CALL_ARCHITECTURE, 0,
                                             (unsigned char)(count + 1));
    out[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, number);
    for (int i = 0; i < count; i++)
        out[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 (unsigned)wanted[i],
                                                 (unsigned char)(count - i), 0);
    out[at++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    out[at++] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    return (unsigned short)at;
}

/* ------------------------------ who is traced --------------------------- */

struct traced_process {
    pid_t pid;
    int pidfd;
    unsigned long counts[FAULT_CALLS];
};

struct traced_thread {
    pid_t tid;
    int process;  /* whose; an index */
    bool stopped; /* by a signal, as all threads of its process */
    bool at_call; /* held back until that time, or until there is something
                     to receive from this descriptor, unless it is -1 */
    double until;
    int hungry;
    bool is_followed;          /* inside a call of the trail */
    struct call_change change; /* of the call that it is inside */
};

struct faults {
    pid_t first;
    struct faults_wish wish;
    int fed_port;
    unsigned long fed;
    const char *actor;
    struct journal *journal;
    int wake; /* tells of SIGCHLD */
    struct traced_process *processes;
    struct traced_thread *threads;
    int process_count, thread_count;
};

static int find_process(struct faults *f, pid_t pid)
{
    for (int i = 0; i < f->process_count; i++)
        if (f->processes[i].pid == pid)
            return i;
    f->processes = memory_grow(f->processes, (size_t)(f->process_count + 1) *
                                                 sizeof *f->processes);
    f->processes[f->process_count] = (struct traced_process){
        .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
    return f->process_count++;
}

static struct traced_thread *find_thread(const struct faults *f, pid_t tid)
{
    for (int i = 0; i < f->thread_count; i++)
        if (f->threads[i].tid == tid)
            return &f->threads[i];
    return NULL;
}

static void add_thread(struct faults *f, pid_t tid)
{
    if (find_thread(f, tid))
        return;
    pid_t pid = process_of_thread(tid);
    f->threads = memory_grow(f->threads, (size_t)(f->thread_count + 1) *
                                             sizeof *f->threads);
    f->threads[f->thread_count++] = (struct traced_thread){
        .tid = tid, .process = find_process(f, pid ? pid : tid), .hungry = -1};
}

static void forget_thread(struct faults *f, pid_t tid)
{
    struct traced_thread *t = find_thread(f, tid);
    int process = t->process;
    *t = f->threads[--f->thread_count];
    for (int i = 0; i < f->thread_count; i++)
        if (f->threads[i].process == process)
            return;
    /* Its number may be given to another process, which begins anew. */
    if (f->processes[process].pidfd >= 0)
        close(f->processes[process].pidfd);
    f->processes[process].pidfd = -1;
    f->processes[process].pid = 0;
}

static int open_wake(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    return signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct faults *faults_begin(const struct faults_wish *wish, const char *actor,
                            struct journal *j)
{
    struct faults *f = memory_get(sizeof *f);
    *f = (struct faults){
        .wish = *wish, .actor = actor, .journal = j, .wake = open_wake()};
    return f;
}

void faults_feed(struct faults *f, int port)
{
    f->fed_port = port;
    if (port)
        f->fed = 0;
}

unsigned long faults_fed(const struct faults *f)
{
    return f->fed;
}

bool faults_trace(struct faults *f, pid_t pid)
{
    long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD |
                   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;

    if (ptrace(PTRACE_SEIZE, pid, NULL, options) == -1)
        return false;
    f->first = pid;
    add_thread(f, pid);
    return true;
}

bool faults_confine(const struct faults *f)
{
    struct sock_filter code[TRACED_CALLS + 8];
    struct sock_fprog filter = {.filter = code};

    if (CALL_ARCHITECTURE == 0) {
        errno = ENOSYS;
        return false;
    }
    filter.len = write_filter(&f->wish, code);
    /* Else the kernel turns off what makes branches fast, in all programs with
     * a filter. */
    unsigned flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0;
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->process_count; i++)
        if (f->processes[i].pidfd >= 0)
            close(f->processes[i].pidfd);
    if (f->wake >= 0)
        close(f->wake);
    free(f->processes);
    free(f->threads);
    free(f);
}

int faults_wake(const struct faults *f)
{
    return f->wake;
}

bool faults_all_stopped(const struct faults *f)
{
    for (int i = 0; i < f->thread_count; i++)
        if (!f->threads[i].stopped)
            return false;
    return true;
}

bool faults_has_running(const struct faults *f, pid_t tid)
{
    const struct traced_thread *t = find_thread(f, tid);
    return t && !t->stopped && !t->at_call;
}

/* --------------------------- what is legal where ------------------------ */

struct place {
    bool is_tcp, is_non_blocking;
    int port;      /* of the other end */
    bool is_empty; /* there is nothing to receive */
};

/* Through a descriptor of our own for the same socket, as in process.c. */
static struct place look_at(const struct traced_process *p, int fd)
{
    struct place place = {0};
    int own = (int)syscall(SYS_pidfd_getfd, p->pidfd, fd, 0);
    if (own < 0)
        return place;
    int protocol = 0;
    socklen_t size = sizeof protocol;
    place.is_tcp =
        getsockopt(own, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
        protocol == IPPROTO_TCP;
    place.is_non_blocking = fcntl(own, F_GETFL) & O_NONBLOCK;
    struct sockaddr_storage peer = {0};
    size = sizeof peer;
    if (getpeername(own, (struct sockaddr *)&peer, &size) == 0)
        place.port = address_port(&peer);
    struct pollfd look = {.fd = own, .events = POLLIN};
    place.is_empty = poll(&look, 1, 0) == 0;
    close(own);
    return place;
}

static bool is_legal(const struct traced_process *p,
                     const struct traced_call *c, const struct place *place,
                     const struct fault *fault,
                     const struct ptrace_syscall_info *info)
{
    unsigned long long flags = c->flags ? info->seccomp.args[c->flags] : 0;
    switch (fault->kind) {
    case FAULT_NONE:
        return false;
    case FAULT_FAIL:
        return fault->number != EAGAIN ||
               (place->is_non_blocking && !(flags & MSG_DONTWAIT) &&
                !descriptor_has_edges(p->pid, (int)info->seccomp.args[0]));
    case FAULT_SHORT:
        return c->cut != CUT_NOT && !(flags & MSG_WAITALL);
    case FAULT_DELAY:
        return true;
    }
    return false;
}

/* -------------------------------- the fault ----------------------------- */

/* Faults of one kind that follow each other are one event: a long text in
 * pieces of a few bytes would fill the ladder. */
static void tell(struct faults *f, enum fault_call call, const char *what,
                 const char *text)
{
    struct journal *j = f->journal;
    struct event *last = j->count ? &j->events[j->count - 1] : NULL;
    if (last && last->kind == EVENT_FAULT &&
        strcmp(last->actor, f->actor) == 0 &&
        strncmp(bytes_text(&last->value), what, strlen(what)) == 0) {
        last->number++;
        if (strcmp(bytes_text(&last->value), text) == 0)
            return;
        bytes_clear(&last->value);
        bytes_add_text(&last->value, what);
        return;
    }
    struct event *e = journal_event(j, EVENT_FAULT, f->actor, "");
    snprintf(e->key, sizeof e->key, "%s", fault_call_word(call));
    bytes_add_text(&e->value, text);
    e->number = 1;
}

static const char *fault_words(enum fault_kind kind)
{
    return kind == FAULT_FAIL    ? "made to fail"
           : kind == FAULT_SHORT ? "cut short"
                                 : "held back";
}

static void tell_fault(struct faults *f, enum fault_call call, long number,
                       const struct fault *fault)
{
    char what[80], text[160];
    snprintf(what, sizeof what, "%s() is %s", call_name(number),
             fault_words(fault->kind));
    if (fault->kind == FAULT_FAIL)
        snprintf(text, sizeof text, "%s: %s", what,
                 strerrorname_np((int)fault->number));
    else if (fault->kind == FAULT_SHORT)
        snprintf(text, sizeof text, "%s: %ld byte%s", what, fault->number,
                 fault->number == 1 ? "" : "s");
    else
        snprintf(text, sizeof text, "%s: %ld ms", what, fault->number);
    tell(f, call, what, text);
}

static bool apply(struct traced_thread *t, const struct traced_call *c,
                  const struct fault *fault,
                  const unsigned long long *arguments, bool delays)
{
    switch (fault->kind) {
    case FAULT_NONE:
        return false;
    case FAULT_FAIL:
        return call_leave_out(t->tid, (int)fault->number);
    case FAULT_SHORT:
        return call_cut(&t->change, t->tid, c->cut, arguments,
                        (unsigned long)fault->number);
    case FAULT_DELAY:
        t->at_call = delays;
        t->until = clock_ms() + (double)fault->number;
        return delays;
    }
    return false;
}

static bool makes_tcp(const unsigned long long *arguments)
{
    int type = (int)arguments[1] & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    return (arguments[0] == AF_INET || arguments[0] == AF_INET6) &&
           type == SOCK_STREAM;
}

/* The first argument is the descriptor of one. */
static bool has_socket(long number)
{
    return number != SYS_socket && number != SYS_exit_group &&
           number != SYS_rt_sigreturn &&
           find_call((unsigned long long)number)->call != FAULT_WAIT;
}

/* The thread is about to make a call that the plan is about, or the trail. */
static void meet_call(struct faults *f, struct traced_thread *t, bool delays)
{
    struct ptrace_syscall_info info;
    struct traced_process *p = &f->processes[t->process];
    struct place place = {0};

    if (ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_INFO, t->tid,
               sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_SECCOMP)
        return;
    const struct traced_call *c = find_call(info.seccomp.nr);
    if (!c)
        return;
    if (c->number == SYS_socket && !makes_tcp(info.seccomp.args))
        return;
    if (has_socket(c->number)) {
        place = look_at(p, (int)info.seccomp.args[0]);
        if (!place.is_tcp)
            return;
    }
    const char *done = NULL;
    if (c->call == FAULT_RECV && f->fed_port && place.port == f->fed_port) {
        f->fed++;
        if (place.is_empty && delays) {
            t->at_call = true;
            t->hungry = (int)info.seccomp.args[0];
        }
    }
    if (c->call != FAULT_CALLS) {
        struct fault fault =
            faults_plan_choose(f->wish.plan, c->call, ++p->counts[c->call]);
        if (is_legal(p, c, &place, &fault, &info) &&
            apply(t, c, &fault, info.seccomp.args, delays)) {
            tell_fault(f, c->call, c->number, &fault);
            done = fault_words(fault.kind);
        }
    }
    if (f->wish.trail) {
        trail_enter(f->wish.trail, t->tid, c->number, info.seccomp.args, done);
        t->is_followed = true;
    }
}

/* It comes out of the call. */
static void meet_return(struct faults *f, struct traced_thread *t)
{
    struct ptrace_syscall_info info;

    call_make_whole(&t->change, t->tid);
    if (t->is_followed &&
        ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_INFO, t->tid,
               sizeof info, &info) > 0 &&
        info.op == PTRACE_SYSCALL_INFO_EXIT)
        trail_leave(f->wish.trail, t->tid, (long)info.exit.rval);
    t->is_followed = false;
}

/* -------------------------------- the stops ----------------------------- */

static bool is_stop_signal(int signal)
{
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
           signal == SIGTTOU;
}

static int meet_stop(struct faults *f, struct traced_thread *t, int status,
                     bool delays)
{
    int signal = WSTOPSIG(status), event = status >> 16;
    unsigned long child;

    t->stopped = false;
    switch (event) {
    case 0:
        if (signal != (SIGTRAP | 0x80)) {
            if (f->wish.trail && !is_stop_signal(signal) && signal != SIGCONT)
                trail_signal(f->wish.trail, t->tid, signal);
            return signal;
        }
        meet_return(f, t);
        break;
    case PTRACE_EVENT_SECCOMP:
        meet_call(f, t, delays);
        break;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
        if (ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &child) == 0)
            add_thread(f, (pid_t)child);
        break;
    case PTRACE_EVENT_STOP:
        t->stopped = is_stop_signal(signal);
        break;
    default:
        break;
    }
    return 0;
}

int faults_at_stop(struct faults *f, pid_t tid, int status)
{
    struct traced_thread *t = find_thread(f, tid);
    return t ? meet_stop(f, t, status, false) : 0;
}

void faults_go_on(struct faults *f, pid_t tid, int signal)
{
    const struct traced_thread *t = find_thread(f, tid);
    /* One that a signal has stopped stays so, and tells when it goes on. */
    enum __ptrace_request how = t && t->stopped ? PTRACE_LISTEN
                                : t && (t->change.is_cut || t->is_followed)
                                    ? PTRACE_SYSCALL
                                    : PTRACE_CONT;
    ptrace(how, tid, NULL, (long)signal);
}

/* True if the thread had stopped, or has ended. */
static bool pump_thread(struct faults *f, pid_t tid, bool *ended,
                        int *last_status)
{
    int status;
    pid_t told = waitpid(tid, &status, WNOHANG | __WALL);

    if (told == 0)
        return false;
    if (told == tid && WIFSTOPPED(status)) {
        int signal = meet_stop(f, find_thread(f, tid), status, true);
        if (!find_thread(f, tid)->at_call)
            faults_go_on(f, tid, signal);
        return true;
    }
    if (told == tid && tid == f->first) {
        *ended = true;
        *last_status = status;
    }
    forget_thread(f, tid);
    return true;
}

static bool is_hungry(const struct faults *f, const struct traced_thread *t)
{
    return t->hungry >= 0 && f->fed_port &&
           look_at(&f->processes[t->process], t->hungry).is_empty;
}

static bool let_go(struct faults *f, struct traced_thread *t)
{
    if (!t->at_call || clock_ms() < t->until || is_hungry(f, t))
        return false;
    t->at_call = false;
    t->hungry = -1;
    faults_go_on(f, t->tid, 0);
    return true;
}

/* Threads that stop again and again must not keep wire from its peers. */
#define PUMP_MS 5

bool faults_pump(struct faults *f, bool *ended, int *status)
{
    struct signalfd_siginfo told[16];
    double until = clock_ms() + PUMP_MS;
    bool any = false, again = true;

    *ended = false;
    while (read(f->wake, told, sizeof told) > 0)
        ;
    while (again && !*ended && clock_ms() < until) {
        again = false;
        for (int i = f->thread_count; i-- > 0;) {
            again |= pump_thread(f, f->threads[i].tid, ended, status);
            if (i < f->thread_count)
                again |= let_go(f, &f->threads[i]);
        }
        any |= again;
    }
    return any;
}
