/*
 * sockdiag: what the kernel knows of a TCP socket that is not ours.
 *
 * From NETLINK_SOCK_DIAG where there is one (an exact look-up costs a few
 * microseconds), else from /proc/net/tcp and tcp6, which know everything but
 * the count of received bytes.
 */
#ifndef WIRE_SOCKDIAG_H
#define WIRE_SOCKDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Socket states, as the kernel numbers them. */
enum {
    TCP_STATE_ESTABLISHED = 1,
    TCP_STATE_SYN_SENT = 2,
    TCP_STATE_SYN_RECEIVED = 3,
    TCP_STATE_FIN_WAIT1 = 4,
    TCP_STATE_FIN_WAIT2 = 5,
    TCP_STATE_TIME_WAIT = 6,
    TCP_STATE_CLOSE = 7,
    TCP_STATE_CLOSE_WAIT = 8,
    TCP_STATE_LAST_ACK = 9,
    TCP_STATE_LISTEN = 10,
    TCP_STATE_CLOSING = 11
};

struct socket_facts {
    int state;
    unsigned receive_queue; /* bytes not read; of a listener: connections that
                               wait to be accepted */
    unsigned send_queue;    /* bytes not acknowledged; of a listener: its
                               backlog */
    unsigned long inode;    /* 0 while nobody has accepted it */
    bool counted;           /* bytes_received is known */
    unsigned long long bytes_received; /* a FIN counts one */
    struct sockaddr_storage local, remote;
};

/* The socket with these two ends. False where there is none. */
bool sockdiag_find(const struct sockaddr *local, const struct sockaddr *remote,
                   struct socket_facts *out);

/* Calls `visit` for each TCP socket (IPv4 and IPv6) in this state until it
 * returns false. */
typedef bool sockdiag_visit(const struct socket_facts *facts, void *context);
void sockdiag_each(int state, sockdiag_visit *visit, void *context);

/* For tests: never use netlink from now on. */
void sockdiag_force_proc(bool on);

const char *tcp_state_name(int state);

/* "127.0.0.1:11000", "[::1]:11000"; the buffer wants 64 bytes. */
const char *address_text(const struct sockaddr_storage *address, char *out,
                         size_t size);
int address_port(const struct sockaddr_storage *address);
bool address_same(const struct sockaddr_storage *a,
                  const struct sockaddr_storage *b);

#endif
