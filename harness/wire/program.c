#include "program.h"

#include "cell.h"
#include "quiet.h"
#include "sockdiag.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

void program_init(struct program *p, const char *name, char **command)
{
    *p = (struct program){
        .command = command, .pidfd = -1, .out = {.fd = -1}, .err = {.fd = -1}};
    snprintf(p->name, sizeof p->name, "%s", name);
}

static void close_output(struct program_output *o)
{
    if (o->fd >= 0)
        close(o->fd);
    o->fd = -1;
    bytes_free(&o->text);
    bytes_free(&o->last);
    o->total = 0;
}

void program_free(struct program *p)
{
    close_output(&p->out);
    close_output(&p->err);
    if (p->pidfd >= 0)
        close(p->pidfd);
    free(p->before_freeze);
    faults_free(p->faults);
    free(p->trail);
    faults_plan_free(&p->plan);
    free(p->limits.hosts);
    texts_free(&p->environment);
    *p = (struct program){.pidfd = -1, .out = {.fd = -1}, .err = {.fd = -1}};
}

/* ------------------------------- commands ------------------------------ */

char **command_split(const char *text)
{
    char **words = memory_get(sizeof *words);
    int count = 0;
    struct bytes word = {0};
    bool in_word = false;
    char quote = '\0';

    for (;; text++) {
        if (*text == '\0' || (!quote && (*text == ' ' || *text == '\t'))) {
            if (in_word) {
                words = memory_grow(words, (size_t)(count + 2) * sizeof *words);
                words[count++] = memory_text(bytes_text(&word));
                words[count] = NULL;
                bytes_clear(&word);
                in_word = false;
            }
            if (*text == '\0')
                break;
        } else if (!quote && (*text == '\'' || *text == '"')) {
            quote = *text;
            in_word = true;
        } else if (quote && *text == quote) {
            quote = '\0';
        } else {
            if (*text == '\\' && quote != '\'' && text[1])
                text++;
            bytes_add(&word, text, 1);
            in_word = true;
        }
    }
    bytes_free(&word);
    if (!quote && count)
        return words;
    command_free(words);
    return NULL;
}

void command_free(char **words)
{
    for (int i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

/* -------------------------------- start -------------------------------- */

/* The pipes to a program: its two outputs, what the child has to say if it
 * cannot become the program, and when it may. */
struct pipes {
    int out[2], err[2], report[2];
    int go[2]; /* ends when the child may go on: it is traced then */
};

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static bool open_pipes(struct pipes *p)
{
    *p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(p->out, O_CLOEXEC) == 0 && pipe2(p->err, O_CLOEXEC) == 0 &&
        pipe2(p->report, O_CLOEXEC) == 0 && pipe2(p->go, O_CLOEXEC) == 0)
        return true;
    int error = errno;
    close_pair(p->out);
    close_pair(p->err);
    close_pair(p->report);
    errno = error;
    return false;
}

/* What the child tells wire if it cannot become the program. */
struct start_error {
    enum start_result result;
    int error;
    char what[32];
};

static void child_fails(int fd, enum start_result result, const char *what)
{
    struct start_error e = {.result = result, .error = errno};
    snprintf(e.what, sizeof e.what, "%s", what);
    /* Not write(), at which a program may have to stop already (faults.c). */
    struct iovec piece = {&e, sizeof e};
    ssize_t written = pwritev2(fd, &piece, 1, -1, 0);
    _exit(written == (ssize_t)sizeof e ? 127 : 126);
}

static void child_limit(int fd, int resource, long value)
{
    struct rlimit limit = {(rlim_t)value, (rlim_t)value};
    if (value && setrlimit((__rlimit_resource_t)resource, &limit) < 0)
        child_fails(fd, START_IMPOSSIBLE, "setrlimit");
}

/* A mount namespace of its own. */
static void child_namespace(int fd)
{
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        child_fails(fd, START_NO_NAMESPACE, "unshare");
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        child_fails(fd, START_NO_NAMESPACE, "mount /");
}

/* In that, /etc/hosts is our text. */
static void child_hosts(int fd, const char *text)
{
    char path[] = "/tmp/wire-hosts-XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || write(file, text, strlen(text)) < 0 ||
        fchmod(file, 0644) < 0)
        child_fails(fd, START_IMPOSSIBLE, "write /tmp");
    close(file);
    bool good = mount(path, "/etc/hosts", NULL, MS_BIND, NULL) == 0;
    int error = errno;
    unlink(path);
    errno = error;
    if (!good)
        child_fails(fd, START_NO_NAMESPACE, "mount /etc/hosts");
}

static void child_signals(void)
{
    sigset_t none;
    /* The C library keeps two signals from signal(); the kernel does not. */
    struct {
        void *handler;
        unsigned long flags, restorer, mask[2];
    } by_default = {0};
    for (int s = 1; s <= 64; s++)
        syscall(SYS_rt_sigaction, s, &by_default, NULL, 8);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Runs in the child and does not return. */
static void become_program(const struct program *p, char **argv,
                           char **environment, const struct pipes *pipes)
{
    int error_fd = pipes->report[1];
    char none;

    close(pipes->go[1]);
    while (read(pipes->go[0], &none, 1) < 0 && errno == EINTR)
        ;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child_signals();
    bool is_in_cell = p->limits.hidden && p->limits.hidden->count > 0;
    if (p->limits.hosts || is_in_cell)
        child_namespace(error_fd);
    if (p->limits.hosts)
        child_hosts(error_fd, p->limits.hosts);
    if (is_in_cell && !cell_mount(p->limits.hidden))
        child_fails(error_fd, START_IMPOSSIBLE, "hide anything from");
    int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(pipes->out[1], 1);
    dup2(pipes->err[1], 2);
    /* The error pipe must survive until exec, above what gets filled. */
    long reserved = p->limits.fill_fds > 3 ? p->limits.fill_fds : 3;
    int kept = fcntl(error_fd, F_DUPFD_CLOEXEC, (int)reserved);
    for (int fd = 3; fd < kept; fd++)
        close(fd);
    syscall(SYS_close_range, (unsigned)kept + 1, ~0U, 0);
    for (long fd = 3; fd < p->limits.fill_fds; fd++)
        if (open("/dev/null", O_RDONLY) != fd)
            child_fails(kept, START_IMPOSSIBLE, "fill-fds");

    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    child_limit(kept, RLIMIT_NOFILE, p->limits.nofile);
    child_limit(kept, RLIMIT_STACK, p->limits.stack);
    child_limit(kept, RLIMIT_AS, p->limits.memory);
    if (is_in_cell && !cell_drop_rights())
        child_fails(kept, START_IMPOSSIBLE, "drop the rights of");
    if (p->faults && !faults_confine(p->faults))
        child_fails(kept, START_NO_FAULTS, "set a filter for");
    execvpe(argv[0], argv, environment);
    bool for_now = errno == ENOMEM || errno == EAGAIN || errno == ENFILE;
    child_fails(kept, for_now ? START_IMPOSSIBLE : START_NO_PROGRAM, "start");
}

static char **argv_of(const struct program *p, char *const *arguments,
                      int count)
{
    int words = 0;
    while (p->command[words])
        words++;
    char **argv = memory_get((size_t)(words + count + 1) * sizeof *argv);
    for (int i = 0; i < words; i++)
        argv[i] = p->command[i];
    for (int i = 0; i < count; i++)
        argv[words + i] = arguments[i];
    return argv;
}

/* The clean room: what every program gets, and what this check gives it. */
static struct text_list environment_of(const struct program *p)
{
    static const char *const usual[] = {
        "LANG=C.UTF-8", "ASAN_OPTIONS=exitcode=99:color=never",
        "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99",
        "TSAN_OPTIONS=exitcode=99"};
    const char *path = getenv("PATH"), *home = getenv("HOME");
    struct text_list list = {0};
    struct bytes text = {0};

    bytes_printf(&text, "PATH=%s",
                 path ? path : "/usr/local/bin:/usr/bin:/bin");
    texts_add(&list, bytes_text(&text));
    bytes_clear(&text);
    bytes_printf(&text, "HOME=%s", home ? home : "/");
    texts_add(&list, bytes_text(&text));
    bytes_free(&text);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        texts_add(&list, usual[i]);
    /* Only one can look at its threads as a debugger does: wire, then. */
    if (p->plan.count || p->trail)
        texts_set(&list, "ASAN_OPTIONS=detect_leaks=0:exitcode=99:color=never");
    for (int i = 0; i < p->environment.count; i++)
        texts_set(&list, p->environment.texts[i]);
    list.texts =
        memory_grow(list.texts, (size_t)(list.count + 1) * sizeof *list.texts);
    list.texts[list.count] = NULL;
    return list;
}

static void tell_start(const struct program *p, char **argv, struct journal *j)
{
    struct bytes text = {0};
    for (int i = 0; argv[i]; i++) {
        bytes_add_text(&text, i ? " " : "");
        bool quoted = !argv[i][0] || strpbrk(argv[i], " \t\n\"'<>$\\");
        bytes_add_text(&text, quoted ? "\"" : "");
        bytes_add_escaped(&text, argv[i], strlen(argv[i]), 60);
        bytes_add_text(&text, quoted ? "\"" : "");
    }
    struct event *e = journal_event(j, EVENT_START, p->name, "");
    e->number = p->pid;
    bytes_add(&e->value, text.data, text.length);
    bytes_free(&text);
}

enum start_result program_start(struct program *p, char *const *arguments,
                                int count, struct journal *j, struct bytes *why)
{
    struct pipes pipes;
    struct start_error e = {.result = START_DONE};

    close_output(&p->out);
    close_output(&p->err);
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->pidfd = -1;
    if (!open_pipes(&pipes)) {
        bytes_printf(why, "pipe: %s", strerror(errno));
        return START_IMPOSSIBLE;
    }
    char **argv = argv_of(p, arguments, count);
    struct text_list environment = environment_of(p);
    struct faults_wish wish = {&p->plan, p->trail, p->is_fed};
    if ((p->plan.count || p->trail || p->is_fed) && !p->faults)
        p->faults = faults_begin(&wish, p->name, j);
    p->pid = fork();
    if (p->pid == 0)
        become_program(p, argv, environment.texts, &pipes);
    bool traced = p->pid < 0 || !p->faults || faults_trace(p->faults, p->pid);
    int trace_error = errno;
    if (!traced)
        kill(p->pid, SIGKILL);
    close_pair(pipes.go);
    close(pipes.out[1]);
    close(pipes.err[1]);
    close(pipes.report[1]);
    if (p->pid < 0) {
        e.result = START_IMPOSSIBLE;
        bytes_printf(why, "fork: %s", strerror(errno));
    } else if (!traced) {
        e.result = START_NO_FAULTS;
        bytes_printf(why, "ptrace: %s", strerror(trace_error));
        waitpid(p->pid, NULL, 0);
    } else if (read(pipes.report[0], &e, sizeof e) == (ssize_t)sizeof e) {
        bytes_printf(why, "cannot %s \"%s\": %s", e.what, argv[0],
                     strerror(e.error));
        waitpid(p->pid, NULL, 0);
    } else {
        e.result = START_DONE;
    }
    close(pipes.report[0]);
    if (e.result == START_DONE) {
        p->started = true;
        p->ended = p->end_is_fine = p->listening = p->frozen = false;
        p->held_back = p->at_stop = false;
        p->nofile_before = 0;
        p->out.fd = pipes.out[0];
        p->err.fd = pipes.err[0];
        fcntl(p->out.fd, F_SETFL, O_NONBLOCK);
        fcntl(p->err.fd, F_SETFL, O_NONBLOCK);
        p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
        if (p->pidfd >= 0)
            fcntl(p->pidfd, F_SETFD, FD_CLOEXEC);
        tell_start(p, argv, j);
    } else {
        close(pipes.out[0]);
        close(pipes.err[0]);
    }
    texts_free(&environment);
    free(argv);
    return e.result;
}

/* ------------------------------- running ------------------------------- */

bool output_has(const struct program_output *o, const void *data, size_t length)
{
    return bytes_contain(&o->text, data, length) ||
           bytes_contain(&o->last, data, length);
}

static void keep_last(struct bytes *last, const char *data, size_t length)
{
    bytes_add(last, data, length);
    if (last->length > 2UL * PROGRAM_LAST_MAX)
        bytes_drop(last, last->length - PROGRAM_LAST_MAX);
}

static void tell_output(struct journal *j, const char *actor,
                        const char *stream, const char *data, size_t length)
{
    if (!length)
        return;
    journal_data(j, EVENT_OUTPUT, actor, "", data, length);
    snprintf(j->events[j->count - 1].key, sizeof j->events[j->count - 1].key,
             "%s", stream);
}

static void tell_last(const struct program *p, const struct program_output *o,
                      const char *stream, struct journal *j)
{
    size_t length = o->last.length;
    if (!length)
        return;
    size_t kept = length < PROGRAM_LAST_MAX ? length : PROGRAM_LAST_MAX;
    journal_about(j, "output-cut", p->name);
    tell_output(j, p->name, stream, o->last.data + length - kept, kept);
}

void program_tell_last(const struct program *p, struct journal *j)
{
    tell_last(p, &p->out, "stdout", j);
    tell_last(p, &p->err, "stderr", j);
}

static bool pump_output(struct program *p, struct program_output *o,
                        const char *stream, struct journal *j)
{
    char buffer[16384];
    bool moved = false;

    /* A program that prints without end must not keep wire from its work. */
    for (int round = 0; o->fd >= 0 && round < 16; round++) {
        ssize_t n = read(o->fd, buffer, sizeof buffer);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <= 0) {
            close(o->fd);
            o->fd = -1;
            break;
        }
        size_t room = PROGRAM_OUTPUT_MAX - o->text.length;
        size_t kept = (size_t)n < room ? (size_t)n : room;
        bytes_add(&o->text, buffer, kept);
        tell_output(j, p->name, stream, buffer, kept);
        keep_last(&o->last, buffer + kept, (size_t)n - kept);
        o->total += (size_t)n;
        moved = true;
    }
    return moved;
}

/* Which of two threads is faster is chance, and nearly always the same chance.
 * A debugger has the means to turn it round: it stops the first thread before
 * and after each of its system calls, and lets it go on when the others have
 * done all that this has led to. */
bool program_hold_back(struct program *p)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;

    if (ptrace(PTRACE_SEIZE, p->pid, NULL, options) == -1 ||
        ptrace(PTRACE_INTERRUPT, p->pid, NULL, NULL) == -1)
        return false;
    p->held_back = true;
    return true;
}

void program_let_loose(struct program *p)
{
    if (!p->held_back || p->ended)
        return;
    p->held_back = false;
    if (!p->at_stop)
        ptrace(PTRACE_INTERRUPT, p->pid, NULL, NULL);
}

/* The first thread stands still: before or after a system call, or with a
 * signal that it is to get. */
static void note_stop(struct program *p, int status)
{
    int signal = WSTOPSIG(status);
    bool by_itself = status >> 16 == 0 && signal != (SIGTRAP | 0x80);

    p->at_stop = true;
    p->stops++;
    p->stop_signal = by_itself ? signal : 0;
}

static bool let_go_on(struct program *p)
{
    pid_t pids[PROCESSES_MAX];

    if (!p->held_back) {
        p->at_stop = false;
        ptrace(PTRACE_DETACH, p->pid, NULL, (long)p->stop_signal);
        return true;
    }
    if (!quiet_but_for(p->pid, pids, program_tree(p, pids)))
        return false;
    p->at_stop = false;
    ptrace(PTRACE_SYSCALL, p->pid, NULL, (long)p->stop_signal);
    return true;
}

bool program_pump(struct program *p, struct journal *j)
{
    if (!p->started)
        return false;
    bool moved = pump_output(p, &p->out, "stdout", j);
    moved |= pump_output(p, &p->err, "stderr", j);
    int status = 0;
    bool heard = false;
    p->stirred = false;
    if (p->faults)
        p->stirred = faults_pump(p->faults, &heard, &status);
    else
        heard = !p->ended && waitpid(p->pid, &status, WNOHANG) == p->pid;
    if (heard && WIFSTOPPED(status)) {
        note_stop(p, status);
        moved = true;
    } else if (heard) {
        struct bytes text = {0};
        /* Its last words first. */
        pump_output(p, &p->out, "stdout", j);
        pump_output(p, &p->err, "stderr", j);
        p->ended = true;
        p->status = status;
        p->listening = false;
        program_describe_end(p, &text);
        journal_text(j, EVENT_EXIT, p->name, "%s", bytes_text(&text));
        bytes_free(&text);
        moved = true;
    }
    if (p->at_stop && !p->ended)
        moved |= let_go_on(p);
    return moved;
}

void program_signal(struct program *p, int signal, struct journal *j)
{
    if (!p->started || p->ended)
        return;
    kill(p->pid, signal);
    journal_text(j, EVENT_SIGNAL, p->name, "%s", signal_name(signal));
}

bool program_is_dying(const struct program *p)
{
    if (!p->started || p->ended)
        return false;
    char state = process_state(p->pid);
    return !state || state == 'Z' || state == 'X';
}

int program_tree(const struct program *p, pid_t *pids)
{
    if (!p->started || p->ended)
        return 0;
    pids[0] = p->pid;
    pid_t below[PROCESSES_MAX];
    int count = process_tree(p->pid, below);
    if (count > PROCESSES_MAX - 1)
        count = PROCESSES_MAX - 1;
    memcpy(pids + 1, below, (size_t)count * sizeof *pids);
    return count + 1;
}

void program_kill(const struct program *p)
{
    if (p->started && !p->ended) {
        kill(-p->pid, SIGKILL);
        kill(p->pid, SIGKILL);
    }
}

/* How long it is looked for processes that cannot be seen. */
#define UNSEEN_MS 200

void programs_end_all(void)
{
    pid_t pids[PROCESSES_MAX];
    int unseen = 0;
    cell_end();
    while (unseen < UNSEEN_MS) {
        int count = process_tree(getpid(), pids);
        for (int i = 0; i < count; i++)
            kill(pids[i], SIGKILL);
        /* All dead children are reaped, and dead threads where they are traced;
         * a killed one needs a moment to die, and waitpid sleeps until it has.
         */
        pid_t dead = waitpid(-1, NULL, __WALL | (count ? 0 : WNOHANG));
        if (dead < 0 && errno == ECHILD)
            return;
        while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
            ;
        /* There are children, and /proc does not show them: it may be out of
         * reach for good. */
        if (!count && dead == 0) {
            poll(NULL, 0, 1);
            unseen++;
        }
    }
}

struct listener_search {
    struct program *program;
    const struct descriptor *descriptors;
    int count;
};

static bool is_listener(const struct socket_facts *facts, void *context)
{
    struct listener_search *s = context;
    for (int i = 0; i < s->count; i++)
        if (s->descriptors[i].socket &&
            s->descriptors[i].socket == facts->inode) {
            s->program->listening = true;
            s->program->address = facts->local;
            s->program->listener = facts->inode;
            s->program->last_port = address_port(&facts->local);
            return false;
        }
    return true;
}

bool program_find_listener(struct program *p)
{
    pid_t pids[PROCESSES_MAX];
    int count = program_tree(p, pids);

    p->listening = false;
    for (int i = 0; i < count && !p->listening; i++) {
        struct descriptor *list;
        int n = process_descriptors(pids[i], &list);
        bool has_socket = false;
        for (int k = 0; k < n; k++)
            has_socket |= list[k].socket != 0;
        struct listener_search s = {p, list, n};
        if (has_socket)
            sockdiag_each(TCP_STATE_LISTEN, is_listener, &s);
        free(list);
    }
    return p->listening;
}

/* -------------------------------- words -------------------------------- */

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGHUP, "SIGHUP"},     {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
    {SIGILL, "SIGILL"},     {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},
    {SIGFPE, "SIGFPE"},     {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},
    {SIGSEGV, "SIGSEGV"},   {SIGUSR2, "SIGUSR2"}, {SIGPIPE, "SIGPIPE"},
    {SIGALRM, "SIGALRM"},   {SIGTERM, "SIGTERM"}, {SIGCHLD, "SIGCHLD"},
    {SIGCONT, "SIGCONT"},   {SIGSTOP, "SIGSTOP"}, {SIGXCPU, "SIGXCPU"},
    {SIGXFSZ, "SIGXFSZ"},   {SIGSYS, "SIGSYS"},   {SIGTRAP, "SIGTRAP"},
    {SIGWINCH, "SIGWINCH"},
};

const char *signal_name(int number)
{
    static char text[32];
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (signals[i].number == number)
            return signals[i].name;
    snprintf(text, sizeof text, "signal %d", number);
    return text;
}

int signal_number(const char *name)
{
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(signals[i].name, name) == 0)
            return signals[i].number;
    return 0;
}

void describe_end(int status, struct bytes *out)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (number)
        bytes_printf(out, "was killed by %s%s", signal_name(number),
                     number == SIGXCPU   ? " (too much time on a processor)"
                     : number == SIGXFSZ ? " (too large a file)"
                                         : "");
    else
        bytes_printf(out, "exited with status %d", WEXITSTATUS(status));
}

void program_describe_end(const struct program *p, struct bytes *out)
{
    if (p->excess)
        bytes_printf(out, "used more than %s, and was ended", p->excess);
    else
        describe_end(p->status, out);
}

void program_become_subreaper(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}
