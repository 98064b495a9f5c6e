/* What the program prints: of the transcript, and of errors. */
#include "run.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------- what is there -------------------------- */

struct output_wish {
    const struct program_output *output;
    const struct bytes *text;
};

static bool has_text(struct run *r, void *context)
{
    const struct output_wish *w = context;
    return r && output_has(w->output, w->text->data, w->text->length);
}

/* ----------------------------- a line is missing ------------------------ */

struct line {
    const char *text;
    size_t length; /* its end, a newline, included */
};

static bool next_line(const struct bytes *text, struct line *l)
{
    const char *start = l->text ? l->text + l->length : bytes_text(text);
    size_t left = text->length - (size_t)(start - bytes_text(text));
    if (!left)
        return false;
    const char *newline = memchr(start, '\n', left);
    *l = (struct line){start, newline ? (size_t)(newline - start) + 1 : left};
    return true;
}

/* The first line of what was wanted that is nowhere in the output. */
static bool find_missing(const struct bytes *wanted, const struct bytes *output,
                         struct line *out)
{
    struct line l = {0};
    while (next_line(wanted, &l))
        if (!bytes_contain(output, l.text, l.length)) {
            *out = l;
            return true;
        }
    return false;
}

static size_t same_from_begin(const struct line *a, const struct line *b)
{
    size_t n = 0;
    while (n < a->length && n < b->length && a->text[n] == b->text[n])
        n++;
    return n;
}

static size_t same_from_end(const struct line *a, const struct line *b)
{
    size_t n = 0;
    while (n < a->length && n < b->length &&
           a->text[a->length - 1 - n] == b->text[b->length - 1 - n])
        n++;
    return n;
}

/* The line that was meant for it: mostly another number or sign stands in it.
 */
static bool find_similar(const struct line *wanted, const struct bytes *output,
                         struct line *out)
{
    struct line l = {0};
    size_t best = wanted->length / 2;
    bool found = false;
    while (next_line(output, &l)) {
        size_t same = same_from_begin(wanted, &l) + same_from_end(wanted, &l);
        if (same > best) {
            best = same;
            *out = l;
            found = true;
        }
    }
    return found;
}

/* Who has sent a text with a NUL, in front of which a line of the output ends:
 * it was printed as a string. NULL: nobody. */
static const struct peer *cut_at_nul(const struct run *r,
                                     const struct program *p,
                                     const struct bytes *output)
{
    enum { ENOUGH = 8 };
    for (int i = 0; i < r->peer_count; i++) {
        const struct peer *from = &r->peers[i];
        const char *text = bytes_text(&from->said);
        size_t stop = strlen(text), length = stop < ENOUGH ? stop : ENOUGH;
        if (strcmp(from->other, p->name) != 0 || stop == from->said.length ||
            !stop)
            continue;
        struct bytes end = {0};
        bytes_printf(&end, "%s\n", text + stop - length);
        bool found = bytes_contain(output, end.data, end.length);
        bytes_free(&end);
        if (found)
            return from;
    }
    return NULL;
}

static bool fail_missing(struct run *r, const struct program *p,
                         const struct program_output *output,
                         const struct bytes *wanted, const char *stream)
{
    struct line missing, similar;
    struct bytes expected = {0}, actual = {0};
    char of[64];
    snprintf(of, sizeof of, " on its %s", stream);
    if (!find_missing(wanted, &output->text, &missing)) {
        bytes_add(&expected, wanted->data, wanted->length);
        run_difference(r, &expected, of, NULL,
                       " of that: other lines stand "
                       "between, or another order",
                       0);
        bytes_free(&expected);
        return run_fail(
            r, "transcript",
            "the %s prints these lines, but not one after the other", p->name);
    }
    bytes_add(&expected, missing.text, missing.length);
    const struct peer *from = cut_at_nul(r, p, &output->text);
    if (from) {
        run_difference(r, &expected, of, NULL, " like it", 0);
        run_fail(
            r, "transcript",
            "a line that the %s prints ends at the NUL in what %s has sent",
            p->name, run_who(r, from->name));
    } else if (find_similar(&missing, &output->text, &similar)) {
        bytes_add(&actual, similar.text, similar.length);
        run_difference(r, &expected, of, &actual, "",
                       same_from_begin(&missing, &similar));
        run_fail(r, "transcript", "the %s prints a line in another way",
                 p->name);
    } else {
        run_difference(r, &expected, of, NULL,
                       output->text.length ? " like it" : " at all", 0);
        run_fail(r, "transcript",
                 p->ended ? "the %s did not print a line that it must print"
                          : "the %s has not printed a line that it must "
                            "print by now",
                 p->name);
    }
    bytes_free(&expected);
    bytes_free(&actual);
    return false;
}

static bool judge_output(struct run *r, const struct target *t,
                         const struct step *s,
                         const struct program_output *output,
                         const char *stream)
{
    struct bytes text = {0};
    struct program *p = run_program(r, t);
    bool good = run_bytes(r, t, &s->values[0], &text);
    if (good) {
        struct output_wish w = {output, &text};
        run_wait(r, has_text, &w);
        good = has_text(r, &w);
    }
    if (!good && r->verdict == VERDICT_PASS)
        fail_missing(r, p, output, &text, stream);
    bytes_free(&text);
    return good;
}

bool verb_stdout_has(struct run *r, const struct target *t,
                     const struct step *s)
{
    return judge_output(r, t, s, &run_program(r, t)->out, "standard output");
}

/* The line with the text that must not be there; and what had come from the
 * program by then, to which the line may not fit. */
static void fail_lacks(struct run *r, const struct program *p,
                       const struct bytes *text,
                       const struct program_output *output, const char *stream)
{
    struct bytes shown = {0}, came = {0};
    const char *all = bytes_text(&output->text);
    const char *at = memmem(all, output->text.length, text->data, text->length);

    bytes_add_escaped(&shown, text->data, text->length, 40);
    run_expected(r, "no \"%s\" on its %s", bytes_text(&shown), stream);
    bytes_clear(&shown);
    if (at) {
        const char *begin = at;
        while (begin > all && begin[-1] != '\n')
            begin--;
        bytes_add_escaped(&shown, begin, strcspn(begin, "\n"), 60);
        run_actual(r, "\"%s\"", bytes_text(&shown));
    }
    for (int i = 0; i < r->peer_count; i++)
        if (r->peers[i].connected && strcmp(r->peers[i].other, p->name) == 0)
            bytes_printf(&came, "%s%s has received %zu bytes of it",
                         came.length ? ", " : "; ",
                         run_who(r, r->peers[i].name), r->peers[i].received);
    run_fail(r, "transcript", "the %s prints what it must not print here%s",
             p->name, bytes_text(&came));
    bytes_free(&shown);
    bytes_free(&came);
}

static bool judge_lack(struct run *r, const struct target *t,
                       const struct step *s,
                       const struct program_output *output, const char *stream)
{
    struct bytes text = {0};
    struct program *p = run_program(r, t);
    if (!run_bytes(r, t, &s->values[0], &text))
        return false;
    run_wait_quiet(r);
    bool bad = output_has(output, text.data, text.length);
    if (bad)
        fail_lacks(r, p, &text, output, stream);
    bytes_free(&text);
    return !bad;
}

bool verb_stdout_lacks(struct run *r, const struct target *t,
                       const struct step *s)
{
    return judge_lack(r, t, s, &run_program(r, t)->out, "standard output");
}

bool verb_stderr_lacks(struct run *r, const struct target *t,
                       const struct step *s)
{
    return judge_lack(r, t, s, &run_program(r, t)->err, "standard error");
}

bool verb_stderr_something(struct run *r, const struct target *t,
                           const struct step *s)
{
    (void)s;
    struct program *p = run_program(r, t);
    run_wait_quiet(r);
    if (p->err.text.length)
        return true;
    run_expected(r, "words on its standard error");
    run_actual(r, "nothing");
    return run_fail(r, "transcript", "the %s says nothing on standard error",
                    p->name);
}

/* -------------------------------- one line ------------------------------ */

/* As a word or number of its own: 80 does not stand in 8080. */
static bool names(const char *line, const struct bytes *what)
{
    const char *text = bytes_text(what);
    for (const char *at = line; (at = strstr(at, text)) != NULL; at++)
        if ((at == line || !isalnum((unsigned char)at[-1])) &&
            !isalnum((unsigned char)at[what->length]))
            return true;
    return false;
}

static bool fail_line(struct run *r, const struct program *p,
                      const char *sentence)
{
    struct bytes shown = {0};
    const struct bytes *said = p->err.text.length ? &p->err.text : &p->out.text;
    bytes_add_escaped(&shown, bytes_text(said), said->length, 60);
    run_actual(r,
               p->err.text.length ? "\"%s\""
               : said->length     ? "nothing; but on standard output \"%s\""
                                  : "nothing%s",
               bytes_text(&shown));
    bytes_free(&shown);
    return run_fail(r, "transcript", "the %s %s", p->name, sentence);
}

/* errno was 0 or is lost when it is printed. */
static bool gives_no_reason(const char *line)
{
    return strstr(line, "Success") != NULL;
}

static bool judge_line(struct run *r, const struct program *p)
{
    const char *text = bytes_text(&p->err.text);
    const char *newline = strchr(text, '\n');
    if (!newline || newline[1]) {
        run_expected(r, "one line on standard error");
        return fail_line(r, p,
                         !*text     ? "does not say what went wrong"
                         : !newline ? "has not ended its line of what went "
                                      "wrong"
                                    : "must say what went wrong in one line");
    }
    if (gives_no_reason(text)) {
        run_expected(r, "the reason on standard error");
        return fail_line(r, p, "gives \"Success\" as the reason");
    }
    return true;
}

bool verb_stderr_line(struct run *r, const struct target *t,
                      const struct step *s)
{
    (void)s;
    run_wait_quiet(r);
    return judge_line(r, run_program(r, t));
}

/* A port is a peer's own, and may be given for that of another one. */
static const struct peer *peer_with_port(struct run *r, const char *port)
{
    for (int i = 0; i < r->peer_count; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", address_port(&r->peers[i].local));
        if (strcmp(text, port) == 0)
            return &r->peers[i];
    }
    return NULL;
}

static bool fail_names(struct run *r, const struct program *p,
                       const struct bytes *what)
{
    const struct peer *right = peer_with_port(r, bytes_text(what));
    for (int i = 0; right && i < r->peer_count; i++) {
        struct bytes port = {0};
        char sentence[160];
        bytes_printf(&port, "%d", address_port(&r->peers[i].local));
        bool wrong = &r->peers[i] != right && r->peers[i].connected &&
                     names(bytes_text(&p->err.text), &port);
        bytes_free(&port);
        snprintf(sentence, sizeof sentence,
                 "names %s, and it was %s at whom it failed",
                 run_who(r, r->peers[i].name), run_who(r, right->name));
        if (wrong)
            return fail_line(r, p, sentence);
    }
    return fail_line(r, p,
                     p->err.text.length ? "does not say at whom it failed"
                                        : "does not say what went wrong");
}

/* Each of these is named, wherever it stands. */
static bool judge_names(struct run *r, const struct target *t,
                        const struct step *s, const struct program *p)
{
    bool good = true;
    for (int i = 0; i < s->value_count && good; i++) {
        struct bytes what = {0};
        good = run_bytes(r, t, &s->values[i], &what);
        if (good && !names(bytes_text(&p->err.text), &what)) {
            run_expected(r, "a line on standard error that names %s",
                         bytes_text(&what));
            good = fail_names(r, p, &what);
        }
        bytes_free(&what);
    }
    return good;
}

bool verb_stderr_line_names(struct run *r, const struct target *t,
                            const struct step *s)
{
    return verb_stderr_line(r, t, s) && judge_names(r, t, s, run_program(r, t));
}

bool verb_stderr_names(struct run *r, const struct target *t,
                       const struct step *s)
{
    run_wait_quiet(r);
    return judge_names(r, t, s, run_program(r, t));
}
