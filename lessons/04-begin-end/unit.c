/* Unit tests of lesson 4's modules: results, sockets, accept and connect by
 * Begin and End, timers. A test is named after the rules of
 * lessons/contracts/begin-end.rules that it proves. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_connect.h"
#include "async_operation.h"
#include "fixture.h"
#include "loop_timer.h"

static struct loop *loop;
static struct async_socket *listener;
static struct sockaddr_in here; /* of the listener */
static int descriptors_before;

static void set_up(void)
{
    descriptors_before = count_descriptors();
    loop = counted_loop();
    listener = listen_somewhere(loop, &here, 50);
}

/* Whatever a test has left behind, loop_destroy() must end. */
static void tear_down(void)
{
    if (loop != NULL)
        end_counted_loop(loop);
    ck_assert_msg(count_descriptors() == descriptors_before,
                  "loop_destroy() has left descriptors open");
}

static struct async_result *begin_accept(async_callback *callback, void *state)
{
    struct async_result *ar = async_begin_accept(listener, callback, state);

    ck_assert_msg(ar != NULL, "BeginAccept failed: %s", strerror(errno));
    return ar;
}

static struct async_result *begin_connect(struct async_socket *socket,
                                          const struct sockaddr_in *address,
                                          async_callback *callback)
{
    struct async_result *ar =
        async_begin_connect(socket, (const struct sockaddr *)address,
                            sizeof *address, callback, socket);

    ck_assert_msg(ar != NULL, "BeginConnect failed: %s", strerror(errno));
    return ar;
}

/* What a callback found out. */
static struct async_socket *accepted;
static int accept_errno, connect_errno;

static void end_accept(struct async_result *ar)
{
    note(ar);
    ck_assert_msg(async_is_completed(ar),
                  "5: in the callback the operation is not complete");
    accepted = async_end_accept(listener, ar);
    accept_errno = accepted != NULL ? 0 : errno;
}

static void end_connect(struct async_result *ar)
{
    note(ar);
    connect_errno = async_end_connect(async_state(ar), ar) == 0 ? 0 : errno;
}

static void run_until_complete(struct async_result *ar)
{
    while (!async_is_completed(ar))
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
}

/* ================================ the result ============================= */

START_TEST(rule_01_02_05_state_and_the_very_object)
{
    int state;
    struct async_result *ar = begin_accept(end_accept, &state);
    int client = plain_connect(&here);

    ck_assert_msg(async_state(ar) == &state,
                  "1: async_state() is not what was given to Begin");
    run_until(loop, &calls, 1);
    ck_assert_msg(called[0] == ar,
                  "2: the callback got another object than Begin returned");
    ck_assert_msg(accepted != NULL, "5: End in the callback failed: %s",
                  strerror(accept_errno));
    ck_assert_msg(async_state(ar) == &state,
                  "1: async_state() has changed after the callback");
    close(client);
}
END_TEST

START_TEST(rule_03_no_callback)
{
    struct async_result *ar = begin_accept(NULL, NULL);
    int client = plain_connect(&here);

    run_until_complete(ar);
    ck_assert_msg(async_end_accept(listener, ar) != NULL,
                  "3: without a callback, End failed: %s", strerror(errno));
    close(client);
}
END_TEST

START_TEST(rule_04_once_for_each)
{
    int client;

    for (int i = 0; i < 5; i++)
        begin_accept(note, NULL);
    client = plain_connect(&here);
    run_until(loop, &calls, 1);
    async_close(listener);
    loop_run(loop);
    run_rounds(loop);
    ck_assert_msg(calls == 5, "4: after five Begins, %d callbacks ran", calls);
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            ck_assert_msg(called[i] != called[k],
                          "4: the callback of one operation ran twice");
    close(client);
}
END_TEST

START_TEST(rule_08_completed_once)
{
    struct async_result *ar = begin_accept(note, NULL);
    int client;

    ck_assert_msg(!async_is_completed(ar),
                  "8: complete, and no client has come yet");
    run_rounds(loop);
    ck_assert_msg(!async_is_completed(ar) && calls == 0,
                  "8: complete, and no client has come yet");
    ck_assert_msg(listener->home->starved.first == NULL,
                  "8: no client has come yet, and the accept is tried again "
                  "in 100 ms: that is for a lack of descriptors; here the "
                  "loop says when somebody comes");
    client = plain_connect(&here);
    run_until(loop, &calls, 1);
    ck_assert_msg(async_is_completed(ar), "8: not complete after the callback");
    run_rounds(loop);
    ck_assert_msg(async_is_completed(ar), "8: it was complete, and is no more");
    close(client);
}
END_TEST

START_TEST(rule_09_10_nothing_inside_begin)
{
    int client = plain_connect(&here); /* it could be taken at once */
    struct async_result *ar = begin_accept(note, NULL);

    ck_assert_msg(calls == 0, "10: a callback ran inside Begin");
    ck_assert_msg(!async_completed_synchronously(ar),
                  "9: async_completed_synchronously() is true");
    run_until(loop, &calls, 1);
    ck_assert_msg(!async_completed_synchronously(ar),
                  "9: async_completed_synchronously() has become true");
    ar = begin_accept(note, NULL);
    async_close(listener);
    ck_assert_msg(calls == 1, "10: a callback ran inside Close");
    run_until(loop, &calls, 2);
    ck_assert_ptr_eq(called[1], ar);
    close(client);
}
END_TEST

/* A connect to a port where nobody listens is over at once: 100,000 in a
 * chain, each begun in the callback of the one before. The port has an owner: a
 * free one could be given to somebody else, or to the connect itself. */
static int chain_left = 100000;
static struct sockaddr_in refusing;
static char *stack_top;

static void chain(struct async_result *ar)
{
    struct async_socket *socket = async_state(ar);
    char here_on_the_stack;

    if (stack_top == NULL)
        stack_top = &here_on_the_stack;
    ck_assert_msg(labs(stack_top - &here_on_the_stack) < 4096,
                  "11: the stack grows with the chain");
    ASSERT_FAILS(async_end_connect(socket, ar) == 0, ECONNREFUSED,
                 "11: a refused connect");
    async_close(socket);
    if (--chain_left > 0)
        begin_connect(async_socket_create(loop, AF_INET), &refusing, chain);
}

START_TEST(rule_11_a_long_chain)
{
    int owner = plain_bind(&refusing, -1);

    async_close(listener);
    begin_connect(async_socket_create(loop, AF_INET), &refusing, chain);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_msg(chain_left == 0, "11: the chain broke");
    close(owner);
}
END_TEST

/* Everything that a callback might do, in a callback. */
static void do_everything(struct async_result *ar)
{
    struct async_socket *second = async_end_accept(listener, ar);

    note(ar);
    begin_accept(note, NULL);
    ck_assert_int_eq(async_shutdown(second, SHUT_RDWR), 0);
    async_close(second);
    async_close(listener);
    async_close(listener);
}

START_TEST(rule_12_a_callback_may_call_anything)
{
    int client = plain_connect(&here);

    begin_accept(do_everything, NULL);
    run_until(loop, &calls, 2);
    ASSERT_FAILS(async_end_accept(listener, called[1]) != NULL, ECANCELED,
                 "12: End of an accept that the callback has closed");
    close(client);
}
END_TEST

START_TEST(rule_13_31_a_begin_that_fails)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);

    ASSERT_FAILS(async_begin_accept(socket, note, NULL) != NULL, EINVAL,
                 "31: BeginAccept on a socket that does not listen");
    async_close(socket);
    async_close(listener);
    ASSERT_FAILS(async_begin_accept(listener, note, NULL) != NULL, EBADF,
                 "13: BeginAccept on a closed socket");
    loop_run(loop);
    ck_assert_msg(calls == 0, "13: Begin failed, and its callback ran");
}
END_TEST

/* =================================== End ================================= */

START_TEST(rule_16_no_result)
{
    ASSERT_FAILS(async_end_accept(listener, NULL) != NULL, EINVAL,
                 "16: End of NULL");
}
END_TEST

START_TEST(rule_17_not_this_operation)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    struct async_result *accept = begin_accept(NULL, NULL);
    struct async_result *connect = begin_connect(socket, &here, NULL);

    run_until_complete(accept);
    run_until_complete(connect);
    ASSERT_FAILS(async_end_connect(listener, accept) == 0, EINVAL,
                 "17: EndConnect of an accept");
    ASSERT_FAILS(async_end_accept(socket, connect) != NULL, EINVAL,
                 "17: EndAccept of a connect");
    ck_assert_msg(async_end_accept(listener, accept) != NULL,
                  "17: the accept was untouched, and EndAccept failed: %s",
                  strerror(errno));
    ck_assert_msg(async_end_connect(socket, connect) == 0,
                  "17: the connect was untouched, and EndConnect failed: %s",
                  strerror(errno));
}
END_TEST

START_TEST(rule_18_not_this_socket)
{
    struct sockaddr_in elsewhere;
    struct async_socket *other = listen_somewhere(loop, &elsewhere, 5);
    struct async_result *ar = begin_accept(NULL, NULL);
    int client = plain_connect(&here);

    run_until_complete(ar);
    ASSERT_FAILS(async_end_accept(other, ar) != NULL, EINVAL,
                 "18: End with another socket");
    ck_assert_msg(async_end_accept(listener, ar) != NULL,
                  "18: the operation was untouched, and its End failed: %s",
                  strerror(errno));
    close(client);
}
END_TEST

START_TEST(rule_19_a_second_end)
{
    struct async_result *ar = begin_accept(NULL, NULL);
    int client = plain_connect(&here);

    run_until_complete(ar);
    ck_assert_msg(async_end_accept(listener, ar) != NULL, "19: End failed: %s",
                  strerror(errno));
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, EALREADY,
                 "19: a second End");
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, EALREADY,
                 "19: a third End");
    close(client);
}
END_TEST

START_TEST(rule_21_the_order_of_errors)
{
    struct sockaddr_in elsewhere;
    struct async_socket *other = listen_somewhere(loop, &elsewhere, 5);
    struct async_result *ar = begin_accept(note, NULL);

    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, EDEADLK,
                 "21: End before it is complete, on the loop's own thread");
    async_close(listener);
    ASSERT_FAILS(async_end_accept(other, ar) != NULL, EINVAL,
                 "21: End with another socket, before it is complete");
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_end_accept(other, ar) != NULL, EINVAL,
                 "21: End with another socket, after Close");
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, ECANCELED,
                 "21: End of what Close has aborted");
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, EALREADY,
                 "21: a second End of what Close has aborted");
}
END_TEST

/* A connect that is refused at once, as on the loopback. */
START_TEST(rule_22_35_37_refused)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int owner = plain_bind(&refusing, -1);

    begin_connect(socket, &refusing, end_connect);
    run_until(loop, &calls, 1);
    ck_assert_msg(connect_errno == ECONNREFUSED,
                  "35: End of a refused connect says \"%s\"",
                  strerror(connect_errno));
    ASSERT_FAILS(
        async_remote_address(socket, (struct sockaddr *)&peer, &length) == 0,
        ENOTCONN, "35: the peer's address after a refused connect");
    close(owner);
}
END_TEST

START_TEST(rule_23_completed_then_closed)
{
    struct async_result *ar = begin_accept(note, NULL);
    int client = plain_connect(&here);
    char byte;

    run_until(loop, &calls, 1);
    async_close(listener);
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, EBADF,
                 "23: completed, then Close, then End");
    loop_run(loop);
    ck_assert_msg(recv(client, &byte, 1, 0) <= 0,
                  "23: the connection was left open");
    close(client);
}
END_TEST

/* ================================== Close ================================ */

START_TEST(rule_24_25_close_cancels_all)
{
    struct async_result *ar[20];

    for (int i = 0; i < 20; i++)
        ar[i] = begin_accept(note, NULL);
    async_close(listener);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_msg(calls == 20, "25: of 20 accepts %d were completed", calls);
    for (int i = 0; i < 20; i++)
        ASSERT_FAILS(async_end_accept(listener, ar[i]) != NULL, ECANCELED,
                     "24: End of what Close has aborted");
}
END_TEST

START_TEST(rule_27_closed_is_closed)
{
    ck_assert_int_eq(async_close(listener), 0);
    ck_assert_msg(async_close(listener) == 0, "27: a second Close failed");
    ASSERT_FAILS(async_begin_accept(listener, note, NULL) != NULL, EBADF,
                 "27: BeginAccept on a closed socket");
    ASSERT_FAILS(async_listen(listener, 5) == 0, EBADF,
                 "27: Listen on a closed socket");
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

/* Of a socket that was closed, and one that is made meanwhile. */
static void close_once_more(struct loop *l, void *state)
{
    struct async_socket *first = state, *other = NULL;

    async_close(first);
    for (int i = 0; i < 1000; i++) {
        other = async_socket_create(l, AF_INET);
        ck_assert_ptr_nonnull(other);
        async_close(i < 999 ? other : NULL);
    }
    ck_assert_int_eq(async_close(first), 0);
    ck_assert_msg(async_listen(other, 1) == 0,
                  "27: the second Close of a socket has closed another one: %s",
                  strerror(errno));
    ASSERT_FAILS(async_begin_accept(first, NULL, NULL) != NULL, EBADF,
                 "27: Begin on the closed one");
    async_close(other);
    calls++;
}

START_TEST(rule_27_a_second_close_in_one_callback)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);

    loop_call_later(loop, 0, close_once_more, socket);
    run_until(loop, &calls, 1);
}
END_TEST

/* The loop runs on and on, but the result is not ended. */
START_TEST(rule_27_a_result_keeps_its_socket)
{
    struct async_result *ar = begin_accept(note, NULL);

    async_close(listener);
    run_until(loop, &calls, 1);
    for (int i = 0; i < 1000; i++) {
        async_close(async_socket_create(loop, AF_INET));
        run_rounds(loop);
    }
    ck_assert_int_eq(async_close(listener), 0);
    ASSERT_FAILS(async_begin_accept(listener, NULL, NULL) != NULL, EBADF,
                 "27: Begin on a closed socket");
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, ECANCELED,
                 "24: End of what Close has aborted");
    ASSERT_FAILS(async_end_accept(listener, ar) != NULL, EALREADY,
                 "19: a second End");
}
END_TEST

START_TEST(a_pool_that_goes_round_keeps_count)
{
    for (int i = 0; i < 2000; i++) {
        struct async_result *ar = begin_accept(NULL, NULL);
        int client = plain_connect(&here);
        struct async_socket *socket;

        run_until_complete(ar);
        socket = async_end_accept(listener, ar);
        ck_assert_ptr_nonnull(socket);
        async_close(socket);
        close(client);
    }
    ck_assert_int_le(count_descriptors(), descriptors_before + 4);
}
END_TEST

static int adopt_errno;

static void adopt_late(struct async_result *ar)
{
    const struct async_loop *home = ar->home;
    struct sockaddr_storage nobody = {.ss_family = AF_INET};
    int fd = dup(0);

    note(ar);
    adopt_errno = 0;
    if (async_socket_adopt((struct async_loop *)home, fd,
                           (struct sockaddr *)&nobody,
                           sizeof(struct sockaddr_in)) == NULL)
        adopt_errno = errno;
}

/* The sockets have been closed when these callbacks run: a new one would stay.
 */
START_TEST(no_sockets_once_the_end_has_begun)
{
    begin_accept(adopt_late, NULL);
    end_counted_loop(loop);
    loop = NULL;
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(adopt_errno, ECANCELED);
}
END_TEST

/* ============================ accept and connect ========================= */

START_TEST(rule_32_in_the_order_of_the_begins)
{
    struct async_result *ar[8];
    int clients[8];

    for (int i = 0; i < 8; i++)
        ar[i] = begin_accept(note, NULL);
    for (int i = 0; i < 8; i++)
        clients[i] = plain_connect(&here);
    run_until(loop, &calls, 8);
    for (int i = 0; i < 8; i++) {
        struct sockaddr_in mine, peer;
        socklen_t length = sizeof mine;
        struct async_socket *socket = async_end_accept(listener, ar[i]);

        ck_assert_msg(called[i] == ar[i], "32: accept number %d was overtaken",
                      i + 1);
        ck_assert_msg(socket != NULL, "32: accept number %d failed: %s", i + 1,
                      strerror(errno));
        getsockname(clients[i], (struct sockaddr *)&mine, &length);
        length = sizeof peer;
        ck_assert_int_eq(
            async_remote_address(socket, (struct sockaddr *)&peer, &length), 0);
        ck_assert_msg(peer.sin_family == AF_INET,
                      "32: the connection of accept number %d does not know "
                      "its peer's address: its family is %d",
                      i + 1, peer.sin_family);
        ck_assert_msg(peer.sin_port == mine.sin_port,
                      "32: accept number %d has another one's connection",
                      i + 1);
    }
    for (int i = 0; i < 8; i++)
        close(clients[i]);
}
END_TEST

START_TEST(rule_33_37_mirrored_addresses)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    struct sockaddr_in a, b;
    socklen_t length = sizeof a;

    begin_accept(end_accept, NULL);
    begin_connect(client, &here, end_connect);
    run_until(loop, &calls, 2);
    ck_assert_msg(connect_errno == 0, "37: EndConnect failed: %s",
                  strerror(connect_errno));
    ck_assert_msg(accepted != NULL, "33: EndAccept failed: %s",
                  strerror(accept_errno));
    async_local_address(client, (struct sockaddr *)&a, &length);
    length = sizeof b;
    async_remote_address(accepted, (struct sockaddr *)&b, &length);
    ck_assert_msg(a.sin_port == b.sin_port,
                  "33: the server sees another address than the client has");
    length = sizeof a;
    ck_assert_msg(
        async_remote_address(client, (struct sockaddr *)&a, &length) == 0,
        "33: the connect has succeeded, and the address of its peer "
        "is not to be had: %s",
        strerror(errno));
    ck_assert_msg(a.sin_port == here.sin_port,
                  "33: the client sees another address than the server has");
}
END_TEST

START_TEST(rule_34_connect_where_it_makes_no_sense)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    const struct sockaddr *to = (struct sockaddr *)&here;

    ASSERT_FAILS(async_begin_connect(listener, to, sizeof here, note, NULL) !=
                     NULL,
                 EINVAL, "34: BeginConnect on a listener");
    ASSERT_FAILS(async_begin_connect(client, NULL, 0, note, NULL) != NULL,
                 EINVAL, "34: BeginConnect without an address");
    ASSERT_FAILS(async_begin_connect(client, to,
                                     sizeof(struct sockaddr_storage) + 1, note,
                                     NULL) != NULL,
                 EINVAL, "34: BeginConnect to an address of no such length");
    begin_connect(client, &here, end_connect);
    ASSERT_FAILS(async_begin_connect(client, to, sizeof here, note, NULL) !=
                     NULL,
                 EALREADY, "34: BeginConnect while another is pending");
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_begin_connect(client, to, sizeof here, note, NULL) !=
                     NULL,
                 EISCONN, "34: BeginConnect on a connected socket");
    async_close(client);
    ASSERT_FAILS(async_begin_connect(client, to, sizeof here, note, NULL) !=
                     NULL,
                 EBADF, "27: BeginConnect on a closed socket");
}
END_TEST

/* A listener whose queue is full does not answer the next SYN. */
static int fill_queue(struct sockaddr_in *address, int *filler)
{
    int full = plain_bind(address, 0);

    *filler = plain_connect(address);
    return full;
}

/* The kernel sends the SYN again after about a second. By then nobody listens
 * any more, and it is refused: late, and not inside connect(). */
START_TEST(rule_36_refused_late)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    struct sockaddr_in address;
    int filler, full = fill_queue(&address, &filler);

    begin_connect(client, &address, end_connect);
    run_rounds(loop);
    ck_assert_msg(calls == 0, "36: complete, and nobody has answered yet: "
                              "EINPROGRESS is no outcome");
    shutdown(full, SHUT_RDWR); /* the port stays its own */
    close(filler);
    run_until(loop, &calls, 1);
    close(full);
    ck_assert_msg(connect_errno == ECONNREFUSED,
                  "36: End of a connect that was refused late says \"%s\"",
                  strerror(connect_errno));
    ASSERT_FAILS(async_end_connect(client, called[0]) == 0, EALREADY,
                 "19: a second End of a connect");
}
END_TEST

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

    begin_connect(client, &address, note);
    loop_call_later(loop, 0, tick, NULL);
    run_until(loop, &ticks, 5);
    ck_assert_msg(calls == 0, "complete, and nobody has answered yet");
    loop_call_later(loop, 1, close_socket, client);
    run_until(loop, &calls, 1);
    ASSERT_FAILS(async_end_connect(client, called[0]) == 0, ECANCELED,
                 "24: End of a connect that Close has aborted");
    close(full);
    close(filler);
}
END_TEST

/* Errors of connect() that come at once: here, an address that is too short. */
START_TEST(rule_37_fails_inside_connect)
{
    struct async_socket *client = async_socket_create(loop, AF_INET);
    struct async_result *ar =
        async_begin_connect(client, (struct sockaddr *)&here,
                            sizeof here.sin_family, end_connect, client);

    ck_assert_msg(ar != NULL, "BeginConnect failed: %s", strerror(errno));
    ck_assert_msg(calls == 0, "10: a callback ran inside Begin");
    run_until(loop, &calls, 1);
    ck_assert_msg(connect_errno == EINVAL,
                  "37: connect() failed at once with \"%s\", and End says "
                  "\"%s\"",
                  strerror(EINVAL), strerror(connect_errno));
    begin_connect(client, &here, end_connect); /* as if nothing had been */
    run_until(loop, &calls, 2);
    ck_assert_msg(connect_errno == 0, "37: and then a connect fails: %s",
                  strerror(connect_errno));
}
END_TEST

/* Of a local socket connect() says EAGAIN where the listener's queue is full.
 */
START_TEST(rule_37_a_full_queue_is_waited_for)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int full = socket(AF_UNIX, SOCK_STREAM, 0);
    int filler = socket(AF_UNIX, SOCK_STREAM, 0), taken;
    struct async_socket *client = async_socket_create(loop, AF_UNIX);

    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/unit-%ld",
             (long)getpid());
    ck_assert_int_eq(bind(full, (struct sockaddr *)&address, sizeof address),
                     0);
    ck_assert_int_eq(listen(full, 0), 0);
    ck_assert_int_eq(
        connect(filler, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_ptr_nonnull(
        async_begin_connect(client, (struct sockaddr *)&address, sizeof address,
                            end_connect, client));
    run_rounds(loop);
    ck_assert_msg(calls == 0, "complete, and the queue is full: %s",
                  strerror(connect_errno));
    taken = accept(full, NULL, NULL);
    run_until(loop, &calls, 1);
    unlink(address.sun_path);
    ck_assert_msg(connect_errno == 0, "there is room, and End says \"%s\"",
                  strerror(connect_errno));
    close(taken);
    close(filler);
    close(full);
}
END_TEST

/* From now on no descriptor is free. Returns the limit that was. */
static struct rlimit take_all_descriptors(void)
{
    struct rlimit limit, small;
    int lowest = dup(0);

    close(lowest);
    getrlimit(RLIMIT_NOFILE, &limit);
    small = limit;
    small.rlim_cur = (rlim_t)lowest;
    setrlimit(RLIMIT_NOFILE, &small);
    return limit;
}

START_TEST(a_lack_of_descriptors_is_waited_out)
{
    int client = plain_connect(&here);
    struct rlimit limit = take_all_descriptors();

    begin_accept(end_accept, NULL);
    run_rounds(loop);
    ck_assert_msg(calls == 0, "a lack of descriptors (EMFILE) passes: it is no "
                              "outcome of an accept");
    setrlimit(RLIMIT_NOFILE, &limit);
    run_until(loop, &calls, 1);
    ck_assert_msg(accepted != NULL, "after the lack, EndAccept failed: %s",
                  strerror(accept_errno));
    close(client);
}
END_TEST

/* No time passes: the loop itself has closed what was needed. */
START_TEST(a_lack_of_descriptors_ends_by_a_close)
{
    struct async_socket *in_the_way = async_socket_create(loop, AF_INET);
    int client = plain_connect(&here);
    struct rlimit limit = take_all_descriptors();

    begin_accept(end_accept, NULL);
    run_rounds(loop);
    ck_assert_int_eq(calls, 0);
    async_close(in_the_way);
    run_rounds(loop);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_msg(calls == 1 && accepted != NULL,
                  "a descriptor is free again, and the accept still waits");
    close(client);
}
END_TEST

/* ================================== timers =============================== */

static int order[8], fired;

static void fire(struct loop *l, void *state)
{
    (void)l;
    order[fired++] = *(int *)state;
}

/* What order is right depends on when each was set, and a busy machine may take
 * any time between two of them: then they are set anew. */
START_TEST(timers_fire_in_order)
{
    int names[3] = {1, 2, 3};
    struct loop_timer *timers[4];
    long long start;

    async_close(listener);
    do {
        start = loop_now();
        timers[0] = loop_call_later(loop, 20, fire, &names[2]);
        timers[1] = loop_call_later(loop, 10, fire, &names[0]);
        timers[2] = loop_call_later(loop, 10, fire, &names[1]);
        timers[3] = loop_call_later(loop, 5, fire, &names[0]);
        loop_cancel(loop, timers[3]);
        if (loop_now() - start < 9)
            break;
        for (int i = 0; i < 3; i++)
            loop_cancel(loop, timers[i]);
    } while (true);
    loop_cancel(loop, NULL);
    ck_assert_msg(loop_run(loop) == 0, "a timer is a reason to run");
    ck_assert_int_eq(fired, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(order[i], i + 1);
    ck_assert_ptr_null(loop_call_later(loop, -1, fire, NULL));
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static long long nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void note_time(struct loop *l, void *state)
{
    (void)l;
    *(long long *)state = nanoseconds();
    fired++;
}

START_TEST(a_timer_is_never_early)
{
    for (int i = 1; i <= 30; i++) {
        long long start = nanoseconds(), end;

        loop_call_later(loop, 3, note_time, &end);
        run_until(loop, &fired, i);
        ck_assert_msg(end - start >= 3000000,
                      "3 ms were asked for, and it was called after %lld ns",
                      end - start);
    }
}
END_TEST

/* Between which times a timer is due: the clock goes on while it is set. */
struct span {
    long long from, to;
};
static long long due_so_far; /* the latest FROM of those that were called */

static void fire_in_span(struct loop *l, void *state)
{
    const struct span *span = state;

    (void)l;
    fired++;
    ck_assert_msg(span->to >= due_so_far,
                  "a timer is called %lld ns after another that is due later",
                  due_so_far - span->to);
    if (span->from > due_so_far)
        due_so_far = span->from;
}

/* Many, set in no order, and some of them taken back. */
START_TEST(many_timers_in_order)
{
    enum { COUNT = 300 };
    static struct span spans[COUNT];
    static struct loop_timer *timers[COUNT];

    for (int i = 0; i < COUNT; i++) {
        int n = i * 61 % COUNT; /* each once */

        spans[n].from = nanoseconds() + n * 1000000LL;
        timers[n] = loop_call_later(loop, n, fire_in_span, &spans[n]);
        ck_assert_ptr_nonnull(timers[n]);
        spans[n].to = nanoseconds() + n * 1000000LL;
    }
    for (int n = 0; n < COUNT; n += 3)
        loop_cancel(loop, timers[n]);
    run_until(loop, &fired, COUNT - COUNT / 3);
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

int main(int argc, char *argv[])
{
    const TTest *const tests[] = {
        rule_01_02_05_state_and_the_very_object,
        rule_03_no_callback,
        rule_04_once_for_each,
        rule_08_completed_once,
        rule_09_10_nothing_inside_begin,
        rule_11_a_long_chain,
        rule_12_a_callback_may_call_anything,
        rule_13_31_a_begin_that_fails,
        rule_16_no_result,
        rule_17_not_this_operation,
        rule_18_not_this_socket,
        rule_19_a_second_end,
        rule_21_the_order_of_errors,
        rule_22_35_37_refused,
        rule_23_completed_then_closed,
        rule_24_25_close_cancels_all,
        rule_27_closed_is_closed,
        the_address_is_free_after_close,
        rule_27_a_second_close_in_one_callback,
        rule_27_a_result_keeps_its_socket,
        a_pool_that_goes_round_keeps_count,
        no_sockets_once_the_end_has_begun,
        rule_32_in_the_order_of_the_begins,
        rule_33_37_mirrored_addresses,
        rule_34_connect_where_it_makes_no_sense,
        rule_36_refused_late,
        rule_37_fails_inside_connect,
        a_connect_that_hangs_is_given_up,
        rule_37_a_full_queue_is_waited_for,
        a_lack_of_descriptors_is_waited_out,
        a_lack_of_descriptors_ends_by_a_close,
        timers_fire_in_order,
        a_timer_is_never_early,
        many_timers_in_order,
        a_timer_of_no_time_does_not_keep_the_loop,
        NULL,
    };
    const struct suite suite = {"begin and end", tests, set_up, tear_down,
                                NULL};

    return suite_run(&suite, argc, argv);
}
