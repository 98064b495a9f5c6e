/* Tests of timers, results, accept and connect by Begin and End. A test is
 * named after the rules of the Begin/End semantics that it proves:
 * rule_17_18_... proves 17 and 18. Run forked, with a time limit. */

#include <arpa/inet.h>
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_connect.h"
#include "loop.h"
#include "loop_timer.h"

static struct loop *loop;
static struct async_socket *listener;
static struct sockaddr_in here; /* of the listener */
static int descriptors_before;

static int count_descriptors(void)
{
    DIR *folder = opendir("/dev/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static struct async_socket *listen_somewhere(struct sockaddr_in *address,
                                             int backlog)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    socklen_t length = sizeof *address;

    ck_assert_msg(socket != NULL, "async_socket_create: %s", strerror(errno));
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(
        async_bind(socket, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(async_listen(socket, backlog), 0);
    ck_assert_int_eq(
        async_local_address(socket, (struct sockaddr *)address, &length), 0);
    return socket;
}

static void set_up(void)
{
    descriptors_before = count_descriptors();
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    listener = listen_somewhere(&here, 50);
}

/* Whatever a test has left behind, loop_destroy() must end. */
static void tear_down(void)
{
    loop_destroy(loop);
    ck_assert_msg(count_descriptors() == descriptors_before,
                  "loop_destroy() has left descriptors open");
}

/* A client that knows nothing of the library. */
static int connect_plainly(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&here, sizeof here), 0);
    return fd;
}

/* What callbacks saw, in order. */
static struct async_result *called[4096];
static int calls;
static struct async_socket *accepted;
static int end_errno;

static void note(struct async_result *ar)
{
    called[calls++] = ar;
}

static void end_accept(struct async_result *ar)
{
    note(ar);
    ck_assert_msg(async_is_completed(ar), "5: completed inside the callback");
    errno = 0;
    accepted = async_end_accept(listener, ar);
    end_errno = errno;
}

static void run_until(const int *count, int wanted)
{
    while (*count < wanted)
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
}

/* The errno of ending AR as an accept of SOCKET, which must fail. */
static int failed_end(struct async_socket *socket, struct async_result *ar)
{
    struct async_socket *got;

    errno = 0;
    got = async_end_accept(socket, ar);
    ck_assert_msg(got == NULL, "End succeeded");
    return errno;
}

/* ================================ the result ============================= */

START_TEST(rule_01_02_05_state_and_the_very_object)
{
    int state;
    struct async_result *ar = async_begin_accept(listener, end_accept, &state);
    int client = connect_plainly();

    ck_assert_msg(ar != NULL, "BeginAccept: %s", strerror(errno));
    ck_assert_msg(async_state(ar) == &state, "1: the state, before");
    run_until(&calls, 1);
    ck_assert_msg(called[0] == ar, "2: the callback gets what Begin returned");
    ck_assert_msg(accepted != NULL, "5: End does not wait in the callback: %s",
                  strerror(end_errno));
    ck_assert_msg(async_state(ar) == &state, "1: the state, after");
    close(client);
}
END_TEST

START_TEST(rule_03_no_callback)
{
    struct async_result *ar = async_begin_accept(listener, NULL, NULL);
    int client = connect_plainly();

    while (!async_is_completed(ar))
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
    ck_assert_msg(async_end_accept(listener, ar) != NULL,
                  "3: without a callback, polling and End still work");
    close(client);
}
END_TEST

START_TEST(rule_04_once_for_each)
{
    int client;

    for (int i = 0; i < 5; i++)
        ck_assert_ptr_nonnull(async_begin_accept(listener, note, NULL));
    client = connect_plainly();
    async_close(listener);
    while (loop_run(loop) == 0 && calls < 5)
        ;
    loop_run_once(loop, 0);
    loop_run_once(loop, 0);
    ck_assert_msg(calls == 5, "4: five Begins, %d callbacks", calls);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            ck_assert_msg(called[i] != called[k], "4: a callback ran twice");
    close(client);
}
END_TEST

START_TEST(rule_08_completed_once)
{
    struct async_result *ar = async_begin_accept(listener, note, NULL);
    int client;

    ck_assert_msg(!async_is_completed(ar), "8: nobody has come yet");
    loop_run_once(loop, 0);
    ck_assert(!async_is_completed(ar));
    client = connect_plainly();
    run_until(&calls, 1);
    ck_assert(async_is_completed(ar));
    loop_run_once(loop, 0);
    ck_assert_msg(async_is_completed(ar), "8: and it stays so");
    close(client);
}
END_TEST

START_TEST(rule_09_10_nothing_inside_begin)
{
    int client = connect_plainly(); /* it could be taken at once */
    struct async_result *ar = async_begin_accept(listener, note, NULL);

    ck_assert_msg(calls == 0, "10: a callback ran inside Begin");
    ck_assert_msg(!async_completed_synchronously(ar), "9");
    run_until(&calls, 1);
    ck_assert_msg(!async_completed_synchronously(ar), "9: also afterwards");
    ar = async_begin_accept(listener, note, NULL);
    async_close(listener);
    ck_assert_msg(calls == 1, "10: a callback ran inside Close");
    run_until(&calls, 2);
    ck_assert_ptr_eq(called[1], ar);
    close(client);
}
END_TEST

/* A connect to a port where nobody listens is over at once: 100,000 in a
 * chain, each begun in the callback of the one before. */
static int chain_left = 100000;
static char *stack_top;

static void chain(struct async_result *ar);

static void begin_refused_connect(void)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);

    ck_assert_ptr_nonnull(async_begin_connect(socket, (struct sockaddr *)&here,
                                              sizeof here, chain, socket));
}

static void chain(struct async_result *ar)
{
    struct async_socket *socket = async_state(ar);
    char here_on_the_stack;

    if (stack_top == NULL)
        stack_top = &here_on_the_stack;
    ck_assert_msg(labs(stack_top - &here_on_the_stack) < 4096,
                  "11: the stack grows with the chain");
    ck_assert_int_eq(async_end_connect(socket, ar), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    async_close(socket);
    if (--chain_left > 0)
        begin_refused_connect();
}

START_TEST(rule_11_a_long_chain)
{
    async_close(listener);
    begin_refused_connect();
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_int_eq(chain_left, 0);
}
END_TEST

/* Everything that a callback might do, in a callback. */
static void do_everything(struct async_result *ar)
{
    struct async_socket *second = async_end_accept(listener, ar);

    note(ar);
    ck_assert_ptr_nonnull(async_begin_accept(listener, note, NULL));
    ck_assert_int_eq(async_shutdown(second, SHUT_RDWR), 0);
    async_close(second);
    async_close(listener);
    async_close(listener);
}

START_TEST(rule_12_a_callback_may_call_anything)
{
    int client = connect_plainly();

    async_begin_accept(listener, do_everything, NULL);
    run_until(&calls, 2);
    ck_assert_msg(failed_end(listener, called[1]) == ECANCELED, "12, 24");
    close(client);
}
END_TEST

START_TEST(rule_13_31_a_begin_that_fails)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);

    errno = 0;
    ck_assert_msg(async_begin_accept(socket, note, NULL) == NULL,
                  "31: it does not listen");
    ck_assert_int_eq(errno, EINVAL);
    async_close(socket);
    async_close(listener);
    loop_run(loop);
    ck_assert_msg(calls == 0, "13: its callback ran");
}
END_TEST

/* =================================== End ================================= */

START_TEST(rule_16_no_result)
{
    ck_assert_int_eq(failed_end(listener, NULL), EINVAL);
}
END_TEST

START_TEST(rule_17_18_not_its_result)
{
    struct sockaddr_in elsewhere;
    struct async_socket *other = listen_somewhere(&elsewhere, 5);
    struct async_result *ar = async_begin_accept(listener, NULL, NULL);
    int client = connect_plainly();

    while (!async_is_completed(ar))
        loop_run_once(loop, -1);
    errno = 0;
    ck_assert_msg(async_end_connect(listener, ar) == -1 && errno == EINVAL,
                  "17: ended as another operation");
    ck_assert_msg(failed_end(other, ar) == EINVAL,
                  "18: ended with another socket");
    ck_assert_msg(async_end_accept(listener, ar) != NULL,
                  "18: and that operation is untouched");
    close(client);
}
END_TEST

START_TEST(rule_19_a_second_end)
{
    struct async_result *ar = async_begin_accept(listener, NULL, NULL);
    int client = connect_plainly();

    while (!async_is_completed(ar))
        loop_run_once(loop, -1);
    ck_assert_ptr_nonnull(async_end_accept(listener, ar));
    ck_assert_int_eq(failed_end(listener, ar), EALREADY);
    ck_assert_int_eq(failed_end(listener, ar), EALREADY);
    close(client);
}
END_TEST

START_TEST(rule_21_the_order_of_errors)
{
    struct sockaddr_in elsewhere;
    struct async_socket *other = listen_somewhere(&elsewhere, 5);
    struct async_result *ar = async_begin_accept(listener, note, NULL);

    ck_assert_msg(failed_end(listener, ar) == EDEADLK,
                  "waiting on the loop's own thread");
    async_close(listener);
    ck_assert_msg(failed_end(other, ar) == EINVAL,
                  "another socket comes before the wait");
    run_until(&calls, 1);
    ck_assert_msg(failed_end(other, ar) == EINVAL, "also after Close");
    ck_assert_msg(failed_end(listener, ar) == ECANCELED, "aborted by Close");
    ck_assert_msg(failed_end(listener, ar) == EALREADY,
                  "ECANCELED has consumed the result");
}
END_TEST

static void note_refused(struct async_result *ar)
{
    note(ar);
    errno = 0;
    ck_assert_int_eq(async_end_connect(async_state(ar), ar), -1);
    end_errno = errno;
}

START_TEST(rule_22_35_36_refused)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    async_close(listener);
    ck_assert_ptr_nonnull(async_begin_connect(
        socket, (struct sockaddr *)&here, sizeof here, note_refused, socket));
    run_until(&calls, 1);
    ck_assert_msg(calls == 1, "22: the callback runs all the same");
    ck_assert_msg(end_errno == ECONNREFUSED, "35: End said %s",
                  strerror(end_errno));
    ck_assert_int_eq(
        async_remote_address(socket, (struct sockaddr *)&peer, &length), -1);
    ck_assert_msg(errno == ENOTCONN, "35: it is not connected");
}
END_TEST

START_TEST(rule_23_completed_then_closed)
{
    struct async_result *ar = async_begin_accept(listener, note, NULL);
    int client = connect_plainly();
    struct pollfd watch = {.fd = client, .events = POLLIN};
    char byte;

    run_until(&calls, 1);
    async_close(listener);
    ck_assert_msg(failed_end(listener, ar) == EBADF,
                  "23: completed, then Close, then End");
    loop_run(loop);
    ck_assert_int_eq(poll(&watch, 1, 10000), 1);
    ck_assert_msg(recv(client, &byte, 1, 0) <= 0,
                  "23: the connection must not stay open");
    close(client);
}
END_TEST

/* ================================== Close ================================ */

START_TEST(rule_24_25_close_cancels_all)
{
    struct async_result *ar[20];

    for (int i = 0; i < 20; i++)
        ar[i] = async_begin_accept(listener, note, NULL);
    async_close(listener);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_msg(calls == 20, "25: all %d complete", calls);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(failed_end(listener, ar[i]), ECANCELED);
}
END_TEST

START_TEST(rule_27_closed_is_closed)
{
    ck_assert_int_eq(async_close(listener), 0);
    ck_assert_msg(async_close(listener) == 0, "27: again does nothing");
    errno = 0;
    ck_assert_ptr_null(async_begin_accept(listener, note, NULL));
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(async_listen(listener, 5), -1);
    ck_assert_int_eq(errno, EBADF);
    loop_run(loop);
    ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(the_address_is_free_after_close)
{
    struct async_socket *again;

    async_close(listener);
    again = async_socket_create(loop, AF_INET);
    ck_assert_int_eq(async_bind(again, (struct sockaddr *)&here, sizeof here),
                     0);
    ck_assert_int_eq(async_listen(again, 5), 0);
}
END_TEST

START_TEST(a_pool_that_goes_round_keeps_count)
{
    for (int i = 0; i < 2000; i++) {
        struct async_result *ar = async_begin_accept(listener, NULL, NULL);
        int client = connect_plainly();
        struct async_socket *socket;

        while (!async_is_completed(ar))
            loop_run_once(loop, -1);
        socket = async_end_accept(listener, ar);
        ck_assert_ptr_nonnull(socket);
        async_close(socket);
        close(client);
    }
    ck_assert_int_le(count_descriptors(), descriptors_before + 4);
}
END_TEST

/* ============================ accept and connect ========================= */

START_TEST(rule_32_in_the_order_of_the_begins)
{
    struct async_result *ar[8];
    int clients[8];

    for (int i = 0; i < 8; i++)
        ar[i] = async_begin_accept(listener, note, NULL);
    for (int i = 0; i < 8; i++) {
        struct sockaddr_in mine, peer;
        socklen_t length = sizeof mine;
        struct async_socket *socket;

        clients[i] = connect_plainly();
        run_until(&calls, i + 1);
        ck_assert_msg(called[i] == ar[i], "32: number %d had its turn late", i);
        socket = async_end_accept(listener, ar[i]);
        getsockname(clients[i], (struct sockaddr *)&mine, &length);
        length = sizeof peer;
        ck_assert_int_eq(
            async_remote_address(socket, (struct sockaddr *)&peer, &length), 0);
        ck_assert_msg(peer.sin_port == mine.sin_port,
                      "32: one connection each");
    }
    for (int i = 0; i < 8; i++)
        close(clients[i]);
}
END_TEST

static struct async_socket *connected;

static void end_connect(struct async_result *ar)
{
    connected = async_state(ar);
    ck_assert_msg(async_end_connect(connected, ar) == 0, "EndConnect: %s",
                  strerror(errno));
    note(ar);
}

START_TEST(rule_33_37_mirrored_addresses)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    struct sockaddr_in a, b;
    socklen_t length = sizeof a;

    ck_assert_ptr_nonnull(async_begin_accept(listener, end_accept, NULL));
    ck_assert_ptr_nonnull(async_begin_connect(
        client, (struct sockaddr *)&here, sizeof here, end_connect, client));
    run_until(&calls, 2);
    async_local_address(client, (struct sockaddr *)&a, &length);
    length = sizeof b;
    async_remote_address(accepted, (struct sockaddr *)&b, &length);
    ck_assert_msg(a.sin_port == b.sin_port, "33: the client's address");
    length = sizeof a;
    async_remote_address(client, (struct sockaddr *)&a, &length);
    ck_assert_msg(a.sin_port == here.sin_port, "33: the server's address");
}
END_TEST

START_TEST(rule_34_connect_where_it_makes_no_sense)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    const struct sockaddr *to = (struct sockaddr *)&here;

    errno = 0;
    ck_assert_ptr_null(
        async_begin_connect(listener, to, sizeof here, note, NULL));
    ck_assert_msg(errno == EINVAL, "34: on a listener: %s", strerror(errno));
    ck_assert_ptr_null(async_begin_connect(client, NULL, 0, note, NULL));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_nonnull(
        async_begin_connect(client, to, sizeof here, end_connect, client));
    ck_assert_ptr_null(
        async_begin_connect(client, to, sizeof here, note, client));
    ck_assert_msg(errno == EALREADY, "34: while one is pending: %s",
                  strerror(errno));
    run_until(&calls, 1);
    ck_assert_ptr_null(
        async_begin_connect(client, to, sizeof here, note, client));
    ck_assert_msg(errno == EISCONN, "34: once connected: %s", strerror(errno));
    async_close(client);
    ck_assert_ptr_null(
        async_begin_connect(client, to, sizeof here, note, client));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* A queue that is full: the next SYN gets no answer. */
static int fill_queue(struct sockaddr_in *address, int *filler)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, 0), 0);
    getsockname(fd, (struct sockaddr *)address, &length);
    *filler = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(*filler, (struct sockaddr *)address, sizeof *address), 0);
    return fd;
}

static void close_socket(struct loop *l, void *state)
{
    ck_assert_ptr_eq(l, loop);
    async_close(state);
}

static int ticks;

static void tick(struct loop *l, void *state)
{
    (void)state;
    if (++ticks < 5)
        loop_call_later(l, 1, tick, NULL);
}

START_TEST(a_connect_that_hangs_is_given_up)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    struct sockaddr_in address;
    int filler, full = fill_queue(&address, &filler);

    ck_assert_ptr_nonnull(async_begin_connect(
        client, (struct sockaddr *)&address, sizeof address, note, client));
    loop_call_later(loop, 0, tick, NULL);
    run_until(&ticks, 5);
    ck_assert_msg(calls == 0, "other work goes on while it hangs");
    loop_call_later(loop, 1, close_socket, client);
    run_until(&calls, 1);
    ck_assert_int_eq(async_end_connect(client, called[0]), -1);
    ck_assert_int_eq(errno, ECANCELED);
    close(full);
    close(filler);
}
END_TEST

START_TEST(a_lack_of_descriptors_is_waited_out)
{
    struct rlimit limit, small;
    int clients[2], lowest;

    for (int i = 0; i < 2; i++)
        clients[i] = connect_plainly();
    getrlimit(RLIMIT_NOFILE, &limit);
    lowest = dup(0);
    close(lowest);
    small = limit;
    small.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &small);
    ck_assert_ptr_nonnull(async_begin_accept(listener, end_accept, NULL));
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    ck_assert_msg(calls == 0, "EMFILE must not reach the user");
    setrlimit(RLIMIT_NOFILE, &limit);
    run_until(&calls, 1);
    ck_assert_ptr_nonnull(accepted);
    close(clients[0]);
    close(clients[1]);
}
END_TEST

/* ================================== timers =============================== */

static int order[8], fired;

static void fire(struct loop *l, void *state)
{
    (void)l;
    order[fired++] = *(int *)state;
}

START_TEST(timers_fire_in_order)
{
    int names[4] = {0, 1, 2, 3};
    long long start = loop_now();
    struct loop_timer *cancelled;

    async_close(listener);
    ck_assert_ptr_nonnull(loop_call_later(loop, 20, fire, &names[3]));
    ck_assert_ptr_nonnull(loop_call_later(loop, 10, fire, &names[1]));
    cancelled = loop_call_later(loop, 5, fire, &names[0]);
    ck_assert_ptr_nonnull(loop_call_later(loop, 10, fire, &names[2]));
    loop_cancel(loop, cancelled);
    loop_cancel(loop, NULL);
    ck_assert_msg(loop_run(loop) == 0, "a timer is a reason to run");
    ck_assert_int_eq(fired, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(order[i], i + 1);
    ck_assert_int_ge(loop_now() - start, 20);
    ck_assert_ptr_null(loop_call_later(loop, -1, fire, NULL));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static void again(struct loop *l, void *state)
{
    ++*(int *)state;
    loop_call_later(l, 0, again, state);
}

START_TEST(a_timer_of_no_time_does_not_keep_the_loop)
{
    int count = 0;

    loop_call_later(loop, 0, again, &count);
    loop_run_once(loop, 0);
    ck_assert_int_le(count, 1);
    loop_run_once(loop, 0);
    ck_assert_int_ge(count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("begin and end");
    TCase *test = tcase_create("rules");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(test, 60);
    tcase_add_checked_fixture(test, set_up, tear_down);
    tcase_add_test(test, rule_01_02_05_state_and_the_very_object);
    tcase_add_test(test, rule_03_no_callback);
    tcase_add_test(test, rule_04_once_for_each);
    tcase_add_test(test, rule_08_completed_once);
    tcase_add_test(test, rule_09_10_nothing_inside_begin);
    tcase_add_test(test, rule_11_a_long_chain);
    tcase_add_test(test, rule_12_a_callback_may_call_anything);
    tcase_add_test(test, rule_13_31_a_begin_that_fails);
    tcase_add_test(test, rule_16_no_result);
    tcase_add_test(test, rule_17_18_not_its_result);
    tcase_add_test(test, rule_19_a_second_end);
    tcase_add_test(test, rule_21_the_order_of_errors);
    tcase_add_test(test, rule_22_35_36_refused);
    tcase_add_test(test, rule_23_completed_then_closed);
    tcase_add_test(test, rule_24_25_close_cancels_all);
    tcase_add_test(test, rule_27_closed_is_closed);
    tcase_add_test(test, the_address_is_free_after_close);
    tcase_add_test(test, a_pool_that_goes_round_keeps_count);
    tcase_add_test(test, rule_32_in_the_order_of_the_begins);
    tcase_add_test(test, rule_33_37_mirrored_addresses);
    tcase_add_test(test, rule_34_connect_where_it_makes_no_sense);
    tcase_add_test(test, a_connect_that_hangs_is_given_up);
    tcase_add_test(test, a_lack_of_descriptors_is_waited_out);
    tcase_add_test(test, timers_fire_in_order);
    tcase_add_test(test, a_timer_of_no_time_does_not_keep_the_loop);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
