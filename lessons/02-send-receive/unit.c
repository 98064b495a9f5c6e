/* Unit tests of what lesson 2 adds to common/: message.c.
 *
 * Each test runs in a process of its own. To say exactly what each recv() gets,
 * most of them use a pair of local datagram sockets: there, and only there, one
 * send() is one recv(). The others use a stream, and a child at its other end.
 */

#include "message.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char sample[] = "This is a test<EOF>";

/* ================================= helpers =============================== */

static struct message collected;

static void setup(void)
{
    message_init(&collected);
}

static void teardown(void)
{
    message_destroy(&collected);
}

static void add(const char *bytes, size_t count)
{
    ck_assert_int_eq(message_append(&collected, bytes, count), 0);
}

static void check_text(const char *bytes, size_t count)
{
    ck_assert(message_is_complete(&collected));
    ck_assert_uint_eq(collected.length, count);
    ck_assert_mem_eq(collected.bytes, bytes, count);
}

/* A text of LENGTH bytes whose bytes depend on their position, so that a lost
 * or doubled piece shows. No '<' is in it but that of <EOF>. */
static char *make_text(size_t length)
{
    char *text = malloc(length + 1);

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)('A' + (i * 7 + i / 251) % 26);
    if (length >= MESSAGE_END_SIZE)
        memcpy(text + length - MESSAGE_END_SIZE, message_end, MESSAGE_END_SIZE);
    text[length] = '\0';
    return text;
}

static void make_pair(int type, int pair[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, type, 0, pair), 0);
}

static void put(int fd, const char *bytes, size_t count)
{
    ck_assert_int_eq(send(fd, bytes, count, 0), (ssize_t)count);
}

/* Two connected TCP sockets. */
static void make_connection(int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(
        bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    pair[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(pair[0], (struct sockaddr *)&address, length), 0);
    pair[1] = accept(listener, NULL, NULL);
    ck_assert_int_ne(pair[1], -1);
    close(listener);
}

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

static void join(pid_t child)
{
    int status;
    pid_t ended;

    do
        ended = waitpid(child, &status, 0);
    while (ended == -1 && errno == EINTR);
    ck_assert_int_eq(ended, child);
    ck_assert_int_eq(status, 0);
}

/* =============================== collecting ============================== */

START_TEST(nothing_is_complete_at_first)
{
    ck_assert(!message_is_complete(&collected));
    add("", 0);
    ck_assert(!message_is_complete(&collected));
    ck_assert_uint_eq(collected.length, 0);
}
END_TEST

START_TEST(a_text_in_one_piece)
{
    add(sample, strlen(sample));
    check_text(sample, strlen(sample));
}
END_TEST

START_TEST(a_text_cut_at_every_place)
{
    for (size_t i = 0; i <= strlen(sample); i++) {
        add(sample, i);
        ck_assert_int_eq(message_is_complete(&collected), i == strlen(sample));
        add(sample + i, strlen(sample) - i);
        check_text(sample, strlen(sample));
        message_destroy(&collected);
    }
}
END_TEST

START_TEST(a_text_cut_at_every_two_places)
{
    for (size_t i = 0; i <= strlen(sample); i++) {
        for (size_t j = i; j <= strlen(sample); j++) {
            add(sample, i);
            add(sample + i, j - i);
            add(sample + j, strlen(sample) - j);
            check_text(sample, strlen(sample));
            message_destroy(&collected);
        }
    }
}
END_TEST

START_TEST(a_text_byte_by_byte)
{
    for (size_t i = 0; i < strlen(sample); i++) {
        ck_assert(!message_is_complete(&collected));
        add(sample + i, 1);
    }
    check_text(sample, strlen(sample));
}
END_TEST

START_TEST(what_follows_in_the_same_piece_is_thrown_away)
{
    char both[] = "This is a test<EOF>more<EOF>";

    add(both, strlen(both));
    check_text(sample, strlen(sample));
}
END_TEST

START_TEST(what_follows_later_is_thrown_away)
{
    add(sample, strlen(sample));
    add("more<EOF>", strlen("more<EOF>"));
    check_text(sample, strlen(sample));
}
END_TEST

START_TEST(a_text_may_be_empty_but_for_its_end)
{
    add("<EOF>", 5);
    check_text("<EOF>", 5);
}
END_TEST

static const char *const almost[] = {"<",     "<EOF",   "<EO<E", "EOF>",
                                     "<eof>", "<EOF >", "<E\0F>"};

START_TEST(what_looks_like_the_end_is_not_the_end)
{
    char text[32];
    size_t count = _i == 6 ? 5 : strlen(almost[_i]);

    add(almost[_i], count);
    ck_assert(!message_is_complete(&collected));
    add("<EOF>", 5);
    memcpy(text, almost[_i], count);
    memcpy(text + count, "<EOF>", 5);
    check_text(text, count + 5);
}
END_TEST

START_TEST(nul_and_all_other_bytes_are_data)
{
    char text[256 + 5];

    for (int i = 0; i < 256; i++)
        text[i] = (char)i;
    memcpy(text + 256, "<EOF>", 5);
    add(text, 100);
    add(text + 100, sizeof text - 100);
    check_text(text, sizeof text);
}
END_TEST

/* The lengths around everything that could be the size of a buffer. */
static const size_t lengths[] = {
    5,          255,  256,   257,    1023,
    1024,       1025, 4095,  4096,   4097,
    8192,       8193, 65536, 262144, MESSAGE_MAX - 1,
    MESSAGE_MAX};

START_TEST(no_length_is_special)
{
    char *text = make_text(lengths[_i]);

    add(text, lengths[_i]);
    check_text(text, lengths[_i]);
    free(text);
}
END_TEST

START_TEST(no_length_is_special_in_pieces)
{
    char *text = make_text(lengths[_i]);
    size_t piece;

    for (size_t at = 0; at < lengths[_i]; at += piece) {
        piece = lengths[_i] - at < 1000 ? lengths[_i] - at : 1000;
        add(text + at, piece);
    }
    check_text(text, lengths[_i]);
    free(text);
}
END_TEST

START_TEST(one_byte_too_many_is_refused)
{
    char *text = make_text(MESSAGE_MAX + 1);

    errno = 0;
    ck_assert_int_eq(message_append(&collected, text, MESSAGE_MAX + 1), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert(!message_is_complete(&collected));
    ck_assert_uint_le(collected.capacity, MESSAGE_MAX);
    free(text);
}
END_TEST

START_TEST(one_byte_too_many_is_refused_in_pieces)
{
    char *text = make_text(MESSAGE_MAX + 1);

    for (size_t at = 0; at < MESSAGE_MAX; at += 4096)
        add(text + at, 4096);
    errno = 0;
    ck_assert_int_eq(message_append(&collected, text + MESSAGE_MAX, 1), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_uint_le(collected.capacity, MESSAGE_MAX);
    free(text);
}
END_TEST

/* The limit is one for the text. What comes behind it does not count. */
START_TEST(the_longest_text_may_have_something_behind_it)
{
    char *text = make_text(MESSAGE_MAX);
    char last[6000];

    add(text, MESSAGE_MAX - 3000);
    memcpy(last, text + MESSAGE_MAX - 3000, 3000);
    memset(last + 3000, 'z', 3000);
    add(last, sizeof last);
    check_text(text, MESSAGE_MAX);
    free(text);
}
END_TEST

/* A search that begins at the start each time needs hours for this. */
START_TEST(a_long_text_byte_by_byte_is_cheap)
{
    char *text = make_text(MESSAGE_MAX);

    for (size_t i = 0; i < MESSAGE_MAX; i++) {
        if (message_append(&collected, text + i, 1) == -1)
            ck_abort_msg("refused at byte %zu", i);
    }
    check_text(text, MESSAGE_MAX);
    free(text);
}
END_TEST

START_TEST(destroying_keeps_errno_and_leaves_an_empty_message)
{
    add(sample, strlen(sample));
    errno = ECONNRESET;
    message_destroy(&collected);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert_ptr_null(collected.bytes);
    ck_assert(!message_is_complete(&collected));
    add(sample, strlen(sample));
    check_text(sample, strlen(sample));
}
END_TEST

/* ================================ printing =============================== */

static void check_print(const char *bytes, size_t count, const char *expected)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&printed, &size);

    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(message_print(stream, bytes, count), 0);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_str_eq(printed, expected);
    free(printed);
}

START_TEST(print_escapes_what_is_not_text)
{
    check_print(sample, strlen(sample), sample);
    check_print("", 0, "");
    check_print("a\0b", 3, "a\\x00b");
    check_print("a\nb\r\tc", 6, "a\\nb\\r\\tc");
    check_print("\x1B[2J\x7F\x07", 6, "\\x1B[2J\\x7F\\x07");
    check_print("C:\\n", 4, "C:\\\\n");
    check_print("gr\xC3\xBC\xC3\x9F", 6, "gr\xC3\xBC\xC3\x9F");
}
END_TEST

START_TEST(print_reports_a_stream_that_fails)
{
    FILE *stream = fopen("/dev/null", "r");

    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(message_print(stream, "text", 4), -1);
    fclose(stream);
}
END_TEST

/* =============================== receiving =============================== */

START_TEST(receive_collects_pieces)
{
    int pair[2];

    make_pair(SOCK_DGRAM, pair);
    for (size_t i = 1; i < strlen(sample); i++) {
        put(pair[0], sample, i);
        put(pair[0], sample + i, strlen(sample) - i);
        ck_assert_int_eq(message_receive(pair[1], &collected),
                         MESSAGE_COMPLETE);
        check_text(sample, strlen(sample));
        message_destroy(&collected);
    }
}
END_TEST

START_TEST(receive_leaves_later_pieces_alone)
{
    char byte;
    int pair[2];

    make_pair(SOCK_DGRAM, pair);
    put(pair[0], sample, strlen(sample));
    put(pair[0], "x", 1);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_COMPLETE);
    ck_assert_int_eq(recv(pair[1], &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'x');
}
END_TEST

START_TEST(receive_of_a_complete_message_takes_nothing)
{
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    add(sample, strlen(sample));
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_COMPLETE);
    check_text(sample, strlen(sample));
}
END_TEST

START_TEST(an_end_before_the_end_is_a_cut)
{
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    put(pair[0], "This is<EO", 10);
    close(pair[0]);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_CUT);
    ck_assert_uint_eq(collected.length, 10);
}
END_TEST

START_TEST(half_a_connection_is_enough)
{
    int pair[2];

    make_connection(pair);
    put(pair[0], sample, strlen(sample));
    shutdown(pair[0], SHUT_WR);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_COMPLETE);
    ck_assert_int_eq(message_drain(pair[1]), 0);
    ck_assert_int_eq(message_send_all(pair[1], sample, strlen(sample)), 0);
    close(pair[1]);
    message_destroy(&collected);
    ck_assert_int_eq(message_receive(pair[0], &collected), MESSAGE_COMPLETE);
    check_text(sample, strlen(sample));
}
END_TEST

START_TEST(a_reset_is_a_failure)
{
    int pair[2];

    make_connection(pair);
    put(pair[0], "This is", 7);
    reset(pair[0]);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_FAILED);
    ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(a_socket_that_does_not_wait_says_so)
{
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    put(pair[0], "half a te", 9);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_FAILED);
    ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
    put(pair[0], "xt<EOF>", 7);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_COMPLETE);
    check_text("half a text<EOF>", 16);
}
END_TEST

START_TEST(a_text_without_end_is_refused_and_drained)
{
    char *text = make_text(MESSAGE_MAX);
    int pair[2];
    pid_t child;

    make_connection(pair);
    child = fork();
    if (child == 0) {
        close(pair[1]);
        for (int i = 0; i < 3; i++)
            message_send_all(pair[0], text, MESSAGE_MAX - MESSAGE_END_SIZE);
        shutdown(pair[0], SHUT_WR);
        _exit(message_drain(pair[0]) == 0 ? 0 : 1); /* FIN, not RST */
    }
    close(pair[0]);
    ck_assert_int_eq(message_receive(pair[1], &collected), MESSAGE_FAILED);
    ck_assert_int_eq(errno, EMSGSIZE);
    ck_assert_uint_le(collected.capacity, MESSAGE_MAX);
    shutdown(pair[1], SHUT_WR);
    ck_assert_int_eq(message_drain(pair[1]), 0);
    close(pair[1]);
    join(child);
    free(text);
}
END_TEST

START_TEST(drain_takes_everything_until_the_end)
{
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    for (int i = 0; i < 100; i++)
        put(pair[0], "abc", 3);
    shutdown(pair[0], SHUT_WR);
    ck_assert_int_eq(message_drain(pair[1]), 0);
    ck_assert_int_eq(message_drain(pair[1]), 0);
}
END_TEST

START_TEST(drain_reports_a_reset)
{
    int pair[2];

    make_connection(pair);
    reset(pair[0]);
    ck_assert_int_eq(message_drain(pair[1]), -1);
    ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

/* ================================ sending ================================ */

static void ignore(int signal_number)
{
    (void)signal_number;
}

/* The child reads a long text slowly, in small bites, and interrupts the sender
 * every now and then: send() returns short, or with EINTR. */
static pid_t start_reader(int fd, const char *text, size_t length)
{
    pid_t child = fork();

    ck_assert_int_ne(child, -1);
    if (child == 0) {
        char bite[1000];
        size_t got = 0;
        ssize_t count;

        for (int i = 0; (count = recv(fd, bite, sizeof bite, 0)) > 0; i++) {
            if (got + (size_t)count > length ||
                memcmp(text + got, bite, (size_t)count) != 0)
                _exit(1);
            got += (size_t)count;
            if (i % 16 == 0)
                kill(getppid(), SIGUSR1);
        }
        _exit(count == 0 && got == length ? 0 : 2);
    }
    close(fd);
    return child;
}

static void send_to_slow_reader(int pair[2])
{
    struct sigaction action = {.sa_handler = ignore};
    char *text = make_text(MESSAGE_MAX);
    int small = 4096; /* at the sender only: with a small window at the reader,
                         each refill waits 40 ms for a delayed ACK */
    pid_t child;

    sigaction(SIGUSR1, &action, NULL);
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    child = start_reader(pair[1], text, MESSAGE_MAX);
    ck_assert_int_eq(message_send_all(pair[0], text, MESSAGE_MAX), 0);
    shutdown(pair[0], SHUT_WR);
    join(child);
    free(text);
}

START_TEST(send_all_sends_all_over_tcp)
{
    int pair[2];

    make_connection(pair);
    send_to_slow_reader(pair);
}
END_TEST

START_TEST(send_all_sends_all_locally)
{
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    send_to_slow_reader(pair);
}
END_TEST

START_TEST(send_some_may_take_less)
{
    char *text = make_text(MESSAGE_MAX);
    int pair[2];
    ssize_t sent;

    make_connection(pair);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    while ((sent = message_send_some(pair[0], text, MESSAGE_MAX)) ==
           MESSAGE_MAX)
        ;
    ck_assert_int_ne(sent, 0);
    if (sent > 0) {
        ck_assert_int_lt(sent, MESSAGE_MAX);
        while (message_send_some(pair[0], text, MESSAGE_MAX) > 0)
            ;
    }
    ck_assert(errno == EAGAIN || errno == EWOULDBLOCK);
    free(text);
}
END_TEST

START_TEST(sending_nothing_succeeds)
{
    int pair[2];

    make_pair(SOCK_STREAM, pair);
    ck_assert_int_eq(message_send_all(pair[0], "", 0), 0);
}
END_TEST

/* Without the flag, this test would end by a signal. */
START_TEST(a_connection_that_is_gone_is_an_error_and_no_signal)
{
    int pair[2];

    signal(SIGPIPE, SIG_DFL);
    make_pair(SOCK_STREAM, pair);
    close(pair[1]);
    ck_assert_int_eq(message_send_all(pair[0], sample, strlen(sample)), -1);
    ck_assert_int_eq(errno, EPIPE);
}
END_TEST

/* ================================ the suite ============================== */

int main(void)
{
    Suite *suite = suite_create("common/message");
    TCase *collecting = tcase_create("collecting");
    TCase *printing = tcase_create("printing");
    TCase *receiving = tcase_create("receiving");
    TCase *sending = tcase_create("sending");
    int sizes = (int)(sizeof lengths / sizeof *lengths);
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(collecting, setup, teardown);
    tcase_add_test(collecting, nothing_is_complete_at_first);
    tcase_add_test(collecting, a_text_in_one_piece);
    tcase_add_test(collecting, a_text_cut_at_every_place);
    tcase_add_test(collecting, a_text_cut_at_every_two_places);
    tcase_add_test(collecting, a_text_byte_by_byte);
    tcase_add_test(collecting, what_follows_in_the_same_piece_is_thrown_away);
    tcase_add_test(collecting, what_follows_later_is_thrown_away);
    tcase_add_test(collecting, a_text_may_be_empty_but_for_its_end);
    tcase_add_loop_test(collecting, what_looks_like_the_end_is_not_the_end, 0,
                        (int)(sizeof almost / sizeof *almost));
    tcase_add_test(collecting, nul_and_all_other_bytes_are_data);
    tcase_add_loop_test(collecting, no_length_is_special, 0, sizes);
    tcase_add_loop_test(collecting, no_length_is_special_in_pieces, 0, sizes);
    tcase_add_test(collecting, one_byte_too_many_is_refused);
    tcase_add_test(collecting, one_byte_too_many_is_refused_in_pieces);
    tcase_add_test(collecting, the_longest_text_may_have_something_behind_it);
    tcase_add_test(collecting, a_long_text_byte_by_byte_is_cheap);
    tcase_add_test(collecting,
                   destroying_keeps_errno_and_leaves_an_empty_message);

    tcase_add_test(printing, print_escapes_what_is_not_text);
    tcase_add_test(printing, print_reports_a_stream_that_fails);

    tcase_add_checked_fixture(receiving, setup, teardown);
    tcase_add_test(receiving, receive_collects_pieces);
    tcase_add_test(receiving, receive_leaves_later_pieces_alone);
    tcase_add_test(receiving, receive_of_a_complete_message_takes_nothing);
    tcase_add_test(receiving, an_end_before_the_end_is_a_cut);
    tcase_add_test(receiving, half_a_connection_is_enough);
    tcase_add_test(receiving, a_reset_is_a_failure);
    tcase_add_test(receiving, a_socket_that_does_not_wait_says_so);
    tcase_add_test(receiving, a_text_without_end_is_refused_and_drained);
    tcase_add_test(receiving, drain_takes_everything_until_the_end);
    tcase_add_test(receiving, drain_reports_a_reset);

    tcase_add_test(sending, send_all_sends_all_over_tcp);
    tcase_add_test(sending, send_all_sends_all_locally);
    tcase_add_test(sending, send_some_may_take_less);
    tcase_add_test(sending, sending_nothing_succeeds);
    tcase_add_test(sending,
                   a_connection_that_is_gone_is_an_error_and_no_signal);

    tcase_set_timeout(collecting, 30);
    tcase_set_timeout(printing, 10);
    tcase_set_timeout(receiving, 30);
    tcase_set_timeout(sending, 60);
    suite_add_tcase(suite, collecting);
    suite_add_tcase(suite, printing);
    suite_add_tcase(suite, receiving);
    suite_add_tcase(suite, sending);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
