/* Tests of the asynchronous engine that no student is graded by: what it costs,
 * and what it does when the kernel says no. They have the loop on epoll
 * (epoll.c), and the linker puts functions of this file in front of three
 * others (--wrap). */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_operation.h"
#include "async_receive.h"
#include "async_send.h"
#include "epoll.h"
#include "fixture.h"
#include "loop.h"
#include "loop_thread.h"

/* ============================ in front of the library ==================== */

static int watch_error;        /* of loop_watch(), from now on; 0: none */
static unsigned long received; /* calls of recv() */
static atomic_ulong locks;     /* taken by the loop's thread */
static _Thread_local bool counts_locks;

int __real_loop_watch(struct loop *loop, int fd, unsigned events,
                      loop_callback *callback, void *state);
int __wrap_loop_watch(struct loop *loop, int fd, unsigned events,
                      loop_callback *callback, void *state);
ssize_t __real_recv(int fd, void *buffer, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

int __wrap_loop_watch(struct loop *loop, int fd, unsigned events,
                      loop_callback *callback, void *state)
{
    if (watch_error == 0)
        return __real_loop_watch(loop, fd, events, callback, state);
    errno = watch_error;
    return -1;
}

ssize_t __wrap_recv(int fd, void *buffer, size_t length, int flags)
{
    received++;
    return __real_recv(fd, buffer, length, flags);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    locks += counts_locks ? 1 : 0;
    return __real_pthread_mutex_lock(mutex);
}

/* ================================ an echo ================================ */

static struct loop *loop;
static struct async_socket *ours; /* a connection ... */
static int theirs;                /* ... and its other end, a plain socket */
static char buffer[64];

static void set_up(void)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET};
    struct async_socket *maker;
    int pair[2];

    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    maker = async_socket_create(loop, AF_INET);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ours = async_socket_adopt(maker->home, pair[0], (struct sockaddr *)&nobody,
                              sizeof nobody);
    ck_assert_ptr_nonnull(ours);
    async_close(maker);
    theirs = pair[1];
}

static void tear_down(void)
{
    loop_destroy(loop);
    close(theirs);
}

static void on_receive(struct async_result *ar);

static void on_send(struct async_result *ar)
{
    async_end_send(ours, ar); /* no assertion: check takes locks of its own */
    async_begin_receive(ours, buffer, sizeof buffer, on_receive, NULL);
}

static void on_receive(struct async_result *ar)
{
    ssize_t count = async_end_receive(ours, ar);

    counts_locks = true; /* this is the thread of the loop */
    if (count > 0)
        async_begin_send(ours, buffer, (size_t)count, on_send, NULL);
}

/* ================================== costs ================================ */

/* A watch that is the same before and after a round is left alone, and a
 * receive that came up short is proof enough that nothing is left. */
START_TEST(an_echo_tells_the_kernel_little)
{
    enum { ECHOES = 505 };
    char byte;

    async_begin_receive(ours, buffer, sizeof buffer, on_receive, NULL);
    for (int i = 0; i < ECHOES; i++) {
        ck_assert_int_eq(write(theirs, "x", 1), 1);
        ck_assert_int_eq(loop_run_once(loop, -1), 0);
        while (recv(theirs, &byte, 1, MSG_DONTWAIT) == -1)
            ck_assert_int_eq(loop_run_once(loop, -1), 0);
    }
    received -= ECHOES; /* these are the test's own */
    printf("# %d echoes of one byte: %lu epoll_ctl, %lu recv\n", ECHOES,
           epoll_changes, received);
    ck_assert_uint_lt(epoll_changes, 20);
    ck_assert_uint_lt(received, 520);
}
END_TEST

/* Two operations, each with a Begin, an End and a callback. */
START_TEST(a_message_takes_few_locks)
{
    enum { MESSAGES = 1000 };
    unsigned long before = 0;
    char byte;

    ck_assert_int_eq(loop_start(loop), 0);
    async_begin_receive(ours, buffer, sizeof buffer, on_receive, NULL);
    for (int i = -1; i < MESSAGES; i++) {
        if (i == 0)
            before = locks;
        ck_assert_int_eq(write(theirs, "x", 1), 1);
        ck_assert_int_eq(read(theirs, &byte, 1), 1);
    }
    printf("# a message received and echoed: %.2f locks on the loop's thread\n",
           (double)(locks - before) / MESSAGES);
    ck_assert_uint_le(locks - before, 8 * MESSAGES);
}
END_TEST

/* ================================= refusals ============================== */

static int end_errno;

static void end_receive(struct async_result *ar)
{
    note(ar);
    end_errno = async_end_receive(ours, ar) == -1 ? errno : 0;
}

/* epoll knows that as ENOSPC; select() as a lack of memory for the loop's
 * table.
 */
START_TEST(rule_4_22_a_watch_is_refused)
{
    async_begin_receive(ours, buffer, sizeof buffer, end_receive, NULL);
    async_begin_receive(ours, buffer, sizeof buffer, end_receive, NULL);
    watch_error = ENOSPC;
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_msg(calls == 2, "4: of 2 callbacks %d ran", calls);
    ck_assert_msg(end_errno == ENOSPC, "22: End says \"%s\"",
                  strerror(end_errno));
    watch_error = 0;
    async_begin_receive(ours, buffer, sizeof buffer, end_receive, NULL);
    ck_assert_int_eq(write(theirs, "x", 1), 1);
    run_until(loop, &calls, 3);
    ck_assert_msg(end_errno == 0, "and the next receive fails: %s",
                  strerror(end_errno));
}
END_TEST

/* What is watched already, and then wants more. */
START_TEST(rule_4_22_a_change_is_refused)
{
    static char much[4 * 1024 * 1024];

    async_begin_receive(ours, buffer, sizeof buffer, end_receive, NULL);
    run_rounds(loop);
    watch_error = ENOMEM;
    async_begin_send(ours, much, sizeof much, note, NULL);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_msg(calls == 2, "4: of 2 callbacks %d ran", calls);
    ck_assert_int_eq(end_errno, ENOMEM);
}
END_TEST

/* The end of sending waits behind it: FIN would make the part a whole. */
START_TEST(rule_28_a_send_that_is_cut_is_no_end)
{
    static char much[4 * 1024 * 1024], taken[65536];
    ssize_t count;

    watch_error = ENOMEM;
    ck_assert_ptr_nonnull(
        async_begin_send(ours, much, sizeof much, note, NULL));
    ck_assert_int_eq(async_shutdown(ours, SHUT_WR), 0);
    run_until(loop, &calls, 1);
    ck_assert_int_eq(async_end_send(ours, called[0]), -1);
    while ((count = recv(theirs, taken, sizeof taken, MSG_DONTWAIT)) > 0)
        ;
    ck_assert_msg(count == -1, "28: FIN behind a send that was cut");
}
END_TEST

int main(int argc, char *argv[])
{
    const TTest *const tests[] = {
        an_echo_tells_the_kernel_little,      a_message_takes_few_locks,
        rule_4_22_a_watch_is_refused,         rule_4_22_a_change_is_refused,
        rule_28_a_send_that_is_cut_is_no_end, NULL,
    };
    const struct suite suite = {"engine", tests, set_up, tear_down, NULL};

    return suite_run(&suite, argc, argv);
}
