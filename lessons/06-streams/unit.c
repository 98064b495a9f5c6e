/* Unit tests of lesson 6's modules: listener, client and stream. A test is
 * named after the rules of lessons/contracts/begin-end.rules that it proves. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_receive.h"
#include "async_send.h"
#include "fixture.h"
#include "loop.h"
#include "network_stream.h"
#include "tcp_client.h"
#include "tcp_listener.h"

static struct loop *loop;
static struct tcp_listener *listener;
static struct sockaddr_in here; /* of the listener */
static int descriptors_before;

static struct sockaddr_in loopback(in_port_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = port,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct tcp_listener *new_listener(in_port_t port)
{
    struct sockaddr_in address = loopback(port);
    struct tcp_listener *l =
        tcp_listener_create(loop, (struct sockaddr *)&address, sizeof address);

    ck_assert_msg(l != NULL, "tcp_listener_create: %s", strerror(errno));
    return l;
}

static struct sockaddr_in address_of(struct tcp_listener *l)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    ck_assert_int_eq(
        tcp_listener_local_address(l, (struct sockaddr *)&address, &length), 0);
    ck_assert_uint_eq(length, sizeof address);
    return address;
}

static void set_up(void)
{
    descriptors_before = count_descriptors();
    loop = counted_loop();
    listener = new_listener(0);
    ck_assert_msg(tcp_listener_start(listener, 50) == 0, "Start: %s",
                  strerror(errno));
    here = address_of(listener);
}

/* The sanitizer looks for memory that is left, this for descriptors. */
static void tear_down(void)
{
    tcp_listener_destroy(listener);
    end_counted_loop(loop);
    ck_assert_msg(count_descriptors() == descriptors_before,
                  "%d descriptors before the test, %d after it",
                  descriptors_before, count_descriptors());
}

static void wait_for(const struct async_result *ar, const char *begin)
{
    ck_assert_msg(ar != NULL, "%s: %s", begin, strerror(errno));
    suite_wait_for(begin);
    while (!async_is_completed(ar))
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
}

/* The next connection of the listener. */
static struct tcp_client *accept_one(void)
{
    struct async_result *ar = tcp_listener_begin_accept(listener, NULL, NULL);
    struct tcp_client *client;

    wait_for(ar, "BeginAccept");
    client = tcp_listener_end_accept(listener, ar);
    ck_assert_msg(client != NULL, "EndAccept: %s", strerror(errno));
    return client;
}

static struct async_result *connect_to(struct tcp_client *client,
                                       const struct sockaddr_in *address)
{
    return tcp_client_begin_connect(client, (const struct sockaddr *)address,
                                    sizeof *address, NULL, NULL);
}

/* The errno of ending AR as an accept of L, which must fail. */
static int failed_accept(struct tcp_listener *l, struct async_result *ar)
{
    struct tcp_client *client;

    errno = 0;
    client = tcp_listener_end_accept(l, ar);
    ck_assert_msg(client == NULL, "EndAccept succeeded");
    return errno;
}

static int failed_begin_accept(struct tcp_listener *l)
{
    errno = 0;
    ck_assert_ptr_null(tcp_listener_begin_accept(l, NULL, NULL));
    return errno;
}

static bool begins_read(struct network_stream *stream)
{
    static char byte;

    return network_stream_begin_read(stream, &byte, 1, NULL, NULL) != NULL;
}

static bool begins_write(struct network_stream *stream)
{
    return network_stream_begin_write(stream, "x", 1, NULL, NULL) != NULL;
}

/* The errno of ending AR as a read of STREAM, which must fail. */
static int failed_read(struct network_stream *stream, struct async_result *ar)
{
    errno = 0;
    ck_assert_int_eq(network_stream_end_read(stream, ar), -1);
    return errno;
}

static ssize_t read_some(struct network_stream *stream, void *buffer,
                         size_t length)
{
    struct async_result *ar =
        network_stream_begin_read(stream, buffer, length, NULL, NULL);

    wait_for(ar, "BeginRead");
    return network_stream_end_read(stream, ar);
}

static int write_all(struct network_stream *stream, const void *buffer,
                     size_t length)
{
    struct async_result *ar =
        network_stream_begin_write(stream, buffer, length, NULL, NULL);

    wait_for(ar, "BeginWrite");
    return network_stream_end_write(stream, ar);
}

/* Waits until something is there for FD to read: bytes, FIN, or a reset. */
static void wait_readable(int fd)
{
    struct pollfd watch = {.fd = fd, .events = POLLIN};

    ck_assert_int_eq(poll(&watch, 1, -1), 1);
}

/* ================================ listener =============================== */

START_TEST(rule_52_begin_before_start)
{
    struct tcp_listener *l = new_listener(0);

    ck_assert_msg(failed_begin_accept(l) == EINVAL, "52: never started: %s",
                  strerror(errno));
    ck_assert_int_eq(tcp_listener_start(l, 5), 0);
    tcp_listener_stop(l);
    ck_assert_msg(failed_begin_accept(l) == EINVAL, "52: stopped: %s",
                  strerror(errno));
    tcp_listener_destroy(l);
}
END_TEST

START_TEST(rule_52_stop_cancels)
{
    struct async_result *ar[3];

    for (int i = 0; i < 3; i++)
        ar[i] = tcp_listener_begin_accept(listener, NULL, NULL);
    tcp_listener_stop(listener);
    tcp_listener_stop(listener);
    for (int i = 0; i < 3; i++) {
        wait_for(ar[i], "BeginAccept");
        ck_assert_msg(failed_accept(listener, ar[i]) == ECANCELED,
                      "52: Stop, then End: %s", strerror(errno));
        ck_assert_msg(failed_accept(listener, ar[i]) == EALREADY,
                      "52: ECANCELED has consumed the result, but: %s",
                      strerror(errno));
    }
}
END_TEST

START_TEST(rule_52_stop_and_start_meanwhile)
{
    struct async_result *early =
        tcp_listener_begin_accept(listener, NULL, NULL);
    struct async_result *late;
    struct tcp_client *client;
    int fd;

    tcp_listener_stop(listener);
    ck_assert_int_eq(tcp_listener_start(listener, 5), 0);
    late = tcp_listener_begin_accept(listener, NULL, NULL);
    fd = plain_connect(&here);
    wait_for(late, "BeginAccept");
    ck_assert_msg(failed_accept(listener, early) == ECANCELED,
                  "52: stopped, also when it was started again: %s",
                  strerror(errno));
    ck_assert_int_eq(failed_accept(listener, early), EALREADY);
    client = tcp_listener_end_accept(listener, late);
    ck_assert_msg(client != NULL, "52: the accept after Start is another: %s",
                  strerror(errno));
    ck_assert_int_eq(failed_accept(listener, late), EALREADY);
    tcp_client_destroy(client);
    close(fd);
}
END_TEST

START_TEST(rule_52_accepted_then_stopped)
{
    struct async_result *ar = tcp_listener_begin_accept(listener, NULL, NULL);
    int fd = plain_connect(&here);
    char byte;

    wait_for(ar, "BeginAccept");
    tcp_listener_stop(listener);
    ck_assert_msg(failed_accept(listener, ar) == EBADF,
                  "completed, then Stop, then End: %s", strerror(errno));
    wait_readable(fd);
    ck_assert_msg(recv(fd, &byte, 1, 0) <= 0,
                  "the connection must not stay open");
    close(fd);
}
END_TEST

START_TEST(accepts_of_another)
{
    struct tcp_listener *other = new_listener(0);
    struct async_result *ar = tcp_listener_begin_accept(listener, NULL, NULL);
    struct tcp_client *client;
    int fd = plain_connect(&here);

    ck_assert_int_eq(tcp_listener_start(other, 5), 0);
    ck_assert_int_eq(failed_accept(listener, NULL), EINVAL);
    wait_for(ar, "BeginAccept");
    ck_assert_msg(failed_accept(other, ar) == EINVAL,
                  "ended with another listener: %s", strerror(errno));
    client = tcp_listener_end_accept(listener, ar);
    ck_assert_msg(client != NULL, "and that operation is untouched");
    ar = tcp_listener_begin_accept(listener, NULL, NULL);
    ck_assert_msg(failed_accept(listener, ar) == EDEADLK,
                  "End must not wait on the loop's own thread");
    tcp_listener_stop(listener);
    wait_for(ar, "BeginAccept");
    ck_assert_int_eq(failed_accept(listener, ar), ECANCELED);
    tcp_client_destroy(client);
    tcp_listener_destroy(other);
    close(fd);
}
END_TEST

START_TEST(rule_53_start_twice)
{
    struct async_result *ar = tcp_listener_begin_accept(listener, NULL, NULL);
    struct tcp_client *client;
    int fd;

    ck_assert_msg(tcp_listener_start(listener, 5) == 0, "53: again: %s",
                  strerror(errno));
    ck_assert_msg(address_of(listener).sin_port == here.sin_port,
                  "53: the address has changed");
    fd = plain_connect(&here);
    wait_for(ar, "BeginAccept");
    client = tcp_listener_end_accept(listener, ar);
    ck_assert_msg(client != NULL, "53: what was pending goes on: %s",
                  strerror(errno));
    tcp_client_destroy(client);
    close(fd);
}
END_TEST

START_TEST(rule_53_start_after_stop)
{
    for (int i = 0; i < 3; i++) {
        struct tcp_client *client;
        int fd;

        tcp_listener_stop(listener);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&here, sizeof here),
                         -1);
        ck_assert_msg(errno == ECONNREFUSED, "53: stopped, and it listens");
        close(fd);
        ck_assert_msg(tcp_listener_start(listener, 5) == 0,
                      "53: Start after Stop: %s", strerror(errno));
        ck_assert_msg(address_of(listener).sin_port == here.sin_port,
                      "53: on another port");
        fd = plain_connect(&here);
        client = accept_one();
        tcp_client_destroy(client);
        close(fd);
    }
}
END_TEST

START_TEST(a_start_that_fails)
{
    struct tcp_listener *second = new_listener(here.sin_port);

    ck_assert_int_eq(tcp_listener_start(second, 5), -1);
    ck_assert_msg(errno == EADDRINUSE, "the port is taken: %s",
                  strerror(errno));
    ck_assert_int_eq(failed_begin_accept(second), EINVAL);
    tcp_listener_stop(listener);
    ck_assert_msg(tcp_listener_start(second, 5) == 0, "and free after Stop: %s",
                  strerror(errno));
    tcp_listener_destroy(second);
    ck_assert_ptr_null(tcp_listener_create(loop, NULL, 0));
    ck_assert_int_eq(errno, EINVAL);
    tcp_listener_destroy(NULL);
    tcp_listener_stop(NULL);
}
END_TEST

/* ================================= client ================================ */

START_TEST(rule_54_get_stream)
{
    struct tcp_client *client = tcp_client_create(loop);
    struct network_stream *stream;
    struct async_result *ar;

    errno = 0;
    ck_assert_msg(tcp_client_get_stream(client) == NULL && errno == ENOTCONN,
                  "54: before connect");
    errno = 0;
    ck_assert_ptr_null(tcp_client_socket(client));
    ck_assert_int_eq(errno, ENOTCONN);
    ar = connect_to(client, &here);
    ck_assert_msg(tcp_client_get_stream(client) == NULL && errno == ENOTCONN,
                  "54: before the connect is ended");
    wait_for(ar, "BeginConnect");
    ck_assert_msg(tcp_client_end_connect(client, ar) == 0, "EndConnect: %s",
                  strerror(errno));
    stream = tcp_client_get_stream(client);
    ck_assert_msg(stream != NULL, "54: connected: %s", strerror(errno));
    ck_assert_msg(tcp_client_get_stream(client) == stream,
                  "54: the same stream each time");
    tcp_client_close(client);
    errno = 0;
    ck_assert_msg(tcp_client_get_stream(client) == NULL && errno == EBADF,
                  "54: after Close");
    errno = 0;
    ck_assert_ptr_null(tcp_client_socket(client));
    ck_assert_int_eq(errno, EBADF);
    ck_assert_msg(!begins_read(stream) && errno == EBADF,
                  "54: Close closes the stream");
    tcp_client_close(client);
    tcp_client_destroy(client);
}
END_TEST

START_TEST(rule_54_closed_before_get_stream)
{
    int fd = plain_connect(&here);
    struct tcp_client *client = accept_one();

    tcp_client_close(client);
    errno = 0;
    ck_assert_msg(tcp_client_get_stream(client) == NULL && errno == EBADF,
                  "54: after Close");
    errno = 0;
    ck_assert_ptr_null(connect_to(client, &here));
    ck_assert_int_eq(errno, EBADF);
    tcp_client_destroy(client);
    tcp_client_destroy(NULL);
    tcp_client_close(NULL);
    close(fd);
}
END_TEST

START_TEST(connects_that_make_no_sense)
{
    struct tcp_client *client = tcp_client_create(loop);
    struct tcp_client *other = tcp_client_create(loop);
    struct async_result *ar;

    errno = 0;
    ck_assert_ptr_null(tcp_client_begin_connect(client, NULL, 0, NULL, NULL));
    ck_assert_int_eq(errno, EINVAL);
    ar = connect_to(client, &here);
    errno = 0;
    ck_assert_ptr_null(connect_to(client, &here));
    ck_assert_msg(errno == EALREADY, "while one is pending: %s",
                  strerror(errno));
    ck_assert_int_eq(tcp_client_end_connect(client, ar), -1);
    ck_assert_msg(errno == EDEADLK,
                  "End must not wait on the loop's own thread: %s",
                  strerror(errno));
    wait_for(ar, "BeginConnect");
    ck_assert_int_eq(tcp_client_end_connect(client, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(tcp_client_end_connect(other, ar), -1);
    ck_assert_msg(errno == EINVAL, "with another client: %s", strerror(errno));
    ck_assert_int_eq(tcp_client_end_connect(client, ar), 0);
    ck_assert_int_eq(tcp_client_end_connect(client, ar), -1);
    ck_assert_msg(errno == EALREADY, "a second End: %s", strerror(errno));
    errno = 0;
    ck_assert_ptr_null(connect_to(client, &here));
    ck_assert_msg(errno == EISCONN, "once connected: %s", strerror(errno));
    tcp_client_destroy(client);
    tcp_client_destroy(other);
}
END_TEST

/* An address of the other family where nobody listens: refused, or not to be
 * had on a machine without IPv6; either way the connect fails. */
static void fail_to_connect(struct tcp_client *client)
{
    struct sockaddr_in6 nobody = {.sin6_family = AF_INET6,
                                  .sin6_port = here.sin_port,
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct async_result *ar = tcp_client_begin_connect(
        client, (struct sockaddr *)&nobody, sizeof nobody, NULL, NULL);

    if (ar == NULL) {
        ck_assert_int_eq(errno, EAFNOSUPPORT);
        return;
    }
    wait_for(ar, "BeginConnect");
    ck_assert_int_eq(tcp_client_end_connect(client, ar), -1);
    ck_assert_msg(errno == ECONNREFUSED || errno == EADDRNOTAVAIL,
                  "refused, but: %s", strerror(errno));
    ck_assert_int_eq(tcp_client_end_connect(client, ar), -1);
    ck_assert_msg(errno == EALREADY, "a second End: %s", strerror(errno));
    errno = 0;
    ck_assert_ptr_null(tcp_client_get_stream(client));
    ck_assert_msg(errno == ENOTCONN, "54: it is not connected");
}

START_TEST(another_address_after_a_failed_one)
{
    struct tcp_client *client = tcp_client_create(loop);
    struct async_result *ar;
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int descriptors;

    fail_to_connect(client);
    descriptors = count_descriptors();
    fail_to_connect(client);
    ck_assert_msg(count_descriptors() == descriptors,
                  "a try has left a descriptor open");
    ar = connect_to(client, &here);
    wait_for(ar, "BeginConnect");
    ck_assert_msg(tcp_client_end_connect(client, ar) == 0,
                  "the third address listens: %s", strerror(errno));
    ck_assert_int_eq(async_remote_address(tcp_client_socket(client),
                                          (struct sockaddr *)&peer, &length),
                     0);
    ck_assert_int_eq(peer.sin_port, here.sin_port);
    ck_assert_ptr_nonnull(tcp_client_get_stream(client));
    tcp_client_destroy(client);
}
END_TEST

START_TEST(a_failed_connect_and_no_more)
{
    struct tcp_client *client = tcp_client_create(loop);
    struct async_result *ar;

    tcp_listener_stop(listener);
    ar = connect_to(client, &here);
    wait_for(ar, "BeginConnect");
    ck_assert_int_eq(tcp_client_end_connect(client, ar), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    tcp_client_destroy(client);
}
END_TEST

START_TEST(a_socket_that_is_no_client)
{
    int descriptors = count_descriptors();

    errno = 0;
    ck_assert_ptr_null(tcp_client_adopt(NULL));
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_ptr_null(tcp_client_adopt(async_socket_create(loop, AF_INET)));
    ck_assert_int_eq(errno, ENOTCONN);
    ck_assert_msg(count_descriptors() == descriptors,
                  "the socket was handed over, and has to be closed");
}
END_TEST

/* ================================= stream ================================ */

/* A connection: this end a socket of the library, the other a plain one. */
static struct async_socket *ours;
static int theirs;

static void set_up_connection(void)
{
    struct async_socket *accepting;
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    struct async_result *ar;

    set_up();
    accepting = async_socket_create(loop, AF_INET);
    async_bind(accepting, (struct sockaddr *)&address, sizeof address);
    async_listen(accepting, 5);
    async_local_address(accepting, (struct sockaddr *)&address, &length);
    theirs = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(theirs, (struct sockaddr *)&address, sizeof address), 0);
    ar = async_begin_accept(accepting, NULL, NULL);
    wait_for(ar, "BeginAccept");
    ours = async_end_accept(accepting, ar);
    ck_assert_ptr_nonnull(ours);
    async_close(accepting);
}

static void tear_down_connection(void)
{
    if (theirs != -1)
        close(theirs);
    tear_down();
}

static struct network_stream *stream_of(enum network_stream_access access,
                                        bool owns_socket)
{
    struct network_stream *stream =
        network_stream_create(ours, access, owns_socket);

    ck_assert_msg(stream != NULL, "network_stream_create: %s", strerror(errno));
    return stream;
}

static bool makes_a_stream(struct async_socket *socket, int access)
{
    return network_stream_create(socket, (enum network_stream_access)access,
                                 true) != NULL;
}

START_TEST(rule_55_no_stream_without_a_connection)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);

    ASSERT_FAILS(makes_a_stream(NULL, NETWORK_STREAM_READ), EINVAL,
                 "55: a stream over no socket");
    ASSERT_FAILS(makes_a_stream(socket, NETWORK_STREAM_READ), ENOTCONN,
                 "55: a stream over a socket that is not connected");
    ASSERT_FAILS(makes_a_stream(ours, 0), EINVAL,
                 "a stream with an access of 0");
    ASSERT_FAILS(makes_a_stream(ours, 4), EINVAL,
                 "a stream with an access of 4");
    async_close(socket);
    ASSERT_FAILS(makes_a_stream(socket, NETWORK_STREAM_READ), EBADF,
                 "55: a stream over a closed socket");
    ck_assert_msg(async_shutdown(ours, SHUT_WR) == 0,
                  "55: a stream that could not be made has closed the socket");
}
END_TEST

START_TEST(rule_56_a_stream_that_owns_closes)
{
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ_WRITE, true);
    char byte;

    network_stream_close(stream);
    network_stream_close(stream);
    suite_wait_for("56: the stream was closed, and the peer waits for FIN");
    ck_assert_msg(recv(theirs, &byte, 1, 0) == 0,
                  "56: the peer does not see FIN");
    ASSERT_FAILS(async_begin_receive(ours, &byte, 1, NULL, NULL) != NULL, EBADF,
                 "56: BeginReceive on the socket of a closed stream");
    run_rounds(loop); /* now there is no socket any more */
    network_stream_destroy(stream);
    network_stream_destroy(NULL);
    network_stream_close(NULL);
}
END_TEST

START_TEST(rule_56_a_stream_that_does_not_own)
{
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ_WRITE, false);
    struct async_result *pending, *ar;
    char byte = 0;

    pending = network_stream_begin_read(stream, &byte, 1, NULL, NULL);
    network_stream_close(stream);
    ASSERT_FAILS(begins_write(stream), EBADF,
                 "56: BeginWrite on a closed stream");
    ar = async_begin_send(ours, "y", 1, NULL, NULL);
    ck_assert_msg(ar != NULL,
                  "56: the stream was closed, and so was the socket that it "
                  "does not own");
    wait_for(ar, "BeginSend");
    ck_assert_msg(async_end_send(ours, ar) == 1,
                  "56: the socket that the stream does not own is not usable");
    ck_assert_int_eq(recv(theirs, &byte, 1, 0), 1);
    ck_assert_int_eq(send(theirs, "x", 1, 0), 1);
    wait_for(pending, "BeginRead");
    ck_assert_msg(network_stream_end_read(stream, pending) == 1 && byte == 'x',
                  "56: what was pending when the stream was closed cannot be "
                  "ended: %s",
                  strerror(errno));
    network_stream_destroy(stream);
    ck_assert_int_eq(async_shutdown(ours, SHUT_WR), 0);
    async_close(ours);
}
END_TEST

START_TEST(rule_56_the_stream_of_a_client)
{
    int fd = plain_connect(&here);
    struct tcp_client *client = accept_one();
    char byte;

    ck_assert_ptr_nonnull(tcp_client_get_stream(client));
    network_stream_close(tcp_client_get_stream(client));
    ck_assert_msg(recv(fd, &byte, 1, 0) == 0, "56: it owns the socket");
    errno = 0;
    ck_assert_ptr_null(tcp_client_socket(client));
    ck_assert_int_eq(errno, EBADF);
    tcp_client_destroy(client);
    close(fd);
}
END_TEST

/* One byte to STREAM, and one from it. */
static void exchange(struct network_stream *reader,
                     struct network_stream *writer)
{
    char byte = 0;
    ssize_t count;
    int result;

    ck_assert_int_eq(send(theirs, "x", 1, 0), 1);
    count = read_some(reader, &byte, 1);
    ck_assert_msg(count == 1,
                  "57: one byte has come, and EndRead gave %zd (%s)", count,
                  count == -1 ? strerror(errno) : "no error");
    result = write_all(writer, "y", 1);
    ck_assert_msg(result == 0, "57: one byte was written, and EndWrite gave %d",
                  result);
    ck_assert_int_eq(recv(theirs, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'y');
}

static void check_access(const struct network_stream *stream, bool can_read,
                         bool can_write, const char *words)
{
    ck_assert_msg(network_stream_can_read(stream) == can_read,
                  "57: can_read is %s %s", can_read ? "false" : "true", words);
    ck_assert_msg(network_stream_can_write(stream) == can_write,
                  "57: can_write is %s %s", can_write ? "false" : "true",
                  words);
}

START_TEST(rule_57_access)
{
    struct network_stream *reader = stream_of(NETWORK_STREAM_READ, false);
    struct network_stream *writer = stream_of(NETWORK_STREAM_WRITE, false);
    struct network_stream *both = stream_of(NETWORK_STREAM_READ_WRITE, true);

    ASSERT_FAILS(begins_write(reader), EBADF,
                 network_stream_can_write(reader)
                     ? "57: BeginWrite on a stream for reading, of which "
                       "can_write is true"
                     : "57: BeginWrite on a stream for reading");
    ASSERT_FAILS(begins_read(writer), EBADF,
                 "57: BeginRead on a stream for writing");
    exchange(reader, writer);
    check_access(reader, true, false, "for a stream for reading");
    check_access(writer, false, true, "for a stream for writing");
    check_access(both, true, true, "for a stream for both");
    network_stream_destroy(reader);
    network_stream_destroy(writer);
    network_stream_close(both);
    check_access(both, false, false, "for a closed stream");
    ASSERT_FAILS(begins_read(both), EBADF, "57: BeginRead on a closed stream");
    ASSERT_FAILS(begins_write(both), EBADF,
                 "57: BeginWrite on a closed stream");
    network_stream_destroy(both);
    ASSERT_FAILS(begins_read(NULL), EINVAL, "BeginRead on no stream at all");
    ASSERT_FAILS(begins_write(NULL), EINVAL, "BeginWrite on no stream at all");
    check_access(NULL, false, false, "for no stream at all");
}
END_TEST

/* The kernel delivers on loopback before send() returns at the other side; but
 * that is its business: so wait, with a receive of length 0. */
static void wait_for_something(void)
{
    struct async_result *ar = async_begin_receive(ours, NULL, 0, NULL, NULL);

    wait_for(ar, "BeginReceive");
    ck_assert_int_eq(async_end_receive(ours, ar), 0);
}

START_TEST(rule_58_bytes_then_fin)
{
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ_WRITE, true);
    struct network_stream *writer = stream_of(NETWORK_STREAM_WRITE, false);
    char byte;

    ck_assert_msg(!network_stream_data_available(stream),
                  "58: available, and nothing has come");
    ck_assert_int_eq(send(theirs, "xy", 2, 0), 2);
    wait_for_something();
    ck_assert_msg(network_stream_data_available(stream),
                  "58: two bytes have come, and not available");
    ck_assert_msg(!network_stream_data_available(writer),
                  "58: available on a stream that cannot be read");
    ck_assert_int_eq(read_some(stream, &byte, 1), 1);
    ck_assert_msg(network_stream_data_available(stream),
                  "58: one byte is left, and not available");
    ck_assert_int_eq(read_some(stream, &byte, 1), 1);
    ck_assert_msg(!network_stream_data_available(stream),
                  "58: available, and nothing is left");
    shutdown(theirs, SHUT_WR);
    wait_for_something();
    ck_assert_msg(network_stream_data_available(stream),
                  "58: FIN has come, and not available");
    ck_assert_int_eq(read_some(stream, &byte, 1), 0);
    ck_assert_msg(network_stream_data_available(stream),
                  "58: FIN has come, and is not available any more");
    network_stream_destroy(writer);
    network_stream_close(stream);
    ck_assert_msg(!network_stream_data_available(stream),
                  "58: available on a closed stream");
    network_stream_destroy(stream);
}
END_TEST

START_TEST(rule_58_a_reset)
{
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ, true);
    char byte;

    plain_reset(theirs);
    theirs = -1;
    wait_for_something();
    ck_assert_msg(network_stream_data_available(stream),
                  "58: a read would fail at once");
    ck_assert_int_eq(read_some(stream, &byte, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    network_stream_destroy(stream);
}
END_TEST

START_TEST(rule_58_a_read_is_pending)
{
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ, true);
    struct pollfd watch = {.fd = theirs, .events = POLLOUT};
    char byte;
    struct async_result *ar =
        network_stream_begin_read(stream, &byte, 1, NULL, NULL);

    ck_assert_int_eq(send(theirs, "x", 1, 0), 1);
    poll(&watch, 1, -1);
    ck_assert_msg(!network_stream_data_available(stream),
                  "58: the byte is for the read that was begun before");
    wait_for(ar, "BeginRead");
    ck_assert_int_eq(network_stream_end_read(stream, ar), 1);
    network_stream_destroy(stream);
}
END_TEST

START_TEST(a_write_is_all_or_an_error)
{
    enum { LENGTH = 20000000 };
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ_WRITE, true);
    char *text = calloc(LENGTH, 1);
    struct async_result *ar;

    ck_assert_int_eq(write_all(stream, text, 1000), 0);
    ar = network_stream_begin_write(stream, text, LENGTH, NULL, NULL);
    loop_run_once(loop, 0);
    ck_assert_msg(!async_is_completed(ar), "nobody reads");
    plain_reset(theirs);
    theirs = -1;
    wait_for(ar, "BeginWrite");
    errno = 0;
    ck_assert_msg(network_stream_end_write(stream, ar) == -1,
                  "a part was sent, then the peer reset, and EndWrite reports "
                  "success");
    ck_assert(errno == ECONNRESET || errno == EPIPE);
    ASSERT_FAILS(network_stream_end_write(stream, ar) == 0, EALREADY,
                 "19: a second EndWrite");
    network_stream_destroy(stream);
    free(text);
}
END_TEST

START_TEST(ends_that_make_no_sense)
{
    struct network_stream *stream = stream_of(NETWORK_STREAM_READ_WRITE, true);
    struct network_stream *other;
    char byte;
    int fd = plain_connect(&here);
    struct tcp_client *client = accept_one();
    struct async_result *ar =
        network_stream_begin_read(stream, &byte, 1, NULL, NULL);

    other = tcp_client_get_stream(client);
    ASSERT_FAILS(network_stream_end_read(stream, NULL) != -1, EINVAL,
                 "16: EndRead of NULL");
    ASSERT_FAILS(network_stream_end_read(NULL, ar) != -1, EINVAL,
                 "EndRead on no stream at all");
    ASSERT_FAILS(network_stream_end_write(NULL, ar) == 0, EINVAL,
                 "EndWrite on no stream at all");
    ASSERT_FAILS(network_stream_end_read(other, ar) != -1, EINVAL,
                 "18: EndRead with another stream");
    ASSERT_FAILS(network_stream_end_write(stream, ar) == 0, EINVAL,
                 "17: a read, ended as a write");
    ASSERT_FAILS(network_stream_end_read(stream, ar) != -1, EDEADLK,
                 "21: EndRead before it is complete");
    ck_assert_int_eq(send(theirs, "x", 1, 0), 1);
    wait_for(ar, "BeginRead");
    ck_assert_msg(network_stream_end_read(stream, ar) == 1,
                  "18: the read was untouched, and EndRead failed: %s",
                  strerror(errno));
    ASSERT_FAILS(network_stream_end_read(stream, ar) != -1, EALREADY,
                 "19: a second EndRead");
    tcp_client_destroy(client);
    network_stream_destroy(stream);
    close(fd);
}
END_TEST

/* ============================ close and destroy ========================== */

static char byte_here;
static int ended, end_errno[8];

static void note_accept(struct async_result *ar)
{
    end_errno[ended++] = failed_accept(async_state(ar), ar);
}

static void note_connect(struct async_result *ar)
{
    ck_assert_int_eq(tcp_client_end_connect(async_state(ar), ar), -1);
    end_errno[ended++] = errno;
}

static void note_read(struct async_result *ar)
{
    end_errno[ended++] = failed_read(async_state(ar), ar);
}

static void note_write(struct async_result *ar)
{
    ck_assert_int_eq(network_stream_end_write(async_state(ar), ar), -1);
    end_errno[ended++] = errno;
}

static void check_all_cancelled(int wanted)
{
    ck_assert_msg(ended == 0, "a callback ran inside destroy");
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_msg(ended == wanted, "%d Begins, %d callbacks", wanted, ended);
    for (int i = 0; i < ended; i++)
        ck_assert_msg(end_errno[i] == ECANCELED, "End: %s",
                      strerror(end_errno[i]));
}

/* In each of these the object is given back while operations are pending on
 * it, and the callbacks, which come later, end them: the sanitizer sees whether
 * it went too early, or not at all. */
START_TEST(a_listener_destroyed_too_early)
{
    struct tcp_listener *l = new_listener(0);

    ck_assert_int_eq(tcp_listener_start(l, 5), 0);
    tcp_listener_begin_accept(l, note_accept, l);
    tcp_listener_stop(l);
    ck_assert_int_eq(tcp_listener_start(l, 5), 0);
    tcp_listener_begin_accept(l, note_accept, l);
    tcp_listener_begin_accept(l, note_accept, l);
    tcp_listener_destroy(l);
    check_all_cancelled(3);
}
END_TEST

START_TEST(a_client_destroyed_too_early)
{
    struct tcp_client *client = tcp_client_create(loop);

    ck_assert_ptr_nonnull(tcp_client_begin_connect(
        client, (struct sockaddr *)&here, sizeof here, note_connect, client));
    tcp_client_destroy(client);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_int_eq(ended, 1);
    /* On loopback the connect is over before destroy. */
    ck_assert(end_errno[0] == ECANCELED || end_errno[0] == EBADF);
}
END_TEST

START_TEST(a_stream_destroyed_too_early)
{
    enum { LENGTH = 20000000 };
    int fd = plain_connect(&here);
    struct tcp_client *client = accept_one();
    struct network_stream *stream = tcp_client_get_stream(client);
    char *text = calloc(LENGTH, 1);

    network_stream_begin_read(stream, &byte_here, 1, note_read, stream);
    network_stream_begin_read(stream, &byte_here, 1, note_read, stream);
    network_stream_begin_write(stream, text, LENGTH, note_write, stream);
    tcp_client_close(client);
    ASSERT_FAILS(begins_read(stream), EBADF, "BeginRead on a closed stream");
    tcp_client_destroy(client);
    check_all_cancelled(3);
    free(text);
    close(fd);
}
END_TEST

static void end_and_destroy(struct async_result *ar)
{
    struct tcp_client *client = async_state(ar);

    /* Its socket was closed below it, the client itself was not. */
    end_errno[ended++] = failed_read(tcp_client_get_stream(client), ar);
    tcp_client_destroy(client);
}

static void stop_and_destroy(struct async_result *ar)
{
    end_errno[ended++] = failed_accept(async_state(ar), ar);
    tcp_listener_destroy(async_state(ar));
}

/* What a server leaves pending when it ends, loop_destroy() hands back to the
 * callbacks. */
START_TEST(the_end_of_a_server)
{
    struct tcp_listener *l = new_listener(0);
    struct tcp_client *clients[3];
    int fds[3];

    ck_assert_int_eq(tcp_listener_start(l, 5), 0);
    tcp_listener_begin_accept(l, stop_and_destroy, l);
    for (int i = 0; i < 3; i++) {
        fds[i] = plain_connect(&here);
        clients[i] = accept_one();
        network_stream_begin_read(tcp_client_get_stream(clients[i]), &byte_here,
                                  1, end_and_destroy, clients[i]);
    }
    tcp_listener_destroy(listener);
    listener = NULL;
    loop_destroy(loop);
    loop = NULL;
    ck_assert_msg(ended == 4, "%d callbacks of 4", ended);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(end_errno[i], ECANCELED);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}
END_TEST

/* =============================== a whole echo ============================ */

/* The server's side of one conversation: read, write what was read, and so on
 * until FIN. */
struct conversation {
    struct tcp_client *client;
    struct network_stream *stream;
    char buffer[1000];
};

static int conversations; /* that are over */

static void hang_up(struct conversation *conversation)
{
    tcp_client_destroy(conversation->client);
    free(conversation);
    conversations++;
}

static void on_read(struct async_result *ar);

static void read_more(struct conversation *conversation)
{
    if (network_stream_begin_read(conversation->stream, conversation->buffer,
                                  sizeof conversation->buffer, on_read,
                                  conversation) == NULL)
        hang_up(conversation);
}

static void on_written(struct async_result *ar)
{
    struct conversation *conversation = async_state(ar);

    if (network_stream_end_write(conversation->stream, ar) == 0)
        read_more(conversation);
    else
        hang_up(conversation);
}

static void on_read(struct async_result *ar)
{
    struct conversation *conversation = async_state(ar);
    ssize_t count = network_stream_end_read(conversation->stream, ar);

    if (count <= 0 || network_stream_begin_write(
                          conversation->stream, conversation->buffer,
                          (size_t)count, on_written, conversation) == NULL)
        hang_up(conversation);
}

static void on_accept(struct async_result *ar)
{
    struct tcp_listener *l = async_state(ar);
    struct tcp_client *client = tcp_listener_end_accept(l, ar);
    struct conversation *conversation;

    if (client == NULL)
        return;
    conversation = calloc(1, sizeof *conversation);
    conversation->client = client;
    conversation->stream = tcp_client_get_stream(client);
    read_more(conversation);
    tcp_listener_begin_accept(l, on_accept, l);
}

/* The client's side: connect, write a text, end the sending, read until FIN. */
enum { TEXT = 100000 };

struct question {
    struct tcp_client *client;
    struct network_stream *stream;
    char text[TEXT], reply[TEXT + 1];
    size_t got;
};

static int questions; /* that are answered */

static void on_reply(struct async_result *ar)
{
    struct question *question = async_state(ar);
    ssize_t count = network_stream_end_read(question->stream, ar);

    ck_assert_msg(count >= 0, "EndRead: %s", strerror(errno));
    question->got += (size_t)count;
    if (count > 0) {
        network_stream_begin_read(
            question->stream, question->reply + question->got,
            sizeof question->reply - question->got, on_reply, question);
        return;
    }
    ck_assert_uint_eq(question->got, TEXT);
    ck_assert_msg(memcmp(question->text, question->reply, TEXT) == 0,
                  "the echo is not what was said");
    tcp_client_destroy(question->client);
    free(question);
    questions++;
}

static void on_question(struct async_result *ar)
{
    struct question *question = async_state(ar);

    ck_assert_msg(network_stream_end_write(question->stream, ar) == 0,
                  "EndWrite: %s", strerror(errno));
    async_shutdown(tcp_client_socket(question->client), SHUT_WR);
}

static void on_connect(struct async_result *ar)
{
    struct question *question = async_state(ar);

    ck_assert_msg(tcp_client_end_connect(question->client, ar) == 0,
                  "EndConnect: %s", strerror(errno));
    question->stream = tcp_client_get_stream(question->client);
    ck_assert_msg(question->stream != NULL, "GetStream: %s", strerror(errno));
    network_stream_begin_write(question->stream, question->text, TEXT,
                               on_question, question);
    network_stream_begin_read(question->stream, question->reply,
                              sizeof question->reply, on_reply, question);
}

static void ask(int number)
{
    struct question *question = calloc(1, sizeof *question);

    for (int i = 0; i < TEXT; i++)
        question->text[i] = (char)(i * 31 + i / 251 + number);
    question->client = tcp_client_create(loop);
    ck_assert_ptr_nonnull(
        tcp_client_begin_connect(question->client, (struct sockaddr *)&here,
                                 sizeof here, on_connect, question));
}

START_TEST(a_whole_echo)
{
    enum { CLIENTS = 20, ROUNDS = 3 };
    int descriptors = count_descriptors();

    tcp_listener_begin_accept(listener, on_accept, listener);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            ask(i);
        while (questions < round * CLIENTS || conversations < questions)
            ck_assert_int_eq(loop_run_once(loop, -1), 0);
        ck_assert_msg(count_descriptors() == descriptors,
                      "a conversation has left descriptors open");
    }
}
END_TEST

int main(int argc, char *argv[])
{
    const TTest *const streams[] = {
        rule_55_no_stream_without_a_connection,
        rule_56_a_stream_that_owns_closes,
        rule_56_a_stream_that_does_not_own,
        rule_57_access,
        rule_58_bytes_then_fin,
        rule_58_a_reset,
        rule_58_a_read_is_pending,
        a_write_is_all_or_an_error,
        ends_that_make_no_sense,
        NULL,
    };
    const TTest *const listeners_and_clients[] = {
        rule_52_begin_before_start,
        rule_52_stop_cancels,
        rule_52_stop_and_start_meanwhile,
        rule_52_accepted_then_stopped,
        accepts_of_another,
        rule_53_start_twice,
        rule_53_start_after_stop,
        a_start_that_fails,
        rule_54_get_stream,
        rule_54_closed_before_get_stream,
        connects_that_make_no_sense,
        another_address_after_a_failed_one,
        a_failed_connect_and_no_more,
        a_socket_that_is_no_client,
        rule_56_the_stream_of_a_client,
        a_listener_destroyed_too_early,
        a_client_destroyed_too_early,
        a_stream_destroyed_too_early,
        the_end_of_a_server,
        a_whole_echo,
        NULL,
    };
    const struct suite others = {"listener and client", listeners_and_clients,
                                 set_up, tear_down, NULL};
    const struct suite suite = {"listener, client and stream", streams,
                                set_up_connection, tear_down_connection,
                                &others};

    return suite_run(&suite, argc, argv);
}
