/*
 * program: one program under test, from its start to its end.
 *
 * It starts with default signal dispositions and an empty mask, nothing above
 * descriptor 2 (unless the check fills them), a clean environment, in a
 * process group of its own; its output goes to pipes that wire drains and
 * caps. wire is a subreaper, so whatever the program forks stays below wire
 * and ends with the check.
 */
#ifndef WIRE_PROGRAM_H
#define WIRE_PROGRAM_H

#include "bytes.h"
#include "faults.h"
#include "journal.h"
#include "process.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* What is kept of an output: so much from its beginning, and its end. */
#define PROGRAM_OUTPUT_MAX 65536
#define PROGRAM_LAST_MAX 16384

/* What it may use; 0: as wire itself. Kept for a restart. */
struct program_limits {
    const struct text_list *hidden; /* wire is in a sandbox: these folders are
                                       empty for the program, /tmp is its own,
                                       and it has no capabilities. Empty: not */
    long nofile, stack, memory, fill_fds;
    char *hosts; /* a text for /etc/hosts */
};

struct program_output {
    int fd;
    struct bytes text; /* the first PROGRAM_OUTPUT_MAX bytes */
    struct bytes last; /* and the last PROGRAM_LAST_MAX of what came after */
    size_t total;
};

/* True if it has printed these bytes (and they were kept). */
bool output_has(const struct program_output *o, const void *data,
                size_t length);

struct program {
    char name[24];
    char **command;               /* NULL-terminated; NULL: none was given */
    struct text_list environment; /* NAME=value, beside the usual ones */
    struct program_limits limits;
    struct faults_plan plan; /* of what goes wrong; kept for a restart */
    struct trail *trail;     /* of its calls; NULL: none is kept */
    bool is_fed;             /* somebody will send to it without a pause */
    struct faults *faults;   /* sees to all that; NULL: there is no need */
    rlim_t nofile_before;    /* while it gets no descriptors; else 0 */

    bool started;
    pid_t pid;
    int pidfd; /* readable at the end of the process; -1: not to be had */
    bool ended;
    int status;         /* as waitpid() gives it */
    const char *excess; /* what it has used too much of, so that it was ended */
    bool end_is_fine;   /* a step has asked for the end, or judged it */
    struct program_output out, err;

    bool listening;
    struct sockaddr_storage address;
    unsigned long listener; /* inode */
    int last_port;

    bool frozen;
    /* What each thread waited in when it was frozen: after the thaw the kernel
     * shows restart_syscall in its place. */
    struct thread_facts *before_freeze;
    int before_freeze_count;

    bool stirred; /* a thread stood still at a call, and was let go on */

    bool held_back;  /* its first thread stops at each system call */
    bool at_stop;    /* and stands still, until the others sleep */
    unsigned stops;  /* how often it did */
    int stop_signal; /* that it gets when it goes on; or 0 */

    bool has_baseline;
    int baseline_fds, baseline_threads, baseline_children;
    unsigned long long cpu_start;
};

void program_init(struct program *p, const char *name, char **command);
void program_free(struct program *p);

/* Splits a command line into words, with quotes and backslashes as a shell
 * has them, and nothing else of a shell. NULL: a quote is not closed. */
char **command_split(const char *text);
void command_free(char **words);

enum start_result {
    START_DONE,
    START_IMPOSSIBLE, /* here and now */
    START_NO_NAMESPACE,
    START_NO_FAULTS,
    START_NO_PROGRAM /* the command is no program that can be run */
};

/* Starts it with these arguments after its command. Where it cannot be
 * started, `why` says so. */
enum start_result program_start(struct program *p, char *const *arguments,
                                int count, struct journal *j,
                                struct bytes *why);

/* From now on its first thread runs only while its other threads sleep. False
 * with errno where that may not be done. */
bool program_hold_back(struct program *p);
/* It goes on as it likes, from its next stop on. */
void program_let_loose(struct program *p);

/* Tells the journal the end of what was printed, where something was cut. */
void program_tell_last(const struct program *p, struct journal *j);

/* Reads its output and notices its end, without waiting. True if anything
 * happened. */
bool program_pump(struct program *p, struct journal *j);

void program_signal(struct program *p, int signal, struct journal *j);

/* It has died, and waitpid() does not tell yet: it does when the last of its
 * threads is gone. */
bool program_is_dying(const struct program *p);

/* All its processes (a check has at most two programs; the tree of a program
 * begins at its pid). */
int program_tree(const struct program *p, pid_t *pids);

/* Kills it, and what is in its process group. */
void program_kill(const struct program *p);
/* Kills everything below wire and waits until it is gone. */
void programs_end_all(void);

/* The first address it listens on, from the kernel. False: none yet. */
bool program_find_listener(struct program *p);

/* SIGTERM for 15; "signal 99" for what has no name. */
const char *signal_name(int number);
int signal_number(const char *name);
/* "exited with status 0", "was killed by SIGSEGV" */
void describe_end(int status, struct bytes *out);
/* The same of a program; or "used more than ..., and was ended". */
void program_describe_end(const struct program *p, struct bytes *out);

/* Makes wire the parent of all orphans below it. */
void program_become_subreaper(void);

#endif
