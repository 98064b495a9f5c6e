/* The journal survives its way through a file, and reports are made from it. */
#include "../../harness/wire/journal.h"
#include "../../harness/wire/ladder.h"
#include "../../harness/wire/report.h"
#include "../../harness/wire/totals.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct journal reread(const struct journal *j)
{
    struct journal out;
    int line;
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    journal_write(j, file);
    rewind(file);
    ck_assert(journal_read(&out, file, &line));
    fclose(file);
    return out;
}

START_TEST(every_byte_survives)
{
    char all[256];
    struct journal j;
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    journal_begin(&j);
    j.line = 7;
    journal_data(&j, EVENT_SENT, "A[3]", "server", all, sizeof all);
    struct journal k = reread(&j);
    ck_assert_uint_eq(k.count, 1);
    ck_assert_int_eq(k.events[0].kind, EVENT_SENT);
    ck_assert_int_eq(k.events[0].line, 7);
    ck_assert_int_eq(k.events[0].number, 256);
    ck_assert_str_eq(k.events[0].actor, "A[3]");
    ck_assert_str_eq(k.events[0].to, "server");
    ck_assert_uint_eq(k.events[0].value.length, 256);
    ck_assert_mem_eq(k.events[0].value.data, all, 256);
    journal_free(&j);
    journal_free(&k);
}
END_TEST

START_TEST(long_data_is_counted_and_cut)
{
    struct journal j;
    char *data = memory_get(100000);
    journal_begin(&j);
    journal_data(&j, EVENT_RECEIVED, "A", "server", data, 100000);
    ck_assert_int_eq(j.events[0].number, 100000);
    ck_assert_uint_eq(j.events[0].value.length, JOURNAL_DATA_MAX);
    free(data);
    journal_free(&j);
}
END_TEST

/* What a program prints may be a trace of many lines. */
START_TEST(output_is_kept_whole)
{
    struct journal j;
    char *data = memory_get(5000);
    journal_begin(&j);
    memset(data, 'x', 5000);
    journal_data(&j, EVENT_OUTPUT, "server", "", data, 5000);
    struct journal k = reread(&j);
    ck_assert_uint_eq(k.events[0].value.length, 5000);
    free(data);
    journal_free(&j);
    journal_free(&k);
}
END_TEST

START_TEST(every_kind_survives)
{
    struct journal j;
    journal_begin(&j);
    for (int kind = EVENT_ABOUT; kind <= EVENT_FAILED; kind++)
        journal_text(&j, (enum event_kind)kind, "A", "text %d \"\\", kind);
    struct journal k = reread(&j);
    ck_assert_uint_eq(k.count, j.count);
    for (size_t i = 0; i < k.count; i++) {
        ck_assert_int_eq(k.events[i].kind, j.events[i].kind);
        ck_assert_str_eq(k.events[i].value.data, j.events[i].value.data);
    }
    journal_free(&j);
    journal_free(&k);
}
END_TEST

START_TEST(foreign_lines_are_refused)
{
    static const char *const lines[] = {"hello\n",
                                        "{\"event\":\"nonsense\"}\n",
                                        "{\"event\":\"sent\"\n",
                                        "{\"event\":\"sent\",}\n",
                                        "{\"value\":\"\\u1234\"}\n",
                                        "{\"value\":\"\\u12",
                                        "{\"value\":\"\\u +1\"}\n",
                                        "{\"value\":\"\\",
                                        "{\"number\":1e300}\n",
                                        "{\"event\":\"sent\"} and more\n",
                                        "{\"a\n"};
    struct journal j;
    int line;
    FILE *file = tmpfile();
    fputs("{\"event\":\"sent\",\"ms\":1.0,\"line\":0}\n", file);
    fputs(lines[_i], file);
    rewind(file);
    ck_assert(!journal_read(&j, file, &line));
    ck_assert_int_eq(line - 1, 2);
    journal_free(&j);
    fclose(file);
}
END_TEST

START_TEST(the_last_fact_counts_and_lists_are_walked)
{
    struct journal j;
    size_t position = 0;
    journal_begin(&j);
    journal_about(&j, "sentence", "first");
    journal_about(&j, "doing", "one");
    journal_about(&j, "sentence", "second");
    journal_about(&j, "doing", "two");
    ck_assert_str_eq(journal_get(&j, "sentence"), "second");
    ck_assert_str_eq(journal_get(&j, "nothing"), "");
    ck_assert_str_eq(journal_each_about(&j, "doing", &position), "one");
    ck_assert_str_eq(journal_each_about(&j, "doing", &position), "two");
    ck_assert_ptr_null(journal_each_about(&j, "doing", &position));
    journal_free(&j);
}
END_TEST

/* A failed check, as the runner would leave it. */
static struct journal failed_check(void)
{
    struct journal j;
    journal_begin(&j);
    journal_about(&j, "name", "in-pieces");
    journal_about(&j, "title", "a text may <arrive> in pieces # 1");
    journal_about(&j, "points", "2");
    journal_about(&j, "rule", "echo.2");
    journal_about(&j, "rule-says", "A text may arrive in pieces.");
    journal_about(&j, "rule-why", "TCP is a stream.");
    journal_event(&j, EVENT_CONNECT, "A", "server");
    journal_data(&j, EVENT_SENT, "A", "server", "one", 3);
    journal_data(&j, EVENT_SENT, "A", "server", "two\x1b", 4);
    journal_data(&j, EVENT_RECEIVED, "A", "server", "onetwo", 6);
    journal_about(&j, "expected", "nothing yet");
    journal_about(&j, "actual", "\"onetwo\"");
    journal_about(&j, "sentence", "It came \x01 too early.");
    journal_text(&j, EVENT_FAILED, "", "It came too early.");
    journal_about(&j, "doing", "the server was blocked in accept()");
    journal_about(&j, "hint", "Receive until <EOF>.");
    journal_about(&j, "again", "make again");
    journal_about(&j, "verdict", "fail");
    journal_about(&j, "duration", "12.5");
    return j;
}

START_TEST(a_ladder_joins_what_follows_each_other)
{
    struct journal j = failed_check();
    struct bytes out = {0};
    struct ladder_options o = {0};
    ladder_draw(&j, &o, &out);
    ck_assert_msg(strstr(out.data, "\"onetwo\\x1b\" (7 bytes)"), "%s",
                  out.data);
    ck_assert(strstr(out.data, "\"onetwo\" (6 bytes)"));
    ck_assert(strstr(out.data, "here the check failed"));
    ck_assert_ptr_null(strchr(out.data, '\x1b'));
    bytes_clear(&out);
    o.plain = true;
    ladder_draw(&j, &o, &out);
    ck_assert(strstr(out.data, "A connects to server."));
    ck_assert(strstr(out.data, "server sends \"onetwo\" (6 bytes) to A."));
    bytes_free(&out);
    journal_free(&j);
}
END_TEST

/* The parts of a failure, in the order in which a student needs them. */
START_TEST(a_failure_has_its_order)
{
    static const char *const parts[] = {"too early",
                                        "expected",
                                        "actual",
                                        "blocked in accept",
                                        "over the wire",
                                        "Rule echo.2",
                                        "Why: TCP is a stream",
                                        "Hint: Receive until",
                                        "Run it again: make again"};
    struct journal j = failed_check();
    struct report_options o = {0};
    struct bytes out = {0};
    report_text(&j, 1, &o, &out);
    const char *place = out.data;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        place = strstr(place, parts[i]);
        ck_assert_msg(place != NULL, "no \"%s\" in its place in:\n%s", parts[i],
                      out.data);
    }
    const char *end = strstr(out.data, "0 passed, 1 failed\n");
    ck_assert(end && end[strlen("0 passed, 1 failed\n")] == '\0');
    bytes_free(&out);
    journal_free(&j);
}
END_TEST

START_TEST(tap_junit_and_json_are_well_formed)
{
    struct journal j = failed_check();
    struct bytes out = {0};
    report_tap(&j, 1, &out);
    ck_assert(strstr(out.data, "TAP version 13\n1..1\nnot ok 1 - in-pieces"));
    ck_assert(strstr(out.data, "pieces \\# 1\n"));
    ck_assert(strstr(out.data, "  ---\n  message: \"It came \\u0001 too"));
    bytes_clear(&out);
    report_junit(&j, 1, &out);
    ck_assert(strstr(out.data, "failures=\"1\""));
    ck_assert(strstr(out.data, "a text may &lt;arrive&gt;"));
    ck_assert_ptr_null(strchr(out.data, '\x01'));
    ck_assert_ptr_null(strchr(out.data, '\x1b'));
    bytes_clear(&out);
    report_json(&j, 1, &out);
    ck_assert(strstr(out.data, "\"verdict\":\"fail\""));
    ck_assert(strstr(out.data, "\"failed\":1"));
    bytes_free(&out);
    journal_free(&j);
}
END_TEST

START_TEST(exit_statuses)
{
    static const struct {
        const char *verdicts[2];
        int status;
    } cases[] = {{{"pass", "pass"}, 0},      {{"pass", "advice"}, 0},
                 {{"pass", "fail"}, 1},      {{"undecided", "fail"}, 1},
                 {{"pass", "undecided"}, 2}, {{"skip", "skip"}, 77},
                 {{"pass", "skip"}, 0},      {{"not run", "skip"}, 77}};
    struct journal j[2];
    for (int i = 0; i < 2; i++) {
        journal_begin(&j[i]);
        journal_about(&j[i], "points", "3");
        journal_about(&j[i], "verdict", cases[_i].verdicts[i]);
    }
    ck_assert_int_eq(totals_exit_status(j, 2), cases[_i].status);
    journal_free(&j[0]);
    journal_free(&j[1]);
}
END_TEST

START_TEST(escapes_are_those_of_c)
{
    struct bytes out = {0};
    size_t columns = bytes_add_escaped(&out,
                                       "a\0"
                                       "1\n\x1b\"\xff\0",
                                       8, 100);
    ck_assert_str_eq(out.data, "a\\x001\\n\\x1b\\\"\\xff\\0");
    ck_assert_uint_eq(columns, out.length);
    bytes_clear(&out);
    columns = bytes_add_escaped(&out, "0123456789", 10, 8);
    ck_assert_str_eq(out.data, "01234...");
    ck_assert_uint_eq(columns, 8);
    bytes_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *test = tcase_create("journal and reports");
    tcase_set_timeout(test, 20);
    tcase_add_test(test, every_byte_survives);
    tcase_add_test(test, long_data_is_counted_and_cut);
    tcase_add_test(test, output_is_kept_whole);
    tcase_add_test(test, every_kind_survives);
    tcase_add_loop_test(test, foreign_lines_are_refused, 0, 11);
    tcase_add_test(test, the_last_fact_counts_and_lists_are_walked);
    tcase_add_test(test, a_ladder_joins_what_follows_each_other);
    tcase_add_test(test, a_failure_has_its_order);
    tcase_add_test(test, tap_junit_and_json_are_well_formed);
    tcase_add_loop_test(test, exit_statuses, 0, 8);
    tcase_add_test(test, escapes_are_those_of_c);
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
