/*
 * verbs: the one table of what a step can say.
 *
 * Each row holds who can do it, the pattern of its words, the function that
 * does it and one line of help. In a pattern, lower-case words and signs stand
 * for themselves; BYTES, NUMBER, NAME, SIGNAL, FAULTS (faults_plan.h) and
 * STRINGS (none or more BYTES) are values that the function finds in
 * step.values, in this order.
 */
#ifndef WIRE_VERBS_H
#define WIRE_VERBS_H

#include "script.h"

struct run;

/* What a step was done to: a program, or one member of a group of peers. */
struct target {
    const struct actor *actor;
    int actor_index;
    int member; /* 0 where the actor is no group */
};

/* Returns true to go on; false after run_fail() and the like. */
typedef bool verb_function(struct run *r, const struct target *t,
                           const struct step *s);

struct verb {
    unsigned actors; /* the actor_kinds that can do it */
    const char *pattern;
    verb_function *run;
    const char *help;
};

extern const struct verb verbs[];
extern const int verb_count;

/* True if a step of the script is this one (script.c). */
bool script_does(const struct script *s, verb_function *what);

/* The manual of the check language, made from the table. */
void verbs_print_manual(struct bytes *out);

/* verbs_program.c: starting, stopping and squeezing programs */
verb_function verb_start, verb_start_raw, verb_restart, verb_listening,
    verb_stop, verb_signal, verb_freeze, verb_thaw, verb_hold_back,
    verb_limit_nofile, verb_limit_stack, verb_limit_memory, verb_fill_fds,
    verb_no_more_fds, verb_more_fds, verb_hosts, verb_inject, verb_port;

/* verbs_peer.c: the sockets of wire */
verb_function verb_connect, verb_connect_to, verb_connect_many, verb_rcvbuf,
    verb_send, verb_send_each, verb_consumed, verb_consumed_at_once,
    verb_accepted, verb_stop_reading, verb_read, verb_read_count,
    verb_read_slowly, verb_shut, verb_reset, verb_close, verb_listen,
    verb_listen_backlog, verb_accept, verb_refuse, verb_hang, verb_relay,
    verb_relay_done;

/* verbs_expect.c: what must come back */
verb_function verb_expect, verb_expect_or_end, verb_expect_count,
    verb_expect_line, verb_expect_match, verb_expect_match_save,
    verb_expect_eof, verb_expect_reset, verb_expect_refused, verb_silent,
    verb_not_reset;

/* verbs_judge.c: what the program must be like */
verb_function verb_alive, verb_exit, verb_killed, verb_baseline,
    verb_fds_baseline, verb_threads_baseline, verb_children_baseline,
    verb_fds_close_on_exec, verb_idle, verb_no_close_wait, verb_time_wait,
    verb_accept_queue, verb_rss, verb_cpu_start, verb_cpu_save, verb_cpu_ratio,
    verb_listens_on, verb_passes;

/* verbs_output.c: what it prints */
verb_function verb_stdout_has, verb_stdout_lacks, verb_stderr_lacks,
    verb_stderr_something, verb_stderr_line, verb_stderr_line_names,
    verb_stderr_names;

/* verbs_time.c: what only time shows */
verb_function verb_wait, verb_exit_within, verb_sleeps, verb_pour,
    verb_pours_on;

#endif
