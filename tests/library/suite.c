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

/* What the tests leave for the frame, in a file, for they are processes of
 * their own, and one that hangs can say nothing: first what it waits for, and
 * from ENDS on a byte for each test that has come to its end. */
static FILE *notes;
enum { ENDS = 4096 };
static int test_number = -1; /* of the one that runs */

static void note(const char *bytes, size_t length, off_t place)
{
    if (pwrite(fileno(notes), bytes, length, place) != (ssize_t)length)
        perror("the notes of a test");
}

void suite_wait_for(const char *words)
{
    note(words, strlen(words) + 1, 0);
}

static void wait_for_nothing(void)
{
    suite_wait_for("");
}

static void print_awaited(void)
{
    char words[160] = "";

    if (pread(fileno(notes), words, sizeof words - 1, 0) > 0 && words[0])
        fprintf(stderr, "waited for: %s\n", words);
}

static void next_test(void)
{
    test_number++;
}

static void note_end(void)
{
    note("e", 1, ENDS + test_number);
}

/* A test that has failed has told already why it has no end. For Check one
 * whose process ends with status 0 has passed, whoever has called exit(). */
static bool ended_early(TestResult *result, int number)
{
    char end = 0;

    return tr_rtype(result) == CK_PASS &&
           (pread(fileno(notes), &end, 1, ENDS + number) != 1 || end != 'e');
}

static void print_place(TestResult *result)
{
    const char *path = tr_lfile(result);
    const char *slash = strrchr(path, '/');

    printf(", behind line %d of %s", tr_lno(result),
           slash != NULL ? slash + 1 : path);
}

/* Says of each test that failed what it says of itself, if `told`; gives how
 * many they are. */
static int print_failures(SRunner *runner, bool told)
{
    int count = srunner_ntests_run(runner), failed = 0;
    TestResult **results = srunner_results(runner);

    for (int i = 0; i < count; i++) {
        TestResult *result = results[i];
        bool early = ended_early(result, i);

        if (tr_rtype(result) == CK_PASS && !early)
            continue;
        failed++;
        if (!told && !early)
            continue;
        printf("FAILED %s: %s", tr_tcname(result),
               early ? "its process ended with status 0 before the test did"
                     : tr_msg(result));
        /* It did not come to say what is wrong: so how far it came. */
        if (early || tr_rtype(result) == CK_ERROR)
            print_place(result);
        putchar('\n');
        if (tr_rtype(result) == CK_ERROR && count == 1)
            print_awaited();
    }
    free(results);
    return failed;
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
            tcase_add_unchecked_fixture(one, next_test, NULL);
            /* What is added first is torn down last. */
            tcase_add_checked_fixture(one, wait_for_nothing, note_end);
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
    int wanted = 0, run, failed;

    for (const struct suite *s = suite; s != NULL; s = s->next)
        wanted += add_tests(all, s, argc, argv);
    notes = tmpfile();
    if (notes == NULL) {
        perror("tmpfile");
        exit(EXIT_FAILURE);
    }
    sigaction(SIGUSR2, &action, NULL);
    srunner_run_all(runner, argc == 1 ? CK_NORMAL : CK_SILENT);
    run = srunner_ntests_run(runner);
    failed = print_failures(runner, argc > 1);
    srunner_free(runner);
    fclose(notes);
    if (wanted == 0)
        fprintf(stderr, "%s: no test is called that\n", suite->title);
    if (failed > 0 || wanted == 0 || run != wanted)
        return EXIT_FAILURE;
    if (argc > 1)
        printf("PASSED %d\n", run);
    return EXIT_SUCCESS;
}
