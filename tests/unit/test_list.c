/* The list of a lesson's checks: what is used again, and how it is changed. */
#include "../../harness/wire/list.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/wire-list-XXXXXX";
static struct list list;
static struct script_error error;

static void write_file(const char *lesson, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, lesson);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/checks", folder, lesson);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/checks/%s", folder, lesson, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static bool read_list(const char *text)
{
    char path[256];
    write_file("02-own", "list", text);
    snprintf(path, sizeof path, "%s/02-own/checks/list", folder);
    return list_read(&list, path, &error);
}

static void set_up(void)
{
    strcpy(folder, "/tmp/wire-list-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file("01-first", "list", "one\ntwo\nlibrary\nclient\n");
    write_file("01-first", "one.wire",
               "check \"one\"\nstage a\npoints 3\nread \"there\"\n"
               "server start\nhint \"first's\"\n");
    write_file("01-first", "two.wire",
               "check \"two\"\nstage b\npoints 4\nneeds one\nserver start\n");
    write_file("01-first", "library.wire",
               "check \"library\"\nunit passes \"x\"\n");
    write_file("01-first", "client.wire",
               "check \"client\"\npoints 1\nF listen\nclient start\n");
    write_file("02-own", "mine.wire", "check \"mine\"\nserver start\n");
}

static void tear_down(void)
{
    struct bytes command = {0};
    list_free(&list);
    script_error_free(&error);
    bytes_printf(&command, "rm -r %s", folder);
    ck_assert_int_eq(system(command.data), 0);
    bytes_free(&command);
}

static const struct script *script_at(int i)
{
    ck_assert_int_lt(i, list.count);
    return &list.entries[i].script;
}

START_TEST(a_used_lesson_comes_without_its_unit_tests)
{
    ck_assert(read_list("mine # its own\nuse 01-first except two as c\n"));
    ck_assert_int_eq(list.count, 3);
    ck_assert_str_eq(script_at(0)->name, "mine");
    ck_assert_str_eq(script_at(1)->name, "one");
    ck_assert_int_eq(script_at(1)->stage, 'c');
    ck_assert_int_eq(script_at(1)->points, 3);
    ck_assert(strstr(script_at(1)->path, "/01-first/checks/one.wire"));
    ck_assert_str_eq(script_at(2)->name, "client");
}
END_TEST

START_TEST(a_check_of_another_lesson_may_come_later)
{
    ck_assert(read_list("use 01-first except two\nmine\nfrom 01-first two\n"));
    ck_assert_int_eq(list.count, 4);
    ck_assert_str_eq(script_at(2)->name, "mine");
    ck_assert_str_eq(script_at(3)->name, "two");
}
END_TEST

START_TEST(free_checks_give_no_points)
{
    ck_assert(read_list("use 01-first free one client\n"));
    ck_assert_int_eq(script_at(0)->points, 0);
    ck_assert_int_eq(script_at(1)->points, 4);
    ck_assert_int_eq(script_at(1)->stage, 'b');
    ck_assert_int_eq(script_at(2)->points, 0);
}
END_TEST

START_TEST(again_is_about_the_server_alone)
{
    ck_assert(read_list("mine\nuse 01-first\nagain loop_server as d\n"));
    ck_assert_int_eq(list.count, 7);
    ck_assert_str_eq(script_at(4)->name, "loop-mine");
    ck_assert_str_eq(script_at(4)->title, "mine (loop_server)");
    ck_assert_str_eq(list.entries[4].program, "loop_server");
    ck_assert_str_eq(script_at(6)->name, "loop-two");
    ck_assert_str_eq(script_at(6)->needs.texts[0], "loop-one");
    ck_assert_int_eq(script_at(6)->points, 1);
    ck_assert_int_eq(script_at(6)->stage, 'd');
}
END_TEST

START_TEST(on_names_another_program)
{
    ck_assert(read_list("on beyond_server mine\n"));
    ck_assert_int_eq(list.count, 1);
    ck_assert_str_eq(list.entries[0].program, "beyond_server");
    ck_assert_str_eq(script_at(0)->name, "mine");
}
END_TEST

START_TEST(a_lesson_has_its_own_say)
{
    write_file("02-own", "one.hints",
               "needs mine\nread \"here\"\nhint when busy : \"second's\"\n");
    ck_assert(read_list("mine\nuse 01-first\n"));
    ck_assert_str_eq(script_at(1)->read, "here");
    ck_assert_str_eq(script_at(1)->needs.texts[0], "mine");
    ck_assert_int_eq(script_at(1)->hint_count, 2);
    ck_assert_str_eq(script_at(1)->hints[0].text, "second's");
    ck_assert_str_eq(script_at(1)->hints[1].text, "first's");
}
END_TEST

START_TEST(what_is_selected_brings_what_it_needs)
{
    struct text_list names = {0};
    ck_assert(read_list("mine\nuse 01-first\n"));
    texts_add(&names, "two");
    ck_assert_int_eq(list_select(&list, 0, &names, true), 1);
    ck_assert_int_eq(list.count, 2);
    ck_assert_str_eq(script_at(0)->name, "one");
    ck_assert_int_eq(list_select(&list, 0, &names, false), 1);
    ck_assert_int_eq(list.count, 1);
    ck_assert_int_eq(list_select(&list, 'a', &names, true), 0);
    texts_free(&names);
}
END_TEST

static const struct {
    const char *text, *file;
    int line, column;
    const char *words;
} mistakes[] = {
    {"mine\nuse\n", "02-own/checks/list", 2, 4, "folder of a lesson"},
    {"from 01-first\n", "02-own/checks/list", 1, 14, "name of a check"},
    {"use 01-first without one\n", "02-own/checks/list", 1, 14, "except"},
    {"use 01-first as 1\n", "02-own/checks/list", 1, 17, "stage"},
    {"mine\nagain loop_server\n", "02-own/checks/list", 2, 18, "as"},
    {"on beyond_server\n", "02-own/checks/list", 1, 17, "name of a check"},
    {"mine yours\n", "02-own/checks/list", 1, 6, "end of the line"},
    {"use 07-none\n", "07-none/checks/list", 0, 0, "cannot read"},
    {"yours\n", "02-own/checks/yours.wire", 0, 0, "cannot read"},
    {"mine\nmine\n", "02-own/checks/list", 0, 0, "two checks"},
    {"late\nmine\n", "02-own/checks/list", 0, 0, "comes after it"},
    {"selfish\n", "02-own/checks/list", 0, 0, "needs itself"},
    {"broken\n", "02-own/checks/broken.wire", 2, 8, "start"},
    {"use 01-first\n", "02-own/checks/two.hints", 1, 1, "expected hint"},
};

START_TEST(mistakes_are_located)
{
    write_file("02-own", "late.wire",
               "check \"late\"\nneeds mine\nserver start\n");
    write_file("02-own", "selfish.wire",
               "check \"selfish\"\nneeds selfish\nserver start\n");
    write_file("02-own", "broken.wire", "check \"broken\"\nserver strat\n");
    if (strstr(mistakes[_i].file, ".hints"))
        write_file("02-own", "two.hints", "server start\n");
    ck_assert(!read_list(mistakes[_i].text));
    ck_assert_msg(strstr(error.path, mistakes[_i].file) != NULL, "%s",
                  error.path);
    ck_assert_msg(strstr(error.message, mistakes[_i].words) != NULL,
                  "\"%s\" does not speak of \"%s\"", error.message,
                  mistakes[_i].words);
    ck_assert_int_eq(error.line, mistakes[_i].line);
    ck_assert_int_eq(error.column, mistakes[_i].column);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("list");
    TCase *test = tcase_create("a lesson's list");
    tcase_set_timeout(test, 20);
    tcase_add_checked_fixture(test, set_up, tear_down);
    tcase_add_test(test, a_used_lesson_comes_without_its_unit_tests);
    tcase_add_test(test, a_check_of_another_lesson_may_come_later);
    tcase_add_test(test, free_checks_give_no_points);
    tcase_add_test(test, again_is_about_the_server_alone);
    tcase_add_test(test, on_names_another_program);
    tcase_add_test(test, a_lesson_has_its_own_say);
    tcase_add_test(test, what_is_selected_brings_what_it_needs);
    tcase_add_loop_test(test, mistakes_are_located, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
