#include "rounds.h"

#include <stdlib.h>

/* Before this one nothing is compared: the first ones warm up. */
#define FIRST_COMPARED 4
/* A thread that nobody has joined keeps its stack, of which little is memory
 * and all is address space; so this is compared, too. A runtime reserves by
 * larger pieces, and more than one such round is left by each leak. */
#define SPACE_A_ROUND (4L << 20)
/* A program that was given as a command may have a heap with a collector, which
 * grows for a while though nothing is kept. */
#define KEEP_ANY_RUNTIME (256L << 10)

struct possessions {
    size_t memory, space;
    int descriptors, threads, children;
};

struct rounds {
    long keep;
    int count;
    struct possessions *after; /* round number, from 1 */
};

struct rounds *rounds_begin(const struct run *r, long most, long keep)
{
    struct rounds *rounds = memory_get(sizeof *rounds);
    bool is_command = r->options->server;
    rounds->keep =
        is_command && keep < KEEP_ANY_RUNTIME ? KEEP_ANY_RUNTIME : keep;
    rounds->after = memory_get((size_t)(most + 1) * sizeof *rounds->after);
    return rounds;
}

void rounds_free(struct rounds *rounds)
{
    free(rounds->after);
    free(rounds);
}

static struct program *server_of(struct run *r)
{
    for (int i = 0; i < r->program_count; i++)
        if (r->programs[i].listening)
            return &r->programs[i];
    return NULL;
}

static struct possessions possessions_of(const struct program *p)
{
    struct possessions all = {.children = process_children(p->pid)};
    pid_t pids[PROCESSES_MAX];
    int count = program_tree(p, pids);
    for (int i = 0; i < count; i++) {
        struct descriptor *list;
        int descriptors = process_descriptors(pids[i], &list);
        free(list);
        all.descriptors += descriptors > 0 ? descriptors : 0;
        all.threads += process_thread_count(pids[i]);
        all.memory += process_rss(pids[i]);
        all.space += process_address_space(pids[i]);
    }
    return all;
}

static bool has_grown(size_t before, size_t now, long most)
{
    return now > before && now - before >= (size_t)most;
}

static bool is_power_of_two(int round)
{
    return (round & (round - 1)) == 0;
}

/* A runtime starts a further thread of its own when it likes. */
static bool has_more_threads(const struct possessions *then, int half, int now)
{
    return now - then->threads >= (half >= 8 ? half / 4 : 1);
}

struct counts_wish {
    const struct possessions *then;
    int half;
};

/* What the last client has caused may not be over yet. */
static bool counts_are_back(struct run *r, void *context)
{
    const struct counts_wish *w = context;
    const struct program *p = server_of(r);
    struct possessions now = {0};
    if (!p)
        return true;
    now = possessions_of(p);
    return now.descriptors <= w->then->descriptors &&
           now.children <= w->then->children &&
           !has_more_threads(w->then, w->half, now.threads);
}

bool rounds_settled(struct rounds *rounds, struct run *r)
{
    const struct program *p = server_of(r);
    if (!p)
        return true;
    rounds->count++;
    /* A sanitizer keeps what was freed for a while, so nothing is compared;
     * what was lost in one round it finds. */
    if (r->sanitized)
        return true;
    if (!is_power_of_two(rounds->count))
        return false;
    run_wait_quiet(r);
    rounds->after[rounds->count] = possessions_of(p);
    if (rounds->count < FIRST_COMPARED)
        return false;
    int half = rounds->count / 2;
    struct counts_wish w = {&rounds->after[half], half};
    if (!counts_are_back(r, &w)) {
        run_wait(r, counts_are_back, &w);
        rounds->after[rounds->count] = possessions_of(p);
    }
    const struct possessions *then = &rounds->after[half];
    const struct possessions *now = &rounds->after[rounds->count];
    return now->descriptors <= then->descriptors &&
           !has_more_threads(then, half, now->threads) &&
           now->children <= then->children &&
           !has_grown(then->memory, now->memory, rounds->keep * half) &&
           !has_grown(then->space, now->space, SPACE_A_ROUND * half);
}

static bool fail_count(struct run *r, const char *code, const char *what,
                       int half, int then, int now)
{
    run_expected(r, "%d %s, as after round %d", then, what, half);
    run_actual(r, "%d after round %d", now, 2 * half);
    return run_fail(r, code, "the %s leaks: %d equal rounds have left %d %s",
                    server_of(r)->name, half, now - then, what);
}

static bool fail_bytes(struct run *r, const char *what, int half, size_t then,
                       size_t now, long most)
{
    run_expected(r, "less than %ld bytes of %s more in each round", most, what);
    run_actual(r, "%zu bytes more in each round, from round %d to %d",
               (now - then) / (size_t)half, half, 2 * half);
    return run_fail(r, "kept",
                    "the %s of the %s grows: %d equal rounds have left %zu "
                    "bytes each",
                    what, server_of(r)->name, half,
                    (now - then) / (size_t)half);
}

bool rounds_fail(const struct rounds *rounds, struct run *r)
{
    int half = 1;
    while (4 * half <= rounds->count)
        half *= 2;
    const struct possessions *then = &rounds->after[half];
    const struct possessions *now = &rounds->after[2 * half];
    if (now->descriptors > then->descriptors)
        return fail_count(r, "fd-leak", "descriptors", half, then->descriptors,
                          now->descriptors);
    if (has_more_threads(then, half, now->threads))
        return fail_count(r, "thread-leak", "threads", half, then->threads,
                          now->threads);
    if (now->children > then->children)
        return fail_count(r, "child-leak",
                          "child processes (zombies are counted)", half,
                          then->children, now->children);
    if (has_grown(then->memory, now->memory, rounds->keep * half))
        return fail_bytes(r, "memory", half, then->memory, now->memory,
                          rounds->keep);
    return fail_bytes(r, "address space", half, then->space, now->space,
                      SPACE_A_ROUND);
}
