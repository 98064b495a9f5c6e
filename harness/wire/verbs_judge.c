/* What the program must be like: alive, ended, at rest, without leaks. */
#include "run.h"
#include "run_where.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------- its end ------------------------------- */

static bool has_ended(struct run *r, void *context)
{
    const struct program *p = context;
    return r && p->ended;
}

bool verb_alive(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    run_wait_quiet(r);
    if (!p->ended)
        return true;
    run_expected(r, "it goes on");
    return run_fail(r, "exited", "the %s has ended", p->name);
}

static void show_actual_end(struct run *r, const struct program *p)
{
    struct bytes text = {0};
    if (p->ended)
        program_describe_end(p, &text);
    else
        bytes_add_text(&text, "still running");
    run_actual(r, "%s", bytes_text(&text));
    bytes_free(&text);
}

static bool fail_not_ended(struct run *r, const struct program *p,
                           enum wait_end end)
{
    r->ending = "nothing";
    run_note_busy(r, end);
    return run_fail(r, end == WAIT_DEADLINE ? "deadline" : "hangs",
                    end == WAIT_HOPELESS ? "the %s hangs: it waits for "
                                           "something that never comes"
                                         : "the %s does not end",
                    p->name);
}

/* What a program that reports success has overlooked: a fake server that
 * refused the connection, ended it by force, or after so many bytes. */
static void add_overlooked(const struct run *r, const struct program *p,
                           struct bytes *out)
{
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *f = &r->peers[i];
        if (f->listener < 0 || strcmp(f->other, p->name) != 0)
            continue;
        if (f->refused)
            bytes_printf(out, ", though the fake server %s refuses connections",
                         f->name);
        else if (f->reset_sent)
            bytes_printf(out,
                         ", though the fake server %s had reset the "
                         "connection (RST)",
                         f->name);
        else if (f->fin_sent || f->closed)
            bytes_printf(out,
                         ", though the fake server %s had ended after "
                         "%zu bytes",
                         f->name, f->sent);
        return;
    }
}

bool verb_exit(struct run *r, const struct target *t, const struct step *s)
{
    long wanted;
    struct program *p = run_program(r, t);
    if (!run_number(r, t, &s->values[0], &wanted))
        return false;
    enum wait_end end = run_wait(r, has_ended, p);
    if (p->ended && WIFEXITED(p->status) && WEXITSTATUS(p->status) == wanted) {
        p->end_is_fine = true;
        return true;
    }
    run_expected(r, "exit status %ld", wanted);
    show_actual_end(r, p);
    if (!p->ended)
        return fail_not_ended(r, p, end);
    if (WIFSIGNALED(p->status))
        return run_fail(r, "killed", "the %s was killed by %s", p->name,
                        signal_name(WTERMSIG(p->status)));
    p->end_is_fine = true;
    struct bytes overlooked = {0};
    if (WEXITSTATUS(p->status) == 0)
        add_overlooked(r, p, &overlooked);
    run_fail(r, "exit-status",
             "the %s ended with status %d where %ld was expected%s", p->name,
             WEXITSTATUS(p->status), wanted, bytes_text(&overlooked));
    bytes_free(&overlooked);
    return false;
}

/* What follows that word at the beginning of a line of its output; or NULL. */
static const char *said_behind(const struct program *p, const char *word)
{
    size_t length = strlen(word);
    const char *line = bytes_text(&p->out.text);

    while (strncmp(line, word, length) != 0) {
        line = strchr(line, '\n');
        if (!line)
            return NULL;
        line++;
    }
    return line + length;
}

/* What a unit test says of itself: "FAILED name: message", one a line. */
static bool first_failed_test(const struct program *p, struct bytes *out)
{
    const char *said = said_behind(p, "FAILED ");

    if (said)
        bytes_add(out, said, strcspn(said, "\n"));
    return said != NULL;
}

/* In the words of the test. */
static void add_what_it_waits_for(struct program *p, struct bytes *out)
{
    static const char word[] = "waited for: ";
    const char *said = strstr(bytes_text(&p->err.text), word);
    if (!said)
        return;
    said += strlen(word);
    bytes_printf(out, ", at \"%.*s\"", (int)strcspn(said, "\n"), said);
    bytes_clear(&p->err.text);
}

/* Which test hangs, and how far it came. The frame of the tests knows it, and
 * says it when a test's time is over: so it is told that it is. */
static void describe_hang(struct run *r, struct program *p, bool is_at_rest,
                          struct bytes *out)
{
    const char *how = is_at_rest
                          ? "it hangs: it waits for something that never "
                            "comes"
                          : "it does not come to an end";
    struct bytes text = {0}, where = {0};
    run_describe(r);
    if (is_at_rest)
        run_where_it_waits(r, p, &where);
    else
        run_where_it_runs(r, p, &where);
    kill(p->pid, SIGALRM);
    run_wait(r, has_ended, p);
    p->end_is_fine = true;
    if (p->ended && first_failed_test(p, &text)) {
        const char *said = bytes_text(&text);
        const char *place = strstr(said, ", behind line ");
        bytes_printf(out, "%.*s: %s%s%s", (int)strcspn(said, ":"), said, how,
                     bytes_text(&where), place ? place : "");
        add_what_it_waits_for(p, out);
    } else {
        bytes_printf(out, "%s%s", how, bytes_text(&where));
    }
    bytes_free(&text);
    bytes_free(&where);
}

/* A test that a sanitizer has stopped only says that it ended early; the
 * sanitizer's own story is the better one (run_fail). */
static bool sanitizer_spoke(const struct program *p)
{
    return output_has(&p->err, "SUMMARY: ", 9) ||
           output_has(&p->err, "runtime error: ", 15);
}

bool verb_passes(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    r->frame_has_timer = true;
    if (!verb_start_raw(r, t, s))
        return false;
    enum wait_end end = run_wait(r, has_ended, p);
    p->end_is_fine = p->ended && !sanitizer_spoke(p);
    bool succeeded =
        p->ended && WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0;
    if (succeeded && said_behind(p, "PASSED "))
        return true;

    struct bytes what = {0};
    if (!p->ended) {
        r->ending = "nothing";
        run_note_busy(r, end);
        describe_hang(r, p, end == WAIT_HOPELESS, &what);
    } else if (succeeded) {
        bytes_add_text(&what, "their program ended with status 0 before they "
                              "had been run");
    } else if (!first_failed_test(p, &what)) {
        program_describe_end(p, &what);
    }
    run_fail(r, end == WAIT_DONE ? "unit-test" : "hangs",
             "a unit test failed: %s", bytes_text(&what));
    bytes_free(&what);
    return false;
}

bool verb_killed(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    const char *name = bytes_text(&s->values[0].parts[0].bytes);
    enum wait_end end = run_wait(r, has_ended, p);
    p->end_is_fine = p->ended;
    if (p->ended && WIFSIGNALED(p->status) &&
        WTERMSIG(p->status) == signal_number(name))
        return true;
    run_expected(r, "killed by %s", name);
    show_actual_end(r, p);
    if (!p->ended)
        return fail_not_ended(r, p, end);
    return run_fail(r, "exit-status", "the %s ended in another way", p->name);
}

/* -------------------------------- counts ------------------------------- */

static int count_descriptors(const struct program *p)
{
    struct descriptor *list;
    int count = process_descriptors(p->pid, &list);
    free(list);
    return count;
}

static int count_threads(const struct program *p)
{
    return process_thread_count(p->pid);
}

static int count_children(const struct program *p)
{
    return process_children(p->pid);
}

struct count_wish {
    const struct program *program;
    int (*count)(const struct program *p);
    int wanted;
};

static bool count_is_right(struct run *r, void *context)
{
    const struct count_wish *w = context;
    return r && w->count(w->program) == w->wanted;
}

static bool judge_count(struct run *r, struct program *p,
                        int (*count)(const struct program *p), int baseline,
                        const char *what, const char *code)
{
    struct count_wish w = {p, count, baseline};
    if (!p->has_baseline)
        return run_undecided(r, "the check has taken no baseline of the %s",
                             p->name);
    /* What the last client has caused may not have begun yet. */
    run_wait_quiet(r);
    if (run_wait(r, count_is_right, &w) == WAIT_DONE)
        return true;
    int now = count(p);
    run_expected(r, "%d %s, as at the baseline", baseline, what);
    run_actual(r, "%d %s", now, what);
    return run_fail(r, code,
                    now > baseline ? "the %s leaks: it has %d %s more than "
                                     "before"
                                   : "the %s has %d %s fewer than before",
                    p->name, now > baseline ? now - baseline : baseline - now,
                    what);
}

/* Which descriptors are open, for the report of a leak. */
static void list_descriptors(struct run *r, const struct program *p)
{
    struct descriptor *list;
    struct bytes text = {0};
    int count = process_descriptors(p->pid, &list);
    for (int i = 0; i < count && i < 12; i++)
        bytes_printf(&text, "%s%d %s", i ? ", " : "", list[i].fd,
                     list[i].target);
    if (count > 12)
        bytes_printf(&text, ", and %d more", count - 12);
    journal_about(r->journal, "descriptors", bytes_text(&text));
    bytes_free(&text);
    free(list);
}

bool verb_fds_baseline(struct run *r, const struct target *t,
                       const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    if (judge_count(r, p, count_descriptors, p->baseline_fds, "descriptors",
                    "fd-leak"))
        return true;
    list_descriptors(r, p);
    return false;
}

bool verb_threads_baseline(struct run *r, const struct target *t,
                           const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    return judge_count(r, p, count_threads, p->baseline_threads, "threads",
                       "thread-leak");
}

bool verb_children_baseline(struct run *r, const struct target *t,
                            const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    return judge_count(r, p, count_children, p->baseline_children,
                       "child processes", "child-leak");
}

bool verb_fds_close_on_exec(struct run *r, const struct target *t,
                            const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    struct descriptor *list;
    int bad = -1;
    run_wait_quiet(r);
    int count = process_descriptors(p->pid, &list);
    for (int i = 0; i < count && bad < 0; i++)
        if (list[i].fd > 2 && list[i].socket &&
            descriptor_is_inherited(p->pid, list[i].fd))
            bad = i;
    if (bad >= 0) {
        int fd = list[bad].fd;
        bool listener = list[bad].socket == p->listener;
        free(list);
        run_expected(r, "FD_CLOEXEC on every socket");
        run_actual(r, "fd %d, %s, has no FD_CLOEXEC", fd,
                   listener ? "the listening socket" : "a connection");
        return run_fail(r, "inherits-fds",
                        "a program that the %s executes would inherit fd %d",
                        p->name, fd);
    }
    free(list);
    return true;
}

/* --------------------------------- rest -------------------------------- */

/* Between two looks; and before a program that runs is watched. */
#define IDLE_PAUSE_NS 2000000
#define IDLE_WATCH_MS 30

/* It came to rest in the end: a time-out of its own has ended what it did. */
static void note_restless(struct run *r, const struct program *p,
                          double milliseconds, int looks, int running)
{
    if (r->script->timer && milliseconds > r->script->timer / 2.0 &&
        running > looks * 8 / 10)
        run_before(r,
                   "the %s ran for %.0f ms without a pause, though nothing "
                   "came",
                   p->name, milliseconds);
}

bool verb_idle(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    int looks = 0, running = 0;

    /* Quiet at once, mostly; but one that was asleep only because nobody had
     * read what it prints is not. One that is not quiet may work something off
     * yet, be it slowly; so how long it has been running proves nothing. */
    double start = clock_ms(), watch_after = IDLE_WATCH_MS;
    while (clock_ms() - start < run_deadline_ms()) {
        struct timespec pause = {0, IDLE_PAUSE_NS};
        run_pump(r);
        if (p->ended || (quiet_look(getpid(), NULL, 0, &r->look) != QUIET_NO &&
                         !run_pump(r))) {
            note_restless(r, p, clock_ms() - start, looks, running);
            return true;
        }
        looks++;
        running += quiet_is_running(&r->look);
        if (clock_ms() - start > watch_after) {
            if (run_is_spinning(r))
                break;
            watch_after = 2 * (clock_ms() - start);
        }
        ppoll(NULL, 0, &pause, NULL);
    }
    if (!r->spin.count && running < looks * 8 / 10)
        return true;
    r->busy = true;
    run_expected(r, "it waits in a call that blocks");
    run_actual(r,
               r->spin.count ? "it makes the same calls again and again"
                             : "it was running at %d of %d looks in %.0f ms",
               running, looks, clock_ms() - start);
    return run_fail(r, "busy-loop",
                    "the %s uses the processor though it has nothing to do",
                    p->name);
}

/* ------------------------------- sockets ------------------------------- */

struct row_search {
    const struct descriptor *descriptors;
    int count;
    int rows;
    struct socket_facts first;
    struct bytes addresses; /* of all: their own ends */
};

static bool count_row(const struct socket_facts *facts, void *context)
{
    struct row_search *s = context;
    for (int i = 0; i < s->count; i++)
        if (s->descriptors[i].socket &&
            s->descriptors[i].socket == facts->inode) {
            char text[64];
            bytes_printf(&s->addresses, "%s%s", s->rows ? ", " : "",
                         address_text(&facts->local, text, sizeof text));
            if (!s->rows++)
                s->first = *facts;
            break;
        }
    return true;
}

/* The caller's to free: its addresses. */
static struct row_search find_rows(const struct program *p, int state)
{
    struct descriptor *list;
    int count = process_descriptors(p->pid, &list);
    struct row_search s = {.descriptors = list, .count = count};
    sockdiag_each(state, count_row, &s);
    free(list);
    s.descriptors = NULL;
    return s;
}

static int count_rows(const struct program *p, int state)
{
    struct row_search s = find_rows(p, state);
    bytes_free(&s.addresses);
    return s.rows;
}

static bool no_close_wait(struct run *r, void *context)
{
    return r && count_rows(context, TCP_STATE_CLOSE_WAIT) == 0;
}

bool verb_no_close_wait(struct run *r, const struct target *t,
                        const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    if (run_wait(r, no_close_wait, p) == WAIT_DONE)
        return true;
    int rows = count_rows(p, TCP_STATE_CLOSE_WAIT);
    run_expected(r, "no connection in CLOSE_WAIT");
    run_actual(r, "%d in CLOSE_WAIT", rows);
    return run_fail(r, "close-wait",
                    "the %s does not close a connection that the other side "
                    "has ended",
                    p->name);
}

struct queue_wish {
    const struct program *program;
    unsigned wanted, now;
};

static bool read_queue(const struct socket_facts *facts, void *context)
{
    struct queue_wish *w = context;
    if (facts->inode != w->program->listener)
        return true;
    w->now = facts->receive_queue;
    return false;
}

static bool queue_is_right(struct run *r, void *context)
{
    struct queue_wish *w = context;
    sockdiag_each(TCP_STATE_LISTEN, read_queue, w);
    return r && w->now == w->wanted;
}

bool verb_accept_queue(struct run *r, const struct target *t,
                       const struct step *s)
{
    long wanted;
    struct program *p = run_program(r, t);
    if (!run_number(r, t, &s->values[0], &wanted))
        return false;
    struct queue_wish w = {.program = p, .wanted = (unsigned)wanted};
    if (run_wait(r, queue_is_right, &w) == WAIT_DONE)
        return true;
    run_expected(r, "%ld connections in the accept queue", wanted);
    run_actual(r, "%u", w.now);
    return run_fail(r, "accept-queue",
                    "%u connections wait to be accepted where %ld should",
                    w.now, wanted);
}

static int swapped(int port)
{
    return ((port & 0xff) << 8) | (port >> 8);
}

bool verb_listens_on(struct run *r, const struct target *t,
                     const struct step *s)
{
    struct program *p = run_program(r, t);
    struct bytes host = {0};
    long port;
    char wanted[128];

    if (!run_bytes(r, t, &s->values[0], &host) ||
        !run_number(r, t, &s->values[1], &port))
        return false;
    bool is_6 = strchr(bytes_text(&host), ':') != NULL;
    snprintf(wanted, sizeof wanted, is_6 ? "[%.60s]:%ld" : "%.60s:%ld",
             bytes_text(&host), port);
    bytes_free(&host);
    struct row_search all = find_rows(p, TCP_STATE_LISTEN);
    int actual_port = address_port(&all.first.local);
    bool good = strcmp(wanted, bytes_text(&all.addresses)) == 0;
    if (!good) {
        run_expected(r, "%s", wanted);
        run_actual(r, "%s", bytes_text(&all.addresses));
    }
    bytes_free(&all.addresses);
    if (good)
        return true;
    if (all.rows > 1)
        return run_fail(r, "wrong-address",
                        "the %s listens on %d addresses, where one is asked "
                        "for",
                        p->name, all.rows);
    if (actual_port == swapped((int)port))
        return run_fail(r, "byte-order",
                        "the %s listens on port %d, which is %ld with its "
                        "bytes swapped: htons() is missing",
                        p->name, actual_port, port);
    return run_fail(r, "wrong-address", "the %s listens on the wrong address",
                    p->name);
}

/* A precondition: without this row, a restart proves nothing. */
static bool in_time_wait(struct run *r, void *context)
{
    struct socket_facts facts;
    return r && peer_other_end(context, &facts) &&
           facts.state == TCP_STATE_TIME_WAIT;
}

bool verb_time_wait(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    if (run_wait(r, in_time_wait, p) == WAIT_DONE || in_time_wait(r, p)) {
        journal_text(r->journal, EVENT_NOTE, p->name,
                     "the %s's end is in TIME_WAIT", p->other);
        return true;
    }
    struct socket_facts facts = {0};
    peer_other_end(p, &facts);
    return run_undecided(r,
                         "the %s's end of the connection of %s is not in "
                         "TIME_WAIT but in %s",
                         p->other, p->name, tcp_state_name(facts.state));
}

/* -------------------------- memory and processor ------------------------ */

bool verb_rss(struct run *r, const struct target *t, const struct step *s)
{
    long limit;
    struct program *p = run_program(r, t);
    if (!run_number(r, t, &s->values[0], &limit))
        return false;
    size_t rss = process_rss(p->pid);
    if (r->sanitized || rss < (size_t)limit)
        return true;
    run_expected(r, "less than %ld bytes of memory", limit);
    run_actual(r, "%zu bytes", rss);
    return run_fail(r, "memory", "the %s uses too much memory", p->name);
}

static unsigned long long cpu_now(const struct program *p)
{
    pid_t pids[PROCESSES_MAX];
    return process_run_time(pids, program_tree(p, pids));
}

bool verb_cpu_start(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    run_wait_quiet(r);
    p->cpu_start = cpu_now(p);
    return true;
}

/* A value that was saved under a name before. */
static bool saved_number(struct run *r, const struct target *t,
                         const struct value *name, long *out)
{
    struct part part = {.kind = PART_NAME, .bytes = name->parts[0].bytes};
    struct value value = {.parts = &part, .count = 1};
    return run_number(r, t, &value, out);
}

bool verb_cpu_save(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    const char *name = bytes_text(&s->values[0].parts[0].bytes);
    char text[32];
    long least;

    run_wait_quiet(r);
    long used = (long)(cpu_now(p) - p->cpu_start);
    if (run_is_saved(r, name) &&
        (!saved_number(r, t, &s->values[0], &least) || least <= used))
        return r->verdict == VERDICT_PASS;
    snprintf(text, sizeof text, "%ld", used);
    return run_save(r, name, text, strlen(text));
}

/* Below this, processor time is noise. */
#define CPU_FLOOR_NS 500000L

bool verb_cpu_ratio(struct run *r, const struct target *t, const struct step *s)
{
    struct program *p = run_program(r, t);
    long used, times, base;
    if (!saved_number(r, t, &s->values[0], &used) ||
        !run_number(r, t, &s->values[1], &times) ||
        !saved_number(r, t, &s->values[2], &base))
        return false;
    if (base < CPU_FLOOR_NS)
        base = CPU_FLOOR_NS;
    if (r->sanitized || used / times < base)
        return true;
    run_expected(r, "less than %ld times %.1f ms of processor time", times,
                 (double)base / 1e6);
    run_actual(r, "%.1f ms", (double)used / 1e6);
    return run_fail(r, "slow",
                    "the %s's work grows faster than the data: %.0f times as "
                    "much",
                    p->name, (double)used / (double)base);
}
