#include "quiet.h"

#include "calls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A timer that is armed is a time-out that no system call shows. alarm() and
 * setitimer() are seen by nobody else; but who sets them has a use for SIGALRM,
 * and without one the signal would end the process. */
static bool has_timer(pid_t pid)
{
    struct descriptor *list;
    int count = process_descriptors(pid, &list);
    bool found =
        process_has_posix_timer(pid) || process_awaits_signal(pid, SIGALRM);
    for (int i = 0; i < count && !found; i++)
        found = strcmp(list[i].target, "anon_inode:[timerfd]") == 0;
    free(list);
    return found;
}

static bool same(const struct thread_facts *a, const struct thread_facts *b)
{
    return a->tid == b->tid && a->state == b->state &&
           a->switches == b->switches && strcmp(a->line, b->line) == 0;
}

/* A call that is gone on with has another number, and the same arguments, stack
 * and place in the code. */
static bool same_place(const struct thread_facts *a,
                       const struct thread_facts *b)
{
    const char *p = strchr(a->line, ' '), *q = strchr(b->line, ' ');
    return a->tid == b->tid && p && q && strcmp(p, q) == 0;
}

static enum wait_class wait_of(const struct thread_facts *t,
                               const struct thread_facts *before, int count)
{
    enum wait_class wait = thread_wait(t);
    if (wait != WAIT_RESTART)
        return wait;
    for (int i = 0; i < count; i++)
        if (same_place(&before[i], t))
            wait = thread_wait(&before[i]);
    return wait == WAIT_FOREVER ? WAIT_FOREVER : WAIT_TIMED;
}

/* Was anybody overlooked? */
static bool complete(pid_t root, const pid_t *pids, int count)
{
    pid_t fresh[PROCESSES_MAX];
    if (process_tree_fresh(root, fresh) != count)
        return false;
    for (int i = 0; i < count; i++) {
        bool found = false;
        for (int k = 0; k < count && !found; k++)
            found = pids[i] == fresh[k];
        if (!found)
            return false;
    }
    return true;
}

enum quiet quiet_look(pid_t root, const struct thread_facts *before,
                      int before_count, struct quiet_look *out)
{
    static struct thread_facts first[THREADS_MAX];
    pid_t pids[PROCESSES_MAX];
    int process_count = process_tree(root, pids);
    int first_count = process_threads(pids, process_count, first);

    process_count = process_tree(root, pids);
    out->count = process_threads(pids, process_count, out->threads);
    out->busy_ns = 0;
    out->syscalls_hidden = out->only_timer = false;

    enum quiet quiet = first_count == out->count ? QUIET_FOREVER : QUIET_NO;
    for (int i = 0; i < out->count; i++) {
        const struct thread_facts *t = &out->threads[i];
        out->busy_ns += t->run_ns + t->delay_ns;
        out->syscalls_hidden |= !t->syscall_known;
        if (quiet == QUIET_NO)
            continue;
        enum wait_class wait = wait_of(t, before, before_count);
        if (wait == WAIT_NONE || !same(&first[i], t))
            quiet = QUIET_NO;
        else if (wait == WAIT_TIMED)
            quiet = QUIET_TIMED;
    }
    for (int i = 0; quiet == QUIET_FOREVER && i < out->count; i++)
        if (call_has_socket_timeout(&out->threads[i]))
            quiet = QUIET_TIMED;
    for (int i = 0; quiet == QUIET_FOREVER && i < process_count; i++)
        if (has_timer(pids[i])) {
            quiet = QUIET_TIMED;
            out->only_timer = true;
        }
    if (quiet != QUIET_NO && !complete(root, pids, process_count))
        quiet = QUIET_NO;
    return quiet;
}

bool quiet_is_same(const struct quiet_look *a, const struct quiet_look *b)
{
    bool is_same = a->count == b->count;
    for (int i = 0; i < a->count && is_same; i++)
        is_same = same(&a->threads[i], &b->threads[i]);
    return is_same;
}

bool quiet_is_running(const struct quiet_look *look)
{
    for (int i = 0; i < look->count; i++)
        if (look->threads[i].state == 'R')
            return true;
    return false;
}

bool quiet_but_for(pid_t tid, const pid_t *pids, int count)
{
    static struct thread_facts first[THREADS_MAX], second[THREADS_MAX];
    int threads = process_threads(pids, count, first);

    if (process_threads(pids, count, second) != threads)
        return false;
    for (int i = 0; i < threads; i++)
        if (second[i].tid != tid && (thread_wait(&second[i]) == WAIT_NONE ||
                                     !same(&first[i], &second[i])))
            return false;
    return true;
}
