/*
 * peer: a socket of wire, as a client of the program or as a fake server.
 *
 * All peers are non-blocking sockets in one poll loop (run_wait.c). A peer
 * reads what comes at once unless it was told to stop reading, sends from a
 * queue of its own, and remembers how the connection ended: a reset is shown by
 * the kernel only once, by whichever call comes first, so it is latched here.
 */
#ifndef WIRE_PEER_H
#define WIRE_PEER_H

#include "bytes.h"
#include "journal.h"
#include "sockdiag.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>

struct peer {
    char name[24];  /* as reports call it: A, A[3] */
    char other[24]; /* the program at the other end */
    int listener;   /* of a fake server, else -1 */
    int fd;         /* the connection, else -1 */
    int forward;    /* a relay: index of the peer that gets what this one
                       receives; -1: none */
    bool relayed;   /* its events are told by the relay */

    bool connecting, connected;
    bool refused; /* by the program; of a fake server: the program, always */
    int connect_error;
    bool stopped; /* reads nothing */
    bool slow;    /* reads a little at a time */
    bool saw_eof, saw_reset;
    bool fin_wanted, fin_sent, reset_sent;
    bool closed;

    int rcvbuf;
    struct bytes in;      /* received, not yet expected */
    struct bytes history; /* the first bytes ever received, for reports */
    struct bytes said;    /* the first bytes ever sent, for reports */
    struct bytes out;     /* not yet with the kernel */
    size_t pour;          /* bytes to be sent without a pause, behind these */
    size_t sent;          /* bytes the kernel has taken */
    size_t received;
    struct sockaddr_storage local, remote;
    unsigned long other_inode; /* of the program's end, when it was last looked
                                  at; 0: not known */
};

#define PEER_IN_MAX (64UL << 20)

void peer_init(struct peer *p, const char *name);
void peer_free(struct peer *p);

/* Begins to connect. Returns false with errno where no socket can be had. */
bool peer_connect(struct peer *p, const struct sockaddr_storage *address,
                  struct journal *j);

/* A listening socket on 127.0.0.1; with backlog -1 it is bound only, so that
 * a connect is refused. */
bool peer_listen(struct peer *p, int backlog, struct journal *j);

/* Accepts if somebody is there. */
bool peer_accept(struct peer *p, struct journal *j);

void peer_send(struct peer *p, const void *data, size_t length);
/* From now on, and beside all that is done meanwhile: whenever the kernel has
 * room for more, it gets more, COUNT bytes in all. */
void peer_pour(struct peer *p, size_t count);
void peer_shut(struct peer *p);
void peer_reset(struct peer *p, struct journal *j);

/* Takes what has come, so that the close itself causes no reset. */
void peer_close(struct peer *p, struct journal *j);

/* Reads at most `most` bytes, even if it is stopped. */
size_t peer_read(struct peer *p, size_t most, struct journal *j);

/* One round of what is possible without waiting. True if anything moved. */
bool peer_pump(struct peer *p, struct journal *j);

/* What poll should watch; 0: nothing now. */
short peer_events(const struct peer *p);

/* True where nothing more can come. */
bool peer_ended(const struct peer *p);

/* The kernel's facts of the program's end of a connection. */
bool peer_other_end(const struct peer *p, struct socket_facts *out);

/* False while the FIN or RST of a peer that has closed is still on its way to
 * the program. `stuck` is set where it cannot arrive. */
bool peer_end_arrived(const struct peer *p, bool *stuck);

#endif
