/* The check language: what is read, and what is said about what is not. */
#include "../../harness/wire/script.h"
#include "../../harness/wire/verbs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct script script;
static struct script_error error;

static bool parse(const char *text)
{
    return script_parse(&script, "folder/name.wire", text, strlen(text),
                        &error);
}

static void drop(void)
{
    script_free(&script);
    script_error_free(&error);
}

static void expect_error(const char *text, int line, int column,
                         const char *words)
{
    ck_assert_msg(!parse(text), "this should not be a check:\n%s", text);
    ck_assert_int_eq(error.line, line);
    ck_assert_msg(error.column == column, "column %d, not %d: %s", error.column,
                  column, error.message);
    ck_assert_msg(strstr(error.message, words) != NULL,
                  "\"%s\" does not speak of \"%s\"", error.message, words);
    drop();
}

START_TEST(the_head_is_kept)
{
    ck_assert(parse("# a comment\n"
                    "check \"a text \\\"in\\\" pieces\"\n"
                    "rule echo.3 echo.4\nstage b\npoints 2\n"
                    "needs one-message 03-more\nread \"file#part\"\n"
                    "env BACKEND=poll\nenv N=3\n"
                    "env BACKEND = \"a b\"\n"
                    "server start # another\n"));
    ck_assert_str_eq(script.name, "name");
    ck_assert_str_eq(script.title, "a text \"in\" pieces");
    ck_assert_int_eq(script.rules.count, 2);
    ck_assert_str_eq(script.rules.texts[1], "echo.4");
    ck_assert_int_eq(script.stage, 'b');
    ck_assert_int_eq(script.points, 2);
    ck_assert_int_eq(script.needs.count, 2);
    ck_assert_str_eq(script.needs.texts[1], "03-more");
    ck_assert_str_eq(script.read, "file#part");
    ck_assert_int_eq(script.environment.count, 2);
    ck_assert_str_eq(script.environment.texts[0], "BACKEND=a b");
    ck_assert_str_eq(script.environment.texts[1], "N=3");
    ck_assert_int_eq(script.step_count, 1);
    ck_assert_int_eq(script.steps[0].line, 11);
    ck_assert(script_uses(&script, "server"));
    ck_assert(!script_uses(&script, "client"));
    drop();
}
END_TEST

START_TEST(bytes_are_counted)
{
    ck_assert(parse("check \"x\"\n"
                    "A send \"a\\0b\\xff\\n\" + hex \"00 fF\" + "
                    "fill 5 \"ab\" + $NAME + \"$i\\$\"\n"));
    const struct value *v = &script.steps[0].values[0];
    ck_assert_int_eq(v->count, 6);
    ck_assert_int_eq(v->parts[0].kind, PART_BYTES);
    ck_assert_uint_eq(v->parts[0].bytes.length, 5);
    ck_assert_mem_eq(v->parts[0].bytes.data, "a\0b\xff\n", 5);
    ck_assert_uint_eq(v->parts[1].bytes.length, 2);
    ck_assert_mem_eq(v->parts[1].bytes.data, "\0\xff", 2);
    ck_assert_int_eq(v->parts[2].kind, PART_FILL);
    ck_assert_uint_eq(v->parts[2].count, 5);
    ck_assert_int_eq(v->parts[3].kind, PART_NAME);
    ck_assert_str_eq(v->parts[3].bytes.data, "NAME");
    ck_assert_int_eq(v->parts[4].kind, PART_NAME);
    ck_assert_str_eq(v->parts[4].bytes.data, "i");
    ck_assert_str_eq(v->parts[5].bytes.data, "$");
    drop();
}
END_TEST

START_TEST(blocks_and_groups_nest)
{
    ck_assert(parse("check \"x\"\npeers A[1..50]\n"
                    "actor R relay tcp\nactor helper program tcp\n"
                    "repeat 3 {\n  together {\n    A[7] send \"x\"\n"
                    "    A send \"y\"\n  }\n}\nR relay to helper\n"));
    ck_assert_int_eq(script.step_count, 2);
    ck_assert_int_eq(script.steps[0].kind, STEP_REPEAT);
    ck_assert_int_eq(script.steps[0].times, 3);
    ck_assert_int_eq(script.steps[0].body[0].kind, STEP_TOGETHER);
    ck_assert_int_eq(script.steps[0].body[0].body_count, 2);
    ck_assert_int_eq(script.steps[0].body[0].body[0].member, 7);
    ck_assert_int_eq(script.steps[0].body[0].body[1].member, 0);
    ck_assert_int_eq(script.actors[1].kind, ACTOR_RELAY);
    ck_assert_int_eq(script.actors[2].kind, ACTOR_PROGRAM);
    drop();
}
END_TEST

START_TEST(hints_keep_their_conditions)
{
    ck_assert(parse("check \"x\"\nserver start\n"
                    "hint when got \"ab\" : \"1\"\n"
                    "hint when got reset : \"2\"\n"
                    "hint when blocked in recv : \"3\"\n"
                    "hint when killed by SIGPIPE : \"4\"\n"
                    "hint when stderr has \"in use\" : \"5\"\n"
                    "hint when busy : \"6\"\nhint at \"A send\" : \"7\"\n"
                    "hint when fault in send : \"8\"\n"
                    "hint \"9\"\n"
                    "hint at \"A\" when busy when exited : \"10\"\n"));
    static const enum hint_condition wanted[] = {
        HINT_GOT,    HINT_ENDING, HINT_BLOCKED, HINT_KILLED,
        HINT_STDERR, HINT_BUSY,   HINT_STEP,    HINT_FAULT};
    ck_assert_int_eq(script.hint_count, 10);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(script.hints[i].clause_count, 1);
        ck_assert_int_eq(script.hints[i].clauses[0].condition, wanted[i]);
        ck_assert_int_eq(script.hints[i].text[0], '1' + i);
    }
    ck_assert_int_eq(script.hints[8].clause_count, 0);
    ck_assert_int_eq(script.hints[9].clause_count, 3);
    ck_assert_int_eq(script.hints[9].clauses[2].condition, HINT_EXITED);
    drop();
}
END_TEST

/* Every row of the table can be written as its pattern says. */
START_TEST(every_verb_can_be_parsed)
{
    const struct verb *verb = &verbs[_i];
    struct bytes text = {0};
    const char *actor = verb->actors & ACTOR_PROGRAM ? "server"
                        : verb->actors & ACTOR_PEER  ? "A"
                        : verb->actors & ACTOR_RELAY ? "R"
                                                     : "machine";
    bytes_printf(&text, "check \"x\"\nactor R relay tcp\n%s ", actor);
    for (const char *p = verb->pattern; *p;) {
        size_t n = strcspn(p, " ");
        if (strncmp(p, "BYTES", n) == 0 || strncmp(p, "STRINGS", n) == 0)
            bytes_add_text(&text, "\"bytes\"");
        else if (strncmp(p, "NUMBER", n) == 0)
            bytes_add_text(&text, "5");
        else if (strncmp(p, "NAME", n) == 0)
            bytes_add_text(&text, "P");
        else if (strncmp(p, "SIGNAL", n) == 0)
            bytes_add_text(&text, "SIGTERM");
        else if (strncmp(p, "FAULTS", n) == 0)
            bytes_add_text(&text, "\"accept:1=EINTR\"");
        else
            bytes_add(&text, p, n);
        bytes_add_text(&text, " ");
        p += n + (p[n] == ' ');
    }
    bytes_add_text(&text, "\n");
    ck_assert_msg(parse(text.data), "%s: %s", verb->pattern,
                  error.message ? error.message : "");
    ck_assert_str_eq(script.steps[0].verb->pattern, verb->pattern);
    drop();
    bytes_free(&text);
}
END_TEST

static const struct {
    const char *text;
    int line, column;
    const char *words;
} mistakes[] = {
    {"", 0, 1, "check \"TITLE\""},
    {"check \"x\"\n", 1, 1, "at least one step"},
    {"check \"x\"\nA sned \"a\"\n", 2, 3, "send"},
    {"check \"x\"\nA send\n", 2, 7, "bytes"},
    {"check \"x\"\nA send \"a\" \"b\"\n", 2, 12, "the end of the line"},
    {"check \"x\"\nA send \"a\n", 2, 8, "closing quote"},
    {"check \"x\"\nA send \"a\\q\"\n", 2, 11, "escape"},
    {"check \"x\"\nA send hex \"0g\"\n", 2, 13, "hexadecimal"},
    {"check \"x\"\nA send fill \"a\"\n", 2, 13, "number of bytes"},
    {"check \"x\"\nA send file \"no such file\"\n", 2, 13, "cannot read"},
    {"check \"x\"\nserver exit zero\n", 2, 13, "a number"},
    {"check \"x\"\nserver inject\n", 2, 14, "rules in quotes"},
    {"check \"x\"\nserver inject \"recv:1=EPIPE\"\n", 2, 23, "EINTR, EAGAIN"},
    {"check \"x\"\nserver fds = baseline\n", 2, 12, "expected"},
    {"check \"x\"\nmangler start\n", 2, 1, "no actor"},
    {"check \"x\"\nA[2] send \"x\"\n", 2, 3, "no group"},
    {"check \"x\"\npeers A[1..3]\nA[4] close\n", 3, 3, "between 1 and 3"},
    {"check \"x\"\npeers A[3..1]\n", 2, 12, "3 to"},
    {"check \"x\"\nrepeat 0 {\n", 2, 8, "1 or more"},
    {"check \"x\"\nrepeat 2 {\nA close\n", 3, 1, "not closed"},
    {"check \"x\"\ncheck \"y\"\n", 2, 1, "one check"},
    {"check \"x\"\nstage ab\n", 2, 7, "letter"},
    {"check \"x\"\npoints many\n", 2, 8, "whole number"},
    {"check \"x\"\nactor X peer udp\n", 2, 14, "tcp"},
    {"check \"x\"\nhint when got \"a\" \"text\"\n", 2, 19, ":"},
    {"check \"x\"\nhint when asleep : \"text\"\n", 2, 11, "blocked"},
    {"check \"x\"\nread \"$NAME\"\n", 2, 6, "plain text"},
    {"check \"x\"\nenv NAME poll\n", 2, 10, "= and a value"},
    {"check \"x\"\nenv NAME=\n", 2, 10, "a value"},
};

START_TEST(mistakes_are_located)
{
    expect_error(mistakes[_i].text, mistakes[_i].line, mistakes[_i].column,
                 mistakes[_i].words);
}
END_TEST

START_TEST(the_caret_stands_below_the_place)
{
    struct bytes out = {0};
    ck_assert(!parse("check \"x\"\nA sned \"a\"\n"));
    script_error_show(&error, &out);
    ck_assert_msg(strncmp(out.data, "folder/name.wire:2:3: expected ", 31) == 0,
                  "%s", out.data);
    ck_assert(strstr(out.data, "\n    2 | A sned \"a\"\n      |   ^\n"));
    bytes_free(&out);
    drop();
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
    ck_assert(!script_read(&script, "/no/such.wire", &error));
    ck_assert_str_eq(error.path, "/no/such.wire");
    ck_assert(strstr(error.message, "cannot read it"));
    drop();
}
END_TEST

/* No input may crash the parser: every prefix of a check is tried. */
START_TEST(every_prefix_is_survived)
{
    static const char text[] =
        "check \"x\"\npeers A[1..9]\nrepeat 2 {\n A[2] send \"\\x41$i\" + hex "
        "\"00\" + fill 3 \"ab\"\n}\nhint when got \"a\" : \"b\"\n";
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = memory_get(n + 1);
        memcpy(copy, text, n);
        script_parse(&script, "x", copy, n, &error);
        drop();
        free(copy);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script");
    TCase *test = tcase_create("language");
    tcase_set_timeout(test, 20);
    tcase_add_test(test, the_head_is_kept);
    tcase_add_test(test, bytes_are_counted);
    tcase_add_test(test, blocks_and_groups_nest);
    tcase_add_test(test, hints_keep_their_conditions);
    tcase_add_loop_test(test, every_verb_can_be_parsed, 0, verb_count);
    tcase_add_loop_test(test, mistakes_are_located, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    tcase_add_test(test, the_caret_stands_below_the_place);
    tcase_add_test(test, a_file_that_is_not_there);
    tcase_add_test(test, every_prefix_is_survived);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
