/*
 * call_change: changes a system call at whose entry a traced thread stands: it
 * is left out, or takes less than was asked for.
 */
#ifndef WIRE_CALL_CHANGE_H
#define WIRE_CALL_CHANGE_H

#include <stdbool.h>
#include <sys/types.h>

#include <linux/audit.h>

/* What a filter knows the machine by; 0: here no call can be changed. */
#if defined __x86_64__
#define CALL_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define CALL_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define CALL_ARCHITECTURE 0
#endif

/* What says how much such a call may take. */
enum cut {
    CUT_NOT,
    CUT_BYTES,   /* argument 2 */
    CUT_BUFFERS, /* an array of struct iovec: argument 1; argument 2: how many
                  */
    CUT_MESSAGE  /* a struct msghdr that leads to such an array: argument 1 */
};

/* What stands at a place of a program's memory. */
struct word {
    unsigned long place, value;
};

struct call_change {
    bool is_cut;          /* it may take less than it has asked for */
    unsigned long length; /* that it has asked for: argument 2 */
    struct word words[2]; /* of the program's memory, as they were */
    int word_count;
};

/* It fails with this error instead. */
bool call_leave_out(pid_t tid, int error);

/* It takes MOST bytes at the most. False: it would not have taken more. */
bool call_cut(struct call_change *c, pid_t tid, enum cut how,
              const unsigned long long *arguments, unsigned long most);

/* When the thread comes out of the call. */
void call_make_whole(struct call_change *c, pid_t tid);

#endif
