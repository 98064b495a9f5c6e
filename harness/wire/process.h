/*
 * process: facts about the processes below wire, from /proc.
 *
 * Nothing here trusts the program: it is watched from outside, as `ps` and
 * `strace` would show it.
 */
#ifndef WIRE_PROCESS_H
#define WIRE_PROCESS_H

#include "bytes.h"

#include <stdbool.h>
#include <sys/types.h>

#define PROCESSES_MAX 256
#define THREADS_MAX 1024

/* All living descendants of `root` (not root itself), which is wire or a
 * process below it; zombies left out. Returns how many, at most
 * PROCESSES_MAX. */
int process_tree(pid_t root, pid_t *pids);

/* The same, from a fresh look at all of /proc. The table that process_tree
 * keeps may lack a process that was being made while it was read; once all
 * others are known to sleep, nobody is in the middle of making one. */
int process_tree_fresh(pid_t root, pid_t *pids);

/* How many there are below wire, dead ones and more than PROCESSES_MAX among
 * them. It is cheap: who asks may have little time. */
int process_count(void);

/* This process is none of the descendants; but those below it are. */
void process_leave_out(pid_t pid);

/* One letter: R running, S sleeping, D, T stopped, X dying, Z zombie; 0: gone.
 * Where the first thread has ended before others, it is that of another. */
char process_state(pid_t pid);

/* The parent of a process, living or dead; 0: gone. */
pid_t process_parent(pid_t pid);

/* The process of a thread; 0: gone. */
pid_t process_of_thread(pid_t tid);

/* prctl(PR_SET_NAME) gives a thread its name. */
bool process_has_thread_named(pid_t pid, const char *name);

/* Copies SIZE bytes of its memory. False: it is not there, or may not be read.
 */
bool process_read_memory(pid_t pid, unsigned long place, void *out,
                         size_t size);

struct thread_facts {
    pid_t pid, tid;
    char state;
    bool syscall_known; /* /proc/PID/task/TID/syscall could be read */
    long call;          /* the system call; -1: blocked outside of one;
                           -2: running */
    unsigned long arguments[6];
    char line[200];              /* the whole line, to see any change */
    unsigned long long run_ns;   /* time on a processor */
    unsigned long long delay_ns; /* time in wait for one */
    unsigned long long switches; /* times it was put on a processor */
};

/* Every living thread of these processes; of one that is dying, at least one
 * entry. Returns how many. */
int process_threads(const pid_t *pids, int count, struct thread_facts *out);

/* True if a timer of timer_create() is there. */
bool process_has_posix_timer(pid_t pid);
/* True if it catches the signal, or blocks it (for sigwait() and signalfd()).
 */
bool process_awaits_signal(pid_t pid, int signal);

struct descriptor {
    int fd;
    unsigned long socket; /* inode of a socket, else 0 */
    char target[96];      /* what the link says */
};

/* The open descriptors; the array is the caller's to free. -1: not allowed
 * or gone. */
int process_descriptors(pid_t pid, struct descriptor **out);
bool descriptor_is_inherited(pid_t pid, int fd); /* no close-on-exec */
/* True if an epoll of the process tells of it once and not again (EPOLLET). */
bool descriptor_has_edges(pid_t pid, int fd);

/* VmRSS in bytes; 0 where it is not known. */
size_t process_rss(pid_t pid);
/* The same, where what several processes share counts once among them all. */
size_t process_share(pid_t pid);
/* VmSize in bytes. */
size_t process_address_space(pid_t pid);
int process_thread_count(pid_t pid);
/* Living and dead children of this process. */
int process_children(pid_t pid);
/* Run time of all threads, in nanoseconds. */
unsigned long long process_run_time(const pid_t *pids, int count);
/* Time that all threads were kept waiting for a processor. */
unsigned long long process_run_delay(const pid_t *pids, int count);
/* The owner of a socket, with its name; 0 if nobody whom we may look at. */
pid_t socket_owner(unsigned long inode, char *name, size_t size);

#endif
