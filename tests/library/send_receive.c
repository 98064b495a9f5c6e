/* Tests of send and receive by Begin and End. A test is named after the rules
 * of the Begin/End semantics that it proves. Run forked, with a time limit. */

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_connect.h"
#include "async_receive.h"
#include "async_send.h"

static struct loop *loop;
static struct async_socket *ours; /* a connection, this end by the library */
static int theirs;                /* and the other end a plain socket */

static void set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct async_socket *listener;
    struct async_result *ar;
    socklen_t length = sizeof address;

    loop = loop_create();
    listener = async_socket_create(loop, AF_INET);
    ck_assert_int_eq(
        async_bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(async_listen(listener, 5), 0);
    async_local_address(listener, (struct sockaddr *)&address, &length);
    theirs = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(theirs, (struct sockaddr *)&address, sizeof address), 0);
    ar = async_begin_accept(listener, NULL, NULL);
    while (!async_is_completed(ar))
        loop_run_once(loop, -1);
    ours = async_end_accept(listener, ar);
    ck_assert_ptr_nonnull(ours);
    async_close(listener);
}

static void tear_down(void)
{
    loop_destroy(loop);
    close(theirs);
}

static struct async_result *called[64];
static int calls;

static void note(struct async_result *ar)
{
    called[calls++] = ar;
}

static void run_until(int wanted)
{
    while (calls < wanted)
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
}

static struct async_result *receive(void *buffer, size_t length)
{
    struct async_result *ar =
        async_begin_receive(ours, buffer, length, note, NULL);

    ck_assert_msg(ar != NULL, "BeginReceive: %s", strerror(errno));
    return ar;
}

static struct async_result *send_all(const void *buffer, size_t length)
{
    struct async_result *ar =
        async_begin_send(ours, buffer, length, note, NULL);

    ck_assert_msg(ar != NULL, "BeginSend: %s", strerror(errno));
    return ar;
}

static void write_theirs(const char *text)
{
    ck_assert_int_eq(write(theirs, text, strlen(text)), (int)strlen(text));
}

/* What the other end reads until the end; -1 for a reset. */
static ssize_t read_theirs(char *buffer, size_t size)
{
    size_t got = 0;
    ssize_t count;

    while ((count = recv(theirs, buffer + got, size - got, 0)) > 0)
        got += (size_t)count;
    return count == 0 ? (ssize_t)got : -1;
}

/* A large text in which every place looks different. */
static char *pattern(size_t length)
{
    char *text = malloc(length);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)((i * 2654435761u) >> 13);
    return text;
}

/* ================================= receive =============================== */

START_TEST(rule_38_no_buffer)
{
    char byte;

    errno = 0;
    ck_assert_ptr_null(async_begin_receive(ours, NULL, 5, note, NULL));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(async_begin_send(ours, NULL, 5, note, NULL));
    ck_assert_int_eq(errno, EINVAL);
    async_close(ours);
    ck_assert_ptr_null(async_begin_receive(ours, NULL, 5, note, NULL));
    ck_assert_msg(errno == EBADF, "38: the check for a closed socket is first");
    ck_assert_ptr_null(async_begin_send(ours, &byte, 1, note, NULL));
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(rule_39_never_connected)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    char byte = 0;

    errno = 0;
    ck_assert_ptr_null(async_begin_receive(socket, &byte, 1, note, NULL));
    ck_assert_int_eq(errno, ENOTCONN);
    errno = 0;
    ck_assert_ptr_null(async_begin_send(socket, &byte, 1, note, NULL));
    ck_assert_int_eq(errno, ENOTCONN);
    ck_assert_int_eq(async_shutdown(socket, SHUT_WR), -1);
    ck_assert_int_eq(errno, ENOTCONN);
}
END_TEST

START_TEST(rule_40_data_then_fin)
{
    char buffer[100];
    struct async_result *ar;

    write_theirs("hello");
    shutdown(theirs, SHUT_WR);
    ar = receive(buffer, sizeof buffer);
    run_until(1);
    ck_assert_msg(async_end_receive(ours, ar) == 5, "40: the data first");
    ck_assert_mem_eq(buffer, "hello", 5);
    ar = receive(buffer, sizeof buffer);
    run_until(2);
    ck_assert_msg(async_end_receive(ours, ar) == 0, "40: then 0, for FIN");
    ar = receive(buffer, sizeof buffer);
    run_until(3);
    ck_assert_msg(async_end_receive(ours, ar) == 0, "40: and 0 again");
}
END_TEST

START_TEST(rule_40_not_more_than_asked_for)
{
    char buffer[4] = "...";
    struct async_result *ar = receive(buffer, 3);

    write_theirs("hello");
    run_until(1);
    ck_assert_int_eq(async_end_receive(ours, ar), 3);
    ck_assert_msg(memcmp(buffer, "hel", 4) == 0, "40: written past the length");
}
END_TEST

START_TEST(rule_41_length_0)
{
    char byte;
    struct async_result *ar = receive(NULL, 0);

    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 0);
    ck_assert_msg(calls == 0, "41: there is nothing to receive yet");
    write_theirs("x");
    run_until(1);
    ck_assert_int_eq(async_end_receive(ours, ar), 0);
    ar = receive(&byte, 1);
    run_until(2);
    ck_assert_msg(async_end_receive(ours, ar) == 1, "41: it took something");
    ar = receive(&byte, 0);
    shutdown(theirs, SHUT_WR);
    run_until(3);
    ck_assert_msg(async_end_receive(ours, ar) == 0, "41: FIN completes it too");
}
END_TEST

START_TEST(rule_42_in_the_order_of_the_begins)
{
    char text[10] = "";
    struct async_result *ar[10];

    for (int i = 0; i < 10; i++)
        ar[i] = receive(&text[i], 1);
    write_theirs("0123456789");
    run_until(10);
    for (int i = 0; i < 10; i++) {
        ck_assert_ptr_eq(called[i], ar[i]);
        ck_assert_int_eq(async_end_receive(ours, ar[i]), 1);
    }
    ck_assert_mem_eq(text, "0123456789", 10);
}
END_TEST

/* The first would have to wait; then there is something, and the second is
 * begun. It must not be tried before the first. */
START_TEST(rule_48_no_overtaking)
{
    char first = 0, second = 0;
    struct async_result *a = receive(&first, 1), *b;
    struct pollfd watch = {.fd = theirs, .events = POLLOUT};

    write_theirs("12");
    poll(&watch, 1, -1);
    b = receive(&second, 1);
    run_until(2);
    ck_assert_int_eq(async_end_receive(ours, a), 1);
    ck_assert_int_eq(async_end_receive(ours, b), 1);
    ck_assert_msg(first == '1' && second == '2', "48: the second overtook");
}
END_TEST

/* ================================== send ================================= */

START_TEST(rule_43_sends_in_order)
{
    static char got[300000];
    char *text = pattern(300000);
    struct async_result *ar[3];

    for (int i = 0; i < 3; i++)
        ar[i] = send_all(text + i * 100000, 100000);
    async_shutdown(ours, SHUT_WR);
    run_until(3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(async_end_send(ours, ar[i]), 100000);
    loop_run_once(loop, 0);
    ck_assert_int_eq(read_theirs(got, sizeof got), 300000);
    ck_assert_msg(memcmp(got, text, 300000) == 0, "43: interleaved");
    free(text);
}
END_TEST

static void *read_slowly(void *total)
{
    static char buffer[65536];
    ssize_t count;

    while ((count = recv(theirs, buffer, sizeof buffer, 0)) > 0)
        *(size_t *)total += (size_t)count;
    return NULL;
}

START_TEST(rule_46_fifty_megabytes)
{
    enum { LENGTH = 50000000 };
    char *text = pattern(LENGTH);
    size_t total = 0;
    struct async_result *ar = send_all(text, LENGTH);
    pthread_t reader;

    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 0);
    ck_assert_msg(calls == 0, "46: nobody has read, so not all can be sent");
    pthread_create(&reader, NULL, read_slowly, &total);
    run_until(1);
    ck_assert_int_eq(async_end_send(ours, ar), LENGTH);
    async_close(ours);
    pthread_join(reader, NULL);
    ck_assert_uint_eq(total, LENGTH);
    free(text);
}
END_TEST

START_TEST(rule_44_both_directions_at_once)
{
    char *text = pattern(8000000), byte;
    size_t total = 0;
    struct async_result *sending = send_all(text, 8000000), *receiving;
    pthread_t reader;

    receiving = receive(&byte, 1);
    write_theirs("x");
    run_until(1);
    ck_assert_msg(called[0] == receiving,
                  "44: the receive waits for the send that cannot go on");
    ck_assert_int_eq(async_end_receive(ours, receiving), 1);
    pthread_create(&reader, NULL, read_slowly, &total);
    run_until(2);
    ck_assert_int_eq(async_end_send(ours, sending), 8000000);
    async_close(ours);
    pthread_join(reader, NULL);
    free(text);
}
END_TEST

START_TEST(rule_45_order_of_data)
{
    char buffer[6];
    struct async_result *ar = send_all("hello", 5);

    run_until(1);
    ck_assert_int_eq(async_end_send(ours, ar), 5);
    ck_assert_int_eq(recv(theirs, buffer, 5, MSG_WAITALL), 5);
    ck_assert_mem_eq(buffer, "hello", 5);
}
END_TEST

START_TEST(rule_47_an_error_after_a_part)
{
    char *text = pattern(20000000);
    struct async_result *ar = send_all(text, 20000000);
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 0);
    setsockopt(theirs, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(theirs);
    theirs = -1;
    run_until(1);
    errno = 0;
    ck_assert_msg(async_end_send(ours, ar) == -1,
                  "47: a part was sent, then the peer reset");
    ck_assert(errno == ECONNRESET || errno == EPIPE);
    free(text);
}
END_TEST

START_TEST(rule_50_no_sigpipe)
{
    char byte = 'x';
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    signal(SIGPIPE, SIG_DFL);
    setsockopt(theirs, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(theirs);
    theirs = -1;
    for (int i = 0; i < 3; i++) {
        struct async_result *ar = send_all(&byte, 1);

        run_until(i + 1);
        async_end_send(ours, ar);
    }
}
END_TEST

START_TEST(rule_49_readiness_is_not_lost)
{
    char buffer[10];

    for (int i = 0; i < 200; i++) {
        struct async_result *ar = receive(buffer, sizeof buffer);

        write_theirs("x");
        run_until(calls + 1);
        ck_assert_int_eq(async_end_receive(ours, ar), 1);
        calls = 0;
    }
}
END_TEST

START_TEST(rule_51_the_buffer_belongs_to_the_operation)
{
    char *buffer = malloc(8);
    struct async_result *ar = receive(buffer, 8);

    write_theirs("12345678");
    run_until(1);
    ck_assert_int_eq(async_end_receive(ours, ar), 8);
    free(buffer); /* the sanitizer sees any later access */
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
}
END_TEST

/* ============================ close and shutdown ========================= */

START_TEST(rule_28_close_with_a_send_resets)
{
    static char got[1024];
    char *text = pattern(20000000);
    struct async_result *ar = send_all(text, 20000000);
    ssize_t count;

    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 0);
    async_close(ours);
    run_until(1);
    ck_assert_int_eq(async_end_send(ours, ar), -1);
    ck_assert_int_eq(errno, ECANCELED);
    while ((count = recv(theirs, got, sizeof got, 0)) > 0)
        ;
    ck_assert_msg(count == -1,
                  "28: the peer takes a part of the text for the whole");
    free(text);
}
END_TEST

START_TEST(rule_28_close_with_a_receive_is_fin)
{
    char byte;
    struct async_result *ar = receive(&byte, 1);

    async_close(ours);
    run_until(1);
    ck_assert_int_eq(async_end_receive(ours, ar), -1);
    ck_assert_int_eq(errno, ECANCELED);
    ck_assert_msg(recv(theirs, &byte, 1, 0) == 0, "28: FIN, not RST");
}
END_TEST

START_TEST(rule_28_shutdown_takes_its_turn)
{
    enum { LENGTH = 8000000 };
    char *text = pattern(LENGTH), byte = 0;
    size_t total = 0;
    struct async_result *ar = send_all(text, LENGTH);
    pthread_t reader;

    ck_assert_int_eq(async_shutdown(ours, SHUT_WR), 0);
    ck_assert_ptr_null(async_begin_send(ours, &byte, 1, note, NULL));
    ck_assert_msg(errno == EPIPE, "28: a send after shutdown");
    pthread_create(&reader, NULL, read_slowly, &total);
    run_until(1);
    ck_assert_int_eq(async_end_send(ours, ar), LENGTH);
    while (loop_run_once(loop, 0) == 0 && pthread_kill(reader, 0) == 0 &&
           total < LENGTH)
        ;
    pthread_join(reader, NULL);
    ck_assert_msg(total == LENGTH, "28: FIN came before the end of the data");
    free(text);
}
END_TEST

START_TEST(wrong_directions)
{
    ck_assert_int_eq(async_shutdown(ours, 77), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(async_shutdown(ours, SHUT_WR), 0);
    ck_assert_msg(async_shutdown(ours, SHUT_WR) == 0, "again does nothing");
    async_close(ours);
    ck_assert_int_eq(async_shutdown(ours, SHUT_WR), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("send and receive");
    TCase *test = tcase_create("rules");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(test, 60);
    tcase_add_checked_fixture(test, set_up, tear_down);
    tcase_add_test(test, rule_38_no_buffer);
    tcase_add_test(test, rule_39_never_connected);
    tcase_add_test(test, rule_40_data_then_fin);
    tcase_add_test(test, rule_40_not_more_than_asked_for);
    tcase_add_test(test, rule_41_length_0);
    tcase_add_test(test, rule_42_in_the_order_of_the_begins);
    tcase_add_test(test, rule_48_no_overtaking);
    tcase_add_test(test, rule_43_sends_in_order);
    tcase_add_test(test, rule_46_fifty_megabytes);
    tcase_add_test(test, rule_44_both_directions_at_once);
    tcase_add_test(test, rule_45_order_of_data);
    tcase_add_test(test, rule_47_an_error_after_a_part);
    tcase_add_test(test, rule_50_no_sigpipe);
    tcase_add_test(test, rule_49_readiness_is_not_lost);
    tcase_add_test(test, rule_51_the_buffer_belongs_to_the_operation);
    tcase_add_test(test, rule_28_close_with_a_send_resets);
    tcase_add_test(test, rule_28_close_with_a_receive_is_fin);
    tcase_add_test(test, rule_28_shutdown_takes_its_turn);
    tcase_add_test(test, wrong_directions);
    suite_add_tcase(suite, test);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
