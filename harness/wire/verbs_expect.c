/* What must come back, and what must not. */
#include "run.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------- showing ------------------------------- */

#define SHOWN_COLUMNS 58

/* What came, and how it ended, below what was expected. */
static void show_difference(struct run *r, const struct bytes *expected,
                            const struct bytes *actual, size_t at)
{
    char count[32], end[64];
    bool ended = r->ending && strcmp(r->ending, "nothing") != 0;
    const char *how = !ended                          ? ""
                      : strcmp(r->ending, "eof") == 0 ? ", then FIN"
                                                      : ", then RST";
    if (!actual->length) {
        snprintf(count, sizeof count, " (%zu bytes)", expected->length);
        run_difference(r, expected, count, NULL, how, at);
        return;
    }
    snprintf(count, sizeof count, " (%zu bytes)", expected->length);
    snprintf(end, sizeof end, " (%zu byte%s%s)", actual->length,
             actual->length == 1 ? "" : "s", how);
    run_difference(r, expected, count, actual, end, at);
}

static const char *ending_of(const struct peer *p)
{
    return p->refused     ? "refused"
           : p->saw_reset ? "reset"
           : p->saw_eof   ? "eof"
                          : "nothing";
}

static void remember(struct run *r, const struct peer *p)
{
    bytes_clear(&r->got);
    bytes_add(&r->got, bytes_text(&p->in), p->in.length);
    r->ending = ending_of(p);
}

/* ------------------------------- expect -------------------------------- */

struct wish {
    struct peer *peer;
    const struct bytes *expected;
    size_t same;       /* bytes that are as expected */
    const char *whose; /* what came instead is this peer's; NULL: nobody's */
};

/* Enough has come, or a wrong byte, or the end. */
static bool can_judge(struct run *r, void *context)
{
    struct wish *w = context;
    const struct bytes *in = &w->peer->in;
    while (w->same < in->length && w->same < w->expected->length &&
           in->data[w->same] == w->expected->data[w->same])
        w->same++;
    return r && (w->same == w->expected->length || w->same < in->length ||
                 peer_ended(w->peer));
}

/* The kernel has set the connection up, and the program does not know it. */
static bool is_in_queue(const struct peer *p)
{
    struct socket_facts facts;
    return p->fd >= 0 && p->listener < 0 && !peer_ended(p) &&
           peer_other_end(p, &facts) && !facts.inode &&
           (facts.state == TCP_STATE_ESTABLISHED ||
            facts.state == TCP_STATE_CLOSE_WAIT);
}

static bool fail_expect(struct run *r, const struct wish *w, enum wait_end end)
{
    struct peer *p = w->peer;
    const char *who = run_who(r, p->name), *program = p->other;
    size_t wanted = w->expected->length;

    /* A wrong byte ends the wait in the middle of the story. */
    bool wrong = w->same < p->in.length;
    if (wrong)
        run_wait_briefly(r, NULL, NULL);
    remember(r, p);
    run_note_busy(r, end);
    show_difference(r, w->expected, &p->in, w->same);
    if (wrong) {
        /* How it ended is not what is wrong. */
        r->ending = NULL;
        if (w->whose)
            return run_fail(r, "mismatch", "the %s sent %s what is %s's",
                            program, who, run_who(r, w->whose));
        return run_fail(r, "mismatch",
                        "the %s sent %s the wrong bytes, from byte %zu on",
                        program, who, w->same + 1);
    }
    if (p->saw_reset)
        return run_fail(r, "reset",
                        "the %s reset the connection of %s (RST) after %zu of "
                        "%zu bytes",
                        program, who, w->same, wanted);
    if (p->saw_eof)
        return run_fail(r, "eof",
                        "the %s ended its side (FIN) after %zu of %zu bytes "
                        "for %s",
                        program, w->same, wanted, who);
    const char *code = end == WAIT_DEADLINE ? "deadline" : "no-answer";
    if (is_in_queue(p))
        return run_fail(r, "not-accepted", "the %s never accepted %s%s",
                        program, who, wait_end_words(end));
    if (w->same == 0)
        return run_fail(r, code, "the %s sent %s nothing%s", program, who,
                        wait_end_words(end));
    return run_fail(r, code, "the %s sent %s only %zu of %zu bytes%s", program,
                    who, w->same, wanted, wait_end_words(end));
}

/* What came is, word for word, what another one of the group should get. */
static const char *owner_of(struct run *r, const struct target *t,
                            const struct step *s, const struct bytes *came)
{
    const char *owner = NULL;
    struct target other = *t;
    for (int m = t->actor->first; t->member && m <= t->actor->last; m++) {
        struct bytes expected = {0};
        other.member = m;
        if (!owner && m != t->member &&
            run_bytes(r, &other, &s->values[0], &expected) && expected.length &&
            came->length >= expected.length &&
            memcmp(came->data, expected.data, expected.length) == 0)
            owner = run_peer(r, &other)->name;
        bytes_free(&expected);
    }
    return owner;
}

/* Of a group the one that got something wrong tells more than the first one
 * that got nothing: it takes that one's place. */
static void find_wrong(struct run *r, struct target *t, const struct step *s,
                       struct wish *w, struct bytes *expected)
{
    struct target other = *t;
    bool found = !t->member || w->same < w->peer->in.length;
    for (int m = t->member + 1; !found && m <= t->actor->last; m++) {
        struct bytes its = {0};
        other.member = m;
        struct wish its_wish = {.peer = run_peer(r, &other), .expected = &its};
        found = run_bytes(r, &other, &s->values[0], &its) &&
                can_judge(r, &its_wish) &&
                its_wish.same < its_wish.peer->in.length &&
                its_wish.same < its.length;
        if (found) {
            bytes_clear(expected);
            bytes_add(expected, its.data, its.length);
            its_wish.expected = expected;
            *w = its_wish;
            *t = other;
        }
        bytes_free(&its);
    }
    w->whose = owner_of(r, t, s, &w->peer->in);
}

static bool expect(struct run *r, const struct target *t, const struct step *s,
                   bool or_end)
{
    struct bytes expected = {0};
    struct peer *p = run_peer(r, t);
    bool good = run_bytes(r, t, &s->values[0], &expected);
    if (good) {
        struct wish w = {.peer = p, .expected = &expected};
        enum wait_end end = run_wait(r, can_judge, &w);
        bool ended = or_end && !p->in.length && peer_ended(p);
        good = w.same == expected.length || ended;
        if (!good) {
            struct target wrong = *t;
            find_wrong(r, &wrong, s, &w, &expected);
            fail_expect(r, &w, end);
        } else if (!ended)
            bytes_drop(&p->in, expected.length);
    }
    bytes_free(&expected);
    return good;
}

bool verb_expect(struct run *r, const struct target *t, const struct step *s)
{
    return expect(r, t, s, false);
}

bool verb_expect_or_end(struct run *r, const struct target *t,
                        const struct step *s)
{
    return expect(r, t, s, true);
}

struct count_wish {
    struct peer *peer;
    size_t count;
};

static bool has_count(struct run *r, void *context)
{
    const struct count_wish *w = context;
    return r && (w->peer->in.length >= w->count || peer_ended(w->peer));
}

bool verb_expect_count(struct run *r, const struct target *t,
                       const struct step *s)
{
    long count;
    struct peer *p = run_peer(r, t);
    if (!run_number(r, t, &s->values[0], &count))
        return false;
    struct count_wish w = {p, (size_t)count};
    enum wait_end end = run_wait(r, has_count, &w);
    if (p->in.length >= w.count) {
        bytes_drop(&p->in, w.count);
        return true;
    }
    remember(r, p);
    run_note_busy(r, end);
    run_expected(r, "%ld bytes", count);
    run_actual(r, "%zu bytes, then %s", p->in.length, r->ending);
    return run_fail(r, "short", "the %s sent %s only %zu of %ld bytes",
                    p->other, run_who(r, p->name), p->in.length, count);
}

/* ---------------------------- lines, patterns --------------------------- */

static bool has_line(struct run *r, void *context)
{
    const struct peer *p = context;
    return r && (bytes_contain(&p->in, "\n", 1) || peer_ended(p));
}

bool verb_expect_line(struct run *r, const struct target *t,
                      const struct step *s)
{
    struct bytes expected = {0}, line = {0};
    struct peer *p = run_peer(r, t);
    bool good = run_bytes(r, t, &s->values[0], &expected);
    if (!good)
        return false;
    enum wait_end end = run_wait(r, has_line, p);
    const char *newline =
        p->in.length ? memchr(p->in.data, '\n', p->in.length) : NULL;
    size_t length = newline ? (size_t)(newline - p->in.data) : p->in.length;
    bytes_add(&line, bytes_text(&p->in), length);
    if (line.length && line.data[line.length - 1] == '\r')
        line.length--;
    good = newline && bytes_equal(&line, expected.data, expected.length);
    if (good) {
        bytes_drop(&p->in, length + 1);
    } else {
        size_t same = 0;
        while (same < line.length && same < expected.length &&
               line.data[same] == expected.data[same])
            same++;
        remember(r, p);
        run_note_busy(r, end);
        show_difference(r, &expected, &line, same);
        run_fail(r, newline ? "mismatch" : "no-answer",
                 newline ? "the %s sent %s another line"
                         : "the %s sent %s no whole line",
                 p->other, run_who(r, p->name));
    }
    bytes_free(&expected);
    bytes_free(&line);
    return good;
}

struct match_wish {
    struct peer *peer;
    regex_t pattern;
    regmatch_t groups[2];
    bool found;
};

static bool matches(struct run *r, void *context)
{
    struct match_wish *w = context;
    w->found =
        regexec(&w->pattern, bytes_text(&w->peer->in), 2, w->groups, 0) == 0;
    return r && (w->found || peer_ended(w->peer));
}

static bool expect_match(struct run *r, const struct target *t,
                         const struct step *s, const char *save)
{
    struct bytes pattern = {0};
    struct match_wish w = {.peer = run_peer(r, t)};
    if (!run_bytes(r, t, &s->values[0], &pattern))
        return false;
    if (regcomp(&w.pattern, bytes_text(&pattern), REG_EXTENDED) != 0) {
        run_undecided(r, "\"%s\" is no regular expression",
                      bytes_text(&pattern));
        bytes_free(&pattern);
        return false;
    }
    enum wait_end end = run_wait(r, matches, &w);
    bool good = w.found;
    if (good) {
        if (save && w.groups[1].rm_so >= 0)
            good = run_save(r, save, w.peer->in.data + w.groups[1].rm_so,
                            (size_t)(w.groups[1].rm_eo - w.groups[1].rm_so));
        bytes_drop(&w.peer->in, (size_t)w.groups[0].rm_eo);
    } else {
        struct bytes text = {0};
        remember(r, w.peer);
        run_note_busy(r, end);
        run_expected(r, "bytes that match %s", bytes_text(&pattern));
        bytes_add_escaped(&text, bytes_text(&w.peer->in), w.peer->in.length,
                          SHOWN_COLUMNS);
        run_actual(r, "\"%s\"", bytes_text(&text));
        bytes_free(&text);
        run_fail(r, "mismatch", "the %s sent %s something else", w.peer->other,
                 run_who(r, w.peer->name));
    }
    regfree(&w.pattern);
    bytes_free(&pattern);
    return good;
}

bool verb_expect_match(struct run *r, const struct target *t,
                       const struct step *s)
{
    return expect_match(r, t, s, NULL);
}

bool verb_expect_match_save(struct run *r, const struct target *t,
                            const struct step *s)
{
    return expect_match(r, t, s, bytes_text(&s->values[1].parts[0].bytes));
}

/* --------------------------------- ends -------------------------------- */

static bool has_ended(struct run *r, void *context)
{
    const struct peer *p = context;
    return r && (p->in.length > 0 || peer_ended(p));
}

static bool fail_end(struct run *r, struct peer *p, enum wait_end end,
                     const char *wanted)
{
    struct bytes text = {0};
    const char *who = run_who(r, p->name);

    remember(r, p);
    run_note_busy(r, end);
    run_expected(r, "%s", wanted);
    if (p->in.length) {
        bytes_add_escaped(&text, p->in.data, p->in.length, SHOWN_COLUMNS);
        run_actual(r, "\"%s\" (%zu byte%s)", bytes_text(&text), p->in.length,
                   p->in.length == 1 ? "" : "s");
        bytes_free(&text);
        return run_fail(r, "extra-bytes",
                        "the %s sent %s %zu byte%s where nothing but the end "
                        "was to come",
                        p->other, who, p->in.length,
                        p->in.length == 1 ? "" : "s");
    }
    if (p->saw_reset) {
        run_actual(r, "RST (connection reset)");
        return run_fail(r, "reset",
                        "the %s reset the connection of %s (RST) instead of "
                        "ending it",
                        p->other, who);
    }
    if (p->saw_eof) {
        run_actual(r, "FIN (end of the stream)");
        return run_fail(r, "eof", "the %s ended the connection of %s (FIN)",
                        p->other, who);
    }
    run_actual(r, end == WAIT_DEADLINE ? "nothing until the deadline"
                                       : "nothing, and nothing more will come");
    return run_fail(r, end == WAIT_DEADLINE ? "deadline" : "no-end",
                    "the %s does not end the connection of %s", p->other, who);
}

bool verb_expect_eof(struct run *r, const struct target *t,
                     const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    enum wait_end end = run_wait(r, has_ended, p);
    if (!p->in.length && p->saw_eof && !p->saw_reset)
        return true;
    return fail_end(r, p, end, "FIN (end of the stream)");
}

bool verb_expect_reset(struct run *r, const struct target *t,
                       const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    enum wait_end end = run_wait(r, has_ended, p);
    if (!p->in.length && p->saw_reset)
        return true;
    return fail_end(r, p, end, "RST (connection reset)");
}

/* -------------------------------- silence ------------------------------ */

/* A client that has said everything may say so (FIN), as long as it keeps the
 * connection for the reply: then its end still belongs to a descriptor. */
static bool is_half_closed_client(const struct peer *p)
{
    struct socket_facts facts;
    return strcmp(p->other, "client") == 0 && p->saw_eof && !p->saw_reset &&
           peer_other_end(p, &facts) && facts.inode;
}

/* What it could know by then says most about why. */
static bool fail_too_early(struct run *r, const struct peer *p)
{
    const char *who = run_who(r, p->name), *s = p->in.length == 1 ? "" : "s";
    size_t before = p->received - p->in.length;
    if (before)
        return run_fail(r, "too-early",
                        "the %s sent %s %zu byte%s more, behind the %zu that "
                        "were right",
                        p->other, who, p->in.length, s, before);
    return run_fail(r, "too-early",
                    "the %s sent %s %zu byte%s too early: %s has sent %zu "
                    "byte%s so far",
                    p->other, who, p->in.length, s, who, p->sent,
                    p->sent == 1 ? "" : "s");
}

bool verb_silent(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    struct bytes text = {0};
    bool quiet = run_wait_quiet(r);

    remember(r, p);
    if (p->in.length) {
        bytes_add_escaped(&text, p->in.data, p->in.length, SHOWN_COLUMNS);
        run_expected(r, "nothing yet");
        run_actual(r, "\"%s\" (%zu byte%s)", bytes_text(&text), p->in.length,
                   p->in.length == 1 ? "" : "s");
        bytes_free(&text);
        return fail_too_early(r, p);
    }
    if ((p->saw_eof || p->saw_reset) && !is_half_closed_client(p)) {
        run_expected(r, "nothing yet");
        run_actual(r, p->saw_reset ? "RST (connection reset)"
                                   : "FIN (end of the stream)");
        return run_fail(r, "ended-early",
                        "the %s ended the connection of %s too early", p->other,
                        run_who(r, p->name));
    }
    if (!quiet) {
        r->busy = true;
        run_expected(r, "the program waits for more");
        run_actual(r, "it is at work all the time");
        return run_fail(r, "busy",
                        "the %s does not come to rest while it should wait",
                        p->other);
    }
    journal_text(r->journal, EVENT_NOTE, p->name, "proved: the %s is quiet",
                 p->other);
    return true;
}

bool verb_not_reset(struct run *r, const struct target *t, const struct step *s)
{
    (void)s;
    struct peer *p = run_peer(r, t);
    run_wait_quiet(r);
    remember(r, p);
    if (!p->saw_reset)
        return true;
    run_expected(r, "a connection that stays, or that ends with FIN");
    run_actual(r, "RST (connection reset)");
    return run_fail(r, "reset", "the %s reset the connection of %s", p->other,
                    run_who(r, p->name));
}
