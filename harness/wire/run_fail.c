/* A failure: who died, what the program was doing, in the student's words, and
 * the hint that fits. */
#include "calls.h"
#include "run.h"
#include "sanitizer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------ what the program was doing --------------------- */

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
            !peer_other_end(peer, &facts) || facts.inode != inode)
            continue;
        bytes_printf(out, ", the connection %s %s",
                     strcmp(p->name, "client") == 0 ? "to" : "of",
                     run_who(r, peer->name));
        return;
    }
}

static void describe_descriptor(struct run *r, const struct program *p,
                                pid_t pid, int fd, struct bytes *out)
{
    struct descriptor *list;
    bytes_printf(out, "fd %d", fd);
    int count = process_descriptors(pid, &list);
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

static void describe_list(struct run *r, const struct program *p, pid_t pid,
                          const struct awaited *list, int count,
                          const char *between, struct bytes *out)
{
    for (int i = 0; i < count; i++) {
        bytes_printf(out, "%s%s%s%s ", i ? between : "",
                     list[i].reading ? "read from" : "",
                     list[i].reading && list[i].writing ? " or " : "",
                     list[i].writing ? "write to" : "");
        describe_descriptor(r, p, pid, list[i].fd, out);
    }
}

/* So many are told of. */
#define AWAITED_MAX 4

/* What ends a select() or poll(). */
static void describe_awaited(struct run *r, const struct program *p,
                             const struct thread_facts *t, struct bytes *out)
{
    struct awaited list[AWAITED_MAX];
    int count = call_awaits(t, false, list, AWAITED_MAX);
    int shown = count < AWAITED_MAX ? count : AWAITED_MAX;

    if (count < 0)
        return;
    bytes_add_text(out, count ? " until it can " : ", which waits for nothing");
    describe_list(r, p, t->pid, list, shown, ", or ", out);
    if (count > shown)
        bytes_printf(out, ", or something of %d others", count - shown);
}

/* What a select() or poll() has told. */
static void describe_told(struct run *r, const struct program *p,
                          const struct spin_call *c, struct bytes *out)
{
    int shown = c->told_count < SPIN_TOLD_MAX ? c->told_count : SPIN_TOLD_MAX;
    if (shown < 1)
        return;
    bytes_add_text(out, " (it can ");
    describe_list(r, p, r->spin.pid, c->told, shown, ", and ", out);
    bytes_add_text(out, ")");
}

#define DAY_MS (24 * 3600 * 1e3)

static void describe_timeout(const struct thread_facts *t, struct bytes *out)
{
    double ms = call_timeout_ms(t);
    bytes_add_text(out, ", with a time-out");
    if (ms > DAY_MS)
        bytes_printf(out, " of %.0f days", ms / DAY_MS);
    else if (ms >= 0)
        bytes_printf(out, " of %.0f ms", ms);
}

static void describe_thread(struct run *r, const struct program *p,
                            const struct thread_facts *t, struct bytes *out)
{
    if (t->state == 'T') {
        bytes_add_text(out, "stopped (frozen by the check)");
        return;
    }
    if (t->state == 't') {
        bytes_add_text(out, p->frozen ? "stopped (frozen by the check)"
                                      : "held back by the check");
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
    int fd = call_descriptor(t);
    if (fd >= 0) {
        bytes_add_text(out, " on ");
        describe_descriptor(r, p, t->pid, fd, out);
    }
    describe_awaited(r, p, t, out);
    if (thread_wait(t) == WAIT_TIMED)
        describe_timeout(t, out);
}

/* What it was proved to do again and again. */
static void describe_spin(struct run *r, const struct program *p)
{
    struct bytes text = {0};
    bytes_printf(&text, "the %s made the same calls again and again:", p->name);
    for (int i = 0; i < r->spin.count; i++) {
        const struct spin_call *c = &r->spin.calls[i];
        const char *error =
            c->result < 0 ? strerrorname_np((int)-c->result) : NULL;
        bytes_printf(&text, "%s %s()", i ? "," : "", call_name(c->call));
        if (c->fd >= 0) {
            bytes_add_text(&text, " on ");
            describe_descriptor(r, p, r->spin.pid, c->fd, &text);
        }
        if (error)
            bytes_printf(&text, " failed with %s", error);
        else
            bytes_printf(&text, " gave %ld", c->result);
        describe_told(r, p, c, &text);
    }
    journal_about(r->journal, "doing", bytes_text(&text));
    bytes_free(&text);
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
        program_describe_end(p, &text);
        struct bytes line = {0};
        bytes_printf(&line, "the %s %s", p->name, bytes_text(&text));
        journal_about(r->journal, "doing", bytes_text(&line));
        bytes_free(&line);
        bytes_free(&text);
        return;
    }
    int count = program_tree(p, pids);
    for (int i = 0; i < count && r->spin.count; i++)
        if (pids[i] == r->spin.pid) {
            describe_spin(r, p);
            bytes_free(&text);
            return;
        }
    /* The frame of unit tests runs each in a process of its own, and waits for
     * that: who reads the report wants to know of the test. */
    int frame = strcmp(p->name, "unit") == 0 && count > 1 ? 1 : 0;
    int thread_count = process_threads(pids + frame, count - frame, threads);
    for (int i = 0; i < thread_count && i < 8; i++) {
        bytes_clear(&text);
        bytes_printf(&text, "the %s", p->name);
        if (count - frame > 1 && threads[i].pid == p->pid)
            bytes_add_text(&text, ", its first process");
        else if (count - frame > 1)
            bytes_printf(&text, ", its child process %d", (int)threads[i].pid);
        if (thread_count > count - frame)
            bytes_printf(&text, ", thread %d of %d", i + 1, thread_count);
        if (thread_count > 1)
            bytes_add_text(&text, ",");
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

/* What came first may have been wrong already; what the program is doing is
 * told of when it has come to rest, the same on each machine. */
static void let_it_rest(struct run *r)
{
    for (int i = 0; i < r->program_count; i++)
        if (r->programs[i].frozen || r->programs[i].held_back)
            return;
    if (!r->spin.count && !r->busy)
        run_wait_briefly(r, NULL, NULL);
}

void run_describe(struct run *r)
{
    if (r->described)
        return;
    r->described = true;
    let_it_rest(r);
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
        const struct program_output *o = error_output ? &p->err : &p->out;
        if (what->length && output_has(o, what->data, what->length))
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

static bool last_fault_is_in(const struct run *r, const char *call)
{
    const struct journal *j = r->journal;
    for (size_t i = j->count; i-- > 0;)
        if (j->events[i].kind == EVENT_FAULT)
            return strcmp(j->events[i].key, call) == 0;
    return false;
}

static bool clause_fits(struct run *r, const struct hint_clause *c)
{
    switch (c->condition) {
    case HINT_GOT:
        return r->got.length >= c->what.length && c->what.length &&
               memcmp(r->got.data, c->what.data, c->what.length) == 0;
    case HINT_ENDING:
        return r->ending && strcmp(r->ending, bytes_text(&c->what)) == 0;
    case HINT_BLOCKED:
        return any_blocked(r, bytes_text(&c->what));
    case HINT_FAULT:
        return last_fault_is_in(r, bytes_text(&c->what));
    case HINT_EXITED:
        return any_ended(r, 0);
    case HINT_KILLED:
        return any_ended(r, signal_number(bytes_text(&c->what)));
    case HINT_BUSY:
        return r->busy;
    case HINT_STDOUT:
        return any_output(r, false, &c->what);
    case HINT_STDERR:
        return any_output(r, true, &c->what);
    case HINT_STEP:
        return step_begins(r, bytes_text(&c->what));
    }
    return false;
}

/* What goes before all that a check is about. */
enum trouble { TROUBLE_NONE, TROUBLE_PROGRAM, TROUBLE_SANITIZER };

/* Of a crash, an end or a spin a hint must say that it knows; and of what a
 * sanitizer has found, that it knows its words. */
static bool knows_of(enum trouble trouble, const struct hint *h)
{
    for (int i = 0; i < h->clause_count; i++)
        switch (h->clauses[i].condition) {
        case HINT_EXITED:
        case HINT_KILLED:
        case HINT_BUSY:
        case HINT_FAULT:
            if (trouble != TROUBLE_SANITIZER)
                return true;
            break;
        case HINT_STDOUT:
        case HINT_STDERR:
            return true;
        default:
            break;
        }
    return trouble == TROUBLE_NONE;
}

static bool hint_fits(struct run *r, const struct hint *h, enum trouble trouble)
{
    if (!knows_of(trouble, h))
        return false;
    for (int i = 0; i < h->clause_count; i++)
        if (!clause_fits(r, &h->clauses[i]))
            return false;
    return true;
}

static const struct hint *fitting_hint(struct run *r, enum trouble trouble)
{
    for (int i = 0; i < r->script->hint_count; i++)
        if (hint_fits(r, &r->script->hints[i], trouble))
            return &r->script->hints[i];
    return NULL;
}

/* ------------------------------- the failure ----------------------------- */

static bool has_ended(struct run *r, void *context)
{
    const struct program *p = context;
    return r && p->ended;
}

static bool any_connection_ended(const struct run *r)
{
    for (int i = 0; i < r->peer_count; i++)
        if (r->peers[i].saw_eof || r->peers[i].saw_reset || r->peers[i].refused)
            return true;
    return false;
}

/* A program that died in the step is the story, not what its death did to the
 * connection. Its end may become visible a moment after the connection's. */
static struct program *find_dead(struct run *r)
{
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        bool found = p->ended && sanitizer_ended(p->status);
        if (!p->started || (p->end_is_fine && !found) || p->frozen)
            continue;
        if (!p->ended && any_connection_ended(r))
            run_wait_briefly(r, has_ended, p);
        if (!p->ended && program_is_dying(p))
            run_wait(r, has_ended, p);
        if (!p->ended)
            continue;
        bool is_client = strcmp(p->name, "client") == 0;
        if (WIFSIGNALED(p->status) || sanitizer_ended(p->status) || !is_client)
            return p;
    }
    return NULL;
}

static bool sanitizer_spoke(const struct program *p, struct bytes *out)
{
    return sanitizer_sentence(bytes_text(&p->err.text), p->name, out) ||
           sanitizer_sentence(bytes_text(&p->err.last), p->name, out);
}

/* A program with a time-out of its own does in good time what is asked of it
 * only where it gets a processor, and wire another one. In a check that took
 * long, a little here and there adds up and harms nobody. */
static bool machine_is_too_busy(const struct run *r)
{
    pid_t self = getpid(), pids[PROCESSES_MAX];
    /* This process has run nothing but this check. */
    unsigned long long delay = process_run_delay(&self, 1), run = 0;

    for (int i = 0; i < r->program_count; i++) {
        int count = program_tree(&r->programs[i], pids);
        delay += process_run_delay(pids, count);
        run += process_run_time(pids, count);
    }
    double delay_ms = (double)delay / 1e6;
    /* Who asks for a processor all the time waits for one, too, on any machine.
     */
    return delay > 2 * run && delay_ms > r->script->timer / 2.0 &&
           delay_ms > (clock_ms() - r->journal->start) / 4;
}

/* What it has printed on standard error since the last connection was made may
 * be about that. */
static bool has_just_complained(const struct run *r, const struct program *p)
{
    const struct journal *j = r->journal;
    for (size_t i = j->count; i-- > 0;) {
        const struct event *e = &j->events[i];
        if (e->kind == EVENT_OUTPUT && strcmp(e->key, "stderr") == 0 &&
            strcmp(e->actor, p->name) == 0)
            return true;
        if (e->kind == EVENT_CONNECT || e->kind == EVENT_ACCEPT)
            return false;
    }
    return false;
}

static void tell_last_line(struct run *r, const struct bytes *said)
{
    const char *text = bytes_text(said);
    struct bytes line = {0};
    size_t length = said->length;
    while (length && text[length - 1] == '\n')
        length--;
    size_t start = length;
    while (start && text[start - 1] != '\n')
        start--;
    bytes_add_text(&line, "\"");
    bytes_add_printable(&line, text + start, length - start, 200);
    bytes_add_text(&line, "\"");
    if (length)
        journal_about(r->journal, "last-words", bytes_text(&line));
    bytes_free(&line);
}

/* A program that ends by itself mostly says why, in its last line; and so does
 * one that ends a conversation. */
static void tell_last_words(struct run *r, const struct program *dead)
{
    for (int i = 0; i < r->program_count; i++) {
        const struct program *p = &r->programs[i];
        struct bytes text = {0};
        bool is_unit = strcmp(p->name, "unit") == 0;
        if (!p->started || (dead && p != dead) || sanitizer_spoke(p, &text)) {
            bytes_free(&text);
            continue;
        }
        if (p->err.text.length && (p->ended || has_just_complained(r, p)))
            tell_last_line(r, &p->err.text);
        else if (p->ended && !is_unit)
            tell_last_line(r, &p->out.text);
        bytes_free(&text);
    }
}

/* What was made to go wrong in the program, if nothing has come from it since.
 */
static void tell_last_fault(struct run *r)
{
    struct journal *j = r->journal;
    for (size_t i = j->count; i-- > 0;) {
        enum event_kind kind = j->events[i].kind;
        if (kind == EVENT_FAULT)
            journal_about(j, "last-fault", bytes_text(&j->events[i].value));
        if (kind == EVENT_FAULT || kind == EVENT_RECEIVED)
            return;
    }
}

/* A stop that nobody has heard: nothing came of it before a time-out did. */
static void tell_unheard(struct run *r)
{
    const struct journal *j = r->journal;
    const struct event *sent = NULL;
    for (size_t i = 0; i < j->count; i++) {
        const struct event *e = &j->events[i];
        if (e->kind == EVENT_ABOUT || e->kind == EVENT_STEP)
            continue;
        if (sent && e->ms - sent->ms > r->script->timer * 0.8)
            run_before(r, "%s was sent, and nothing happened for %.0f ms",
                       bytes_text(&sent->value), e->ms - sent->ms);
        sent = e->kind == EVENT_SIGNAL ? e : NULL;
    }
}

static void tell_last_calls(struct run *r)
{
    for (int i = 0; i < r->program_count; i++) {
        struct text_list calls = {0};
        if (r->programs[i].trail)
            trail_tell(r->programs[i].trail, &calls);
        /* Of unit tests, the process of the test ends, and then their frame. */
        bool is_unit = strcmp(r->programs[i].name, "unit") == 0;
        for (int k = 0; k < calls.count; k++)
            if (!is_unit || strncmp(calls.texts[k], "exit(", 5) != 0)
                journal_about(r->journal, "last-call", calls.texts[k]);
        texts_free(&calls);
    }
}

static bool fail_with(struct run *r, const char *code, const char *sentence)
{
    bool moves_on = r->moves_on;
    struct program *dead = find_dead(r);
    struct bytes text = {0};

    if (moves_on && !dead) {
        journal_about(r->journal, "code", "moves-on");
        return run_undecided(r,
                             "the program still makes progress after %.0f s, "
                             "and has not come to an end (%s)",
                             run_patience_ms() / 1e3, sentence);
    }
    if (!dead && r->script->timer && machine_is_too_busy(r))
        return run_undecided(r,
                             "the machine is too busy: the program has a "
                             "time-out of %d ms, and was kept waiting for a "
                             "processor for half of that",
                             r->script->timer);
    if (dead) {
        dead->end_is_fine = true;
        if (sanitizer_spoke(dead, &text)) {
            code = "sanitizer";
        } else {
            code = dead->excess                ? "excess"
                   : WIFSIGNALED(dead->status) ? "killed"
                                               : "exited";
            bytes_printf(&text, "the %s ", dead->name);
            program_describe_end(dead, &text);
            bytes_add_text(&text, " in the middle of the check");
        }
        if (*sentence)
            journal_about(r->journal, "instead", sentence);
    } else {
        bytes_add_text(&text, sentence);
    }
    bytes_add_text(&text, ".");
    /* Sentences begin with a capital, whatever name they begin with. */
    if (text.data[0] >= 'a' && text.data[0] <= 'z')
        text.data[0] = (char)(text.data[0] - 'a' + 'A');
    tell_last_fault(r);
    if (r->script->timer)
        tell_unheard(r);
    journal_about(r->journal, "code", code);
    journal_about(r->journal, "sentence", bytes_text(&text));
    run_describe(r);
    tell_last_words(r, dead);
    tell_last_calls(r);
    journal_text(r->journal, EVENT_FAILED, "", "%s", bytes_text(&text));
    bytes_free(&text);
    /* Of a program that was never run nothing was seen. */
    /* A unit test is about one function, and so are all its check's hints. */
    bool is_unit = dead && strcmp(dead->name, "unit") == 0;
    enum trouble trouble = is_unit                          ? TROUBLE_NONE
                           : strcmp(code, "sanitizer") == 0 ? TROUBLE_SANITIZER
                           : dead || r->spin.count          ? TROUBLE_PROGRAM
                                                            : TROUBLE_NONE;
    const struct hint *hint =
        strcmp(code, "not-started") == 0 ? NULL : fitting_hint(r, trouble);
    if (hint)
        journal_about(r->journal, "hint", hint->text);
    r->verdict = VERDICT_FAIL;
    return false;
}

void run_before(struct run *r, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    journal_about(r->journal, "before", text);
}

bool run_fail(struct run *r, const char *code, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return fail_with(r, code, sentence);
}
