#include "list.h"

#include "parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct list *list;
    struct script_error *error;
    char *lessons, *lesson;  /* the folder of all lessons, the name of this */
    struct text_list except; /* of all lines "use" that we are inside of */
    struct text_list free;
};

/* What a check is here, and is not at home. */
struct change {
    const char *program; /* whom its steps call the server */
    const char *prefix;  /* of its name, and of those that it needs */
    char stage;          /* 0: its own */
    bool hints;          /* this lesson may have its own, in NAME.hints */
};

static bool has(const struct text_list *list, const char *text)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->texts[i], text) == 0)
            return true;
    return false;
}

static char *checks_path(const struct reader *r, const char *lesson,
                         const char *name, const char *ending)
{
    struct bytes path = {0};
    bytes_printf(&path, "%s/%s/checks/%s%s", r->lessons, lesson, name, ending);
    return path.data;
}

static void replace(char **text, const char *format, const char *first,
                    const char *second)
{
    struct bytes new = {0};
    bytes_printf(&new, format, first, second);
    free(*text);
    *text = new.data;
}

static void change_script(struct script *s, const struct change *c)
{
    if (c->stage && s->stage)
        s->stage = c->stage;
    if (!*c->prefix)
        return;
    s->points = 1;
    replace(&s->title, "%s (%s)", s->title, c->program);
    replace(&s->name, "%s%s", c->prefix, s->name);
    for (int i = 0; i < s->needs.count; i++)
        replace(&s->needs.texts[i], "%s%s", c->prefix, s->needs.texts[i]);
}

static struct list_entry *add_entry(struct list *l, const char *program)
{
    l->entries =
        memory_grow(l->entries, (size_t)(l->count + 1) * sizeof *l->entries);
    struct list_entry *e = &l->entries[l->count++];
    *e = (struct list_entry){.program = memory_text(program)};
    return e;
}

/* One more check from that file; after the change has its say this lesson. */
static bool add_check(struct reader *r, const char *path,
                      const struct change *c)
{
    struct list_entry *e = add_entry(r->list, c->program);
    struct script *s = &e->script;
    if (!script_read(s, path, r->error))
        return false;
    script_error_free(r->error);
    char *hints = checks_path(r, r->lesson, s->name, ".hints");
    change_script(s, c);
    bool good = !c->hints || script_read_hints(s, hints, r->error);
    if (good)
        script_error_free(r->error);
    free(hints);
    return good;
}

/* A check by its name, where a list names it. */
static bool add_named(struct reader *r, const char *lesson, const char *name,
                      char stage)
{
    bool own = strcmp(lesson, r->lesson) == 0;
    struct change c = {
        .program = "server", .prefix = "", .stage = stage, .hints = !own};
    char *path = checks_path(r, lesson, name, ".wire");
    bool good = add_check(r, path, &c);
    struct list_entry *e = &r->list->entries[r->list->count - 1];

    /* Unit tests are about what their own lesson adds. */
    if (good && !own && script_uses(&e->script, "unit")) {
        script_free(&e->script);
        free(e->program);
        r->list->count--;
    }
    free(path);
    return good;
}

static const char *take_word(struct parser *p, const char *expected)
{
    const struct token *t = parser_look(p);
    if (!t || t->kind != TOKEN_WORD) {
        parser_fail(p, parser_column(p, p->position), "expected %s", expected);
        return NULL;
    }
    p->position++;
    return t->text;
}

/* The letter after "as". */
static bool take_stage(struct parser *p, char *out)
{
    const char *word = take_word(p, "the letter of a stage, such as a");
    if (word && (strlen(word) != 1 || *word < 'a' || *word > 'z')) {
        p->position--;
        return parser_fail(p, parser_column(p, p->position),
                           "expected the letter of a stage, such as a");
    }
    if (word)
        *out = *word;
    return word != NULL;
}

static bool take_list(struct reader *r, const char *lesson, char stage);

/* use OTHER [except NAME...] [free NAME...] [as c] */
static bool take_use(struct reader *r, struct parser *p, char stage)
{
    char of_use = 0;
    const char *other = take_word(p, "the folder of a lesson");
    struct text_list *names = NULL;
    int excepted = r->except.count;

    while (other && !p->failed && parser_look(p)) {
        if (parser_take(p, TOKEN_WORD, "as"))
            take_stage(p, &of_use);
        else if (parser_take(p, TOKEN_WORD, "except"))
            names = &r->except;
        else if (parser_take(p, TOKEN_WORD, "free"))
            names = &r->free;
        else if (!names)
            parser_fail(p, parser_column(p, p->position),
                        "expected except, free or as");
        else {
            const char *name = take_word(p, "the name of a check");
            if (name)
                texts_add(names, name);
        }
    }
    bool good = !p->failed && take_list(r, other, stage ? stage : of_use);
    while (r->except.count > excepted)
        free(r->except.texts[--r->except.count]);
    return good;
}

/* from OTHER NAME... */
static bool take_from(struct reader *r, struct parser *p, char stage)
{
    char other[64];
    const char *word = take_word(p, "the folder of a lesson");
    bool good = word != NULL;
    snprintf(other, sizeof other, "%s", good ? word : "");
    do {
        const char *name = good ? take_word(p, "the name of a check") : NULL;
        good =
            name && (has(&r->except, name) || add_named(r, other, name, stage));
    } while (good && parser_look(p));
    return good;
}

/* again PROGRAM as c: what is about the server alone, once more. */
static bool take_again(struct reader *r, struct parser *p)
{
    char stage = 0, prefix[64];
    int so_far = r->list->count;
    const char *program = take_word(p, "the name of a program");
    if (!program)
        return false;
    if (!parser_take(p, TOKEN_WORD, "as"))
        return parser_fail(p, parser_column(p, p->position), "expected as");
    if (!take_stage(p, &stage) || !parser_end_of_line(p))
        return false;
    /* "loop_server" says it by "loop". */
    size_t length = strlen(program), ending = strlen("_server");
    if (length > ending && strcmp(program + length - ending, "_server") == 0)
        length -= ending;
    snprintf(prefix, sizeof prefix, "%.*s-", (int)length, program);
    for (int i = 0; i < so_far; i++) {
        const struct list_entry *e = &r->list->entries[i];
        struct change c = {program, prefix, stage, true};
        if (strcmp(e->program, "server") != 0 ||
            !script_uses(&e->script, "server") ||
            script_uses(&e->script, "client") ||
            script_uses(&e->script, "unit"))
            continue;
        char *path = memory_text(e->script.path);
        bool good = add_check(r, path, &c);
        free(path);
        if (!good)
            return false;
    }
    return true;
}

/* on PROGRAM NAME... */
static bool take_on(struct reader *r, struct parser *p)
{
    const char *program = take_word(p, "the name of a program");
    bool good = program && take_word(p, "the name of a check");
    for (p->position = 2; good && p->position < p->token_count;) {
        struct change c = {.program = program, .prefix = "", .hints = true};
        const char *name = take_word(p, "the name of a check");
        if (!name)
            return false;
        char *path = checks_path(r, r->lesson, name, ".wire");
        good = add_check(r, path, &c);
        free(path);
    }
    return good;
}

static bool take_line(struct reader *r, struct parser *p, const char *lesson,
                      char stage)
{
    bool own = strcmp(lesson, r->lesson) == 0;
    if (parser_take(p, TOKEN_WORD, "use"))
        return take_use(r, p, stage);
    if (parser_take(p, TOKEN_WORD, "from"))
        return take_from(r, p, stage);
    /* What another lesson does with a further program is its own affair. */
    if (parser_take(p, TOKEN_WORD, "again"))
        return !own || take_again(r, p);
    if (parser_take(p, TOKEN_WORD, "on"))
        return !own || take_on(r, p);
    const char *name =
        take_word(p, "use, from, again, on or the name of a check");
    if (!name || !parser_end_of_line(p))
        return false;
    return has(&r->except, name) || add_named(r, lesson, name, stage);
}

/* The list of a lesson, this one or one that is used. */
static bool take_list(struct reader *r, const char *lesson, char stage)
{
    struct bytes text = {0};
    struct parser *p = memory_get(sizeof *p);
    struct script_error mine = {.path = checks_path(r, lesson, "list", "")};
    bool good = bytes_read_file(mine.path, &text);

    if (!good)
        mine.message = memory_text("cannot read it");
    parser_begin(p, NULL, &mine, bytes_text(&text), text.length);
    while (good && parser_next_line(p))
        good = take_line(r, p, lesson, stage);
    good &= !p->failed;
    /* What is wrong is in this file, or in one that it names. */
    if (mine.message)
        *r->error = mine;
    else
        script_error_free(&mine);
    parser_free_tokens(p);
    free(p);
    bytes_free(&text);
    return good;
}

bool list_fits(const struct list *l, const char *path,
               struct script_error *error)
{
    struct bytes wrong = {0};
    for (int i = 0; i < l->count && !wrong.length; i++) {
        const struct script *s = &l->entries[i].script;
        if (has(&s->needs, s->name))
            bytes_printf(&wrong, "%s needs itself", s->name);
        for (int k = i + 1; k < l->count && !wrong.length; k++) {
            const char *later = l->entries[k].script.name;
            if (strcmp(s->name, later) == 0)
                bytes_printf(&wrong, "two checks have the name %s", s->name);
            else if (has(&s->needs, later))
                bytes_printf(&wrong, "%s needs %s, which comes after it",
                             s->name, later);
        }
    }
    if (!wrong.length)
        return true;
    *error =
        (struct script_error){.path = memory_text(path), .message = wrong.data};
    return false;
}

/* "lessons/NN-topic/checks/list": sets the folder of all lessons and NN-topic.
 */
static bool split_path(struct reader *r, const char *path)
{
    static const char ending[] = "/checks/list";
    size_t length = strlen(path), tail = strlen(ending);
    if (length <= tail || strcmp(path + length - tail, ending) != 0)
        return false;
    char *folder = memory_text(path);
    folder[length - tail] = '\0';
    char *slash = strrchr(folder, '/');
    r->lesson = memory_text(slash ? slash + 1 : folder);
    if (slash)
        *slash = '\0';
    r->lessons = memory_text(slash ? folder : ".");
    free(folder);
    return true;
}

bool list_read(struct list *l, const char *path, struct script_error *error)
{
    struct reader r = {.list = l, .error = error};
    *l = (struct list){0};
    *error = (struct script_error){0};
    if (!split_path(&r, path)) {
        error->path = memory_text(path);
        error->message = memory_text("expected lessons/NN-topic/checks/list");
        return false;
    }
    bool good = take_list(&r, r.lesson, 0);
    for (int i = 0; i < l->count; i++)
        if (has(&r.free, l->entries[i].script.name))
            l->entries[i].script.points = 0;
    good = good && list_fits(l, path, error);
    free(r.lessons);
    free(r.lesson);
    texts_free(&r.except);
    texts_free(&r.free);
    return good;
}

bool list_add(struct list *l, const char *path, struct script_error *error)
{
    return script_read(&add_entry(l, "server")->script, path, error);
}

const struct list_entry *list_find(const struct list *l, const char *name)
{
    for (int i = 0; i < l->count; i++)
        if (strcmp(l->entries[i].script.name, name) == 0)
            return &l->entries[i];
    return NULL;
}

/* A check without a line "stage" is in the first one. */
static char stage_of(const struct list_entry *e)
{
    return e->script.stage ? e->script.stage : 'a';
}

static void mark(const struct list *l, const struct list_entry *e, bool *wanted)
{
    if (wanted[e - l->entries])
        return;
    wanted[e - l->entries] = true;
    for (int i = 0; i < e->script.needs.count; i++) {
        const struct list_entry *need = list_find(l, e->script.needs.texts[i]);
        if (need)
            mark(l, need, wanted);
    }
}

static void free_entry(struct list_entry *e)
{
    script_free(&e->script);
    free(e->program);
}

/* Keeps the entries that are wanted. */
static void keep(struct list *l, const bool *wanted)
{
    int kept = 0;
    for (int i = 0; i < l->count; i++) {
        if (wanted[i])
            l->entries[kept++] = l->entries[i];
        else
            free_entry(&l->entries[i]);
    }
    l->count = kept;
}

void list_keep_program(struct list *l, const char *program)
{
    bool *wanted = memory_get((size_t)(l->count + 1) * sizeof *wanted);
    for (int i = 0; i < l->count; i++)
        wanted[i] = strcmp(l->entries[i].program, program) == 0;
    keep(l, wanted);
    free(wanted);
}

int list_select(struct list *l, char stage, const struct text_list *names,
                bool with_needs)
{
    bool *wanted = memory_get((size_t)(l->count + 1) * sizeof *wanted);
    int asked_for = 0;
    for (int i = 0; i < l->count; i++) {
        const struct list_entry *e = &l->entries[i];
        if ((stage && stage_of(e) != stage) ||
            (names->count && !has(names, e->script.name)))
            continue;
        asked_for++;
        if (with_needs)
            mark(l, e, wanted);
        else
            wanted[i] = true;
    }
    keep(l, wanted);
    free(wanted);
    return asked_for;
}

void list_print(const struct list *l, struct bytes *out)
{
    for (int i = 0; i < l->count; i++) {
        const struct list_entry *e = &l->entries[i];
        bytes_printf(out, "%s %c %s %s %d\n", e->script.name, stage_of(e),
                     e->program, e->script.path, e->script.points);
    }
}

void list_free(struct list *l)
{
    for (int i = 0; i < l->count; i++)
        free_entry(&l->entries[i]);
    free(l->entries);
    *l = (struct list){0};
}
