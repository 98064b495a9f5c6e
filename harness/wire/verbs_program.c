/* Starting, stopping and squeezing programs. */
#include "run.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------- before -------------------------------- */

static bool set_limit(struct run *r, const struct target *t,
                      const struct step *s, long *limit)
{
    return run_number(r, t, &s->values[0], limit);
}

bool verb_limit_nofile(struct run *r, const struct target *t,
                       const struct step *s)
{
    return set_limit(r, t, s, &run_program(r, t)->limits.nofile);
}

bool verb_limit_stack(struct run *r, const struct target *t,
                      const struct step *s)
{
    return set_limit(r, t, s, &run_program(r, t)->limits.stack);
}

bool verb_limit_memory(struct run *r, const struct target *t,
                       const struct step *s)
{
    /* A sanitizer reserves a great deal of address space. */
    return r->sanitized ||
           set_limit(r, t, s, &run_program(r, t)->limits.memory);
}

bool verb_fill_fds(struct run *r, const struct target *t, const struct step *s)
{
    return set_limit(r, t, s, &run_program(r, t)->limits.fill_fds);
}

bool verb_hosts(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    struct bytes name = {0}, text = {0};
    bool good = run_bytes(r, t, &s->values[0], &name);
    for (int i = 1; i < s->value_count && good; i++) {
        good = run_bytes(r, t, &s->values[i], &text);
        bytes_printf(&text, " %s\n", bytes_text(&name));
    }
    if (good) {
        free(p->limits.hosts);
        p->limits.hosts = memory_text(bytes_text(&text));
    }
    bytes_free(&name);
    bytes_free(&text);
    return good;
}

bool verb_inject(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    struct bytes text = {0}, error = {0};
    size_t place;
    bool good = run_bytes(r, t, &s->values[0], &text);
    if (good && p->started)
        good = run_undecided(r, "faults are injected from the start on");
    else if (good &&
             !faults_plan_add(&p->plan, bytes_text(&text), &place, &error))
        good = run_undecided(r, "%s", bytes_text(&error));
    bytes_free(&text);
    bytes_free(&error);
    return good;
}

static bool is_free(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_ANY)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound =
        fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return bound;
}

/* Takes the port for this check: others that run beside it, of this wire or of
 * another, see by a name that it is taken, until this process ends. */
static bool claim(int port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1,
                          "wire-port-%d", port);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
                     (socklen_t)length;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) == 0)
        return true;
    if (fd >= 0)
        close(fd);
    return false;
}

/*
 * A port outside of what the kernel gives out by itself (32768 to 60999), so
 * that nobody gets it between this look and the program's bind.
 */
bool verb_port(struct run *r, const struct target *t, const struct step *s)
{
    (void)t;
    const int lowest = 20000, range = 12000;
    int start = (int)(getpid() * 7919L % range);
    for (int i = 0; i < range; i++) {
        int port = lowest + (start + i * 17) % range;
        /* A check may have to tell it from the port with its bytes swapped. */
        if (port >> 8 == (port & 0xff) || (port & 0xff) < 4)
            continue;
        if (is_free(port) && claim(port)) {
            char text[16];
            snprintf(text, sizeof text, "%d", port);
            return run_save(r, bytes_text(&s->values[0].parts[0].bytes), text,
                            strlen(text));
        }
    }
    return run_undecided(r, "no port between %d and %d is free", lowest,
                         lowest + range);
}

/* -------------------------------- start -------------------------------- */

struct arguments {
    char *texts[STEP_VALUES_MAX + 2];
    int count;
};

static void add_argument(struct arguments *a, const char *text)
{
    a->texts[a->count++] = memory_text(text);
}

static void free_arguments(struct arguments *a)
{
    for (int i = 0; i < a->count; i++)
        free(a->texts[i]);
}

static bool add_values(struct run *r, const struct target *t,
                       const struct step *s, struct arguments *a)
{
    for (int i = 0; i < s->value_count; i++) {
        struct bytes text = {0};
        bool good = run_bytes(r, t, &s->values[i], &text);
        if (good)
            add_argument(a, bytes_text(&text));
        bytes_free(&text);
        if (!good)
            return false;
    }
    return true;
}

/* On the command line, by whoever wants it to be judged. */
static bool was_given(const struct run *r, const struct program *p)
{
    return p->command == r->options->server || p->command == r->options->client;
}

static void fail_not_started(struct run *r, const struct program *p,
                             const char *why)
{
    run_expected(r, "a command that starts the %s", p->name);
    run_actual(r, "%s", why);
    run_fail(r, "not-started", "the %s was never run: %s", p->name, why);
}

static bool start(struct run *r, struct program *p, const struct arguments *a)
{
    struct bytes why = {0};
    if (p->started && !p->ended)
        return run_undecided(r, "the check starts the %s twice", p->name);
    if (p->excess)
        return run_fail(r, "excess", "the %s used more than %s", p->name,
                        p->excess);
    enum start_result result =
        program_start(p, a->texts, a->count, r->journal, &why);
    bool good = result == START_DONE;
    if (result == START_NO_NAMESPACE)
        run_skip(r,
                 "this machine does not let a program have its own "
                 "/etc/hosts (%s)",
                 bytes_text(&why));
    else if (result == START_NO_FAULTS)
        run_skip(r,
                 "this machine does not let faults be injected into a program "
                 "(%s)",
                 bytes_text(&why));
    else if (result == START_NO_PROGRAM && was_given(r, p))
        fail_not_started(r, p, bytes_text(&why));
    else if (!good)
        run_undecided(r, "%s", bytes_text(&why));
    bytes_free(&why);
    return good;
}

static bool listens_or_ended(struct run *r, void *context)
{
    struct program *p = context;
    return r && (p->ended || program_find_listener(p));
}

struct port_owner {
    int port;
    unsigned long inode;
};

static bool is_port(const struct socket_facts *facts, void *context)
{
    struct port_owner *o = context;
    if (address_port(&facts->local) != o->port)
        return true;
    o->inode = facts->inode;
    return false;
}

static bool is_below_wire(pid_t pid)
{
    pid_t pids[PROCESSES_MAX];
    int count = process_tree(getpid(), pids);
    for (int i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* Somebody sits on the port: then the program that is started is not to blame.
 * But it may be what the one before has left behind. */
static bool port_is_taken(struct run *r, const struct program *p, int port)
{
    char name[64];
    struct port_owner o = {.port = port};
    sockdiag_each(TCP_STATE_LISTEN, is_port, &o);
    if (!o.inode)
        return false;
    pid_t owner = socket_owner(o.inode, name, sizeof name);
    if (is_below_wire(owner)) {
        run_expected(r, "port %d is free again", port);
        run_actual(r, "process %d (%s) listens on it", (int)owner, name);
        run_fail(r, "outlives",
                 "the %s has ended, and a process that it started has not: it "
                 "still holds port %d",
                 p->name, port);
        return true;
    }
    run_undecided(r, "port %d is taken by %s (process %d)", port, name,
                  (int)owner);
    return true;
}

/* A program with more rights than wire hides its descriptors from it. */
static bool may_not_look(const struct program *p)
{
    struct descriptor *list;
    int count = process_descriptors(p->pid, &list);
    free(list);
    return count < 0;
}

struct port_count {
    int port, count;
};

static bool count_here(const struct socket_facts *facts, void *context)
{
    struct port_count *c = context;
    c->count += address_port(&facts->local) == c->port;
    return true;
}

/* What is left at this port of the connections of a server before. */
static int count_time_wait(int port)
{
    struct port_count c = {.port = port};
    if (port)
        sockdiag_each(TCP_STATE_TIME_WAIT, count_here, &c);
    return c.count;
}

static bool wait_until_it_listens(struct run *r, struct program *p, int port)
{
    enum wait_end end = run_wait(r, listens_or_ended, p);
    if (p->listening) {
        char text[64];
        struct event *e =
            journal_event(r->journal, EVENT_LISTENING, p->name, "");
        bytes_add_text(&e->value, address_text(&p->address, text, sizeof text));
        return true;
    }
    if (port && port_is_taken(r, p, port))
        return false;
    if (!p->ended && may_not_look(p))
        return run_undecided(r,
                             "the descriptors of the %s may not be read "
                             "here, so its listening socket cannot be found",
                             p->name);
    run_expected(r, "a listening socket (socket, bind, listen)");
    if (p->ended) {
        int left = count_time_wait(port);
        if (left)
            run_actual(r,
                       "it ended before it listened; at its port %d "
                       "connection%s of the server before still stand%s in "
                       "TIME_WAIT",
                       left, left == 1 ? "" : "s", left == 1 ? "s" : "");
        else
            run_actual(r, "it ended before it listened");
        struct bytes how = {0};
        program_describe_end(p, &how);
        p->end_is_fine = true; /* this failure is about just that */
        run_fail(r, "not-listening", "the %s never listened: it %s", p->name,
                 bytes_text(&how));
        bytes_free(&how);
        return false;
    }
    run_actual(r, end == WAIT_HOPELESS
                      ? "none, and the program waits for something else"
                      : "none until the deadline");
    return run_fail(r, "not-listening", "the %s never listened", p->name);
}

static void take_baseline(struct run *r, struct program *p)
{
    struct descriptor *list;
    run_wait_quiet(r);
    int count = process_descriptors(p->pid, &list);
    free(list);
    p->has_baseline = true;
    p->baseline_fds = count;
    p->baseline_threads = process_thread_count(p->pid);
    p->baseline_children = process_children(p->pid);
}

static bool start_server(struct run *r, const struct target *t,
                         const struct step *s, int port)
{
    struct program *p = run_program(r, t);
    struct arguments a = {0};
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    add_argument(&a, "127.0.0.1");
    add_argument(&a, port_text);
    bool good = add_values(r, t, s, &a) && start(r, p, &a) &&
                wait_until_it_listens(r, p, port);
    free_arguments(&a);
    return good;
}

static bool start_client(struct run *r, const struct target *t,
                         const struct step *s)
{
    const struct peer *fake = NULL;
    for (int i = 0; i < r->peer_count; i++)
        if (r->peers[i].listener >= 0)
            fake = &r->peers[i];
    if (!fake)
        return run_undecided(r, "the client is started, and no peer listens");
    struct arguments a = {0};
    char port[16];
    snprintf(port, sizeof port, "%d", address_port(&fake->local));
    add_argument(&a, "127.0.0.1");
    add_argument(&a, port);
    bool good = add_values(r, t, s, &a) && start(r, run_program(r, t), &a);
    free_arguments(&a);
    return good;
}

bool verb_start(struct run *r, const struct target *t, const struct step *s)
{
    if (strcmp(t->actor->name, "client") == 0)
        return start_client(r, t, s);
    return start_server(r, t, s, 0);
}

bool verb_start_raw(struct run *r, const struct target *t, const struct step *s)
{
    struct arguments a = {0};
    bool good = add_values(r, t, s, &a) && start(r, run_program(r, t), &a);
    free_arguments(&a);
    return good;
}

bool verb_listening(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    return wait_until_it_listens(r, p, 0);
}

bool verb_restart(struct run *r, const struct target *t, const struct step *s)
{
    return start_server(r, t, s, run_program(r, t)->last_port);
}

bool verb_baseline(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    take_baseline(r, run_program(r, t));
    return true;
}

/* --------------------------- descriptors run out ------------------------ */

static bool set_nofile(struct run *r, const struct program *p, pid_t pid,
                       rlim_t soft, rlim_t *before)
{
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) == 0) {
        *before = limit.rlim_cur;
        limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
        if (prlimit(pid, RLIMIT_NOFILE, &limit, NULL) == 0)
            return true;
    }
    return run_skip(r, "this machine does not let the limits of the %s be set",
                    p->name);
}

static rlim_t lowest_free(pid_t pid)
{
    struct descriptor *list;
    int count = process_descriptors(pid, &list), lowest = 0;
    for (int i = 0; i < count; i++)
        if (list[i].fd == lowest) {
            lowest++;
            i = -1;
        }
    free(list);
    return (rlim_t)lowest;
}

/* A limit at the lowest free number leaves room for none. Any of its processes
 * may be the one that accepts. */
bool verb_no_more_fds(struct run *r, const struct target *t,
                      const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    pid_t pids[PROCESSES_MAX];
    run_wait_quiet(r);
    int count = program_tree(p, pids);
    for (int i = 0; i < count; i++) {
        rlim_t before;
        if (!set_nofile(r, p, pids[i], lowest_free(pids[i]), &before))
            return false;
        if (!p->nofile_before)
            p->nofile_before = before;
    }
    return true;
}

bool verb_more_fds(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    pid_t pids[PROCESSES_MAX];
    rlim_t before = p->nofile_before, lowest;
    if (!before)
        return run_undecided(r, "no descriptors were taken from the %s",
                             p->name);
    p->nofile_before = 0;
    int count = program_tree(p, pids);
    for (int i = 0; i < count; i++)
        if (!set_nofile(r, p, pids[i], before, &lowest))
            return false;
    return true;
}

/* ------------------------------- signals ------------------------------- */

static bool has_ended(struct run *r, void *context)
{
    const struct program *p = context;
    return r && p->ended;
}

bool verb_stop(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    p->end_is_fine = true;
    program_signal(p, SIGTERM, r->journal);
    if (run_wait(r, has_ended, p) == WAIT_DONE)
        return true;
    run_expected(r, "its end");
    run_actual(r, "it goes on");
    return run_fail(r, "not-stopped", "the %s does not end on SIGTERM",
                    p->name);
}

bool verb_signal(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    const char *name = bytes_text(&s->values[0].parts[0].bytes);
    int number = signal_number(name);
    if (!number)
        return run_undecided(r, "no signal has the name %s", name);
    p->end_is_fine = true;
    program_signal(p, number, r->journal);
    return true;
}

static bool is_stopped(struct run *r, void *context)
{
    pid_t pids[PROCESSES_MAX];
    const struct program *p = context;
    if (p->faults)
        return faults_all_stopped(p->faults);
    int count = program_tree(p, pids);
    for (int i = 0; i < count; i++)
        if (process_state(pids[i]) != 'T')
            return false;
    return r != NULL;
}

bool verb_freeze(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    pid_t pids[PROCESSES_MAX];
    struct program *p = run_program(r, t);

    if (p->held_back)
        return run_undecided(r, "a program that is held back cannot be frozen");
    run_wait_quiet(r);
    free(p->before_freeze);
    p->before_freeze_count = r->look.count;
    p->before_freeze =
        memory_get((size_t)(r->look.count + 1) * sizeof *p->before_freeze);
    memcpy(p->before_freeze, r->look.threads,
           (size_t)r->look.count * sizeof *p->before_freeze);
    int count = program_tree(p, pids);
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGSTOP);
    double deadline = clock_ms() + run_deadline_ms();
    while (!is_stopped(r, p)) {
        run_pump(r);
        if (p->ended)
            return run_fail(r, "exited", "the %s ended", p->name);
        if (clock_ms() > deadline)
            return run_undecided(r, "the %s could not be frozen", p->name);
    }
    p->frozen = true;
    journal_text(r->journal, EVENT_SIGNAL, p->name, "frozen");
    return true;
}

bool verb_thaw(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    pid_t pids[PROCESSES_MAX];
    struct program *p = run_program(r, t);
    run_pump(r);
    int count = program_tree(p, pids);
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGCONT);
    p->frozen = false;
    journal_text(r->journal, EVENT_SIGNAL, p->name, "thawed");
    return true;
}

bool verb_hold_back(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    if (p->faults)
        return run_undecided(r, "a program into which faults are injected "
                                "cannot be held back");
    if (!program_hold_back(p))
        return run_undecided(r,
                             "the first thread of the %s cannot be held back "
                             "here: %s",
                             p->name, strerror(errno));
    journal_text(r->journal, EVENT_SIGNAL, p->name,
                 "held back in its first thread");
    run_before(r,
               "the first thread of the %s was held back until the others had "
               "done what it asked for",
               p->name);
    return true;
}
