/*
 * faults: makes calls of a program go wrong, as a plan says (faults_plan.h).
 *
 * It works on any program, in whatever language, linked in whatever way: the
 * calls are caught where they enter the kernel. A filter (seccomp) lets all
 * others pass at full speed and stops the thread at those that the plan is
 * about; wire, as its debugger (ptrace), looks at the call, and lets it go on,
 * fail, take less, or begin later.
 *
 * Only what could happen by itself is done. What a call is about counts: bytes
 * and connections of TCP alone, since a runtime may rely on what files, pipes
 * and its own sockets never do. EAGAIN is given only where the descriptor is
 * non-blocking, and where it is told again that it is ready: not to who has
 * asked for edges. A receive that wants all (MSG_WAITALL) is not cut.
 *
 * Nothing waits here. faults_pump() does what there is to do; the descriptor of
 * faults_wake() becomes readable when there is more.
 */
#ifndef WIRE_FAULTS_H
#define WIRE_FAULTS_H

#include "faults_plan.h"
#include "journal.h"
#include "trail.h"

#include <stdbool.h>
#include <sys/types.h>

struct faults;

/* What is wanted of the calls of one program. */
struct faults_wish {
    const struct faults_plan *plan; /* what goes wrong in them */
    struct trail *trail;            /* keeps the last of them; NULL: no */
    bool feeds;                     /* see faults_feed() */
};

/* In the new process, right before exec: from now on the calls that the wish is
 * about stop. Whoever calls this must be traced. False with errno. */
bool faults_confine(const struct faults *f);

/* For one program, with all its processes, also those of an earlier start. What
 * is done to it stands in the journal under the name of the actor. */
struct faults *faults_begin(const struct faults_wish *wish, const char *actor,
                            struct journal *j);
void faults_free(struct faults *f);

/* Begins to trace a process that has not called faults_confine() yet, and all
 * that it will start. False with errno where that may not be done. */
bool faults_trace(struct faults *f, pid_t pid);

/* Deals with all threads that stand still. True if there was one; *ended tells
 * whether the process of faults_trace() has ended, and *status how. */
bool faults_pump(struct faults *f, bool *ended, int *status);

/* From now on a receive from the connection whose other end has this port is
 * not made before there is something to receive: so whoever sends without a
 * pause is never too slow, however busy the machine is. 0: no longer. */
void faults_feed(struct faults *f, int port);
/* How many receives were made from it. */
unsigned long faults_fed(const struct faults *f);

/* A descriptor that is readable when faults_pump() has something to do. */
int faults_wake(const struct faults *f);

/* True if every thread is stopped by a signal (SIGSTOP). */
bool faults_all_stopped(const struct faults *f);

/* True if the thread is traced here and stands still only for a moment, at a
 * call: it runs, as far as it is up to the program. */
bool faults_has_running(const struct faults *f, pid_t tid);

/* For who watches a thread that is traced here (spin.c): what this stop asks
 * for is done, but for delays. Returns the signal with which it goes on. */
int faults_at_stop(struct faults *f, pid_t tid, int status);
/* Lets the thread go on from a stop, no longer watched. */
void faults_go_on(struct faults *f, pid_t tid, int signal);

#endif
