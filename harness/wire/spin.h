/*
 * spin: does a program that does not come to rest get anywhere?
 *
 * Processor time does not tell: who works something off uses it, and so does
 * who asks the kernel the same thing for ever; and what the machine takes away
 * counts as well. The system calls tell. A debugger's means stop a thread at
 * each of them for a moment: one that makes the same few calls in the same
 * order again and again, with the same results, of which none moves a byte,
 * goes on so until something comes from outside.
 */
#ifndef WIRE_SPIN_H
#define WIRE_SPIN_H

#include "calls.h"
#include "faults.h"
#include "process.h"

#define SPIN_CALLS_MAX 16
#define SPIN_TOLD_MAX 2

struct spin_call {
    long call;   /* its number */
    long result; /* as the kernel gives it: an error is negative */
    int fd;      /* that it is about; or -1 */
    struct awaited told[SPIN_TOLD_MAX]; /* of select() and poll(): of whom */
    int told_count; /* of them all; below 1: it is not known */
};

/* The calls that come round again and again, in their order. */
struct spin {
    pid_t pid;
    struct spin_call calls[SPIN_CALLS_MAX];
    int count;
};

/* Watches the thread for some milliseconds; `faults` (or NULL) is what traces
 * it already. True: it is proved to spin. False: it gets somewhere, computes,
 * sleeps, or may not be watched. */
bool spin_watch(const struct thread_facts *t, struct faults *faults,
                struct spin *out);

#endif
