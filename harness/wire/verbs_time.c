/* What only time shows: patience, sleep, and who is served while another one
 * sends without a pause. */
#include "run.h"

#include <sched.h>
#include <sys/resource.h>

/* ------------------------------ time passes ---------------------------- */

bool verb_wait(struct run *r, const struct target *t, const struct step *s)
{
    long milliseconds;
    if (!run_number(r, t, &s->values[0], &milliseconds))
        return false;
    if (r->sanitized)
        return true;
    run_let_pass(r, (double)milliseconds);
    return true;
}

/* Milliseconds that it has run, or waited for a processor. */
static double asked_for(const struct program *p)
{
    pid_t pids[PROCESSES_MAX];
    int count = program_tree(p, pids);
    return (double)(process_run_time(pids, count) +
                    process_run_delay(pids, count)) /
           1e6;
}

/* Upper bounds on time are for programs that have a time-out of their own, in
 * checks whose head says `timer`: there a machine that is too busy for it makes
 * a failure undecided. */
bool verb_exit_within(struct run *r, const struct target *t,
                      const struct step *s)
{
    long milliseconds;
    const struct program *p = run_program(r, t);
    if (!run_number(r, t, &s->values[1], &milliseconds))
        return false;
    double end = clock_ms() + (double)milliseconds, before = asked_for(p);
    while (!r->sanitized && !p->ended && clock_ms() < end)
        run_let_pass(r, 10);
    if (r->sanitized || p->ended)
        return verb_exit(r, t, s);
    r->ending = "nothing";
    r->busy |= asked_for(p) - before > (double)milliseconds / 2;
    run_expected(r, "it ends within %ld ms", milliseconds);
    run_actual(r, "still running");
    return run_fail(r, "late", "the %s does not end in time", p->name);
}

/* ------------------------------- it sleeps ----------------------------- */

/* Runtimes have threads with clocks of their own, and such a thread may wake up
 * twenty times in a second, or fifty. And a runtime may have something to put
 * in order yet: so who is awake in all of these windows is awake for good. */
#define WINDOW_MS 500
#define WINDOWS 4
#define TURNS_A_SECOND 100

static int look_at_threads(const struct program *p, struct thread_facts *out)
{
    pid_t pids[PROCESSES_MAX];
    return process_threads(pids, program_tree(p, pids), out);
}

/* How often threads were put on a processor since BEFORE, all together. */
static unsigned long long turns_since(const struct thread_facts *before,
                                      int before_count,
                                      const struct thread_facts *now, int count)
{
    unsigned long long turns = 0;
    for (int i = 0; i < count; i++) {
        turns += now[i].switches;
        for (int k = 0; k < before_count; k++)
            if (before[k].tid == now[i].tid)
                turns -= before[k].switches;
    }
    return turns;
}

/* Turns in a second, over one window. */
static double turns_a_second(struct run *r, const struct program *p)
{
    static struct thread_facts before[THREADS_MAX], now[THREADS_MAX];
    run_wait_quiet(r);
    double start = clock_ms();
    int before_count = look_at_threads(p, before);
    run_let_pass(r, WINDOW_MS);
    int count = look_at_threads(p, now);
    return (double)turns_since(before, before_count, now, count) * 1e3 /
           (clock_ms() - start);
}

bool verb_sleeps(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    const struct program *p = run_program(r, t);
    double turns = TURNS_A_SECOND;
    if (r->sanitized)
        return true;
    for (int i = 0; i < WINDOWS && turns >= TURNS_A_SECOND && !p->ended; i++)
        turns = turns_a_second(r, p);
    if (p->ended || turns < TURNS_A_SECOND)
        return true;
    run_expected(r, "it wakes up less than %d times a second", TURNS_A_SECOND);
    run_actual(r, "%.0f times", turns);
    return run_fail(r, "polls",
                    "the %s wakes up again and again, though nothing happens",
                    p->name);
}

/* ------------------------------ no pause ------------------------------- */

bool verb_pour(struct run *r, const struct target *t, const struct step *s)
{
    long count;
    struct peer *p = run_peer(r, t);
    const struct program *other = run_program_named(r, p->other);
    if (!run_number(r, t, &s->values[0], &count))
        return false;
    if (p->fd < 0 || !other)
        return run_undecided(r, "%s has no connection", p->name);
    if (r->sanitized)
        count /= 16; /* it is slower, and pours_on asks nothing of it */
    else
        faults_feed(other->faults, address_port(&p->local));
    peer_pour(p, (size_t)count);
    journal_text(r->journal, EVENT_NOTE, p->name,
                 "sends %ld bytes from now on, without a pause", count);
    run_pump(r);
    return true;
}

bool verb_pours_on(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    const struct peer *p = run_peer(r, t);
    if (p->pour || p->saw_reset || r->sanitized)
        return true;
    run_expected(r, "this, while %s is still sending", run_who(r, p->name));
    if (run_was_fed(r, p))
        run_actual(r, "%d receives from %s before", FED_MAX,
                   run_who(r, p->name));
    else
        run_actual(r, "all %zu bytes of %s were sent before", p->sent,
                   run_who(r, p->name));
    return run_fail(r, "starved",
                    "the %s serves nobody else while %s sends without a pause",
                    p->other, run_who(r, p->name));
}
