/* Unit tests of what lesson 1 adds to common/: net.c.
 *
 * Each test runs in a process of its own and talks to real sockets on the
 * loopback. Nothing here waits for time to pass: where a connection has to be
 * somewhere before another step, the step itself waits for it. */

#include "net.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ================================= helpers =============================== */

/* An address list by hand, so that a test decides what is tried, and in which
 * order, whatever /etc/hosts says. */
struct spot {
    struct sockaddr_in address;
    struct addrinfo info;
};

static void set_spot(struct spot *spot, in_port_t port, struct spot *next)
{
    memset(spot, 0, sizeof *spot);
    spot->address.sin_family = AF_INET;
    spot->address.sin_port = htons(port);
    spot->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    spot->info.ai_family = AF_INET;
    spot->info.ai_socktype = SOCK_STREAM;
    spot->info.ai_addr = (struct sockaddr *)&spot->address;
    spot->info.ai_addrlen = sizeof spot->address;
    spot->info.ai_next = next == NULL ? NULL : &next->info;
}

static in_port_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    ck_assert_int_eq(address.sin_family, AF_INET);
    return ntohs(address.sin_port);
}

/* A port that is bound but not listened on: whoever connects is refused, and
 * nobody else can take it meanwhile. */
static int refusing(in_port_t *port)
{
    struct spot spot;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    set_spot(&spot, 0, NULL);
    ck_assert_int_ne(fd, -1);
    ck_assert_int_eq(bind(fd, spot.info.ai_addr, spot.info.ai_addrlen), 0);
    *port = port_of(fd);
    return fd;
}

static int listening(struct spot *spot)
{
    int fd;

    set_spot(spot, 0, NULL);
    fd = net_listen(&spot->info, NET_BACKLOG);
    ck_assert_int_ne(fd, -1);
    set_spot(spot, port_of(fd), NULL);
    return fd;
}

static int connected(struct spot *spot)
{
    const struct addrinfo *used;
    int fd = net_connect(&spot->info, &used);

    ck_assert_int_ne(fd, -1);
    return fd;
}

static int accepted(int listener)
{
    struct sockaddr_storage peer;
    socklen_t length;
    int fd = net_accept(listener, &peer, &length);

    ck_assert_int_ne(fd, -1);
    return fd;
}

static int open_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static bool closes_on_exec(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

/* ============================= the command line ========================== */

static int parse(int most, const char *host, const char *port, const char *text,
                 struct net_arguments *arguments)
{
    char *argv[] = {(char *)"program", (char *)host, (char *)port, (char *)text,
                    NULL};
    int argc = 1;

    while (argc < 4 && argv[argc] != NULL)
        argc++;
    return net_parse_arguments(argc, argv, most, arguments);
}

START_TEST(arguments_have_defaults)
{
    struct net_arguments a;

    ck_assert_int_eq(parse(3, NULL, NULL, NULL, &a), 0);
    ck_assert_str_eq(a.host, "127.0.0.1");
    ck_assert_str_eq(a.port, "11000");
    ck_assert_str_eq(a.text, "This is a test<EOF>");
    ck_assert_str_eq(a.endpoint, "127.0.0.1:11000");
}
END_TEST

START_TEST(arguments_are_taken_in_order)
{
    struct net_arguments a;

    ck_assert_int_eq(parse(3, "::1", "0", "", &a), 0);
    ck_assert_str_eq(a.host, "::1");
    ck_assert_str_eq(a.port, "0");
    ck_assert_str_eq(a.text, "");
    ck_assert_str_eq(a.endpoint, "[::1]:0");
    ck_assert_int_eq(parse(2, "localhost", "65535", NULL, &a), 0);
    ck_assert_str_eq(a.endpoint, "localhost:65535");
}
END_TEST

START_TEST(too_many_arguments_are_wrong)
{
    struct net_arguments a;

    errno = 0;
    ck_assert_int_eq(parse(2, "::1", "1", "text", &a), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static const char *const bad_ports[] = {
    "",    "http", "-1",  "+80",   " 80",   "80 ",
    "80x", "0x50", "8.0", "65536", "75536", "99999999999999999999999999"};

START_TEST(a_bad_port_is_wrong)
{
    struct net_arguments a;

    errno = 0;
    ck_assert_int_eq(parse(3, "::1", bad_ports[_i], NULL, &a), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(a_long_host_does_no_harm)
{
    struct net_arguments a;
    char host[2000];

    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    ck_assert_int_eq(parse(3, host, NULL, NULL, &a), 0);
    ck_assert_uint_eq(strlen(a.endpoint), NET_ENDPOINT_MAX - 1);
}
END_TEST

/* =========================== names and addresses ========================= */

START_TEST(a_literal_is_looked_up)
{
    struct addrinfo *list;
    char text[NET_ADDRESS_MAX];

    ck_assert_int_eq(net_resolve("127.0.0.1", "11000", false, &list), 0);
    ck_assert_ptr_null(list->ai_next);
    ck_assert_int_eq(list->ai_socktype, SOCK_STREAM);
    ck_assert_int_eq(
        net_format_address(list->ai_addr, list->ai_addrlen, text, sizeof text),
        0);
    ck_assert_str_eq(text, "127.0.0.1:11000");
    freeaddrinfo(list);

    ck_assert_int_eq(net_resolve("::1", "0", true, &list), 0);
    ck_assert_int_eq(
        net_format_address(list->ai_addr, list->ai_addrlen, text, sizeof text),
        0);
    ck_assert_str_eq(text, "[::1]:0");
    freeaddrinfo(list);
}
END_TEST

START_TEST(a_name_that_cannot_be_has_a_reason)
{
    struct addrinfo *list;
    char host[80]; /* a label has at most 63 bytes: nobody is asked about it */
    int code;

    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    code = net_resolve(host, "1", false, &list);
    ck_assert_int_ne(code, 0);
    ck_assert_uint_gt(strlen(net_resolve_reason(code)), 0);
    errno = EMFILE;
    ck_assert_str_eq(net_resolve_reason(EAI_SYSTEM), strerror(EMFILE));
}
END_TEST

START_TEST(an_address_needs_room)
{
    struct spot spot;
    char text[16];

    set_spot(&spot, 11000, NULL);
    memset(text, '#', sizeof text);
    ck_assert_int_eq(
        net_format_address(spot.info.ai_addr, spot.info.ai_addrlen, text, 15),
        -1);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_str_eq(text, "?");
    ck_assert_int_eq(text[15], '#');
    ck_assert_int_eq(
        net_format_address(spot.info.ai_addr, spot.info.ai_addrlen, text, 16),
        0);
    ck_assert_str_eq(text, "127.0.0.1:11000");
}
END_TEST

START_TEST(an_unknown_family_has_no_text)
{
    struct spot spot;
    char text[NET_ADDRESS_MAX];

    set_spot(&spot, 1, NULL);
    spot.address.sin_family = AF_UNSPEC;
    ck_assert_int_eq(net_format_address(spot.info.ai_addr, spot.info.ai_addrlen,
                                        text, sizeof text),
                     -1);
    ck_assert_int_eq(errno, EAFNOSUPPORT);
    ck_assert_str_eq(text, "?");
}
END_TEST

START_TEST(closing_keeps_errno)
{
    errno = ECONNREFUSED;
    net_close(-1);
    ck_assert_int_eq(errno, ECONNREFUSED);
}
END_TEST

/* ================================ listening ============================== */

START_TEST(a_listener_is_where_it_should_be)
{
    struct spot spot;
    int fd = listening(&spot);
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    getsockname(fd, (struct sockaddr *)&address, &length);
    ck_assert_uint_eq(address.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    ck_assert(closes_on_exec(fd));
}
END_TEST

START_TEST(a_taken_port_is_an_error_and_leaks_nothing)
{
    struct spot spot;
    int taken = listening(&spot);
    int before = open_descriptors();

    ck_assert_int_ne(taken, -1);
    ck_assert_int_eq(net_listen(&spot.info, NET_BACKLOG), -1);
    ck_assert_int_eq(errno, EADDRINUSE);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(the_next_address_is_listened_on)
{
    struct spot taken, empty;
    int first = listening(&taken), second;

    set_spot(&empty, 0, NULL);
    set_spot(&taken, port_of(first), &empty);
    second = net_listen(&taken.info, NET_BACKLOG);
    ck_assert_int_ne(second, -1);
    ck_assert_uint_ne(port_of(second), port_of(first));
}
END_TEST

START_TEST(an_address_of_no_known_family_is_passed_over)
{
    struct spot strange, good;

    set_spot(&good, 0, NULL);
    set_spot(&strange, 0, &good);
    strange.info.ai_family = -1;
    ck_assert_int_ne(net_listen(&strange.info, NET_BACKLOG), -1);
}
END_TEST

/* The side that closes first goes to TIME_WAIT; here that is the server. */
START_TEST(the_port_can_be_used_again_at_once)
{
    struct spot spot;
    int listener = listening(&spot);
    int client = connected(&spot);
    int server = accepted(listener);
    char byte;

    close(server);
    ck_assert_int_eq(recv(client, &byte, 1, 0), 0);
    close(client);
    close(listener);
    ck_assert_int_ne(net_listen(&spot.info, NET_BACKLOG), -1);
}
END_TEST

START_TEST(fifty_clients_fit_into_the_backlog)
{
    struct spot spot;
    int listener = listening(&spot);

    for (int i = 0; i < 50; i++)
        connected(&spot);
    for (int i = 0; i < 50; i++)
        close(accepted(listener));
}
END_TEST

/* ================================ accepting ============================== */

START_TEST(accept_tells_who_came)
{
    struct spot spot;
    int listener = listening(&spot);
    int client = connected(&spot);
    struct sockaddr_storage peer;
    socklen_t length;
    int server = net_accept(listener, &peer, &length);

    ck_assert_int_ne(server, -1);
    ck_assert_uint_eq(length, sizeof(struct sockaddr_in));
    ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&peer)->sin_port),
                      port_of(client));
    ck_assert(closes_on_exec(server));
}
END_TEST

START_TEST(accept_fails_where_nobody_listens)
{
    struct sockaddr_storage peer;
    socklen_t length;
    in_port_t port;
    int fd = refusing(&port);

    ck_assert_int_eq(net_accept(fd, &peer, &length), -1);
    ck_assert_int_eq(errno, EINVAL);
    close(fd);
    ck_assert_int_eq(net_accept(fd, &peer, &length), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* The child keeps interrupting until the parent has taken the signal inside
 * accept() or in front of it, and then connects. */
START_TEST(a_signal_does_not_end_accept)
{
    struct sigaction action = {.sa_handler = interrupt};
    struct spot spot;
    int listener = listening(&spot), status;
    pid_t child;

    sigaction(SIGUSR1, &action, NULL);
    child = fork();
    if (child == 0) {
        for (int i = 0; i < 100; i++)
            kill(getppid(), SIGUSR1);
        connected(&spot);
        _exit(0);
    }
    accepted(listener);
    ck_assert(interrupted);
    while (waitpid(child, &status, 0) == -1)
        ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_client_that_reset_does_no_harm)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct spot spot;
    int listener = listening(&spot);
    int gone = connected(&spot), stays;

    setsockopt(gone, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(gone);
    stays = connected(&spot);
    for (;;) { /* systems differ: the first is given out, or it is not */
        struct sockaddr_storage peer;
        socklen_t length;
        int fd = net_accept(listener, &peer, &length);

        ck_assert_int_ne(fd, -1);
        if (((struct sockaddr_in *)&peer)->sin_port == htons(port_of(stays)))
            break;
    }
}
END_TEST

START_TEST(some_errors_are_no_reason_to_stop)
{
    static const int passing[] = {EINTR,  ECONNABORTED, EPROTO, EMFILE,
                                  ENFILE, ENOBUFS,      ENOMEM};
    static const int lasting[] = {EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, EFAULT};

    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        ck_assert(net_may_accept_again(passing[i]));
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        ck_assert(!net_may_accept_again(lasting[i]));
}
END_TEST

/* =============================== connecting ============================== */

START_TEST(connect_says_which_address_answered)
{
    struct spot spot;
    int listener = listening(&spot);
    const struct addrinfo *used;
    int fd = net_connect(&spot.info, &used);

    ck_assert_int_ne(listener, -1);
    ck_assert_int_ne(fd, -1);
    ck_assert_ptr_eq(used, &spot.info);
    ck_assert(closes_on_exec(fd));
}
END_TEST

START_TEST(the_next_address_is_tried)
{
    struct spot refused, open, unused;
    const struct addrinfo *used;
    in_port_t no;
    int listener, before, fd;

    ck_assert_int_ne(refusing(&no), -1);
    listener = listening(&open);
    set_spot(&unused, no, NULL);
    set_spot(&open, port_of(listener), &unused);
    set_spot(&refused, no, &open);
    before = open_descriptors();
    fd = net_connect(&refused.info, &used);
    ck_assert_int_ne(fd, -1);
    ck_assert_ptr_eq(used, &open.info);
    ck_assert_int_eq(open_descriptors(), before + 1);
}
END_TEST

START_TEST(the_first_address_that_answers_is_enough)
{
    struct spot first, second;
    const struct addrinfo *used;
    int listener = listening(&first);

    set_spot(&second, port_of(listener), NULL);
    set_spot(&first, port_of(listener), &second);
    ck_assert_int_ne(net_connect(&first.info, &used), -1);
    ck_assert_ptr_eq(used, &first.info);
}
END_TEST

START_TEST(refused_everywhere_is_an_error_and_leaks_nothing)
{
    struct spot first, second;
    const struct addrinfo *used;
    in_port_t no;
    int before;

    ck_assert_int_ne(refusing(&no), -1);
    set_spot(&second, no, NULL);
    set_spot(&first, no, &second);
    before = open_descriptors();
    ck_assert_int_eq(net_connect(&first.info, &used), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(the_error_of_the_last_address_is_reported)
{
    struct spot first, last;
    const struct addrinfo *used;
    in_port_t no;

    ck_assert_int_ne(refusing(&no), -1);
    set_spot(&last, no, NULL);
    set_spot(&first, no, &last);
    first.info.ai_family = -1;
    ck_assert_int_eq(net_connect(&first.info, &used), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
}
END_TEST

/* ================================ the suite ============================== */

int main(void)
{
    Suite *suite = suite_create("common/net");
    TCase *arguments = tcase_create("arguments");
    TCase *addresses = tcase_create("addresses");
    TCase *server = tcase_create("listening and accepting");
    TCase *client = tcase_create("connecting");
    SRunner *runner;
    int failed;

    tcase_add_test(arguments, arguments_have_defaults);
    tcase_add_test(arguments, arguments_are_taken_in_order);
    tcase_add_test(arguments, too_many_arguments_are_wrong);
    tcase_add_loop_test(arguments, a_bad_port_is_wrong, 0,
                        (int)(sizeof bad_ports / sizeof *bad_ports));
    tcase_add_test(arguments, a_long_host_does_no_harm);

    tcase_add_test(addresses, a_literal_is_looked_up);
    tcase_add_test(addresses, a_name_that_cannot_be_has_a_reason);
    tcase_add_test(addresses, an_address_needs_room);
    tcase_add_test(addresses, an_unknown_family_has_no_text);
    tcase_add_test(addresses, closing_keeps_errno);

    tcase_add_test(server, a_listener_is_where_it_should_be);
    tcase_add_test(server, a_taken_port_is_an_error_and_leaks_nothing);
    tcase_add_test(server, the_next_address_is_listened_on);
    tcase_add_test(server, an_address_of_no_known_family_is_passed_over);
    tcase_add_test(server, the_port_can_be_used_again_at_once);
    tcase_add_test(server, fifty_clients_fit_into_the_backlog);
    tcase_add_test(server, accept_tells_who_came);
    tcase_add_test(server, accept_fails_where_nobody_listens);
    tcase_add_test(server, a_signal_does_not_end_accept);
    tcase_add_test(server, a_client_that_reset_does_no_harm);
    tcase_add_test(server, some_errors_are_no_reason_to_stop);

    tcase_add_test(client, connect_says_which_address_answered);
    tcase_add_test(client, the_next_address_is_tried);
    tcase_add_test(client, the_first_address_that_answers_is_enough);
    tcase_add_test(client, refused_everywhere_is_an_error_and_leaks_nothing);
    tcase_add_test(client, the_error_of_the_last_address_is_reported);

    tcase_set_timeout(arguments, 10);
    tcase_set_timeout(addresses, 10);
    tcase_set_timeout(server, 20);
    tcase_set_timeout(client, 20);
    suite_add_tcase(suite, arguments);
    suite_add_tcase(suite, addresses);
    suite_add_tcase(suite, server);
    suite_add_tcase(suite, client);

    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
