/* Unit tests of lesson 5's modules: send and receive by Begin and End. A test
 * is named after the rules of lessons/contracts/begin-end.rules that it proves.
 */

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_receive.h"
#include "async_send.h"
#include "fixture.h"

static struct loop *loop;
static struct async_socket *ours; /* a connection, this end by the library */
static int theirs;                /* and the other end a plain socket */
static int descriptors_before;

/* THEIRS has room for WINDOW bytes, or for as many as the kernel likes if that
 * is 0: with a small window, and small segments, our send buffer stays small,
 * too, and is soon full. */
static void open_connection(int window)
{
    struct sockaddr_in address;
    struct async_socket *listener = listen_somewhere(loop, &address, 5);
    struct async_result *ar = async_begin_accept(listener, NULL, NULL);
    int segment = 536;

    theirs = socket(AF_INET, SOCK_STREAM, 0);
    if (window > 0) {
        setsockopt(theirs, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
        setsockopt(theirs, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
    }
    ck_assert_int_eq(
        connect(theirs, (struct sockaddr *)&address, sizeof address), 0);
    while (!async_is_completed(ar))
        loop_run_once(loop, -1);
    ours = async_end_accept(listener, ar);
    ck_assert_ptr_nonnull(ours);
    async_close(listener);
}

static void set_up(void)
{
    descriptors_before = count_descriptors();
    loop = counted_loop();
    open_connection(0);
}

/* Whatever a test has left behind, loop_destroy() must end. */
static void tear_down(void)
{
    end_counted_loop(loop);
    close(theirs);
    ck_assert_msg(count_descriptors() <= descriptors_before,
                  "loop_destroy() has left descriptors open");
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

/* Sends until the kernel takes no more: far more rounds than it has room for.
 */
static void fill_send_buffer(void)
{
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(loop_run_once(loop, 0), 0);
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

/* ================================= receive =============================== */

START_TEST(rule_38_receive_without_a_buffer)
{
    ASSERT_FAILS(async_begin_receive(ours, NULL, 5, note, NULL) != NULL, EINVAL,
                 "38: BeginReceive of 5 bytes into NULL");
    async_close(ours);
    ASSERT_FAILS(async_begin_receive(ours, NULL, 5, note, NULL) != NULL, EBADF,
                 "38: BeginReceive into NULL on a closed socket");
}
END_TEST

START_TEST(rule_38_send_without_a_buffer)
{
    ASSERT_FAILS(async_begin_send(ours, NULL, 5, note, NULL) != NULL, EINVAL,
                 "38: BeginSend of 5 bytes from NULL");
    async_close(ours);
    ASSERT_FAILS(async_begin_send(ours, NULL, 5, note, NULL) != NULL, EBADF,
                 "38: BeginSend from NULL on a closed socket");
}
END_TEST

START_TEST(rule_39_receive_never_connected)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    char byte;

    ASSERT_FAILS(async_begin_receive(socket, &byte, 1, note, NULL) != NULL,
                 ENOTCONN, "39: BeginReceive on a socket without a connection");
}
END_TEST

START_TEST(rule_39_send_never_connected)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);

    ASSERT_FAILS(async_begin_send(socket, "x", 1, note, NULL) != NULL, ENOTCONN,
                 "39: BeginSend on a socket without a connection");
    ASSERT_FAILS(async_shutdown(socket, SHUT_WR) == 0, ENOTCONN,
                 "39: Shutdown of a socket without a connection");
}
END_TEST

/* How End of AR as a receive went, in words: it must give WANTED. */
static void end_receive(struct async_result *ar, ssize_t wanted,
                        const char *words)
{
    ssize_t got = async_end_receive(ours, ar);

    ck_assert_msg(got != -1 || wanted == -1, "%s: EndReceive failed: %s", words,
                  strerror(errno));
    ck_assert_msg(got == wanted, "%s: EndReceive gave %zd where %zd is right",
                  words, got, wanted);
}

static void end_send(struct async_result *ar, ssize_t wanted, const char *words)
{
    ssize_t got = async_end_send(ours, ar);

    ck_assert_msg(got != -1 || wanted == -1, "%s: EndSend failed: %s", words,
                  strerror(errno));
    ck_assert_msg(got == wanted, "%s: EndSend gave %zd where %zd is right",
                  words, got, wanted);
}

START_TEST(rule_40_data_then_fin)
{
    char buffer[100];
    struct async_result *ar;

    write_theirs("hello");
    shutdown(theirs, SHUT_WR);
    ar = receive(buffer, sizeof buffer);
    run_until(loop, &calls, 1);
    end_receive(ar, 5, "40: five bytes have come, and then FIN");
    ck_assert_mem_eq(buffer, "hello", 5);
    ar = receive(buffer, sizeof buffer);
    run_until(loop, &calls, 2);
    end_receive(ar, 0, "40: FIN has come");
    ar = receive(buffer, sizeof buffer);
    run_until(loop, &calls, 3);
    end_receive(ar, 0, "40: FIN has come, and a second receive");
}
END_TEST

START_TEST(rule_40_not_more_than_asked_for)
{
    char buffer[4] = "...";
    struct async_result *ar = receive(buffer, 3);

    write_theirs("hello");
    run_until(loop, &calls, 1);
    end_receive(ar, 3, "40: five bytes have come, and three were asked for");
    ck_assert_msg(memcmp(buffer, "hel", 4) == 0,
                  "40: the byte behind the buffer was written to");
}
END_TEST

/* The reason for is_readable(), as the text tells it. */
START_TEST(recv_of_nothing_tells_nothing)
{
    char byte;
    ssize_t count = recv(theirs, &byte, 0, MSG_DONTWAIT);

    ck_assert_msg(count == 0 || errno == EAGAIN,
                  "recv() of length 0 where nothing has come: %zd, %s", count,
                  strerror(errno));
#ifdef __linux__
    ck_assert_msg(count == -1, "recv() of length 0 gave 0 at once");
#endif
}
END_TEST

START_TEST(rule_41_length_0)
{
    char byte;
    struct async_result *ar = receive(NULL, 0);

    run_rounds(loop);
    ck_assert_msg(
        calls == 0,
        "41: a receive of length 0 is complete, and nothing has come");
    write_theirs("x");
    run_until(loop, &calls, 1);
    end_receive(ar, 0, "41: a receive of length 0");
    ar = receive(&byte, 1);
    run_until(loop, &calls, 2);
    end_receive(ar, 1, "41: a receive of length 0 takes nothing; the next one");
    ar = receive(&byte, 0);
    shutdown(theirs, SHUT_WR);
    run_until(loop, &calls, 3);
    end_receive(ar, 0, "41: a receive of length 0, and FIN");
}
END_TEST

START_TEST(rule_42_in_the_order_of_the_begins)
{
    char text[10] = "";
    struct async_result *ar[10];

    for (int i = 0; i < 10; i++)
        ar[i] = receive(&text[i], 1);
    write_theirs("0123456789");
    run_until(loop, &calls, 10);
    for (int i = 0; i < 10; i++) {
        ck_assert_msg(called[i] == ar[i], "42: receive number %d was overtaken",
                      i + 1);
        end_receive(ar[i], 1, "42: ten receives of one byte");
    }
    ck_assert_msg(memcmp(text, "0123456789", 10) == 0,
                  "42: the receives were not filled in their order");
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
    run_until(loop, &calls, 2);
    end_receive(a, 1, "48: the first of two receives");
    end_receive(b, 1, "48: the second of two receives");
    ck_assert_msg(first == '1' && second == '2',
                  "48: the second receive has overtaken the first");
}
END_TEST

/* ================================== send ================================= */

static char received[600000];

static void *receive_all(void *count)
{
    *(ssize_t *)count = read_theirs(received, sizeof received);
    return NULL;
}

START_TEST(rule_43_sends_in_order)
{
    enum { EACH = 200000 };
    char *text = pattern(3 * EACH);
    struct async_result *ar[3];
    ssize_t count = 0;
    pthread_t reader;

    close(theirs);
    async_close(ours);
    open_connection(4096);
    for (int i = 0; i < 3; i++)
        ar[i] = send_all(text + i * EACH, EACH);
    fill_send_buffer();
    ck_assert_msg(calls == 0, "43: a send is complete, and nobody has read "
                              "anything yet: EAGAIN is no outcome");
    pthread_create(&reader, NULL, receive_all, &count);
    run_until(loop, &calls, 3);
    async_shutdown(ours, SHUT_WR);
    loop_run_once(loop, 0);
    pthread_join(reader, NULL);
    for (int i = 0; i < 3; i++)
        end_send(ar[i], EACH, "43: one of three sends");
    ck_assert_msg(count == 3 * EACH,
                  "43: of three sends not everything has arrived");
    ck_assert_msg(memcmp(received, text, 3 * EACH) == 0,
                  "43: the sends did not go out one after another");
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

    fill_send_buffer();
    ck_assert_msg(calls == 0, "46: the send of 50 MB is complete, and nobody "
                              "has read anything yet");
    pthread_create(&reader, NULL, read_slowly, &total);
    run_until(loop, &calls, 1);
    end_send(ar, LENGTH, "46: a send of 50 MB to a slow reader");
    async_close(ours);
    pthread_join(reader, NULL);
    ck_assert_msg(total == LENGTH, "46: the reader got %zu bytes of %d", total,
                  LENGTH);
    free(text);
}
END_TEST

START_TEST(rule_44_both_directions_at_once)
{
    char *text = pattern(8000000), byte;
    size_t total = 0;
    struct async_result *sending = send_all(text, 8000000), *receiving;
    pthread_t reader;

    fill_send_buffer();
    receiving = receive(&byte, 1);
    write_theirs("x");
    run_until(loop, &calls, 1);
    ck_assert_msg(called[0] == receiving,
                  "44: the receive waits for the send, which cannot go on");
    end_receive(receiving, 1, "44: a receive beside a send");
    pthread_create(&reader, NULL, read_slowly, &total);
    run_until(loop, &calls, 2);
    end_send(sending, 8000000, "44: a send beside a receive");
    async_close(ours);
    pthread_join(reader, NULL);
    free(text);
}
END_TEST

START_TEST(rule_45_order_of_data)
{
    char buffer[6];
    struct async_result *ar = send_all("hello", 5);

    run_until(loop, &calls, 1);
    end_send(ar, 5, "45: a short send");
    ck_assert_int_eq(recv(theirs, buffer, 5, MSG_WAITALL), 5);
    ck_assert_mem_eq(buffer, "hello", 5);
}
END_TEST

START_TEST(rule_47_an_error_after_a_part)
{
    char *text = pattern(20000000);
    struct async_result *ar = send_all(text, 20000000);

    fill_send_buffer();
    plain_reset(theirs);
    theirs = -1;
    run_until(loop, &calls, 1);
    errno = 0;
    ck_assert_msg(async_end_send(ours, ar) == -1,
                  "47: a part was sent, then the peer reset, and EndSend "
                  "reports success");
    ck_assert_msg(errno == ECONNRESET || errno == EPIPE,
                  "47: after a reset EndSend says \"%s\"", strerror(errno));
    free(text);
}
END_TEST

START_TEST(rule_50_no_sigpipe)
{
    char byte = 'x';

    signal(SIGPIPE, SIG_DFL);
    plain_reset(theirs);
    theirs = -1;
    for (int i = 0; i < 3; i++) {
        struct async_result *ar = send_all(&byte, 1);

        run_until(loop, &calls, i + 1);
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
        run_until(loop, &calls, calls + 1);
        end_receive(ar, 1, "49: one of 200 receives");
        calls = 0;
    }
}
END_TEST

START_TEST(rule_51_the_buffer_belongs_to_the_operation)
{
    char *buffer = malloc(8);
    struct async_result *ar = receive(buffer, 8);

    write_theirs("12345678");
    run_until(loop, &calls, 1);
    end_receive(ar, 8, "51: a receive of eight bytes");
    free(buffer); /* the sanitizer sees any later access */
    run_rounds(loop);
}
END_TEST

/* =================================== End ================================= */

START_TEST(rule_16_17_end_receive_of_something_else)
{
    char byte;
    struct async_result *sending = send_all("x", 1), *receiving;

    ASSERT_FAILS(async_end_receive(ours, NULL) != -1, EINVAL,
                 "16: EndReceive of NULL");
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_end_receive(ours, sending) != -1, EINVAL,
                 "17: EndReceive of a send");
    end_send(sending, 1, "17: a send that EndReceive has left alone");
    receiving = receive(&byte, 1);
    write_theirs("y");
    run_until(loop, &calls, 2);
    ASSERT_FAILS(async_end_send(ours, receiving) != -1, EINVAL,
                 "17: EndSend of a receive");
    end_receive(receiving, 1, "17: a receive that EndSend has left alone");
}
END_TEST

START_TEST(rule_22_a_reset_is_reported)
{
    char byte;
    struct async_result *ar = receive(&byte, 1);

    plain_reset(theirs);
    theirs = -1;
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_end_receive(ours, ar) != -1, ECONNRESET,
                 "22: EndReceive after the peer's reset");
}
END_TEST

/* ============================ close and shutdown ========================= */

START_TEST(rule_28_close_with_a_send_resets)
{
    static char got[1024];
    char *text = pattern(20000000);
    struct async_result *ar = send_all(text, 20000000);
    ssize_t count;

    fill_send_buffer();
    async_close(ours);
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_end_send(ours, ar) != -1, ECANCELED,
                 "28: EndSend of what Close has aborted");
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
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_end_receive(ours, ar) != -1, ECANCELED,
                 "28: EndReceive of what Close has aborted");
    ck_assert_msg(recv(theirs, &byte, 1, 0) == 0, "28: FIN, not RST");
}
END_TEST

START_TEST(rule_28_shutdown_takes_its_turn)
{
    enum { LENGTH = 8000000 };
    char *text = pattern(LENGTH);
    size_t total = 0;
    struct async_result *ar = send_all(text, LENGTH);
    pthread_t reader;

    ck_assert_int_eq(async_shutdown(ours, SHUT_WR), 0);
    ASSERT_FAILS(async_begin_send(ours, "x", 1, note, NULL) != NULL, EPIPE,
                 "28: BeginSend after Shutdown");
    pthread_create(&reader, NULL, read_slowly, &total);
    run_until(loop, &calls, 1);
    end_send(ar, LENGTH, "28: a send before Shutdown");
    run_rounds(loop);
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

int main(int argc, char *argv[])
{
    const TTest *const tests[] = {
        rule_38_receive_without_a_buffer,
        rule_38_send_without_a_buffer,
        rule_39_receive_never_connected,
        rule_39_send_never_connected,
        rule_40_data_then_fin,
        rule_40_not_more_than_asked_for,
        recv_of_nothing_tells_nothing,
        rule_41_length_0,
        rule_42_in_the_order_of_the_begins,
        rule_48_no_overtaking,
        rule_43_sends_in_order,
        rule_46_fifty_megabytes,
        rule_44_both_directions_at_once,
        rule_45_order_of_data,
        rule_47_an_error_after_a_part,
        rule_50_no_sigpipe,
        rule_49_readiness_is_not_lost,
        rule_51_the_buffer_belongs_to_the_operation,
        rule_16_17_end_receive_of_something_else,
        rule_22_a_reset_is_reported,
        rule_28_close_with_a_send_resets,
        rule_28_close_with_a_receive_is_fin,
        rule_28_shutdown_takes_its_turn,
        wrong_directions,
        NULL,
    };
    const struct suite suite = {"send and receive", tests, set_up, tear_down,
                                NULL};

    return suite_run(&suite, argc, argv);
}
