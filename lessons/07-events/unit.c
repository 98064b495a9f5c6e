/* Unit tests of lesson 7: events, wait handles, the loop on a thread of its
 * own.
 *
 * Nothing here waits for time to pass, but where time is what is tested. That a
 * thread sleeps in a wait is known from the event, which counts those who do;
 * that it has gone to sleep again, from the kernel. */

#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "async_accept.h"
#include "async_operation.h"
#include "async_receive.h"
#include "async_send.h"
#include "async_wait.h"
#include "event.h"
#include "event_queue.h"
#include "loop.h"
#include "loop_thread.h"
#include "loop_timer.h"
#include "network_stream.h"
#include "tcp_client.h"
#include "tcp_listener.h"

/* ============================ threads that wait ========================== */

struct waiter {
    pthread_t thread;
    struct event *events[4];
    size_t count; /* 1: event_wait_one(); else any, or all */
    bool all;
    int milliseconds;
    int result, error;
    atomic_bool done;
};

/* In the order in which they were released. */
static struct waiter *released[64];
static pthread_mutex_t releases_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int releases;

static void *wait_in_thread(void *argument)
{
    struct waiter *w = argument;

    errno = 0;
    if (w->count == 1)
        w->result = event_wait_one(w->events[0], w->milliseconds);
    else if (w->all)
        w->result = event_wait_all(w->events, w->count, w->milliseconds);
    else
        w->result = event_wait_any(w->events, w->count, w->milliseconds);
    w->error = errno;
    pthread_mutex_lock(&releases_lock);
    released[releases] = w;
    releases++;
    pthread_mutex_unlock(&releases_lock);
    w->done = true;
    return NULL;
}

static void sleep_in_thread(struct waiter *w)
{
    int before = event_count_waiting(w->events[0]);

    w->done = false;
    pthread_create(&w->thread, NULL, wait_in_thread, w);
    while (event_count_waiting(w->events[0]) == before && !w->done)
        sched_yield();
    ck_assert_msg(!w->done,
                  "the wait was over before anybody has set the event: "
                  "result %d, %s",
                  w->result, strerror(w->error));
}

/* Starts a thread that waits for EVENT, and returns when it sleeps. */
static void park(struct waiter *w, struct event *event, int milliseconds)
{
    *w = (struct waiter){
        .events = {event}, .count = 1, .milliseconds = milliseconds};
    sleep_in_thread(w);
}

/* The same, where the time of TIMED may be over before anybody has looked:
 * returns when COUNT threads sleep, or TIMED is back. */
static void start(struct waiter *w, struct event *event, int milliseconds,
                  int count, const struct waiter *timed)
{
    *w = (struct waiter){
        .events = {event}, .count = 1, .milliseconds = milliseconds};
    pthread_create(&w->thread, NULL, wait_in_thread, w);
    while (event_count_waiting(event) != count && !timed->done)
        sched_yield();
}

static void park_many(struct waiter *w, struct event *first,
                      struct event *second, bool all)
{
    *w = (struct waiter){
        .events = {first, second}, .count = 2, .all = all, .milliseconds = -1};
    sleep_in_thread(w);
}

/* W comes back, with RESULT. The place is marked: it may never come. */
#define join(w, result, words)                                                 \
    (suite_wait_for(words), mark_point(), join_thread((w), (result), (words)))
static void join_thread(struct waiter *w, int result, const char *words)
{
    pthread_join(w->thread, NULL);
    if (w->result != result)
        ck_abort_msg("%s: the wait gave %d, and not %d (%s)", words, w->result,
                     result, strerror(w->error));
}

static struct event *create(enum event_mode mode, bool is_set)
{
    struct event *event = event_create(mode, is_set);

    ck_assert_msg(event != NULL, "event_create: %s", strerror(errno));
    return event;
}

/* Is EVENT set? With auto reset that takes the signal. */
static void assert_set(struct event *event, int wanted, const char *words)
{
    int got;

    suite_wait_for(words);
    got = event_wait_one(event, 0);
    ck_assert_msg(got == wanted, "%s: event_wait_one(e, 0) is %d, and not %d",
                  words, got, wanted);
}

/* EVENT is set, and a wait must see it; else, was it lost, or does a wait not
 * look? */
static void assert_seen(struct event *event, const char *words)
{
    suite_wait_for(words);
    if (event_wait_one(event, 0) == 1)
        return;
    event_set(event);
    ck_abort_msg("%s: event_wait_one(e, 0) is 0, and not 1%s", words,
                 event_wait_one(event, 0) == 1
                     ? ""
                     : "; and it is 0 behind a Set, too: it does not look at "
                       "the state");
}

/* ============================== manual reset ============================= */

START_TEST(rule_59_manual_at_creation)
{
    struct event *set = create(EVENT_MANUAL_RESET, true);
    struct event *unset = create(EVENT_MANUAL_RESET, false);

    assert_set(unset, 0, "59: created without a signal");
    assert_seen(set, "59: created set");
    assert_set(set, 1, "59: and still set: a wait does not reset it");
    event_destroy(set);
    event_destroy(unset);
    ASSERT_FAILS(event_create((enum event_mode)7, false) != NULL, EINVAL,
                 "59: a mode that does not exist");
}
END_TEST

START_TEST(rule_64_everyone_is_released)
{
    struct event *event = create(EVENT_MANUAL_RESET, false);
    struct waiter waiters[5];

    for (int i = 0; i < 5; i++)
        park(&waiters[i], event, -1);
    event_set(event);
    for (int i = 0; i < 5; i++)
        join(&waiters[i], 1, "64: five threads waited, and Set came");
    assert_set(event, 1, "64: who comes later goes through");
    event_destroy(event);
}
END_TEST

START_TEST(rule_64_set_then_reset)
{
    for (int round = 0; round < 20; round++) {
        struct event *event = create(EVENT_MANUAL_RESET, false);
        struct waiter w;

        park(&w, event, -1);
        event_set(event);
        event_reset(event);
        join(&w, 1, "64: Set, and Reset at once");
        assert_set(event, 0, "64: after the Reset");
        event_destroy(event);
        releases = 0;
    }
}
END_TEST

START_TEST(rule_65_manual_repeated)
{
    struct event *event = create(EVENT_MANUAL_RESET, false);

    event_set(event);
    event_set(event);
    event_reset(event);
    assert_set(event, 0,
               event->is_set ? "65: Set, Set, Reset, and is_set is true"
                             : "65: Set, Set, Reset, and is_set is false");
    event_reset(event);
    event_set(event);
    assert_set(event, 1, "65: Reset, Reset, Set");
    event_destroy(event);
}
END_TEST

static long long milliseconds_between(const struct timespec *from,
                                      const struct timespec *to)
{
    return (to->tv_sec - from->tv_sec) * 1000LL +
           (to->tv_nsec - from->tv_nsec) / 1000000;
}

/* 999 ms from now lie in the next second, but for the first millisecond of one:
 * let that pass. */
static void leave_the_first_millisecond(void)
{
    struct timespec now;

    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_nsec < 2000000L);
}

static void assert_deadline(void)
{
    struct timespec before, deadline, after;
    long long ms;

    leave_the_first_millisecond();
    clock_gettime(CLOCK_MONOTONIC, &before);
    event_deadline(&deadline, 999);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_msg(deadline.tv_nsec < 1000000000L,
                  "66: event_deadline() of 999 ms has %ld nanoseconds",
                  deadline.tv_nsec);
    ms = milliseconds_between(&before, &deadline);
    ck_assert_msg(ms >= 999 && milliseconds_between(&after, &deadline) <= 999,
                  "66: event_deadline() of 999 ms lies %lld ms from now", ms);
}

START_TEST(rule_66_manual_time)
{
    struct event *event = create(EVENT_MANUAL_RESET, false);
    struct waiter w;
    long long began;

    assert_deadline();
    ASSERT_FAILS(event_wait_one(event, -2) != -1, EINVAL, "66: a time of -2");
    ASSERT_FAILS(event_wait_one(NULL, 0) != -1, EINVAL, "66: no event");
    began = loop_now();
    ck_assert_msg(event_wait_one(event, 20) == 0,
                  "66: nobody set the event, and a wait of 20 ms is not 0");
    ck_assert_msg(loop_now() - began >= 20,
                  "66: a wait of 20 ms was over after %lld",
                  loop_now() - began);
    assert_set(event, 0, "66: a time-out leaves the state alone");
    park(&w, event, 3600 * 1000);
    event_set(event);
    join(&w, 1, "66: Set ends a wait of an hour");
    event_destroy(event);
}
END_TEST

/* How often that thread of this process has gone to sleep; -1: it does not. */
static long sleeps_of(pid_t thread)
{
    char path[64], line[128], state = '?';
    long count = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%ld/status", (long)thread);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        sscanf(line, "State: %c", &state);
        sscanf(line, "voluntary_ctxt_switches: %ld", &count);
    }
    if (file != NULL)
        fclose(file);
    return state == 'S' ? count : -1;
}

/* How often the threads that wait have gone to sleep, all together; -1: one of
 * them is awake. */
static long sleeps(void)
{
    DIR *folder = opendir("/proc/self/task");
    struct dirent *entry;
    long all = 0;

    while (all != -1 && (entry = readdir(folder)) != NULL) {
        pid_t thread = (pid_t)atol(entry->d_name);
        long count = thread > 0 && thread != getpid() ? sleeps_of(thread) : 0;

        all = count == -1 ? -1 : all + count;
    }
    closedir(folder);
    return all;
}

/* POSIX lets a condition variable wake a thread for no reason. Wakes one that
 * sleeps on CONDITION, and returns when it sleeps again. W must not be over by
 * that. */
static void wake_for_no_reason(pthread_cond_t *condition,
                               const struct waiter *w)
{
    long before;

    while ((before = sleeps()) == -1)
        sched_yield();
    pthread_mutex_lock(&event_lock);
    pthread_cond_signal(condition);
    pthread_mutex_unlock(&event_lock);
    while (sleeps() <= before && !w->done)
        sched_yield();
    ck_assert_msg(!w->done, "66: the thread woke for no reason, and its wait "
                            "was over though nobody had set the event");
}

START_TEST(rule_66_manual_woken_for_no_reason)
{
    struct event *event = create(EVENT_MANUAL_RESET, false);
    struct waiter w;

    park(&w, event, -1);
    wake_for_no_reason(&event->changed, &w);
    event_set(event);
    join(&w, 1, "66: Set, after a wake-up for no reason");
    event_destroy(event);
}
END_TEST

/* =============================== auto reset ============================== */

START_TEST(rule_59_auto_at_creation)
{
    struct event *set = create(EVENT_AUTO_RESET, true);
    struct event *unset = create(EVENT_AUTO_RESET, false);

    assert_set(unset, 0, "59: created without a signal");
    assert_seen(set, "59: created set");
    event_destroy(set);
    event_destroy(unset);
}
END_TEST

START_TEST(rule_60_auto_takes_the_signal)
{
    struct event *event = create(EVENT_AUTO_RESET, false);

    event_set(event);
    assert_set(event, 1, "60: after Set, while nobody waited");
    assert_set(event, 0, "60: the wait before has taken the signal");
    event_set(event);
    event_set(event);
    assert_set(event, 1, "60: Set, Set");
    assert_set(event, 0, "60: Set, Set with nobody waiting is one signal");
    event_destroy(event);
}
END_TEST

/* Who wakes for no reason and sleeps again is the last to sleep, but still the
 * first that waits: on the order in which a condition variable wakes its
 * sleepers nobody can rely. */
START_TEST(rule_61_the_one_that_waited_longest)
{
    enum { WAITERS = 6 };
    struct event *event = create(EVENT_AUTO_RESET, false);
    struct waiter waiters[WAITERS];

    for (int i = 0; i < WAITERS; i++)
        park(&waiters[i], event, -1);
    wake_for_no_reason(event->first != NULL ? event->first->wake
                                            : &event->changed,
                       &waiters[0]);
    for (int i = 0; i < WAITERS; i++) {
        event_set(event);
        while (releases <= i)
            sched_yield();
        ck_assert_msg(released[i] == &waiters[i],
                      "61: Set number %d released thread number %d", i + 1,
                      (int)(released[i] - waiters) + 1);
    }
    for (int i = 0; i < WAITERS; i++)
        join(&waiters[i], 1, "61: as many Sets as threads");
    assert_set(event, 0, "61: no signal is left: one thread a Set");
    event_destroy(event);
}
END_TEST

START_TEST(rule_62_two_sets_at_once)
{
    for (int round = 0; round < 20; round++) {
        struct event *event = create(EVENT_AUTO_RESET, false);
        struct waiter first, second;

        park(&first, event, -1);
        park(&second, event, -1);
        event_set(event);
        event_set(event);
        join(&first, 1, "62: two threads waited, and Set, Set came");
        join(&second, 1, "62: two threads waited, and Set, Set came");
        assert_set(event, 0,
                   "62: two threads waited, Set, Set came, both went, and no "
                   "signal is left: one thread a Set");
        event_destroy(event);
        releases = 0;
    }
}
END_TEST

START_TEST(rule_63_handed_over)
{
    for (int round = 0; round < 20; round++) {
        struct event *event = create(EVENT_AUTO_RESET, false);
        struct waiter w;

        park(&w, event, -1);
        event_set(event);
        assert_set(event, 0,
                   "63: a thread waited, Set came, and the setter "
                   "asks: the signal belongs to the thread");
        join(&w, 1, "63: the thread that waited");
        event_destroy(event);
        releases = 0;
    }
}
END_TEST

START_TEST(rule_65_auto_repeated)
{
    struct event *event = create(EVENT_AUTO_RESET, false);

    event_set(event);
    event_reset(event);
    event_reset(event);
    assert_set(event, 0, "65: Set, Reset, Reset");
    event_destroy(event);
}
END_TEST

START_TEST(rule_66_auto_time)
{
    struct event *event = create(EVENT_AUTO_RESET, false);
    struct waiter first, middle, last;
    long long began = loop_now();

    ASSERT_FAILS(event_wait_one(event, -2) != -1, EINVAL, "66: a time of -2");
    ck_assert_int_eq(event_wait_one(event, 50), 0);
    ck_assert_msg(loop_now() - began >= 50,
                  "66: a wait of 50 ms was over after %lld",
                  loop_now() - began);
    assert_set(event, 0, "66: the time is over, and there is a signal now");
    park(&first, event, -1);
    start(&middle, event, 100, 2, &middle);
    start(&last, event, -1, 3, &middle);
    join(&middle, 0, "66: the time of the second of three threads is over");
    while (event_count_waiting(event) != 2)
        sched_yield();
    event_set(event);
    event_set(event);
    join(&first, 1, "66: the first of the two that still wait");
    join(&last, 1, "66: the other of the two that still wait");
    assert_set(event, 0, "66: nobody was left in the queue");
    event_destroy(event);
}
END_TEST

/* With the lock held. Returns when the one that waits has woken by itself, and
 * sleeps again, for the lock. (Where it did before, nothing more is seen of it
 * when its time is over.) */
static void let_its_time_pass(int milliseconds)
{
    long long over = loop_now() + milliseconds + 1;
    long before, now;

    while ((before = sleeps()) == -1)
        sched_yield();
    do {
        sched_yield();
        now = sleeps();
    } while (now == -1 || (now == before && loop_now() < over));
}

/* W's time is over, and the signal comes before it gets the lock back. False:
 * it was over, and W back, before the lock was here. */
static bool release_late(struct waiter *w, struct event *event,
                         int milliseconds)
{
    bool waits;

    *w = (struct waiter){
        .events = {event}, .count = 1, .milliseconds = milliseconds};
    pthread_create(&w->thread, NULL, wait_in_thread, w);
    pthread_mutex_lock(&event_lock);
    while (!(waits = event->first != NULL) && !w->done) {
        pthread_mutex_unlock(&event_lock);
        sched_yield();
        pthread_mutex_lock(&event_lock);
    }
    if (waits) {
        let_its_time_pass(milliseconds);
        event_offer(event->first);
    }
    pthread_mutex_unlock(&event_lock);
    if (!waits)
        join(w, 0, "66: the time is over, and nobody has set the event");
    return waits;
}

START_TEST(rule_66_auto_time_and_signal)
{
    struct event *event = create(EVENT_AUTO_RESET, false);
    struct waiter w;
    int milliseconds = 20;

    while (!release_late(&w, event, milliseconds))
        milliseconds *= 2;
    join(&w, 1, "66: released, and the time is over");
    assert_set(event, 0, "66: the signal was taken");
    event_destroy(event);
}
END_TEST

START_TEST(rule_66_auto_woken_for_no_reason)
{
    struct event *event = create(EVENT_AUTO_RESET, false);
    struct waiter w;

    park(&w, event, -1);
    ck_assert_msg(event->first != NULL, "61: who waits stands in the queue");
    wake_for_no_reason(event->first->wake, &w);
    event_set(event);
    join(&w, 1, "66: Set, after a wake-up for no reason");
    event_destroy(event);
}
END_TEST

/* =============================== both modes ============================== */

static const enum event_mode modes[] = {EVENT_MANUAL_RESET, EVENT_AUTO_RESET};

static void *destroy_in_thread(void *event)
{
    event_destroy(event);
    return NULL;
}

static void destroy_with_waiters(enum event_mode mode)
{
    struct event *event = create(mode, false);
    struct event *other = create(mode, false);
    struct waiter one, two, any, all;
    pthread_t destroyer;

    park(&one, event, -1);
    park(&two, event, 3600 * 1000);
    park_many(&any, event, other, false);
    park_many(&all, event, other, true);
    pthread_create(&destroyer, NULL, destroy_in_thread, event);
    join(&one, -1, "67: event_destroy() while a thread waits");
    join(&two, -1, "67: event_destroy() while a thread waits");
    join(&any, -1, "67: event_destroy() of one of two events");
    join(&all, -1, "67: event_destroy() of one of two events");
    pthread_join(destroyer, NULL);
    ck_assert_int_eq(one.error, ECANCELED);
    ck_assert_int_eq(two.error, ECANCELED);
    ck_assert_int_eq(any.error, ECANCELED);
    ck_assert_int_eq(all.error, ECANCELED);
    event_destroy(other);
    event_destroy(NULL);
}

START_TEST(rule_67_destroyed_manual)
{
    destroy_with_waiters(EVENT_MANUAL_RESET);
}
END_TEST

START_TEST(rule_67_destroyed_auto)
{
    destroy_with_waiters(EVENT_AUTO_RESET);
}
END_TEST

struct table {
    struct event *ping, *pong;
    int strokes;
};

static void *return_strokes(void *argument)
{
    struct table *table = argument;

    for (int i = 0; i < 10; i++) {
        event_wait_one(table->ping, -1);
        event_reset(table->ping);
        table->strokes++;
        event_set(table->pong);
    }
    return NULL;
}

static void play(enum event_mode mode)
{
    struct table table = {create(mode, false), create(mode, false), 0};
    pthread_t other;

    pthread_create(&other, NULL, return_strokes, &table);
    for (int i = 0; i < 10; i++) {
        event_set(table.ping);
        ck_assert_int_eq(event_wait_one(table.pong, -1), 1);
        event_reset(table.pong);
        ck_assert_msg(table.strokes == i + 1,
                      "69: %d strokes came back, and not %d", table.strokes,
                      i + 1);
    }
    pthread_join(other, NULL);
    event_destroy(table.ping);
    event_destroy(table.pong);
}

START_TEST(rule_69_ping_pong_manual)
{
    play(EVENT_MANUAL_RESET);
}
END_TEST

START_TEST(rule_69_ping_pong_auto)
{
    play(EVENT_AUTO_RESET);
}
END_TEST

/* ============================= several events ============================ */

START_TEST(rule_68_any_is_the_lowest)
{
    for (size_t i = 0; i < 2; i++) {
        struct event *a = create(modes[i], false);
        struct event *b = create(modes[i], true);
        struct event *c = create(modes[i], true);
        struct event *const events[] = {a, b, c};

        ck_assert_int_eq(event_wait_any(events, 3, -1), 1);
        assert_set(c, 1, "68: the signal of another event was not taken");
        assert_set(b, modes[i] == EVENT_MANUAL_RESET, "68: its own was");
        event_reset(b);
        event_reset(c);
        ASSERT_FAILS(event_wait_any(events, 3, 0) != -1, ETIMEDOUT,
                     "68: none is set");
        ASSERT_FAILS(event_wait_any(events, 3, 10) != -1, ETIMEDOUT,
                     "68: none is set");
        event_destroy(a);
        event_destroy(b);
        event_destroy(c);
    }
}
END_TEST

START_TEST(rule_68_any_sleeps)
{
    for (size_t i = 0; i < 2; i++) {
        struct event *a = create(modes[i], false);
        struct event *b = create(modes[i], false);
        struct waiter w;

        park_many(&w, a, b, false);
        event_set(b);
        event_reset(b);
        join(&w, 1, "68: Set of the second of two, and Reset at once");
        park_many(&w, a, b, false);
        event_set(a);
        event_set(b);
        join(&w, 0, "68: both were set: the first Set lets it go");
        assert_set(b, 1, "68: and the other signal is still there");
        event_destroy(a);
        event_destroy(b);
    }
}
END_TEST

START_TEST(rule_68_all_or_nothing)
{
    struct event *a = create(EVENT_AUTO_RESET, false);
    struct event *b = create(EVENT_AUTO_RESET, false);
    struct event *const events[] = {a, b};
    struct waiter w;

    event_set(a);
    ck_assert_int_eq(event_wait_all(events, 2, 0), 0);
    ck_assert_int_eq(event_wait_all(events, 2, 10), 0);
    assert_set(a, 1, "68: a wait for all that was not over has taken nothing");
    park_many(&w, a, b, true);
    event_set(a);
    assert_set(a, 1, "68: somebody else may take what it has not");
    event_set(b);
    ck_assert_int_eq(event_count_waiting(a), 1);
    event_set(a);
    join(&w, 1, "68: both are set");
    assert_set(a, 0, "68: it took both");
    assert_set(b, 0, "68: it took both");
    event_set(a);
    event_set(b);
    ck_assert_int_eq(event_wait_all(events, 2, -1), 1);
    assert_set(a, 0, "68: it took both");
    event_destroy(a);
    event_destroy(b);
}
END_TEST

/* Whoever waits for several has a place like all others. */
START_TEST(rule_61_68_the_queue_is_one)
{
    struct event *a = create(EVENT_AUTO_RESET, false);
    struct event *b = create(EVENT_AUTO_RESET, false);
    struct waiter all, any, one;

    park_many(&all, a, b, true);
    park_many(&any, a, b, false);
    park(&one, a, -1);
    event_set(a);
    join(&any, 0, "61: the first that has a use for it");
    event_set(a);
    join(&one, 1, "61: the next that has a use for it");
    event_set(b);
    event_set(a);
    join(&all, 1, "61: both at last");
    event_destroy(a);
    event_destroy(b);
}
END_TEST

START_TEST(rule_68_makes_no_sense)
{
    struct event *a = create(EVENT_AUTO_RESET, true);
    struct event *many[EVENT_WAIT_MAX + 1];

    for (size_t i = 0; i < EVENT_WAIT_MAX + 1; i++)
        many[i] = a;
    ASSERT_FAILS(event_wait_any(many, 0, 0) != -1, EINVAL, "68: no events");
    ASSERT_FAILS(event_wait_any(NULL, 1, 0) != -1, EINVAL, "68: no events");
    ASSERT_FAILS(event_wait_any(many, EVENT_WAIT_MAX + 1, 0) != -1, EINVAL,
                 "68: more than EVENT_WAIT_MAX");
    ASSERT_FAILS(event_wait_any(many, 1, -2) != -1, EINVAL, "66: -2");
    ASSERT_FAILS(event_wait_all(many, 2, 0) != -1, EINVAL, "68: one twice");
    many[1] = NULL;
    ASSERT_FAILS(event_wait_all(many, 2, 0) != -1, EINVAL, "68: one is NULL");
    assert_set(a, 1, "68: what makes no sense takes nothing");
    event_destroy(a);
}
END_TEST

/* Signals are neither lost nor doubled, whoever waits for what, and whosever
 * time is over just then. */
struct crowd {
    struct event *events[4]; /* the last one means: go home */
    atomic_int got;
};

static void *take_signals(void *argument)
{
    struct crowd *crowd = argument;

    for (unsigned i = 0;; i++) {
        int which = event_wait_any(crowd->events, 4, i % 3 == 0 ? 0 : -1);

        if (which == 3)
            return NULL;
        crowd->got += which != -1 ? 1 : 0;
        crowd->got += event_wait_one(crowd->events[i % 3], 1);
    }
}

START_TEST(rule_61_62_68_in_a_crowd)
{
    enum { ROUNDS = 500, THREADS = 4 };
    struct crowd crowd = {.got = 0};
    pthread_t threads[THREADS];

    for (int i = 0; i < 4; i++)
        crowd.events[i] =
            create(i < 3 ? EVENT_AUTO_RESET : EVENT_MANUAL_RESET, false);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, take_signals, &crowd);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < 3; i++)
            event_set(crowd.events[i]);
        while (crowd.got < 3 * round)
            sched_yield();
    }
    event_set(crowd.events[3]);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(crowd.got, 3 * ROUNDS);
    for (int i = 0; i < 4; i++)
        event_destroy(crowd.events[i]);
}
END_TEST

/* ========================== a loop with its own thread =================== */

static struct loop *loop;
static struct async_socket *ours; /* a connection ... */
static int theirs;                /* ... and its other end, a plain socket */

/* A connection without an accept: for tests that need thousands. */
static struct async_socket *connect_pair(int *other)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET};
    struct async_socket *socket, *maker = async_socket_create(loop, AF_INET);
    int pair[2];

    ck_assert_msg(maker != NULL, "async_socket_create: %s", strerror(errno));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    socket = async_socket_adopt(maker->home, pair[0],
                                (struct sockaddr *)&nobody, sizeof nobody);
    ck_assert_ptr_nonnull(socket);
    async_close(maker);
    *other = pair[1];
    return socket;
}

static void set_up(void)
{
    loop = loop_create();
    ck_assert_ptr_nonnull(loop);
    ck_assert_int_eq(loop_start(loop), 0);
    ours = connect_pair(&theirs);
}

static void tear_down(void)
{
    loop_destroy(loop);
    if (theirs != -1)
        close(theirs);
}

static char buffer[64];

static struct async_result *begin_receive(async_callback *callback, void *state)
{
    struct async_result *ar =
        async_begin_receive(ours, buffer, sizeof buffer, callback, state);

    ck_assert_msg(ar != NULL, "async_begin_receive: %s", strerror(errno));
    return ar;
}

static struct event *handle_of(struct async_result *ar)
{
    struct event *handle = async_wait_handle(ar);

    ck_assert_msg(handle != NULL, "async_wait_handle: %s", strerror(errno));
    return handle;
}

static void send_plain(const char *text)
{
    ck_assert_int_eq(write(theirs, text, strlen(text)), (ssize_t)strlen(text));
}

/* ---- the thread ---- */

START_TEST(the_thread_starts_and_ends)
{
    ASSERT_FAILS(loop_start(loop) == 0, EALREADY, "loop_start() twice");
    assert_set(loop_ended(loop), 0, "the thread runs");
    loop_stop(loop);
    ck_assert_int_eq(event_wait_one(loop_ended(loop), -1), 1);
    ck_assert_int_eq(loop_join(loop), 0);
    ASSERT_FAILS(loop_join(loop) == 0, EINVAL, "loop_join() twice");
    ck_assert_int_eq(loop_start(loop), 0);
    assert_set(loop_ended(loop), 0, "the thread runs again");
}
END_TEST

/* Nobody brings it to its end any more. */
START_TEST(rule_21_the_thread_has_left)
{
    struct async_result *ar = begin_receive(NULL, NULL);

    loop_stop(loop);
    ck_assert_int_eq(event_wait_one(loop_ended(loop), -1), 1);
    ASSERT_FAILS(async_end_receive(ours, ar) != -1, EDEADLK,
                 "21: End, and the loop does not run any more");
    async_close(ours);
    loop_destroy(loop);
    loop = NULL;
}
END_TEST

START_TEST(a_loop_that_was_not_started)
{
    struct loop *other = loop_create();

    ASSERT_FAILS(loop_ended(other) != NULL, EINVAL, "loop_ended()");
    ASSERT_FAILS(loop_join(other) == 0, EINVAL, "loop_join()");
    loop_destroy(other);
}
END_TEST

static void join_own_loop(struct async_result *ar)
{
    int *error = async_state(ar);

    *error = loop_join(loop) == -1 ? errno : 0;
}

START_TEST(a_thread_cannot_join_itself)
{
    int error = 0;
    struct async_result *ar = begin_receive(join_own_loop, &error);

    send_plain("x");
    ck_assert_int_eq(async_end_receive(ours, ar), 1);
    loop_stop(loop);
    ck_assert_int_eq(loop_join(loop), 0);
    ck_assert_int_eq(error, EDEADLK);
}
END_TEST

static sigset_t mask_there;

static void note_mask(struct async_result *ar)
{
    pthread_sigmask(SIG_SETMASK, NULL, &mask_there);
    event_set(async_state(ar));
}

/* A handler that ran there would interrupt a callback. */
START_TEST(signals_are_for_the_main_thread)
{
    struct event *done = create(EVENT_MANUAL_RESET, false);

    begin_receive(note_mask, done);
    send_plain("x");
    ck_assert_int_eq(event_wait_one(done, -1), 1);
    ck_assert_int_eq(sigismember(&mask_there, SIGTERM), 1);
    event_destroy(done);
}
END_TEST

/* ---- results and their wait handles ---- */

/* A callback that stays until it is let go. */
struct stay {
    struct event *inside, *go;
    atomic_bool gone;
};

static void stay_inside(struct async_result *ar)
{
    struct stay *stay = async_state(ar);

    event_set(stay->inside);
    event_wait_one(stay->go, -1);
    stay->gone = true;
}

static void create_stay(struct stay *stay)
{
    stay->inside = create(EVENT_MANUAL_RESET, false);
    stay->go = create(EVENT_MANUAL_RESET, false);
    stay->gone = false;
}

/* Lets the callback go, and waits until it has. */
static void let_go(struct stay *stay)
{
    event_set(stay->go);
    while (!stay->gone)
        sched_yield();
    event_destroy(stay->inside);
    event_destroy(stay->go);
}

START_TEST(rule_6_before_the_callback_is_over)
{
    struct stay stay;
    struct async_result *ar;

    create_stay(&stay);
    ar = begin_receive(stay_inside, &stay);
    send_plain("x");
    ck_assert_int_eq(event_wait_one(handle_of(ar), -1), 1);
    ck_assert_int_eq(async_end_receive(ours, ar), 1);
    ck_assert_msg(!stay.gone,
                  "6: WaitOne and End have waited for the callback");
    let_go(&stay);
}
END_TEST

START_TEST(rule_7_the_wait_handle)
{
    struct async_result *ar = begin_receive(NULL, NULL);
    struct event *handle = handle_of(ar);

    ck_assert_ptr_eq(async_wait_handle(ar), handle);
    assert_set(handle, 0, "7: the operation is pending");
    send_plain("x");
    ck_assert_int_eq(event_wait_one(handle, -1), 1);
    assert_set(handle, 1, "7: manual reset: it stays set");
    ck_assert(async_is_completed(ar));
    ck_assert_int_eq(async_end_receive(ours, ar), 1);
    ASSERT_FAILS(async_wait_handle(NULL) != NULL, EINVAL, "7: no result");

    ar = begin_receive(NULL, NULL);
    send_plain("y");
    while (!async_is_completed(ar))
        sched_yield();
    assert_set(handle_of(ar), 1, "7: asked for after completion");
    ck_assert_int_eq(async_end_receive(ours, ar), 1);
}
END_TEST

/* Each operation has a handle of its own: whether that of the last one was set
 * must not matter. */
START_TEST(rule_7_in_its_next_life)
{
    for (int i = 0; i < 1000; i++) {
        struct async_result *ar = begin_receive(NULL, NULL);
        struct event *handle = i % 3 != 0 ? handle_of(ar) : NULL;

        if (handle != NULL)
            assert_set(handle, 0, "7: a new operation is pending");
        send_plain("x");
        if (handle != NULL)
            ck_assert_int_eq(event_wait_one(handle, -1), 1);
        ck_assert_int_eq(async_end_receive(ours, ar), 1);
    }
}
END_TEST

struct refusals {
    struct async_result *pending;
    int wait_one, wait_any, wait_all, poll, end;
    struct event *done;
};

static void wait_on_the_loop(struct async_result *ar)
{
    struct refusals *r = async_state(ar);
    struct event *const one[] = {async_wait_handle(r->pending)};

    r->wait_one = event_wait_one(one[0], -1) == -1 ? errno : 0;
    r->wait_any = event_wait_any(one, 1, 1000) == -1 ? errno : 0;
    r->wait_all = event_wait_all(one, 1, -1) == -1 ? errno : 0;
    r->poll = event_wait_one(one[0], 0);
    r->end = async_end_receive(ours, r->pending) == -1 ? errno : 0;
    event_set(r->done);
}

/* That thread is the one that would have to complete it. */
START_TEST(rule_21_no_wait_on_the_own_loop)
{
    struct refusals r = {.done = create(EVENT_MANUAL_RESET, false)};
    struct async_result *first = begin_receive(wait_on_the_loop, &r);

    r.pending = begin_receive(NULL, NULL);
    send_plain("x");
    ck_assert_int_eq(event_wait_one(r.done, -1), 1);
    ck_assert_int_eq(r.wait_one, EDEADLK);
    ck_assert_int_eq(r.wait_any, EDEADLK);
    ck_assert_int_eq(r.wait_all, EDEADLK);
    ck_assert_int_eq(r.poll, 0);
    ck_assert_int_eq(r.end, EDEADLK);
    ck_assert_int_eq(async_end_receive(ours, first), 1);
    event_destroy(r.done);
}
END_TEST

/* Callbacks run one at a time: one that waits holds up all the others. */
START_TEST(rule_14_a_callback_that_waits)
{
    struct stay stay;
    struct async_result *first, *second;
    int other;
    struct async_socket *another = connect_pair(&other);
    char there[8];

    create_stay(&stay);
    first = begin_receive(stay_inside, &stay);
    send_plain("x");
    ck_assert_int_eq(event_wait_one(stay.inside, -1), 1);
    ck_assert_int_eq(write(other, "y", 1), 1);
    second = async_begin_receive(another, there, sizeof there, NULL, NULL);
    ck_assert_ptr_nonnull(second);
    ck_assert_int_eq(event_wait_one(handle_of(second), 50), 0);
    let_go(&stay);
    ck_assert_int_eq(event_wait_one(handle_of(second), -1), 1);
    ck_assert_int_eq(async_end_receive(another, second), 1);
    ck_assert_int_eq(async_end_receive(ours, first), 1);
    async_close(another);
    close(other);
}
END_TEST

/* ---- End and Close on other threads ---- */

struct ender {
    pthread_t thread;
    struct async_socket *socket;
    struct async_result *ar;
    ssize_t count;
    int error;
};

static void *end_in_thread(void *argument)
{
    struct ender *e = argument;

    e->count = async_end_receive(e->socket, e->ar);
    e->error = e->count == -1 ? errno : 0;
    return NULL;
}

static int count_in_end(const struct async_result *ar)
{
    int users;

    loop_enter(loop);
    users = ar->users;
    loop_leave(loop);
    return users;
}

/* Starts a thread that ends AR, and returns when it waits there, the COUNTth.
 */
static void park_in_end(struct ender *e, struct async_result *ar, int count)
{
    *e = (struct ender){.socket = ours, .ar = ar};
    pthread_create(&e->thread, NULL, end_in_thread, e);
    while (count_in_end(ar) < count)
        sched_yield();
}

START_TEST(rule_15_end_waits)
{
    struct ender e;

    park_in_end(&e, begin_receive(NULL, NULL), 1);
    send_plain("four");
    pthread_join(e.thread, NULL);
    ck_assert_int_eq(e.count, 4);
}
END_TEST

START_TEST(rule_20_two_threads_in_end)
{
    struct async_result *ar = begin_receive(NULL, NULL);
    struct ender one, two;

    park_in_end(&one, ar, 1);
    park_in_end(&two, ar, 2);
    send_plain("four");
    pthread_join(one.thread, NULL);
    pthread_join(two.thread, NULL);
    ck_assert_msg((one.count == 4) + (two.count == 4) == 1,
                  "20: %zd and %zd: exactly one gets it", one.count, two.count);
    ck_assert_int_eq(one.error + two.error, EALREADY);
}
END_TEST

START_TEST(rule_26_close_releases)
{
    struct async_result *ar = begin_receive(NULL, NULL);
    struct async_result *other = begin_receive(NULL, NULL);
    struct ender e;
    struct waiter w;

    park_in_end(&e, ar, 1);
    park(&w, handle_of(other), -1);
    async_close(ours);
    pthread_join(e.thread, NULL);
    ck_assert_int_eq(e.error, ECANCELED);
    join(&w, 1, "26: Close completes what is pending");
    ck_assert_int_eq(async_end_receive(ours, other), -1);
    ck_assert_int_eq(errno, ECANCELED);
}
END_TEST

START_TEST(rule_26_the_end_of_the_loop_releases)
{
    struct waiter w;

    park(&w, handle_of(begin_receive(NULL, NULL)), -1);
    loop_destroy(loop);
    pthread_join(w.thread, NULL);
    ck_assert(w.result == 1 || w.error == ECANCELED);
    loop = NULL;
}
END_TEST

/* Who waits in an End is still inside when everything is taken apart. */
START_TEST(rule_26_the_end_of_the_loop_releases_an_end)
{
    struct ender e;

    park_in_end(&e, begin_receive(NULL, NULL), 1);
    loop_destroy(loop);
    loop = NULL;
    pthread_join(e.thread, NULL);
    ck_assert_int_eq(e.count, -1);
    ck_assert_int_eq(e.error, ECANCELED);
}
END_TEST

/* The loop's thread does not even look, and the address is free. */
START_TEST(rule_30_a_listener_closed_elsewhere)
{
    struct sockaddr_in address;
    struct async_socket *listener = listen_somewhere(loop, &address, 5);
    struct async_result *accept = async_begin_accept(listener, NULL, NULL);
    struct stay stay;
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    create_stay(&stay);
    begin_receive(stay_inside, &stay);
    send_plain("x");
    ck_assert_int_eq(event_wait_one(stay.inside, -1), 1);
    async_close(listener);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ck_assert_msg(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                      listen(fd, 5) == 0,
                  "30: the address of a listener that was closed: %s",
                  strerror(errno));
    let_go(&stay);
    ck_assert_ptr_null(async_end_accept(listener, accept));
    ck_assert_int_eq(errno, ECANCELED);
    close(fd);
}
END_TEST

/* ---- lesson 6's parts on other threads ---- */

static struct tcp_listener *start_listener(struct sockaddr_in *address)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t length = sizeof *address;
    struct tcp_listener *listener;

    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = tcp_listener_create(loop, (struct sockaddr *)&any, sizeof any);
    ck_assert_int_eq(tcp_listener_start(listener, 5), 0);
    tcp_listener_local_address(listener, (struct sockaddr *)address, &length);
    return listener;
}

START_TEST(rule_53_on_another_thread)
{
    struct sockaddr_in address;
    struct tcp_listener *listener = start_listener(&address);
    struct async_result *ar = tcp_listener_begin_accept(listener, NULL, NULL);
    struct tcp_client *client;
    int fd;

    for (int i = 0; i < 50; i++) {
        tcp_listener_stop(listener);
        ck_assert_msg(tcp_listener_start(listener, 5) == 0,
                      "53: while the loop runs: %s", strerror(errno));
    }
    ASSERT_FAILS(tcp_listener_end_accept(listener, ar) != NULL, ECANCELED,
                 "52: End after Stop");
    fd = plain_connect(&address);
    ar = tcp_listener_begin_accept(listener, NULL, NULL);
    client = tcp_listener_end_accept(listener, ar);
    ck_assert_msg(client != NULL, "53: End has waited: %s", strerror(errno));
    tcp_client_destroy(client);
    tcp_listener_destroy(listener);
    close(fd);
}
END_TEST

static void close_client(struct async_result *ar)
{
    tcp_client_close(async_state(ar));
}

/* This thread waits in End; the loop's must be free to read, and to close. */
START_TEST(a_stream_is_read_on_another_thread)
{
    struct sockaddr_in address;
    struct tcp_listener *listener = start_listener(&address);
    int fd = plain_connect(&address);
    struct async_result *ar = tcp_listener_begin_accept(listener, NULL, NULL);
    struct tcp_client *client = tcp_listener_end_accept(listener, ar);
    struct network_stream *stream;
    char byte = 0;

    ck_assert_ptr_nonnull(client);
    stream = tcp_client_get_stream(client);
    ar = network_stream_begin_read(stream, &byte, 1, NULL, NULL);
    ck_assert_int_eq(send(fd, "x", 1, 0), 1);
    ck_assert_int_eq(network_stream_end_read(stream, ar), 1);
    ck_assert_int_eq(byte, 'x');
    ar = network_stream_begin_read(stream, &byte, 1, NULL, NULL);
    begin_receive(close_client, client);
    send_plain("close it");
    ASSERT_FAILS(network_stream_end_read(stream, ar) != -1, ECANCELED,
                 "24: End of what another thread has closed");
    tcp_client_destroy(client);
    tcp_listener_destroy(listener);
    close(fd);
}
END_TEST

/* ---- what the loop's thread and another one do at once ---- */

static void do_nothing_later(struct loop *l, void *state)
{
    (void)l;
    (void)state;
}

static void set_timers(struct async_result *ar)
{
    for (int i = 0; i < 1000; i++)
        loop_cancel(loop, loop_call_later(loop, 1000, do_nothing_later, NULL));
    event_set(async_state(ar));
}

/* The first timer hangs something into the loop. */
START_TEST(timers_beside_new_sockets)
{
    struct event *done = create(EVENT_MANUAL_RESET, false);

    begin_receive(set_timers, done);
    send_plain("x");
    while (event_wait_one(done, 0) == 0)
        async_close(async_socket_create(loop, AF_INET));
    event_destroy(done);
}
END_TEST

static void ignore(struct loop *l, int fd, unsigned events, void *state)
{
    (void)l;
    (void)fd;
    (void)events;
    (void)state;
}

static void watch_often(struct async_result *ar)
{
    int fd = dup(theirs);

    for (int i = 0; i < 1000; i++) {
        loop_watch(loop, fd, 0, ignore, NULL);
        loop_unwatch(loop, fd);
    }
    close(fd);
    event_set(async_state(ar));
}

/* An accept that lacks a descriptor is the loop's thread's affair. */
START_TEST(a_lack_of_descriptors_beside_watches)
{
    struct event *done = create(EVENT_MANUAL_RESET, false);
    struct sockaddr_in address;
    struct async_socket *listener = listen_somewhere(loop, &address, 5);
    int client = plain_connect(&address), lowest = dup(theirs);
    struct rlimit limit, small;
    struct async_result *ar;

    close(lowest);
    begin_receive(watch_often, done);
    getrlimit(RLIMIT_NOFILE, &limit);
    small = limit;
    small.rlim_cur = (rlim_t)lowest + 1; /* for the callback */
    setrlimit(RLIMIT_NOFILE, &small);
    send_plain("x");
    ar = async_begin_accept(listener, NULL, NULL);
    ck_assert_ptr_nonnull(ar);
    ck_assert_int_eq(event_wait_one(done, -1), 1);
    setrlimit(RLIMIT_NOFILE, &limit);
    async_close(async_end_accept(listener, ar));
    close(client);
    event_destroy(done);
}
END_TEST

/* ---- races ---- */

/* Three threads that start together: one closes, one begins and ends, and the
 * loop completes. */
struct race {
    pthread_barrier_t start, finish;
    struct async_socket *socket;
    struct async_result *ar;
    atomic_int callbacks;
    bool is_over; /* instead of the next round */
};

/* Each race is run 10,000 times, or for 15 s: where the machine is busy, each
 * round waits for its turn again and again, and meets other orders by that. */
struct rounds {
    int count;
    long long over;
};

static struct rounds begin_rounds(void)
{
    return (struct rounds){.over = loop_now() + 15000};
}

static bool goes_on(struct rounds *rounds)
{
    return rounds->count++ < 10000 && loop_now() < rounds->over;
}

static void count_callback(struct async_result *ar)
{
    struct race *race = async_state(ar);

    race->callbacks++;
}

static void *close_in_each_round(void *argument)
{
    struct race *race = argument;

    for (pthread_barrier_wait(&race->start); !race->is_over;
         pthread_barrier_wait(&race->start)) {
        async_close(race->socket);
        pthread_barrier_wait(&race->finish);
    }
    return NULL;
}

START_TEST(rule_4_29_close_completion_and_end)
{
    struct race race = {.callbacks = 0};
    struct rounds rounds = begin_rounds();
    pthread_t closer;
    int begun = 0;

    pthread_barrier_init(&race.start, NULL, 2);
    pthread_barrier_init(&race.finish, NULL, 2);
    pthread_create(&closer, NULL, close_in_each_round, &race);
    while (goes_on(&rounds)) {
        struct async_result *second;
        char there[8];
        int other;
        ssize_t count;

        race.socket = connect_pair(&other);
        race.ar = async_begin_receive(race.socket, there, sizeof there,
                                      count_callback, &race);
        ck_assert_ptr_nonnull(race.ar);
        begun++;
        pthread_barrier_wait(&race.start);
        ck_assert(send(other, "x", 1, MSG_NOSIGNAL) == 1 || errno == EPIPE);
        /* The first result, which is not ended, keeps the socket. */
        second = async_begin_receive(race.socket, there, sizeof there,
                                     count_callback, &race);
        ck_assert_msg(second != NULL || errno == EBADF,
                      "29: Begin on a socket that is being closed: %s",
                      strerror(errno));
        count = async_end_receive(race.socket, race.ar);
        ck_assert_msg(count == 1 || (count == -1 &&
                                     (errno == ECANCELED || errno == EBADF)),
                      "29: End gave %zd, %s", count, strerror(errno));
        if (second != NULL) {
            begun++;
            ck_assert_int_eq(async_end_receive(race.socket, second), -1);
            ck_assert_int_eq(errno, ECANCELED);
        }
        pthread_barrier_wait(&race.finish);
        close(other);
    }
    race.is_over = true;
    pthread_barrier_wait(&race.start);
    pthread_join(closer, NULL);
    loop_stop(loop);
    loop_join(loop);
    ck_assert_int_eq(race.callbacks, begun);
    pthread_barrier_destroy(&race.start);
    pthread_barrier_destroy(&race.finish);
}
END_TEST

/* One thread asks for the address of a socket, and another closes it and makes
 * one that gets the same descriptor. */
struct asker {
    pthread_barrier_t start, finish;
    struct async_socket *socket;
    in_port_t port;
    bool is_over;
};

static void *ask_in_each_round(void *argument)
{
    struct asker *asker = argument;

    for (pthread_barrier_wait(&asker->start); !asker->is_over;
         pthread_barrier_wait(&asker->start)) {
        struct sockaddr_in address;
        socklen_t length = sizeof address;
        int result;

        result = async_local_address(asker->socket, (struct sockaddr *)&address,
                                     &length);
        ck_assert_msg(result == 0 || errno == EBADF, "the address: %s",
                      strerror(errno));
        ck_assert_msg(result == -1 || address.sin_port == asker->port,
                      "the address of another socket");
        pthread_barrier_wait(&asker->finish);
    }
    return NULL;
}

START_TEST(rule_29_close_and_the_address)
{
    struct asker asker = {.is_over = false};
    struct rounds rounds = begin_rounds();
    pthread_t thread;

    pthread_barrier_init(&asker.start, NULL, 2);
    pthread_barrier_init(&asker.finish, NULL, 2);
    pthread_create(&thread, NULL, ask_in_each_round, &asker);
    while (goes_on(&rounds)) {
        struct sockaddr_in address, other_address;
        struct async_result *ar;
        struct async_socket *other;

        asker.socket = listen_somewhere(loop, &address, 1);
        asker.port = address.sin_port;
        ar = async_begin_accept(asker.socket, NULL, NULL); /* keeps it */
        pthread_barrier_wait(&asker.start);
        async_close(asker.socket);
        other = listen_somewhere(loop, &other_address, 1);
        pthread_barrier_wait(&asker.finish);
        ck_assert_ptr_null(async_end_accept(asker.socket, ar));
        async_close(other);
    }
    asker.is_over = true;
    pthread_barrier_wait(&asker.start);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&asker.start);
    pthread_barrier_destroy(&asker.finish);
}
END_TEST

/* A loop for each round: its end meets an End that waits, an operation that
 * completes, and a Close. */
START_TEST(rule_26_29_the_end_of_the_loop_in_a_race)
{
    struct rounds rounds = begin_rounds();

    loop_destroy(loop);
    close(theirs);
    while (goes_on(&rounds)) {
        struct ender e = {.count = 0};

        loop = loop_create();
        ck_assert_int_eq(loop_start(loop), 0);
        ours = connect_pair(&theirs);
        e.socket = ours;
        e.ar = begin_receive(NULL, NULL);
        pthread_create(&e.thread, NULL, end_in_thread, &e);
        while (count_in_end(e.ar) == 0) /* as loop_destroy() asks for */
            sched_yield();
        send_plain("x");
        if (rounds.count % 2 == 0)
            async_close(ours);
        loop_destroy(loop);
        pthread_join(e.thread, NULL);
        ck_assert_msg(e.count == 1 || e.error == ECANCELED || e.error == EBADF,
                      "29: End gave %zd, %s", e.count, strerror(e.error));
        close(theirs);
    }
    loop = NULL;
    theirs = -1;
}
END_TEST

int main(int argc, char *argv[])
{
    const TTest *const events[] = {
        rule_59_manual_at_creation,
        rule_64_everyone_is_released,
        rule_64_set_then_reset,
        rule_65_manual_repeated,
        rule_66_manual_time,
        rule_66_manual_woken_for_no_reason,
        rule_59_auto_at_creation,
        rule_60_auto_takes_the_signal,
        rule_61_the_one_that_waited_longest,
        rule_62_two_sets_at_once,
        rule_63_handed_over,
        rule_65_auto_repeated,
        rule_66_auto_time,
        rule_66_auto_time_and_signal,
        rule_66_auto_woken_for_no_reason,
        rule_67_destroyed_manual,
        rule_67_destroyed_auto,
        rule_69_ping_pong_manual,
        rule_69_ping_pong_auto,
        rule_68_any_is_the_lowest,
        rule_68_any_sleeps,
        rule_68_all_or_nothing,
        rule_61_68_the_queue_is_one,
        rule_68_makes_no_sense,
        rule_61_62_68_in_a_crowd,
        NULL,
    };
    const TTest *const operations[] = {
        the_thread_starts_and_ends,
        rule_21_the_thread_has_left,
        a_loop_that_was_not_started,
        a_thread_cannot_join_itself,
        signals_are_for_the_main_thread,
        rule_6_before_the_callback_is_over,
        rule_7_the_wait_handle,
        rule_7_in_its_next_life,
        rule_21_no_wait_on_the_own_loop,
        rule_14_a_callback_that_waits,
        rule_15_end_waits,
        rule_20_two_threads_in_end,
        rule_26_close_releases,
        rule_26_the_end_of_the_loop_releases,
        rule_26_the_end_of_the_loop_releases_an_end,
        rule_30_a_listener_closed_elsewhere,
        timers_beside_new_sockets,
        a_lack_of_descriptors_beside_watches,
        rule_53_on_another_thread,
        a_stream_is_read_on_another_thread,
        rule_4_29_close_completion_and_end,
        rule_29_close_and_the_address,
        rule_26_29_the_end_of_the_loop_in_a_race,
        NULL,
    };
    const struct suite others = {"the loop's own thread", operations, set_up,
                                 tear_down, NULL};
    const struct suite suite = {"events", events, NULL, NULL, &others};

    return suite_run(&suite, argc, argv);
}
