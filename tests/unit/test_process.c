/* Facts about processes and sockets, and the quiet rule. The processes are
 * real: each test starts one that is known to be in some state. */
#include "../../harness/wire/calls.h"
#include "../../harness/wire/peer.h"
#include "../../harness/wire/process.h"
#include "../../harness/wire/program.h"
#include "../../harness/wire/quiet.h"
#include "../../harness/wire/sockdiag.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct quiet_look look;

/* Starts a child that says "ready" and then does the work. */
static pid_t start(void (*work)(int fd), int *fd)
{
    int to_child[2], ready[2];
    char byte;
    ck_assert_int_eq(pipe2(to_child, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(to_child[1]);
        signal(SIGALRM,
               SIG_DFL); /* libcheck has a use for it, the child none */
        if (write(ready[1], "r", 1) == 1)
            work(to_child[0]);
        _exit(0);
    }
    close(to_child[0]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *fd = to_child[1];
    return pid;
}

static void end(pid_t pid, int fd)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(fd);
}

/* The child needs a moment to get into its wait; the test framework's own
 * time limit ends a look that never comes true. */
static void wait_for(enum quiet wanted)
{
    while (quiet_look(getpid(), NULL, 0, &look) != wanted)
        ;
}

static void work_read(int fd)
{
    char byte;
    while (read(fd, &byte, 1) == 1)
        ;
}

static void work_poll_for_ever(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    poll(&p, 1, -1);
}

static void work_poll_timed(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    poll(&p, 1, 1000000);
}

static void work_pause(int fd)
{
    (void)fd;
    pause();
}

static void work_spin(int fd)
{
    (void)fd;
    for (volatile unsigned long i = 0;; i++)
        ;
}

START_TEST(a_wait_without_a_time_out_is_quiet)
{
    static void (*const works[])(int) = {work_read, work_poll_for_ever,
                                         work_pause};
    static const char *const names[] = {"read", "poll", "pause"};
    int fd;
    pid_t pid = start(works[_i], &fd);
    wait_for(QUIET_FOREVER);
    ck_assert_int_eq(look.count, 1);
    ck_assert_int_eq(look.threads[0].pid, pid);
    ck_assert_str_eq(call_name(look.threads[0].call), names[_i]);
    end(pid, fd);
}
END_TEST

START_TEST(a_wait_with_a_time_out_is_quiet_for_now)
{
    int fd;
    pid_t pid = start(work_poll_timed, &fd);
    wait_for(QUIET_TIMED);
    end(pid, fd);
}
END_TEST

START_TEST(a_spinning_program_is_never_quiet)
{
    int fd;
    pid_t pid = start(work_spin, &fd);
    for (int i = 0; i < 2000; i++)
        ck_assert_int_eq(quiet_look(getpid(), NULL, 0, &look), QUIET_NO);
    end(pid, fd);
}
END_TEST

/* Two threads that wake each other for ever: at every moment one of them is
 * blocked, and mostly both look so. */
static int ping[2], pong[2];

static void *ping_thread(void *unused)
{
    char byte = 'x';
    while (write(ping[1], &byte, 1) == 1 && read(pong[0], &byte, 1) == 1)
        ;
    return unused;
}

static void work_ping_pong(int fd)
{
    char byte;
    pthread_t thread;
    (void)fd;
    if (pipe(ping) || pipe(pong) ||
        pthread_create(&thread, NULL, ping_thread, NULL))
        return;
    while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1)
        ;
}

/* The same between two processes. */
static void work_ping_pong_processes(int fd)
{
    char byte = 'x';
    (void)fd;
    if (pipe(ping) || pipe(pong))
        return;
    if (fork() == 0)
        ping_thread(NULL);
    while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1)
        ;
}

static void never_quiet(void (*work)(int fd))
{
    int fd, false_quiet = 0;
    pid_t pid = start(work, &fd);
    /* Before the game has begun, the first player may wait alone. */
    do
        quiet_look(getpid(), NULL, 0, &look);
    while (look.count < 2);
    unsigned long long before = look.threads[0].switches;
    while (look.threads[0].switches < before + 10)
        quiet_look(getpid(), NULL, 0, &look);

    for (int i = 0; i < 10000; i++)
        false_quiet += quiet_look(getpid(), NULL, 0, &look) != QUIET_NO;
    ck_assert_int_eq(false_quiet, 0);
    programs_end_all();
    close(fd);
    (void)pid;
}

START_TEST(two_threads_at_play_are_never_quiet)
{
    program_become_subreaper();
    never_quiet(work_ping_pong);
}
END_TEST

START_TEST(two_processes_at_play_are_never_quiet)
{
    program_become_subreaper();
    never_quiet(work_ping_pong_processes);
}
END_TEST

/* A daemon: its parent is gone, and it is in another session. */
static void work_daemon(int fd)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            work_pause(fd);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    work_pause(fd);
}

START_TEST(a_daemon_stays_below_wire_and_ends)
{
    int fd;
    pid_t pids[PROCESSES_MAX];
    program_become_subreaper();
    pid_t pid = start(work_daemon, &fd);
    while (process_tree(getpid(), pids) != 2 ||
           quiet_look(getpid(), NULL, 0, &look) != QUIET_FOREVER)
        ;
    pid_t daemon = pids[0] == pid ? pids[1] : pids[0];
    programs_end_all();
    ck_assert_int_eq(process_tree(getpid(), pids), 0);
    ck_assert_int_eq(kill(daemon, 0), -1);
    close(fd);
}
END_TEST

START_TEST(descriptors_are_listed)
{
    int fd;
    struct descriptor *list;
    pid_t pid = start(work_read, &fd);
    wait_for(QUIET_FOREVER);
    int count = process_descriptors(pid, &list);
    bool found = false;
    int waits_on = call_descriptor(&look.threads[0]);
    for (int i = 0; i < count; i++)
        if (list[i].fd == waits_on)
            found = strncmp(list[i].target, "pipe:", 5) == 0;
    ck_assert(found);
    free(list);
    ck_assert_uint_gt(process_rss(pid), 0);
    ck_assert_int_eq(process_thread_count(pid), 1);
    end(pid, fd);
}
END_TEST

/* A program may end its first thread and live on in another: the number of the
 * process is that of a zombie then, but the process is not gone. */
static void *read_in_a_thread(void *fd)
{
    work_read(*(int *)fd);
    return NULL;
}

static void work_without_first_thread(int fd)
{
    static int its_fd;
    pthread_t thread;
    its_fd = fd;
    if (pthread_create(&thread, NULL, read_in_a_thread, &its_fd) == 0)
        pthread_exit(NULL);
}

START_TEST(a_process_outlives_its_first_thread)
{
    int fd, count;
    pid_t pids[PROCESSES_MAX];
    struct descriptor *list;
    pid_t pid = start(work_without_first_thread, &fd);
    do {
        wait_for(QUIET_FOREVER);
        count = process_tree(getpid(), pids);
        ck_assert_int_eq(count, 1);
        ck_assert_int_eq(pids[0], pid);
        ck_assert_int_eq(process_state(pid), 'S');
    } while (look.count != 1 || look.threads[0].tid == pid);
    count = process_descriptors(pid, &list);
    ck_assert_int_gt(count, 0);
    free(list);
    ck_assert_uint_gt(process_rss(pid), 0);
    end(pid, fd);
    ck_assert_int_eq(process_tree(getpid(), pids), 0);
}
END_TEST

/* A server of our own, looked at from outside: both ways of looking must
 * agree on what they share. */
START_TEST(sockets_are_found)
{
    struct journal j;
    struct peer listener, client;
    struct socket_facts facts;
    bool by_proc = _i == 1;

    journal_begin(&j);
    peer_init(&listener, "F");
    peer_init(&client, "A");
    ck_assert(peer_listen(&listener, 5, &j));
    ck_assert(peer_connect(&client, &listener.local, &j));
    while (client.connecting)
        peer_pump(&client, &j);
    ck_assert(client.connected);
    peer_send(&client, "hello", 5);
    peer_pump(&client, &j);

    sockdiag_force_proc(by_proc);
    /* Delivery on loopback may be put off on a busy machine. */
    do
        ck_assert(sockdiag_find((struct sockaddr *)&listener.local,
                                (struct sockaddr *)&client.local, &facts));
    while (facts.receive_queue < 5);
    ck_assert_int_eq(facts.state, TCP_STATE_ESTABLISHED);
    ck_assert_uint_eq(facts.receive_queue, 5);
    ck_assert_uint_eq(facts.inode, 0); /* nobody has accepted it */
    if (!by_proc) {
        ck_assert(facts.counted);
        ck_assert_uint_eq(facts.bytes_received, 5);
    }
    ck_assert(peer_accept(&listener, &j));
    ck_assert(sockdiag_find((struct sockaddr *)&listener.local,
                            (struct sockaddr *)&client.local, &facts));
    ck_assert_uint_ne(facts.inode, 0);
    peer_pump(&listener, &j);
    ck_assert_uint_eq(listener.in.length, 5);

    peer_shut(&client);
    peer_pump(&client, &j);
    do
        ck_assert(sockdiag_find((struct sockaddr *)&listener.local,
                                (struct sockaddr *)&client.local, &facts));
    while (facts.state != TCP_STATE_CLOSE_WAIT);
    if (!by_proc)
        ck_assert_uint_eq(facts.bytes_received, 6); /* a FIN counts one */
    peer_reset(&client, &j);
    while (!listener.saw_reset && !listener.saw_eof)
        peer_pump(&listener, &j);
    sockdiag_force_proc(false);
    peer_free(&listener);
    peer_free(&client);
    journal_free(&j);
}
END_TEST

/* After the peer is gone, the exact look-up must not take the listener for
 * the connection. */
START_TEST(a_connection_that_is_gone_is_not_found)
{
    struct journal j;
    struct peer listener, client;
    struct socket_facts facts;
    journal_begin(&j);
    peer_init(&listener, "F");
    peer_init(&client, "A");
    ck_assert(peer_listen(&listener, 5, &j));
    ck_assert(peer_connect(&client, &listener.local, &j));
    while (client.connecting)
        peer_pump(&client, &j);
    struct sockaddr_storage ours = client.local;
    peer_reset(&client, &j);
    while (sockdiag_find((struct sockaddr *)&listener.local,
                         (struct sockaddr *)&ours, &facts))
        ck_assert_int_ne(facts.state, TCP_STATE_LISTEN);
    peer_free(&listener);
    peer_free(&client);
    journal_free(&j);
}
END_TEST

static int open_descriptors(void)
{
    struct descriptor *list;
    int count = process_descriptors(getpid(), &list);
    free(list);
    return count;
}

/* Each pipe wants two descriptors: the second or third cannot be had. */
START_TEST(a_start_without_descriptors_leaves_none_behind)
{
    char *command[] = {"true", NULL};
    struct program p;
    struct journal j;
    struct bytes why = {0};
    struct rlimit limit, few;
    int before = open_descriptors();

    journal_begin(&j);
    program_init(&p, "server", command);
    getrlimit(RLIMIT_NOFILE, &limit);
    int lowest = dup(0);
    close(lowest);
    few = limit;
    few.rlim_cur = (rlim_t)(lowest + 2 + 2 * _i);
    setrlimit(RLIMIT_NOFILE, &few);
    ck_assert_int_eq(program_start(&p, NULL, 0, &j, &why), START_IMPOSSIBLE);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_int_eq(open_descriptors(), before);
    bytes_free(&why);
    program_free(&p);
    journal_free(&j);
}
END_TEST

/* A program that prints without end: its first words are kept, and its last. */
START_TEST(the_last_of_an_output_is_kept)
{
    char script[] = "echo first; yes | head -c 300000; echo last";
    char *command[] = {"sh", "-c", script, NULL};
    struct program p;
    struct journal j;
    struct bytes why = {0};

    journal_begin(&j);
    program_init(&p, "server", command);
    ck_assert_int_eq(program_start(&p, NULL, 0, &j, &why), START_DONE);
    while (!p.ended || p.out.fd >= 0)
        program_pump(&p, &j);
    ck_assert(output_has(&p.out, "first\n", 6));
    ck_assert(output_has(&p.out, "last\n", 5));
    program_tell_last(&p, &j);
    const struct event *e = &j.events[j.count - 1];
    ck_assert_int_eq(e->kind, EVENT_OUTPUT);
    ck_assert_uint_le(e->value.length, PROGRAM_LAST_MAX);
    ck_assert_mem_eq(e->value.data + e->value.length - 7, "y\nlast\n", 7);
    program_free(&p);
    journal_free(&j);
}
END_TEST

static const struct {
    const char *text, *words[4];
} commands[] = {
    {"server", {"server", NULL}},
    {"  python3   a.py ", {"python3", "a.py", NULL}},
    {"'a b' \"c 'd\" e\\ f", {"a b", "c 'd", "e f", NULL}},
    {"'' x", {"", "x", NULL}},
};

START_TEST(commands_are_split)
{
    char **words = command_split(commands[_i].text);
    ck_assert_ptr_nonnull(words);
    int n = 0;
    for (; commands[_i].words[n]; n++)
        ck_assert_str_eq(words[n], commands[_i].words[n]);
    ck_assert_ptr_null(words[n]);
    command_free(words);
    ck_assert_ptr_null(command_split("a 'b"));
    ck_assert_ptr_null(command_split("   "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("process");
    TCase *facts = tcase_create("facts");
    tcase_set_timeout(facts, 60);
    tcase_add_loop_test(facts, a_wait_without_a_time_out_is_quiet, 0, 3);
    tcase_add_test(facts, a_wait_with_a_time_out_is_quiet_for_now);
    tcase_add_test(facts, a_daemon_stays_below_wire_and_ends);
    tcase_add_test(facts, descriptors_are_listed);
    tcase_add_test(facts, a_process_outlives_its_first_thread);
    tcase_add_loop_test(facts, sockets_are_found, 0, 2);
    tcase_add_test(facts, a_connection_that_is_gone_is_not_found);
    tcase_add_loop_test(facts, a_start_without_descriptors_leaves_none_behind,
                        0, 2);
    tcase_add_test(facts, the_last_of_an_output_is_kept);
    tcase_add_loop_test(facts, commands_are_split, 0,
                        (int)(sizeof commands / sizeof *commands));
    suite_add_tcase(suite, facts);
    TCase *quiet = tcase_create("quiet");
    tcase_set_timeout(quiet, 300);
    tcase_add_test(quiet, a_spinning_program_is_never_quiet);
    tcase_add_test(quiet, two_threads_at_play_are_never_quiet);
    tcase_add_test(quiet, two_processes_at_play_are_never_quiet);
    suite_add_tcase(suite, quiet);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
