/* Which calls are to go wrong: what is read, and what is chosen. */
#include "../../harness/wire/faults_plan.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct faults_plan plan;
static struct bytes error;
static size_t place;

static bool add(const char *text)
{
    return faults_plan_add(&plan, text, &place, &error);
}

static void drop(void)
{
    faults_plan_free(&plan);
    bytes_free(&error);
}

/* What becomes of the calls 1, 2, 3 ...: E fails, s short, d delayed, or . */
static void expect(const char *text, enum fault_call call, const char *fates)
{
    ck_assert_msg(add(text), "%s: %s", text, bytes_text(&error));
    for (unsigned long i = 0; fates[i]; i++) {
        struct fault f = faults_plan_choose(&plan, call, i + 1);
        char fate = ".Esd"[f.kind];
        ck_assert_msg(fate == fates[i], "%s: call %lu is %c, not %c", text,
                      i + 1, fate, fates[i]);
    }
    drop();
}

START_TEST(rules_name_calls_by_number)
{
    expect("accept:2=ECONNABORTED", FAULT_ACCEPT, ".E...");
    expect("accept:2=ECONNABORTED", FAULT_RECV, ".....");
    expect("recv:2-4=EINTR", FAULT_RECV, ".EEE.");
    expect("recv:3-=short:1", FAULT_RECV, "..sss");
    expect("wait:*=EINTR", FAULT_WAIT, "EEEEE");
    expect("send:*/3=delay:5", FAULT_SEND, "..d..d..d");
    expect("send:1-/3=EINTR", FAULT_SEND, "E..E..E");
    expect("send:1-6/3=EINTR", FAULT_SEND, "E..E...");
    expect(" recv:1=EINTR , recv:*=short:2", FAULT_RECV, "Esss");
}
END_TEST

START_TEST(a_rule_keeps_its_number)
{
    ck_assert(add("accept:1=EMFILE, send:1=short:7, recv:1=delay:20"));
    ck_assert_int_eq(faults_plan_choose(&plan, FAULT_ACCEPT, 1).number, EMFILE);
    ck_assert_int_eq(faults_plan_choose(&plan, FAULT_SEND, 1).number, 7);
    ck_assert_int_eq(faults_plan_choose(&plan, FAULT_RECV, 1).number, 20);
    ck_assert(faults_plan_is_about(&plan, FAULT_SEND));
    ck_assert(!faults_plan_is_about(&plan, FAULT_WAIT));
    drop();
}
END_TEST

static const char *const plan_words[] = {"eintr", "short", "accept",
                                         "again", "slow",  "mixed"};

/* The same seed decides the same, and another one something else. */
START_TEST(a_seed_decides)
{
    struct faults_plan same = {0}, other = {0};
    char text[64];
    int faults = 0, differences = 0;

    snprintf(text, sizeof text, "plan %s seed 7", plan_words[_i]);
    ck_assert(add(text));
    ck_assert(faults_plan_add(&same, text, &place, &error));
    snprintf(text, sizeof text, "plan %s seed 8", plan_words[_i]);
    ck_assert(faults_plan_add(&other, text, &place, &error));
    for (int i = 0; i < FAULT_CALLS * 100; i++) {
        enum fault_call c = (enum fault_call)(i / 100);
        unsigned long n = (unsigned long)i % 100 + 1;
        struct fault f = faults_plan_choose(&plan, c, n);
        struct fault g = faults_plan_choose(&same, c, n);
        ck_assert_int_eq(f.kind, g.kind);
        ck_assert_int_eq(f.number, g.number);
        faults += f.kind != FAULT_NONE;
        differences += f.kind != faults_plan_choose(&other, c, n).kind;
    }
    ck_assert_int_gt(faults, 20);
    ck_assert_int_gt(differences, 20);
    faults_plan_free(&same);
    faults_plan_free(&other);
    drop();
}
END_TEST

static const struct mistake {
    const char *text;
    int place;
    const char *words;
} mistakes[] = {
    {"", 0, "accept, recv"},
    {"shutdown:1=EINTR", 0, "accept, recv"},
    {"accepted:1=EINTR", 0, "accept, recv"},
    {"recv 1=EINTR", 4, ": and which"},
    {"recv:=EINTR", 5, "which of the calls"},
    {"recv:0=EINTR", 5, "from 1"},
    {"recv:99999999999999999999=EINTR", 5, "from 1"},
    {"recv:1/0=EINTR", 7, "from 1"},
    {"recv:1", 6, "= and what"},
    {"recv:1=", 7, "EINTR, EAGAIN"},
    {"recv:1=EMFILE", 7, "short:BYTES"},
    {"connect:1=EINTR", 10, "ECONNREFUSED"},
    {"accept:1=short:1", 9, "ECONNABORTED"},
    {"recv:1=short", 12, ": and a number"},
    {"recv:1=short:0", 13, "from 1"},
    {"recv:1=delay:5000", 13, "to 1000"},
    {"recv:1=EINTR;", 12, "a comma, or the end"},
    {"recv:1=EINTR,", 13, "accept, recv"},
    {"plan", 4, "eintr, short"},
    {"plan EINTR", 5, "eintr, short"},
    {"plan eintr seed", 15, "a number"},
    {"plan eintr 7", 11, "a comma, or the end"},
};

START_TEST(mistakes_have_a_place)
{
    const struct mistake *m = &mistakes[_i];
    ck_assert_msg(!add(m->text), "\"%s\" should be wrong", m->text);
    ck_assert_msg((int)place == m->place, "\"%s\": at %zu, not %d", m->text,
                  place, m->place);
    ck_assert_msg(strstr(bytes_text(&error), m->words), "\"%s\": %s", m->text,
                  bytes_text(&error));
    drop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults_plan");
    TCase *test = tcase_create("plans");
    tcase_add_test(test, rules_name_calls_by_number);
    tcase_add_test(test, a_rule_keeps_its_number);
    tcase_add_loop_test(test, a_seed_decides, 0,
                        (int)(sizeof plan_words / sizeof *plan_words));
    tcase_add_loop_test(test, mistakes_have_a_place, 0,
                        (int)(sizeof mistakes / sizeof *mistakes));
    suite_add_tcase(suite, test);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
