#include "fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ================================== suites =============================== */

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

static void print_failures(SRunner *runner)
{
    int count = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);

    for (int i = 0; i < count; i++)
        printf("FAILED %s: %s\n", tr_tcname(failures[i]), tr_msg(failures[i]));
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
    int wanted = 0, failed;

    for (const struct suite *s = suite; s != NULL; s = s->next)
        wanted += add_tests(all, s, argc, argv);
    srunner_run_all(runner, argc == 1 ? CK_NORMAL : CK_SILENT);
    if (argc > 1)
        print_failures(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (wanted == 0)
        fprintf(stderr, "%s: no test is called that\n", suite->title);
    return failed == 0 && wanted > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ============================== plain sockets ============================ */

static void set_loopback(struct sockaddr_in *address)
{
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

int plain_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
    return fd;
}

int plain_bind(struct sockaddr_in *address, int backlog)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    set_loopback(address);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    if (backlog >= 0)
        ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

void plain_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now),
                     0);
    close(fd);
}

/* ============================== by the library =========================== */

struct async_socket *listen_somewhere(struct loop *loop,
                                      struct sockaddr_in *address, int backlog)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    socklen_t length = sizeof *address;

    ck_assert_msg(socket != NULL, "async_socket_create: %s", strerror(errno));
    set_loopback(address);
    ck_assert_int_eq(
        async_bind(socket, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(async_listen(socket, backlog), 0);
    ck_assert_int_eq(
        async_local_address(socket, (struct sockaddr *)address, &length), 0);
    return socket;
}

struct async_result *called[4096];
int calls;

void note(struct async_result *ar)
{
    called[calls++] = ar;
}

void run_until(struct loop *loop, const int *count, int wanted)
{
    while (*count < wanted)
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
}

void run_rounds(struct loop *loop)
{
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(loop_run_once(loop, 0), 0);
}

/* ================================= the rest ============================== */

int count_descriptors(void)
{
    DIR *folder = opendir("/dev/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

char *pattern(size_t length)
{
    char *text = malloc(length);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)((i * 2654435761u) >> 13);
    return text;
}

void assert_failure(bool succeeded, int error, const char *words)
{
    int got = errno;

    ck_assert_msg(!succeeded, "%s: it should fail with \"%s\", and succeeds",
                  words, strerror(error));
    ck_assert_msg(got == error,
                  "%s: it should fail with \"%s\", and fails with \"%s\"",
                  words, strerror(error), strerror(got));
}
