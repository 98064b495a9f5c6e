#include "run_where.h"

#include "calls.h"
#include "sanitizer.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* So many threads are asked. */
#define ASKED_MAX 4

static bool has_told(struct run *r, void *context)
{
    const struct program *p = context;
    return r && (p->ended || output_has(&p->err, "\n\n", 2));
}

/* The answer is no word of the program's own, and stands in the journal as what
 * it is. */
static void ask(struct run *r, struct program *p, const struct thread_facts *t,
                struct bytes *stack)
{
    struct journal *j = r->journal;
    size_t before = j->count;
    bytes_clear(&p->err.text);
    if (syscall(SYS_tgkill, t->pid, t->tid, SIGUSR2) == 0)
        run_wait(r, has_told, p);
    bytes_add_text(stack, bytes_text(&p->err.text));
    bytes_clear(&p->err.text);
    for (size_t i = before; i < j->count; i++)
        if (j->events[i].kind == EVENT_OUTPUT &&
            strcmp(j->events[i].key, "stderr") == 0) {
            j->events[i].kind = EVENT_ABOUT;
            snprintf(j->events[i].key, sizeof j->events[i].key, "stack");
        }
}

typedef bool is_asked(const struct program *p, const struct thread_facts *t);
typedef void add_place(const char *stack, struct bytes *out);

/* Each place once. */
static void ask_each(struct run *r, struct program *p, is_asked *wanted,
                     add_place *add, struct bytes *out)
{
    static struct quiet_look look;
    struct bytes places = {0};
    quiet_look(getpid(), NULL, 0, &look);
    for (int i = 0, asked = 0; i < look.count && asked < ASKED_MAX; i++) {
        struct bytes stack = {0}, place = {0};
        if (!wanted(p, &look.threads[i]))
            continue;
        asked++;
        ask(r, p, &look.threads[i], &stack);
        add(bytes_text(&stack), &place);
        if (place.length && !strstr(bytes_text(&places), bytes_text(&place)))
            bytes_printf(&places, "%s%s", places.length ? ", and" : "",
                         bytes_text(&place));
        bytes_free(&stack);
        bytes_free(&place);
    }
    bytes_add_text(out, bytes_text(&places));
    bytes_free(&places);
}

static bool is_of_a_test(const struct program *p, const struct thread_facts *t)
{
    return t->pid != p->pid;
}

void run_where_it_waits(struct run *r, struct program *p, struct bytes *out)
{
    struct bytes places = {0};
    ask_each(r, p, is_of_a_test, sanitizer_own_place, &places);
    if (places.length)
        bytes_printf(out, ",%s", bytes_text(&places));
    bytes_free(&places);
}

static bool runs_a_test(const struct program *p, const struct thread_facts *t)
{
    return is_of_a_test(p, t) && t->state == 'R';
}

void run_where_it_runs(struct run *r, struct program *p, struct bytes *out)
{
    struct bytes places = {0};
    ask_each(r, p, runs_a_test, sanitizer_place, &places);
    if (places.length)
        bytes_printf(out, ": it goes round%s", bytes_text(&places));
    bytes_free(&places);
}

static bool is_locked(const struct program *p, const struct thread_facts *t)
{
    return t->pid == p->pid && t->syscall_known && t->call == SYS_futex;
}

void run_where_it_is_locked(struct run *r, struct program *p, struct bytes *out)
{
    program_let_loose(p);
    run_wait_quiet(r);
    ask_each(r, p, is_locked, sanitizer_main_place, out);
}
