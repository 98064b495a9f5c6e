#include "faults_plan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define IS_ABOUT(call) (1U << (call))

/* What POSIX lets each of them fail with, through no fault of the program, so
 * that who tries again is right. connect() has no EINTR: it would go on by
 * itself after one, and one that never was begun does not. */
#define ERRORS_MAX 8

static const struct {
    const char *word;
    int errors[ERRORS_MAX]; /* 0 ends them */
    bool has_length;
} calls[FAULT_CALLS] = {
    [FAULT_ACCEPT] = {"accept",
                      {EINTR, EAGAIN, ECONNABORTED, EPROTO, EMFILE, ENFILE,
                       ENOBUFS, ENOMEM},
                      false},
    [FAULT_RECV] = {"recv", {EINTR, EAGAIN, ENOBUFS, ENOMEM}, true},
    [FAULT_SEND] = {"send", {EINTR, EAGAIN, ENOBUFS, ENOMEM}, true},
    [FAULT_WAIT] = {"wait", {EINTR, ENOMEM}, false},
    [FAULT_CONNECT] = {"connect",
                       {ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EHOSTUNREACH,
                        ENOBUFS},
                       false},
};

const char *fault_call_word(enum fault_call call)
{
    return calls[call].word;
}

/* -------------------------------- plans -------------------------------- */

/* Scatters the bits of a number, so that numbers next to each other have
 * nothing in common: three times it is multiplied by the golden ratio (of 2 to
 * the 64th), and its high bits, which that has mixed, are laid on the low ones.
 */
static uint64_t scatter(uint64_t n)
{
    for (int round = 0; round < 3; round++) {
        n *= 0x9e3779b97f4a7c15ULL;
        n ^= n >> 32;
    }
    return n;
}

/* A number below `most`, and what is left of the chance for the next one. */
static unsigned draw(uint64_t *chance, unsigned most)
{
    unsigned n = (unsigned)(*chance % most);
    *chance = scatter(*chance / most + 1);
    return n;
}

static const struct fault no_fault = {FAULT_NONE, 0};

static struct fault plan_eintr(enum fault_call call, uint64_t chance)
{
    (void)call;
    return draw(&chance, 3) ? no_fault : (struct fault){FAULT_FAIL, EINTR};
}

/* Mostly a few bytes, so that borders fall everywhere; sometimes more, so that
 * a long text comes to its end. */
static struct fault plan_short(enum fault_call call, uint64_t chance)
{
    (void)call;
    unsigned most = draw(&chance, 2) ? 8 : 1000;
    return draw(&chance, 2)
               ? no_fault
               : (struct fault){FAULT_SHORT, 1 + (long)draw(&chance, most)};
}

static struct fault plan_accept(enum fault_call call, uint64_t chance)
{
    static const int errors[] = {ECONNABORTED, EINTR,   EMFILE,
                                 ENFILE,       ENOBUFS, ENOMEM};
    (void)call;
    if (draw(&chance, 2))
        return no_fault;
    unsigned which = draw(&chance, sizeof errors / sizeof *errors);
    return (struct fault){FAULT_FAIL, errors[which]};
}

static struct fault plan_again(enum fault_call call, uint64_t chance)
{
    (void)call;
    return draw(&chance, 3) ? no_fault : (struct fault){FAULT_FAIL, EAGAIN};
}

static struct fault plan_slow(enum fault_call call, uint64_t chance)
{
    (void)call;
    return draw(&chance, 3)
               ? no_fault
               : (struct fault){FAULT_DELAY, 1 + (long)draw(&chance, 20)};
}

static struct fault plan_mixed(enum fault_call call, uint64_t chance)
{
    unsigned which = draw(&chance, 8);
    if (which < 3)
        return plan_eintr(call, chance);
    if (which == 3)
        return plan_slow(call, chance);
    if (call == FAULT_ACCEPT)
        return which < 6 ? plan_accept(call, chance) : plan_again(call, chance);
    if (call == FAULT_WAIT)
        return no_fault;
    return which < 6 ? plan_short(call, chance) : plan_again(call, chance);
}

#define DATA (IS_ABOUT(FAULT_RECV) | IS_ABOUT(FAULT_SEND))

static const struct plan {
    const char *word;
    unsigned calls;
    struct fault (*choose)(enum fault_call call, uint64_t chance);
    const char *help;
} plans[] = {
    {"eintr", IS_ABOUT(FAULT_ACCEPT) | DATA | IS_ABOUT(FAULT_WAIT), plan_eintr,
     "about each third call is interrupted: EINTR"},
    {"short", DATA, plan_short, "about each second recv or send is cut short"},
    {"accept", IS_ABOUT(FAULT_ACCEPT), plan_accept,
     "about each second accept() fails with what passes"},
    {"again", IS_ABOUT(FAULT_ACCEPT) | DATA, plan_again,
     "EAGAIN, though the descriptor was ready"},
    {"slow", IS_ABOUT(FAULT_ACCEPT) | DATA | IS_ABOUT(FAULT_WAIT), plan_slow,
     "about each third call begins up to 20 ms later"},
    {"mixed", IS_ABOUT(FAULT_ACCEPT) | DATA | IS_ABOUT(FAULT_WAIT), plan_mixed,
     "all of these"},
};

#define PLANS ((int)(sizeof plans / sizeof *plans))

void faults_plan_print_manual(struct bytes *out)
{
    for (int i = 0; i < PLANS; i++)
        bytes_printf(out, "           plan %-8s %s\n", plans[i].word,
                     plans[i].help);
}

/* -------------------------------- rules -------------------------------- */

struct fault_rule {
    const struct plan *plan; /* NULL: the call, and which of them */
    uint64_t seed;
    enum fault_call call;
    unsigned long first, last, step;
    struct fault fault;
};

/* A text, how far it was read, and what was expected there. */
struct reader {
    const char *text, *next;
    struct bytes *error;
};

static bool expected(const struct reader *r, const char *what)
{
    bytes_clear(r->error);
    bytes_printf(r->error, "expected %s", what);
    return false;
}

static void skip_blanks(struct reader *r)
{
    r->next += strspn(r->next, " \t");
}

/* Takes that word, if it is the next one, whole. */
static bool take_word(struct reader *r, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(r->next, word, length) != 0 ||
        isalnum((unsigned char)r->next[length]))
        return false;
    r->next += length;
    return true;
}

static bool take_sign(struct reader *r, char sign)
{
    bool is_next = *r->next == sign;
    r->next += is_next;
    return is_next;
}

static bool take_number(struct reader *r, unsigned long most,
                        unsigned long *out)
{
    char *end;
    if (!isdigit((unsigned char)*r->next))
        return expected(r, "a number");
    errno = 0;
    *out = strtoul(r->next, &end, 10);
    if (errno || *out < 1 || *out > most) {
        bytes_clear(r->error);
        bytes_printf(r->error, "expected a number from 1 to %lu", most);
        return false;
    }
    r->next = end;
    return true;
}

static bool read_plan(struct reader *r, struct fault_rule *rule)
{
    unsigned long seed = 1;
    skip_blanks(r);
    for (int i = 0; i < PLANS && !rule->plan; i++)
        if (take_word(r, plans[i].word))
            rule->plan = &plans[i];
    if (!rule->plan)
        return expected(r, "a plan: eintr, short, accept, again, slow, mixed");
    skip_blanks(r);
    if (take_word(r, "seed")) {
        skip_blanks(r);
        if (!take_number(r, INT_MAX, &seed))
            return false;
    }
    rule->seed = seed;
    return true;
}

/* N, N-M, N- or *; and each so-maniest of them. */
static bool read_which(struct reader *r, struct fault_rule *rule)
{
    rule->first = rule->step = 1;
    rule->last = ULONG_MAX;
    bool all = take_sign(r, '*');
    if (!all) {
        if (!isdigit((unsigned char)*r->next))
            return expected(r, "which of the calls: 2, 2-5, 2- or *");
        if (!take_number(r, INT_MAX, &rule->first))
            return false;
        rule->last = rule->first;
        if (take_sign(r, '-')) {
            rule->last = ULONG_MAX;
            if (isdigit((unsigned char)*r->next) &&
                !take_number(r, INT_MAX, &rule->last))
                return false;
        }
    }
    if (!take_sign(r, '/'))
        return true;
    if (!take_number(r, INT_MAX, &rule->step))
        return false;
    /* Each third is the third, the sixth ...: there is no call 0. */
    if (all)
        rule->first = rule->step;
    return true;
}

static bool read_error(struct reader *r, struct fault_rule *rule)
{
    const int *errors = calls[rule->call].errors;
    for (int i = 0; i < ERRORS_MAX && errors[i]; i++)
        if (take_word(r, strerrorname_np(errors[i]))) {
            rule->fault = (struct fault){FAULT_FAIL, errors[i]};
            return true;
        }
    bytes_clear(r->error);
    bytes_printf(r->error,
                 "expected what %s can be given:", calls[rule->call].word);
    for (int i = 0; i < ERRORS_MAX && errors[i]; i++)
        bytes_printf(r->error, "%s %s", i ? "," : "",
                     strerrorname_np(errors[i]));
    bytes_printf(r->error, "%s, or delay:MILLISECONDS",
                 calls[rule->call].has_length ? ", short:BYTES" : "");
    return false;
}

/* A delay counts as part of no deadline that a person would set. */
#define DELAY_MOST 1000

static bool read_fault(struct reader *r, struct fault_rule *rule)
{
    unsigned long number;
    enum fault_kind kind = FAULT_NONE;
    if (calls[rule->call].has_length && take_word(r, "short"))
        kind = FAULT_SHORT;
    else if (take_word(r, "delay"))
        kind = FAULT_DELAY;
    if (kind == FAULT_NONE)
        return read_error(r, rule);
    if (!take_sign(r, ':'))
        return expected(r, ": and a number");
    if (!take_number(r, kind == FAULT_DELAY ? DELAY_MOST : INT_MAX, &number))
        return false;
    rule->fault = (struct fault){kind, (long)number};
    return true;
}

static bool read_rule(struct reader *r, struct fault_rule *rule)
{
    *rule = (struct fault_rule){.call = FAULT_CALLS};
    if (take_word(r, "plan"))
        return read_plan(r, rule);
    for (int i = 0; i < FAULT_CALLS && rule->call == FAULT_CALLS; i++)
        if (take_word(r, calls[i].word))
            rule->call = (enum fault_call)i;
    if (rule->call == FAULT_CALLS)
        return expected(r, "accept, recv, send, wait, connect, or plan");
    if (!take_sign(r, ':'))
        return expected(r, ": and which of the calls");
    if (!read_which(r, rule))
        return false;
    if (!take_sign(r, '='))
        return expected(r, "= and what becomes of them");
    return read_fault(r, rule);
}

static bool read_rules(struct reader *r, struct faults_plan *p)
{
    do {
        struct fault_rule rule;
        skip_blanks(r);
        if (!read_rule(r, &rule))
            return false;
        p->rules =
            memory_grow(p->rules, (size_t)(p->count + 1) * sizeof *p->rules);
        p->rules[p->count++] = rule;
        skip_blanks(r);
    } while (take_sign(r, ','));
    return !*r->next || expected(r, "a comma, or the end");
}

bool faults_plan_add(struct faults_plan *p, const char *text, size_t *place,
                     struct bytes *error)
{
    struct reader r = {text, text, error};
    bool good = read_rules(&r, p);
    *place = (size_t)(r.next - text);
    return good;
}

void faults_plan_free(struct faults_plan *p)
{
    free(p->rules);
    *p = (struct faults_plan){0};
}

bool faults_plan_is_about(const struct faults_plan *p, enum fault_call call)
{
    for (int i = 0; i < p->count; i++)
        if (p->rules[i].plan ? p->rules[i].plan->calls & IS_ABOUT(call)
                             : p->rules[i].call == call)
            return true;
    return false;
}

static struct fault choose(const struct fault_rule *rule, enum fault_call call,
                           unsigned long number)
{
    if (rule->plan) {
        uint64_t chance =
            scatter(rule->seed << 40 ^ (uint64_t)call << 36 ^ (uint64_t)number);
        return rule->plan->calls & IS_ABOUT(call)
                   ? rule->plan->choose(call, chance)
                   : no_fault;
    }
    if (rule->call != call || number < rule->first || number > rule->last ||
        (number - rule->first) % rule->step)
        return no_fault;
    return rule->fault;
}

struct fault faults_plan_choose(const struct faults_plan *p,
                                enum fault_call call, unsigned long number)
{
    struct fault f = no_fault;
    for (int i = 0; i < p->count && f.kind == FAULT_NONE; i++)
        f = choose(&p->rules[i], call, number);
    return f;
}
