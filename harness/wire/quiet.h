/*
 * quiet: is a program at rest, or may it still do something by itself?
 *
 * The proof (no guess at time): for every thread of every process below wire,
 * the line of its system call and the number of its turns on a processor are
 * collected twice, all firsts before all seconds. If nothing differs and each
 * thread is in a wait that we know, there was a moment, between the last first
 * and the first second, at which all of them slept; and sleepers do not wake
 * each other. Only what comes from outside can wake them: the sockets, which
 * the caller (run_wait.c) looks at before and after.
 */
#ifndef WIRE_QUIET_H
#define WIRE_QUIET_H

#include "process.h"

enum quiet {
    QUIET_NO,      /* something runs, or changed between the two looks */
    QUIET_TIMED,   /* all wait, but at least one wait has a time-out */
    QUIET_FOREVER, /* all wait, and only an event can end any wait */
};

/* What was seen, for the caller and for reports. */
struct quiet_look {
    struct thread_facts threads[THREADS_MAX];
    int count;
    unsigned long long busy_ns; /* run time and run delay, all together */
    bool syscalls_hidden;       /* /proc/PID/syscall may not be read */
    bool only_timer;            /* no call has a time-out, but a timer is set */
};

/* True if a thread was running, or waiting for a processor to run on. */
bool quiet_is_running(const struct quiet_look *look);

/* True if both saw the same threads, and none of them ran in between. */
bool quiet_is_same(const struct quiet_look *a, const struct quiet_look *b);

/* One look at everything below `root`. `before` (may be NULL) holds what
 * threads waited in before a freeze. */
enum quiet quiet_look(pid_t root, const struct thread_facts *before,
                      int before_count, struct quiet_look *out);

/* True if every thread of these processes sleeps, but for the thread TID, of
 * which nothing is asked. */
bool quiet_but_for(pid_t tid, const pid_t *pids, int count);

#endif
