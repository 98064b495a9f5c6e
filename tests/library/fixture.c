#include "fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop_extension.h"

/* ============================== plain sockets ============================ */

static void set_loopback(struct sockaddr_in *address)
{
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

int plain_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
    return fd;
}

int plain_bind(struct sockaddr_in *address, int backlog)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    set_loopback(address);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    if (backlog >= 0)
        ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

void plain_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now),
                     0);
    close(fd);
}

/* ============================== by the library =========================== */

static int inside;

static void count_enter(struct loop_monitor *monitor)
{
    (void)monitor;
    inside++;
}

static void count_leave(struct loop_monitor *monitor)
{
    (void)monitor;
    inside--;
}

static bool never_await(const struct loop_monitor *monitor)
{
    (void)monitor;
    return false;
}

static void do_nothing(struct loop_monitor *monitor)
{
    (void)monitor;
}

struct loop *counted_loop(void)
{
    static struct loop_monitor counter = {.enter = count_enter,
                                          .leave = count_leave,
                                          .await = do_nothing,
                                          .runs_elsewhere = never_await,
                                          .stop = do_nothing,
                                          .close = do_nothing};
    struct loop *loop = loop_create();

    ck_assert_ptr_nonnull(loop);
    loop_set_monitor(loop, &counter);
    return loop;
}

void end_counted_loop(struct loop *loop)
{
    ck_assert_msg(inside == 0,
                  "a function has entered the loop and has not left it: each "
                  "result is started or refused, and there is no return in "
                  "between");
    loop_destroy(loop);
}

struct async_socket *listen_somewhere(struct loop *loop,
                                      struct sockaddr_in *address, int backlog)
{
    struct async_socket *socket = async_socket_create(loop, AF_INET);
    socklen_t length = sizeof *address;

    ck_assert_msg(socket != NULL, "async_socket_create: %s", strerror(errno));
    set_loopback(address);
    ck_assert_int_eq(
        async_bind(socket, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(async_listen(socket, backlog), 0);
    ck_assert_int_eq(
        async_local_address(socket, (struct sockaddr *)address, &length), 0);
    return socket;
}

struct async_result *called[4096];
int calls;

void note(struct async_result *ar)
{
    called[calls++] = ar;
}

void run_until_count(struct loop *loop, const int *count, int wanted)
{
    char words[80];

    snprintf(words, sizeof words, "%s: %d wanted, %d came",
             count == &calls ? "callbacks" : "a count", wanted, *count);
    suite_wait_for(words);
    while (*count < wanted)
        if (loop_run_once(loop, -1) == -1)
            ck_abort_msg("loop_run_once: %s", strerror(errno));
}

void run_rounds(struct loop *loop)
{
    for (int i = 0; i < 5; i++)
        if (loop_run_once(loop, 0) == -1)
            ck_abort_msg("loop_run_once: %s", strerror(errno));
}

/* ================================= the rest ============================== */

int count_descriptors(void)
{
    DIR *folder = opendir("/dev/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

char *pattern(size_t length)
{
    char *text = malloc(length);

    for (size_t i = 0; i < length; i++)
        text[i] = (char)((i * 2654435761u) >> 13);
    return text;
}

void assert_failure(bool succeeded, int error, const char *words)
{
    int got = errno;

    if (succeeded)
        ck_abort_msg("%s: it should fail with \"%s\", and succeeds", words,
                     strerror(error));
    if (got != error)
        ck_abort_msg("%s: it should fail with \"%s\", and fails with \"%s\"",
                     words, strerror(error), strerror(got));
}
