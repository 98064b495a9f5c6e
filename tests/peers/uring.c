/* An echo server on io_uring, in C with liburing.
 *
 * Nothing is asked for readiness: the program hands the kernel whole operations
 * (accept this, receive into that, send those bytes) and is told when each is
 * complete. Each client has one operation at a time on its way. Signals come
 * only while the program waits, so none is missed. */

#include <errno.h>
#include <liburing.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum phase { COLLECTING, REPLYING, DRAINING };

struct client {
    int fd;
    enum phase phase;
    struct peer_text text;
    size_t sent;
    char name[PEER_NAME_MAX];
    char piece[4096];
};

static volatile sig_atomic_t told_to_end;
static struct io_uring ring;
static int listener;

/* What the completions of the two operations without a client carry. */
static char accepting, resting;

static void on_signal(int number)
{
    (void)number;
    told_to_end = 1;
}

static struct io_uring_sqe *new_operation(void)
{
    struct io_uring_sqe *operation;

    while ((operation = io_uring_get_sqe(&ring)) == NULL)
        io_uring_submit(&ring);
    return operation;
}

static void begin_accept(void)
{
    struct io_uring_sqe *operation = new_operation();

    io_uring_prep_accept(operation, listener, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data(operation, &accepting);
}

static void begin_rest(void)
{
    static struct __kernel_timespec a_while = {.tv_nsec = 100000000};
    struct io_uring_sqe *operation = new_operation();

    io_uring_prep_timeout(operation, &a_while, 0, 0);
    io_uring_sqe_set_data(operation, &resting);
}

static void begin_next(struct client *c)
{
    struct io_uring_sqe *operation = new_operation();

    if (c->phase == REPLYING)
        io_uring_prep_send(operation, c->fd, c->text.bytes + c->sent,
                           c->text.length - c->sent, MSG_NOSIGNAL);
    else
        io_uring_prep_recv(operation, c->fd, c->piece, sizeof c->piece, 0);
    io_uring_sqe_set_data(operation, c);
}

static void finish(struct client *c)
{
    peer_text_free(&c->text);
    shutdown(c->fd, SHUT_WR);
    c->phase = DRAINING;
}

static void accepted(int fd)
{
    char name[PEER_NAME_MAX];

    if (fd < 0) {
        if (peer_is_full(-fd))
            begin_rest(); /* and accept after it */
        else
            begin_accept();
        return;
    }
    begin_accept();
    peer_say_accepted(fd, name);
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        peer_refuse(fd, name, "no memory");
        return;
    }
    c->fd = fd;
    memcpy(c->name, name, sizeof name);
    begin_next(c);
}

/* The client's operation is complete; RESULT is its size, or -errno. */
static void completed(struct client *c, int result)
{
    if (result < 0 || (result == 0 && c->phase != REPLYING)) {
        if (c->phase != DRAINING)
            peer_say_refused(c->name,
                             result < 0 ? strerror(-result) : "no <EOF> in it");
        peer_text_free(&c->text);
        close(c->fd);
        free(c);
        return;
    }
    if (c->phase == COLLECTING) {
        switch (peer_text_add(&c->text, c->piece, (size_t)result)) {
        case PEER_COMPLETE:
            peer_say_read(&c->text);
            c->phase = REPLYING;
            break;
        case PEER_REFUSED:
            peer_say_refused(c->name, "the text is too long");
            finish(c);
            break;
        case PEER_MORE:
            break;
        }
    } else if (c->phase == REPLYING) {
        c->sent += (size_t)result;
        if (c->sent == c->text.length) {
            peer_say_sent(c->sent);
            finish(c);
        }
    }
    begin_next(c);
}

int main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, before;
    struct io_uring_cqe *done;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    listener = peer_listen(argc, argv, "Usage is: uring [HOST [PORT]]");
    int error = io_uring_queue_init(256, &ring, 0);
    if (error != 0) {
        fprintf(stderr, "server: io_uring: %s\n", strerror(-error));
        return 1;
    }
    begin_accept();
    while (!told_to_end) {
        io_uring_submit(&ring);
        if (io_uring_wait_cqes(&ring, &done, 1, NULL, &before) < 0)
            continue;
        void *whose = io_uring_cqe_get_data(done);
        int result = done->res;
        io_uring_cqe_seen(&ring, done);
        if (whose == &accepting)
            accepted(result);
        else if (whose == &resting)
            begin_accept();
        else
            completed(whose, result);
    }
    shutdown(listener, SHUT_RDWR); /* the pending accept holds it still */
    io_uring_queue_exit(&ring);
    return 0;
}
