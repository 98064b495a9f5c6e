#include "run_check.h"

#include "contract.h"
#include "rounds.h"
#include "run_where.h"
#include "sanitizer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --------------------------------- steps ------------------------------- */

static bool run_step(struct run *r, const struct step *s)
{
    const struct actor *a = &r->script->actors[s->actor];
    struct target t = {.actor = a, .actor_index = s->actor};
    int first = 0, last = 0;

    if (a->last) {
        first = s->member ? s->member : a->first;
        last = s->member ? s->member : a->last;
    }
    r->step = s;
    r->journal->line = s->line;
    journal_text(r->journal, EVENT_STEP, "", "%s", s->source);
    for (int m = first; m <= last; m++) {
        t.member = m;
        if (!s->verb->run(r, &t, s))
            return false;
    }
    return true;
}

static bool run_steps(struct run *r, const struct step *steps, int count);

static bool run_rounds(struct run *r, const struct step *s)
{
    struct rounds *rounds = rounds_begin(r, s->times, s->keep);
    bool good = true, settled = false;
    for (long n = 0; n < s->times && good && !settled; n++) {
        good = run_steps(r, s->body, s->body_count);
        settled = good && rounds_settled(rounds, r);
    }
    if (good && !settled) {
        r->step = s;
        r->journal->line = s->line;
        good = rounds_fail(rounds, r);
    }
    rounds_free(rounds);
    return good;
}

static bool run_steps(struct run *r, const struct step *steps, int count)
{
    bool good = true;
    for (int i = 0; i < count && good; i++) {
        const struct step *s = &steps[i];
        switch (s->kind) {
        case STEP_DO:
            good = run_step(r, s);
            break;
        case STEP_REPEAT:
            for (long n = 0; n < s->times && good; n++)
                good = run_steps(r, s->body, s->body_count);
            break;
        case STEP_ROUNDS:
            good = run_rounds(r, s);
            break;
        case STEP_TOGETHER:
            r->corked = true;
            good = run_steps(r, s->body, s->body_count);
            r->corked = false;
            run_pump(r);
            break;
        }
    }
    return good;
}

/* A server that died after its last step has still died. */
static bool still_alive(struct run *r)
{
    run_pump(r);
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        bool found = p->ended && sanitizer_ended(p->status);
        if (!p->started || !p->ended || (p->end_is_fine && !found))
            continue;
        if (found || WIFSIGNALED(p->status) || strcmp(p->name, "client") != 0)
            return run_fail(r, "exited", "the %s ended by itself", p->name);
    }
    return true;
}

/* --------------------------------- checks ------------------------------ */

static bool describe_rules(struct run *r)
{
    bool must = r->script->rules.count == 0;
    for (int i = 0; i < r->script->rules.count; i++) {
        struct rule rule;
        struct bytes error = {0};
        if (!rule_find(r->options->contracts, r->script->rules.texts[i], &rule,
                       &error)) {
            run_undecided(r, "%s", bytes_text(&error));
            bytes_free(&error);
            return false;
        }
        bool binds = rule.must &&
                     (!r->options->lesson || rule.from <= r->options->lesson);
        must |= binds;
        journal_about(r->journal, "rule", rule.name);
        journal_about(r->journal, "rule-says", bytes_text(&rule.says));
        journal_about(r->journal, "rule-why", bytes_text(&rule.why));
        rule_free(&rule);
    }
    journal_about(r->journal, "level", must ? "must" : "should");
    return true;
}

static void describe_check(struct run *r)
{
    const struct script *s = r->script;
    struct journal *j = r->journal;
    char text[1024];

    journal_about(j, "name", s->name);
    journal_about(j, "title", s->title);
    journal_about(j, "file", s->path);
    if (s->stage) {
        snprintf(text, sizeof text, "%c", s->stage);
        journal_about(j, "stage", text);
    }
    snprintf(text, sizeof text, "%d", s->points);
    journal_about(j, "points", text);
    if (s->read)
        journal_about(j, "read", s->read);
    if (s->hidden)
        journal_about(j, "hidden",
                      "This check is hidden: only its rule is told.");
    if (r->options->kit)
        journal_about(j, "kit", r->options->kit);
    if (r->options->hold && script_uses(s, "unit"))
        journal_about(j, "held", r->options->hold);
    if (r->options->again) {
        const char *again = r->options->again, *place = strstr(again, "%s");
        if (place)
            snprintf(text, sizeof text, "%.*s%s%s", (int)(place - again), again,
                     s->name, place + 2);
        else
            snprintf(text, sizeof text, "%s", again);
        journal_about(j, "again", text);
    }
}

/* Of a hidden check a handout has the head. */
static bool is_here(struct run *r)
{
    return r->script->step_count ||
           run_skip(r, "it is hidden, and runs where your instructor grades");
}

static bool needs_are_met(struct run *r, const struct assignment *a)
{
    if (!a->waits_for)
        return true;
    r->verdict = VERDICT_NOT_RUN;
    journal_about(r->journal, "waits-for", a->waits_for);
    return false;
}

static void tear_down(struct run *r)
{
    for (int i = 0; i < r->program_count; i++)
        program_kill(&r->programs[i]);
    programs_end_all();
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        /* The last of the output, now that nobody can add to it. */
        while (p->started && program_pump(p, r->journal))
            ;
        program_tell_last(p, r->journal);
        program_free(p);
        free(r->commands[i][0]);
    }
    for (int i = 0; i < r->peer_count; i++)
        peer_free(&r->peers[i]);
    free(r->peers);
    free(r->watch);
    for (int i = 0; i < r->saved_count; i++)
        bytes_free(&r->saved[i].value);
    bytes_free(&r->got);
}

/* Those of the command line. Unit tests count the calls that they make, and a
 * thread cannot be held back in two ways. */
static void add_faults(struct run *r)
{
    const char *text = r->options->faults;
    struct bytes error = {0};
    size_t place;
    if (!text || script_does(r->script, verb_inject) ||
        script_does(r->script, verb_hold_back))
        return;
    for (int i = 0; i < r->program_count; i++)
        if (strcmp(r->programs[i].name, "unit") != 0)
            faults_plan_add(&r->programs[i].plan, text, &place, &error);
    journal_about(r->journal, "faults", text);
    bytes_free(&error);
}

/* What asks a sanitized program for places: harness/grade/last_look.c. */
static const char *const askings[STORIES] = {
    [STORY_MEMORY] = "WIRE_PLACES=memory",
    [STORY_TIME] = "WIRE_PLACES=time",
    [STORY_LOCKS] = "WIRE_PLACES=locks"};

static struct run *begin(const struct assignment *a, const struct options *o,
                         struct journal *j)
{
    struct run *r = memory_get(sizeof *r);
    r->script = a->script;
    r->server = a->server;
    r->options = o;
    r->sanitized = a->build;
    r->follows = a->story == STORY_CALLS;
    r->places = askings[a->story];
    r->feeds = script_does(a->script, verb_pour) && !a->build;
    r->journal = j;
    r->news = a->news;
    r->verdict = VERDICT_PASS;

    journal_begin(j);
    describe_check(r);
    return r;
}

static void end(struct run *r)
{
    struct journal *j = r->journal;
    char ms[32];
    /* What a sanitizer has found is wrong, whatever the check is about. */
    if (r->verdict == VERDICT_FAIL &&
        strcmp(journal_get(j, "code"), "sanitizer") != 0 &&
        strcmp(journal_get(j, "level"), "should") == 0)
        r->verdict = VERDICT_ADVICE;
    journal_about(j, "verdict", verdict_name(r->verdict));
    snprintf(ms, sizeof ms, "%.1f", clock_ms() - j->start);
    journal_about(j, "duration", ms);
    free(r);
}

static bool has_ended(struct run *r, void *context)
{
    const struct program *p = context;
    return r && p->ended;
}

/* What is lost for good shows only when a program comes to its end. */
static bool let_it_end(struct run *r)
{
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        if (!p->started || p->ended || p->frozen)
            continue;
        program_signal(p, SIGTERM, r->journal);
        if (run_wait_or_rest(r, has_ended, p) == WAIT_DONE &&
            sanitizer_ended(p->status))
            return run_fail(r, "sanitizer", "%s", "");
    }
    return true;
}

static bool has_program(const struct script *s, const char *server,
                        const struct options *o, const char *build)
{
    const char *names[] = {server, "client"};
    bool there = false;
    for (int i = 0; i < 2 && o->programs && !there; i++) {
        struct bytes path = {0};
        bytes_printf(&path, "%s/%s/%s", o->programs, build, names[i]);
        there = script_uses(s, i ? "client" : "server") &&
                access(bytes_text(&path), X_OK) == 0;
        bytes_free(&path);
    }
    return there;
}

bool run_check_has_build(const struct script *s, const char *server,
                         const struct options *o, const char *build)
{
    /* What is about time alone says nothing about a build that takes three
     * times as long; and the thread sanitizer takes ten times, so it is for
     * those checks in which threads meet. */
    if (script_does(s, verb_cpu_start) ||
        (strcmp(build, "tsan") == 0 && (!s->threads || s->timer)))
        return false;
    return has_program(s, server, o, build);
}

/* Who measures or holds back a program must be alone with it. Of rounds only a
 * leak of descriptors, threads or processes shows in calls. */
static bool can_be_traced(const struct script *s, const char *code)
{
    return (!script_has_rounds(s) || strstr(code, "-leak")) &&
           !script_does(s, verb_hold_back) && !script_does(s, verb_cpu_start);
}

/* How the programs were found where it failed. */
static bool was_doing(const struct journal *j, const char *what)
{
    size_t position = 0;
    const char *text;
    while ((text = journal_each_about(j, "doing", &position)))
        if (strstr(text, what))
            return true;
    return false;
}

/* Something does not come, and a thread that waits for another one may be why.
 */
static bool does_not_come(const struct script *s, const struct journal *j)
{
    static const char *const codes[] = {
        "hangs",       "deadline",  "no-answer", "not-accepted", "not-consumed",
        "not-stopped", "not-ended", "short",     "transcript"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(journal_get(j, "code"), codes[i]) == 0)
            return was_doing(j, "(kernel: futex)");
    return script_does(s, verb_hold_back);
}

bool run_check_has_story(const struct script *s, const char *server,
                         const struct options *o, const struct journal *j,
                         enum story story)
{
    const char *code = journal_get(j, "code");
    bool is_kept = strcmp(code, "kept") == 0;
    /* It runs, and no call that is made again and again tells where. */
    bool is_slow = strcmp(code, "slow") == 0 ||
                   (strncmp(code, "busy", 4) == 0 &&
                    !was_doing(j, "the same calls again and again"));
    if ((!journal_verdict_is(j, "fail") && !journal_verdict_is(j, "advice")) ||
        strcmp(code, "sanitizer") == 0 || strcmp(code, "not-started") == 0 ||
        strcmp(code, "excess") == 0)
        return false;
    switch (story) {
    case STORY_CALLS:
        return !is_kept && strcmp(code, "slow") != 0 && can_be_traced(s, code);
    case STORY_MEMORY:
        return is_kept && has_program(s, server, o, "san");
    case STORY_TIME:
        return is_slow && has_program(s, server, o, "san");
    case STORY_LOCKS:
        return does_not_come(s, j) && has_program(s, server, o, "san");
    default:
        return false;
    }
}

static int line_of_failure(const struct journal *j)
{
    for (size_t i = j->count; i-- > 0;)
        if (j->events[i].kind == EVENT_FAILED)
            return j->events[i].line;
    return 0;
}

/* True if it has come to the same end. A program that died is one story, at
 * whichever step that was seen; and whether a client was accepted before nobody
 * answered it is chance. */
static bool has_failed_alike(const struct journal *a, const struct journal *b)
{
    static const char *const silent[] = {"no-answer", "not-accepted"};
    const char *code = journal_get(a, "code"), *other = journal_get(b, "code");
    bool is_dead = strcmp(code, "exited") == 0 || strcmp(code, "killed") == 0;
    bool is_same = strcmp(code, other) == 0;
    for (int i = 0; i < 2; i++)
        is_same |=
            strcmp(code, silent[i]) == 0 && strcmp(other, silent[!i]) == 0;
    return is_same && (is_dead || line_of_failure(a) == line_of_failure(b));
}

void run_check_take_story(struct journal *j, const struct journal *followed)
{
    size_t position = 0;
    const char *text;

    if (*journal_get(followed, "place"))
        journal_about(j, "place", journal_get(followed, "place"));
    if (!has_failed_alike(j, followed))
        return;
    while ((text = journal_each_about(followed, "last-call", &position)))
        journal_about(j, "last-call", text);
    position = 0;
    while ((text = journal_each_about(followed, "waits", &position)))
        journal_about(j, "waits", text);
}

/* Asks for what is held, as long as it is: much of it is given back at the end,
 * though nobody has needed it any more. */
static void ask_for_memory(struct run *r)
{
    for (int i = 0; i < r->program_count; i++)
        program_signal(&r->programs[i], SIGUSR2, r->journal);
    run_wait_quiet(r);
}

static void tell_place(struct run *r, const char *key, const char *words,
                       const struct bytes *place)
{
    struct bytes text = {0};
    bytes_printf(&text, "%s%s", words, bytes_text(place));
    if (place->length)
        journal_about(r->journal, key, bytes_text(&text));
    bytes_free(&text);
}

/* What the programs say where WIRE_PLACES asks for it. */
static void tell_places(struct run *r, enum story story)
{
    for (int i = 0; i < r->program_count; i++) {
        struct program *p = &r->programs[i];
        const char *said = bytes_text(&p->err.text);
        struct bytes words = {0}, place = {0};
        if (story == STORY_MEMORY) {
            const char *heap = strstr(said, "Live Heap Allocations");
            sanitizer_first(heap ? heap : "", &place);
            tell_place(r, "place", "Most of what it keeps was made", &place);
        } else if (story == STORY_TIME) {
            sanitizer_most_frequent(said, &place);
            tell_place(r, "place", "It spends most of its time", &place);
        } else if (p->started && !p->ended && !p->frozen) {
            run_where_it_is_locked(r, p, &place);
            bytes_printf(&words, "The %s waits", p->name);
            tell_place(r, "waits", bytes_text(&words), &place);
        }
        bytes_free(&words);
        bytes_free(&place);
    }
}

void run_check(const struct assignment *a, const struct options *o,
               struct journal *j)
{
    struct run *r = begin(a, o, j);
    if (describe_rules(r) && is_here(r) && needs_are_met(r, a) &&
        run_set_up_actors(r)) {
        add_faults(r);
        bool good = run_steps(r, r->script->steps, r->script->step_count) &&
                    still_alive(r);
        if (a->story == STORY_MEMORY)
            ask_for_memory(r);
        if (a->story == STORY_LOCKS && !good)
            tell_places(r, a->story);
        if (good && r->sanitized)
            let_it_end(r);
        if (a->story == STORY_MEMORY || a->story == STORY_TIME)
            tell_places(r, a->story);
    }
    tear_down(r);
    if (r->look.syscalls_hidden)
        journal_about(j, "remark",
                      "The system calls of the program may not be read here; "
                      "that it waits was judged by its switch counts over "
                      "100 ms.");
    end(r);
}

void run_check_broken(const struct assignment *a, const struct options *o,
                      const char *why, struct journal *j)
{
    struct run *r = begin(a, o, j);
    describe_rules(r);
    run_undecided(r, "wire itself failed: %s", why);
    end(r);
}
