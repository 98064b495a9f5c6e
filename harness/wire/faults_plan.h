/*
 * faults_plan: which calls of a program are to go wrong, and how; the text that
 * says so, and the choice.
 *
 *   accept:2=ECONNABORTED          the second accept() of a process fails
 *   accept:3-5=EMFILE, recv:4-=EINTR
 *                                  several rules; the first that fits counts
 *   wait:*=EINTR                   all of them
 *   recv:3-/3=EINTR                each third
 *   send:1-4=short:1               takes no more than one byte
 *   recv:1=delay:50                begins 50 ms later
 *   plan eintr seed 7              what the plan says; the seed decides
 *
 * A choice depends on the plan, the kind of call and its number in its process
 * and on nothing else, above all not on time: so a replay shows the same.
 */
#ifndef WIRE_FAULTS_PLAN_H
#define WIRE_FAULTS_PLAN_H

#include "bytes.h"

/* The calls that a program knows by one name, whatever the kernel calls them.
 */
enum fault_call {
    FAULT_ACCEPT,
    FAULT_RECV, /* recv, read and their relatives */
    FAULT_SEND, /* send, write and their relatives */
    FAULT_WAIT, /* select, poll, epoll_wait and their relatives */
    FAULT_CONNECT,
    FAULT_CALLS
};

enum fault_kind {
    FAULT_NONE,
    FAULT_FAIL,  /* the call is not made; number: its errno */
    FAULT_SHORT, /* it is made for so many bytes at the most */
    FAULT_DELAY  /* it is made so many milliseconds later */
};

struct fault {
    enum fault_kind kind;
    long number;
};

struct fault_rule;

struct faults_plan {
    struct fault_rule *rules;
    int count;
};

/* "recv" */
const char *fault_call_word(enum fault_call call);

/* Adds the rules of the text. False where it says something else: then *error
 * tells what was expected, and *place where in the text. */
bool faults_plan_add(struct faults_plan *p, const char *text, size_t *place,
                     struct bytes *error);
void faults_plan_free(struct faults_plan *p);

/* True if any rule is about such calls: others need not be looked at. */
bool faults_plan_is_about(const struct faults_plan *p, enum fault_call call);

/* What is to become of the call with this number, from 1 on, in its process. */
struct fault faults_plan_choose(const struct faults_plan *p,
                                enum fault_call call, unsigned long number);

/* The plans that there are, for the manual. */
void faults_plan_print_manual(struct bytes *out);

#endif
