/*
 * calls: what a thread waits for, told from the system call in which it stands
 * (struct thread_facts).
 */
#ifndef WIRE_CALLS_H
#define WIRE_CALLS_H

#include "process.h"

/* How a thread waits. */
enum wait_class {
    WAIT_NONE,    /* it runs, or is in no wait we know: not quiet */
    WAIT_TIMED,   /* a wait with a time-out */
    WAIT_FOREVER, /* only an event ends it */
    WAIT_RESTART  /* restart_syscall: what it was before a freeze counts */
};
enum wait_class thread_wait(const struct thread_facts *t);

/* The call in the student's words ("recv") and the kernel's ("recvfrom"). */
const char *call_name(long call);
const char *call_kernel_name(long call);
/* The descriptor that the call waits on, or -1. */
int call_descriptor(const struct thread_facts *t);

/* How long the call in which the thread stands, or which it is about to make,
 * waits from now on at the most, in milliseconds. -1: there is no end, or it is
 * not known. */
double call_timeout_ms(const struct thread_facts *t);

/* A descriptor that select() or poll() is to tell of. */
struct awaited {
    int fd;
    bool reading, writing;
};
/* Those that the thread waits for, if it stands in such a call, or comes out of
 * one; then, those that it is told of. At most MOST; returns how many there
 * are. -1: it is no such call, or its memory may not be read. */
int call_awaits(const struct thread_facts *t, bool is_over, struct awaited *out,
                int most);

/* True where the call blocks on a socket that has a time-out of its own
 * (SO_RCVTIMEO, SO_SNDTIMEO), or where that may not be asked. */
bool call_has_socket_timeout(const struct thread_facts *t);

#endif
