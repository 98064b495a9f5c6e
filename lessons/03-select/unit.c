/* Tests of common/loop and its back end on select(). Run forked, each with a
 * time limit. Every message names what is expected of the loop, in the words of
 * loop.h. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "loop_extension.h"
#include "suite.h"

static struct loop *loop;
static int pair[2], other[2];

static void open_all(void)
{
    unsetenv("LOOP_BACKEND");
    loop = loop_create();
    ck_assert_msg(loop != NULL, "loop_create() failed");
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
}

static void close_all(void)
{
    loop_destroy(loop);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(other[i]);
    }
}

/* What a callback saw. */
struct seen {
    int calls, fd;
    unsigned events;
    char byte;
};

static void note(struct loop *l, int fd, unsigned events, void *state)
{
    struct seen *seen = state;

    ck_assert_ptr_eq(l, loop);
    seen->calls++;
    seen->fd = fd;
    seen->events = events;
}

static void take_byte(struct loop *l, int fd, unsigned events, void *state)
{
    struct seen *seen = state;

    note(l, fd, events, state);
    ck_assert_int_eq(read(fd, &seen->byte, 1), 1);
}

START_TEST(a_readable_descriptor_is_reported)
{
    struct seen seen = {0};

    ck_assert_int_eq(loop_watch(loop, pair[0], LOOP_READ, take_byte, &seen), 0);
    ck_assert_int_eq(loop_run_once(loop, 0), 0);
    ck_assert_msg(seen.calls == 0, "nothing is readable yet");
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(loop_run_once(loop, -1), 0);
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_int_eq(seen.fd, pair[0]);
    ck_assert_uint_eq(seen.events, LOOP_READ);
    ck_assert_int_eq(seen.byte, 'x');
    ck_assert_int_eq(loop_run_once(loop, 0), 0);
    ck_assert_msg(seen.calls == 1, "it was read, so it is not ready any more");
}
END_TEST

START_TEST(only_wanted_events_are_reported)
{
    struct seen seen = {0};

    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    loop_watch(loop, pair[0], LOOP_WRITE, note, &seen);
    loop_run_once(loop, -1);
    ck_assert_uint_eq(seen.events, LOOP_WRITE);
    loop_watch(loop, pair[0], LOOP_READ | LOOP_WRITE, note, &seen);
    loop_run_once(loop, -1);
    ck_assert_msg(seen.events == (LOOP_READ | LOOP_WRITE),
                  "both are ready, both are wanted");
    seen.calls = 0;
    loop_watch(loop, pair[0], 0, note, &seen);
    loop_run_once(loop, 0);
    ck_assert_msg(seen.calls == 0, "with events 0 nothing is reported");
}
END_TEST

START_TEST(an_end_of_the_peer_is_readable)
{
    struct seen seen = {0};

    loop_watch(loop, pair[0], LOOP_READ, note, &seen);
    shutdown(pair[1], SHUT_WR);
    loop_run_once(loop, -1);
    ck_assert_uint_eq(seen.events, LOOP_READ);
}
END_TEST

START_TEST(unwatched_is_forgotten)
{
    struct seen seen = {0};

    loop_watch(loop, pair[0], LOOP_READ, note, &seen);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(loop_unwatch(loop, pair[0]), 0);
    loop_run_once(loop, 0);
    ck_assert_int_eq(seen.calls, 0);
    ck_assert_int_eq(loop_unwatch(loop, pair[0]), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_msg(loop_run(loop) == 0, "with nothing watched, it returns");
}
END_TEST

/* Of two descriptors that are ready in one round, the first callback takes the
 * other away. */
static void take_other_away(struct loop *l, int fd, unsigned events,
                            void *state)
{
    struct seen *seen = state;

    note(l, fd, events, state);
    loop_unwatch(loop, fd == pair[0] ? other[0] : pair[0]);
    seen->byte = 'x';
}

START_TEST(an_event_of_an_unwatched_descriptor_is_dropped)
{
    struct seen seen = {0};

    loop_watch(loop, pair[0], LOOP_WRITE, take_other_away, &seen);
    loop_watch(loop, other[0], LOOP_WRITE, take_other_away, &seen);
    loop_run_once(loop, -1);
    ck_assert_msg(seen.calls == 1,
                  "a callback ran for a descriptor that was not watched any "
                  "more");
}
END_TEST

/* The same, and the number goes to somebody else at once. */
static struct seen stranger;

static void replace_other(struct loop *l, int fd, unsigned events, void *state)
{
    int victim = fd == pair[0] ? other[0] : pair[0];

    note(l, fd, events, state);
    loop_unwatch(loop, victim);
    loop_watch(loop, victim, LOOP_READ | LOOP_WRITE, note, &stranger);
}

START_TEST(an_event_does_not_reach_a_new_owner_of_the_number)
{
    struct seen seen = {0};

    loop_watch(loop, pair[0], LOOP_WRITE, replace_other, &seen);
    loop_watch(loop, other[0], LOOP_WRITE, replace_other, &seen);
    loop_run_once(loop, -1);
    ck_assert_int_eq(seen.calls, 1);
    ck_assert_msg(stranger.calls == 0,
                  "the event was for the one who had the number before");
    loop_unwatch(loop, seen.fd); /* it would replace it again */
    loop_run_once(loop, 0);
    ck_assert_msg(stranger.calls == 1, "in the next round it is watched");
}
END_TEST

START_TEST(all_that_is_ready_has_its_turn)
{
    enum { COUNT = 300 };
    static struct seen seen[COUNT];
    int fds[COUNT];

    for (int i = 0; i < COUNT; i++) {
        fds[i] = dup(pair[0]);
        ck_assert_int_ne(fds[i], -1);
        loop_watch(loop, fds[i], LOOP_WRITE, note, &seen[i]);
    }
    loop_run_once(loop, -1);
    for (int i = 0; i < COUNT; i++)
        ck_assert_msg(seen[i].calls == 1, "number %d of %d: %d calls", i, COUNT,
                      seen[i].calls);
    for (int i = COUNT - 1; i >= 0; i--) {
        loop_unwatch(loop, fds[i]);
        close(fds[i]);
    }
}
END_TEST

START_TEST(a_descriptor_that_is_too_large_is_refused)
{
    struct rlimit limit;
    struct seen seen = {0};
    int large;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    large = fcntl(pair[0], F_DUPFD, FD_SETSIZE);
    ck_assert_int_ge(large, FD_SETSIZE);
    ck_assert_int_eq(loop_descriptor_limit(loop), FD_SETSIZE);
    ck_assert_msg(loop_watch(loop, large, LOOP_READ, note, &seen) == -1,
                  "a set has no room for descriptor %d", large);
    ck_assert_int_eq(errno, EMFILE);
    ck_assert_int_eq(loop_watch(loop, INT_MAX, LOOP_READ, note, &seen), -1);
    ck_assert_int_eq(errno, EMFILE);
    ck_assert_int_eq(loop_run_once(loop, 0), 0);
    close(large);
}
END_TEST

START_TEST(wrong_arguments)
{
    ck_assert_int_eq(loop_watch(loop, -1, LOOP_READ, note, NULL), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(loop_watch(loop, pair[0], 8, note, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(loop_watch(loop, pair[0], LOOP_READ, NULL, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(loop_unwatch(loop, pair[0]), -1);
    ck_assert_int_eq(errno, ENOENT);
    setenv("LOOP_BACKEND", "no-such", 1);
    ck_assert_ptr_null(loop_create());
    ck_assert_int_eq(errno, EINVAL);
    setenv("LOOP_BACKEND", "select", 1);
    struct loop *second = loop_create();
    ck_assert_str_eq(loop_backend_name(second), "select");
    loop_destroy(second);
}
END_TEST

static void stop(struct loop *l, int fd, unsigned events, void *state)
{
    note(l, fd, events, state);
    loop_stop(l);
}

START_TEST(stop_from_a_callback)
{
    struct seen seen = {0};

    loop_watch(loop, pair[0], LOOP_WRITE, stop, &seen);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_int_eq(seen.calls, 1);
}
END_TEST

START_TEST(stop_before_the_run_is_not_lost)
{
    struct seen seen = {0};

    loop_watch(loop, pair[0], LOOP_READ, note, &seen);
    loop_stop(loop);
    ck_assert_msg(loop_run(loop) == 0, "it must not wait");
    ck_assert_int_eq(seen.calls, 0);
}
END_TEST

static void stop_on_signal(int signal_number)
{
    (void)signal_number;
    errno = 0;
    loop_stop(loop);
}

START_TEST(stop_from_a_signal_handler)
{
    struct sigaction action = {.sa_handler = stop_on_signal};
    struct seen seen = {0};
    pid_t child;

    sigaction(SIGUSR1, &action, NULL);
    loop_watch(loop, pair[0], LOOP_READ, note, &seen);
    child = fork();
    if (child == 0) {
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    ck_assert_int_eq(loop_run(loop), 0);
    waitpid(child, NULL, 0);
}
END_TEST

/* A signal that wakes nobody by the pipe: only the wait itself can tell of it.
 * It comes again and again, so that one of them finds the loop asleep. A back
 * end may as well go back to sleep; the fiftieth ends the round. */
static volatile sig_atomic_t signals;

static void count_signal(int signal_number)
{
    (void)signal_number;
    signals++;
    if (signals == 50)
        loop_wake(loop);
}

START_TEST(an_interrupted_wait_is_no_error)
{
    struct sigaction action = {.sa_handler = count_signal};
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct seen seen = {0};
    int result, error;

    sigaction(SIGALRM, &action, NULL);
    loop_watch(loop, pair[0], LOOP_READ, note, &seen);
    setitimer(ITIMER_REAL, &often, NULL);
    result = loop_run_once(loop, -1);
    error = errno;
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_msg(result == 0,
                  "a signal came while the loop waited, and loop_run_once() "
                  "failed: %s",
                  strerror(error));
    ck_assert_msg(seen.calls == 0, "nothing was readable, and the callback of "
                                   "a readable descriptor was called");
}
END_TEST

/* An extension that counts its rounds, and is content after three. */
struct counter {
    struct loop_extension extension;
    int *rounds, *destroyed;
};

static int counter_timeout(const struct loop_extension *e)
{
    return *((const struct counter *)e)->rounds < 3 ? 0 : -1;
}

static void counter_run(struct loop_extension *e)
{
    ++*((struct counter *)e)->rounds;
}

static void counter_destroy(struct loop_extension *e)
{
    ++*((struct counter *)e)->destroyed;
    free(e);
}

START_TEST(an_extension_keeps_the_loop_running)
{
    static const char key;
    int rounds = 0, destroyed = 0;
    struct counter *counter = calloc(1, sizeof *counter);

    counter->extension = (struct loop_extension){.timeout = counter_timeout,
                                                 .run = counter_run,
                                                 .destroy = counter_destroy,
                                                 .key = &key};
    counter->rounds = &rounds;
    counter->destroyed = &destroyed;
    ck_assert_ptr_null(loop_find(loop, &key));
    loop_extend(loop, &counter->extension);
    ck_assert_ptr_eq(loop_find(loop, &key), &counter->extension);
    ck_assert_int_eq(loop_run(loop), 0);
    ck_assert_int_eq(rounds, 3);
    loop_destroy(loop);
    loop = NULL;
    ck_assert_int_eq(destroyed, 1);
}
END_TEST

int main(int argc, char *argv[])
{
    const TTest *const tests[] = {
        a_readable_descriptor_is_reported,
        only_wanted_events_are_reported,
        an_end_of_the_peer_is_readable,
        unwatched_is_forgotten,
        an_event_of_an_unwatched_descriptor_is_dropped,
        an_event_does_not_reach_a_new_owner_of_the_number,
        all_that_is_ready_has_its_turn,
        a_descriptor_that_is_too_large_is_refused,
        wrong_arguments,
        stop_from_a_callback,
        stop_before_the_run_is_not_lost,
        stop_from_a_signal_handler,
        an_interrupted_wait_is_no_error,
        an_extension_keeps_the_loop_running,
        NULL,
    };
    const struct suite suite = {"loop", tests, open_all, close_all, NULL};

    return suite_run(&suite, argc, argv);
}
