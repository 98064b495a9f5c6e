#include "suite.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "rule_19" begins rule_19_a_second_end, and not rule_190. */
static bool begins(const char *name, const char *beginning)
{
    size_t length = strlen(beginning);

    return strncmp(name, beginning, length) == 0 &&
           (name[length] == '_' || name[length] == '\0');
}

static bool is_wanted(const char *name, int argc, char *argv[])
{
    bool any_named = false, named = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && begins(name, argv[i] + 1))
            return false;
        any_named |= argv[i][0] != '-';
        named |= begins(name, argv[i]);
    }
    return named || !any_named;
}

/* The sanitizers' own; NULL in a program without one. */
void __sanitizer_print_stack_trace(void) __attribute__((weak));

/* Tells whoever grades this where a thread is that does not come to an end. It
 * is no function for a handler; but then, the test is lost already. */
static void tell_place(int signal_number)
{
    (void)signal_number;
    if (__sanitizer_print_stack_trace != NULL)
        __sanitizer_print_stack_trace();
}

/* A file, for the tests are processes of their own, and one that hangs can say
 * nothing. */
static FILE *awaited;

void suite_wait_for(const char *words)
{
    if (pwrite(fileno(awaited), words, strlen(words) + 1, 0) == -1)
        perror("what is waited for");
}

static void wait_for_nothing(void)
{
    suite_wait_for("");
}

static void print_awaited(void)
{
    char words[160] = "";

    if (pread(fileno(awaited), words, sizeof words - 1, 0) > 0 && words[0])
        fprintf(stderr, "waited for: %s\n", words);
}

static void print_failures(SRunner *runner)
{
    int count = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);

    for (int i = 0; i < count; i++) {
        const char *path = tr_lfile(failures[i]);
        const char *slash = strrchr(path, '/');

        printf("FAILED %s: %s", tr_tcname(failures[i]), tr_msg(failures[i]));
        /* It did not come to say what is wrong: so how far it came. */
        if (tr_rtype(failures[i]) == CK_ERROR)
            printf(", behind line %d of %s", tr_lno(failures[i]),
                   slash != NULL ? slash + 1 : path);
        putchar('\n');
        if (tr_rtype(failures[i]) == CK_ERROR &&
            srunner_ntests_run(runner) == 1)
            print_awaited();
    }
    free(failures);
}

/* A case for each test: only a case's name can be asked for later. */
static int add_tests(Suite *all, const struct suite *suite, int argc,
                     char *argv[])
{
    int wanted = 0;

    for (const TTest *const *test = suite->tests; *test != NULL; test++)
        if (is_wanted((*test)->name, argc, argv)) {
            TCase *one = tcase_create((*test)->name);

            tcase_set_timeout(one, 60);
            tcase_add_checked_fixture(one, wait_for_nothing, NULL);
            tcase_add_checked_fixture(one, suite->set_up, suite->tear_down);
            tcase_add_test(one, *test);
            suite_add_tcase(all, one);
            wanted++;
        }
    return wanted;
}

int suite_run(const struct suite *suite, int argc, char *argv[])
{
    Suite *all = suite_create(suite->title);
    SRunner *runner = srunner_create(all);
    const struct sigaction action = {.sa_handler = tell_place,
                                     .sa_flags = SA_RESTART};
    int wanted = 0, failed;

    for (const struct suite *s = suite; s != NULL; s = s->next)
        wanted += add_tests(all, s, argc, argv);
    awaited = tmpfile();
    if (awaited == NULL) {
        perror("tmpfile");
        exit(EXIT_FAILURE);
    }
    sigaction(SIGUSR2, &action, NULL);
    srunner_run_all(runner, argc == 1 ? CK_NORMAL : CK_SILENT);
    if (argc > 1)
        print_failures(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    fclose(awaited);
    if (wanted == 0)
        fprintf(stderr, "%s: no test is called that\n", suite->title);
    return failed == 0 && wanted > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
