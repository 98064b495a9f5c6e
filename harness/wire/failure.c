#include "failure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* The socket behind a descriptor, as the student knows it. */
static void describe_socket(struct run *r, const struct program *p,
                            unsigned long inode, struct bytes *out)
{
    if (inode == p->listener) {
        bytes_add_text(out, ", the listening socket");
        return;
    }
    for (int i = 0; i < r->peer_count; i++) {
        struct socket_facts facts;
        const struct peer *peer = &r->peers[i];
        if (strcmp(peer->other, p->name) != 0 || !peer->connected ||
            !run_other_end(peer, &facts) || facts.inode != inode)
            continue;
        bytes_printf(out, ", the connection %s %s",
                     strcmp(p->name, "client") == 0 ? "to" : "of",
                     run_who(r, peer->name));
        return;
    }
}

static void describe_descriptor(struct run *r, const struct program *p,
                                const struct thread_facts *t, struct bytes *out)
{
    struct descriptor *list;
    int fd = call_descriptor(t);
    if (fd < 0)
        return;
    bytes_printf(out, " on fd %d", fd);
    int count = process_descriptors(t->pid, &list);
    for (int i = 0; i < count; i++) {
        if (list[i].fd != fd)
            continue;
        if (list[i].socket)
            describe_socket(r, p, list[i].socket, out);
        else if (fd == 0)
            bytes_add_text(out, ", its standard input");
    }
    free(list);
}

static void describe_thread(struct run *r, const struct program *p,
                            const struct thread_facts *t, struct bytes *out)
{
    if (t->state == 'T') {
        bytes_add_text(out, "stopped (frozen by the check)");
        return;
    }
    if (t->state == 't') {
        bytes_add_text(out, "held back by the check");
        return;
    }
    if (t->state == 'X') {
        bytes_add_text(out, "on its way out");
        return;
    }
    if (!t->syscall_known) {
        bytes_printf(out, "%s (its system call may not be read here)",
                     t->state == 'R' ? "running" : "waiting");
        return;
    }
    if (t->call == -2 || t->state == 'R') {
        bytes_add_text(out, "running (it uses the processor)");
        return;
    }
    if (t->call < 0) {
        bytes_add_text(out, "waiting outside of a system call");
        return;
    }
    const char *name = call_name(t->call), *kernel = call_kernel_name(t->call);
    bool is_call = !strchr(name, ' ');
    bytes_printf(out, "blocked in %s%s", name, is_call ? "()" : "");
    if (strcmp(name, kernel) != 0 && *kernel)
        bytes_printf(out, " (kernel: %s)", kernel);
    describe_descriptor(r, p, t, out);
    if (thread_wait(t) == WAIT_TIMED)
        bytes_add_text(out, ", with a time-out");
}

struct backlog {
    const struct program *program;
    unsigned waiting;
};

static bool count_backlog(const struct socket_facts *facts, void *context)
{
    struct backlog *b = context;
    if (facts->inode != b->program->listener)
        return true;
    b->waiting = facts->receive_queue;
    return false;
}

static void describe_program(struct run *r, struct program *p)
{
    pid_t pids[PROCESSES_MAX];
    static struct thread_facts threads[THREADS_MAX];
    struct bytes text = {0};

    if (p->ended) {
        describe_end(p->status, &text);
        struct bytes line = {0};
        bytes_printf(&line, "the %s %s", p->name, bytes_text(&text));
        journal_about(r->journal, "doing", bytes_text(&line));
        bytes_free(&line);
        bytes_free(&text);
        return;
    }
    int count = program_tree(p, pids);
    /* The frame of unit tests runs each in a process of its own, and waits for
     * that: who reads the report wants to know of the test. */
    int frame = strcmp(p->name, "unit") == 0 && count > 1 ? 1 : 0;
    int thread_count = process_threads(pids + frame, count - frame, threads);
    for (int i = 0; i < thread_count && i < 8; i++) {
        bytes_clear(&text);
        bytes_printf(&text, "the %s", p->name);
        if (thread_count > 1)
            bytes_printf(&text, ", thread %d of %d,", i + 1, thread_count);
        bytes_add_text(&text, " was ");
        describe_thread(r, p, &threads[i], &text);
        if (i == 0 && p->listening) {
            struct backlog b = {.program = p};
            sockdiag_each(TCP_STATE_LISTEN, count_backlog, &b);
            if (b.waiting)
                bytes_printf(&text, "; %u connection%s in the accept queue",
                             b.waiting, b.waiting == 1 ? " waits" : "s wait");
        }
        journal_about(r->journal, "doing", bytes_text(&text));
        if (threads[i].call >= 0 && threads[i].syscall_known) {
            /* A hint may say either. */
            const char *name = call_name(threads[i].call);
            const char *kernel = call_kernel_name(threads[i].call);
            journal_about(r->journal, "blocked-in", name);
            if (strcmp(name, kernel) != 0)
                journal_about(r->journal, "blocked-in", kernel);
        }
    }
    bytes_free(&text);
}

void failure_describe_programs(struct run *r)
{
    for (int i = 0; i < r->program_count; i++)
        if (r->programs[i].started)
            describe_program(r, &r->programs[i]);
}

static bool any_blocked(struct run *r, const char *call)
{
    size_t position = 0;
    const char *name;
    while ((name = journal_each_about(r->journal, "blocked-in", &position)))
        if (strcmp(name, call) == 0)
            return true;
    return false;
}

static bool any_output(struct run *r, bool error_output,
                       const struct bytes *what)
{
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        const struct bytes *text = error_output ? &p->err.text : &p->out.text;
        if (what->length && bytes_contain(text, what->data, what->length))
            return true;
    }
    return false;
}

static bool any_ended(struct run *r, int signal)
{
    for (int i = 0; i < r->program_count; i++) {
        const struct program *p = &r->programs[i];
        if (!p->started || !p->ended)
            continue;
        if (!signal ? WIFEXITED(p->status)
                    : WIFSIGNALED(p->status) && WTERMSIG(p->status) == signal)
            return true;
    }
    return false;
}

/* True if the text begins with these words, however many blanks are between. */
static bool begins_with(const char *text, const char *words)
{
    while (*words) {
        if (*words == ' ') {
            if (*text != ' ')
                return false;
            words += strspn(words, " ");
            text += strspn(text, " ");
        } else if (*words++ != *text++) {
            return false;
        }
    }
    return true;
}

/* The words of the running step, with or without its actor. */
static bool step_begins(struct run *r, const char *words)
{
    if (!r->step)
        return false;
    const char *source = r->step->source;
    const char *verb = source + strcspn(source, " ");
    verb += strspn(verb, " ");
    return begins_with(source, words) || begins_with(verb, words);
}

static bool hint_fits(struct run *r, const struct hint *h)
{
    switch (h->condition) {
    case HINT_ALWAYS:
        return true;
    case HINT_GOT:
        return r->got.length >= h->what.length && h->what.length &&
               memcmp(r->got.data, h->what.data, h->what.length) == 0;
    case HINT_ENDING:
        return r->ending && strcmp(r->ending, bytes_text(&h->what)) == 0;
    case HINT_BLOCKED:
        return any_blocked(r, bytes_text(&h->what));
    case HINT_EXITED:
        return any_ended(r, 0);
    case HINT_KILLED:
        return any_ended(r, signal_number(bytes_text(&h->what)));
    case HINT_BUSY:
        return r->busy;
    case HINT_STDOUT:
        return any_output(r, false, &h->what);
    case HINT_STDERR:
        return any_output(r, true, &h->what);
    case HINT_STEP:
        return step_begins(r, bytes_text(&h->what));
    }
    return false;
}

const struct hint *failure_hint(struct run *r)
{
    for (int i = 0; i < r->script->hint_count; i++)
        if (hint_fits(r, &r->script->hints[i]))
            return &r->script->hints[i];
    return NULL;
}
