/*
 * trail: the last calls that a program made on its connections, for whoever
 * wants to know how it came to where it is.
 *
 * faults.c sees them as the program's debugger. Kept are calls on sockets of
 * TCP, waits that ended with nothing or an error, and the end of a process.
 */
#ifndef WIRE_TRAIL_H
#define WIRE_TRAIL_H

#include "bytes.h"

#include <stdbool.h>

#include <sys/socket.h>
#include <sys/types.h>

#define TRAIL_CALLS 64 /* are kept */
#define TRAIL_DATA 12  /* bytes of each that receives: the last */

/* How a call that a signal has broken off went on behind the handler. */
enum trail_after {
    AFTER_NOTHING, /* not at all: there is no handler, or it has not returned */
    AFTER_EINTR,   /* it failed */
    AFTER_RESTART  /* the kernel began it anew: SA_RESTART */
};

struct trail_call {
    pid_t tid;
    bool is_over;
    bool is_again; /* the one before was broken off, and is made once more */
    long number;
    unsigned long arguments[4];
    long result;
    int error;         /* that getsockopt(SO_ERROR) has given */
    double timeout_ms; /* of a wait; -1: none */
    int signal;        /* that has broken it off; 0: none */
    enum trail_after after;
    struct sockaddr_storage address; /* that bind() or connect() was given */
    const char *fault;               /* what was done to it; NULL: nothing */
    unsigned char data[TRAIL_DATA];
    size_t length; /* of these */
};

struct trail {
    struct trail_call calls[TRAIL_CALLS]; /* number N at N % TRAIL_CALLS */
    unsigned long count;
};

/* The thread begins a call, which may be the return from a signal's handler;
 * FAULT is a text that stays. */
void trail_enter(struct trail *t, pid_t tid, long number,
                 const unsigned long long *arguments, const char *fault);
/* The thread comes out of it, and stands still. */
void trail_leave(struct trail *t, pid_t tid, long result);

/* The thread gets a signal that it catches, or that ends it. */
void trail_signal(struct trail *t, pid_t tid, int signal);

/* One text for each of the last calls: accept(3) = 4 */
void trail_tell(const struct trail *t, struct text_list *out);

#endif
