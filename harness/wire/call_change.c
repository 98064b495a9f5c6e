#include "call_change.h"

#include "process.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <elf.h>

/* --------------------------- the machine's words ------------------------ */

/* Both leave a call out whose number is -1, and take what then stands in the
 * register of the result for its result. */
#if defined __x86_64__
static bool poke(pid_t tid, size_t offset, long value)
{
    return ptrace(PTRACE_POKEUSER, tid, offset, value) == 0;
}

/* The argument with the number 2, the third: in all the calls that are cut
 * it is the length. */
static bool set_length(pid_t tid, unsigned long length)
{
    return poke(tid, offsetof(struct user, regs.rdx), (long)length);
}

bool call_leave_out(pid_t tid, int error)
{
    return poke(tid, offsetof(struct user, regs.orig_rax), -1) &&
           poke(tid, offsetof(struct user, regs.rax), -error);
}

#elif defined __aarch64__
static bool set_register(pid_t tid, int which, unsigned long value)
{
    struct user_regs_struct all;
    struct iovec place = {&all, sizeof all};
    if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) == -1)
        return false;
    all.regs[which] = value;
    return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &place) == 0;
}

static bool set_length(pid_t tid, unsigned long length)
{
    return set_register(tid, 2, length);
}

bool call_leave_out(pid_t tid, int error)
{
    int none = -1;
    struct iovec place = {&none, sizeof none};
    return ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &place) == 0 &&
           set_register(tid, 0, (unsigned long)-error);
}

#else
static bool set_length(pid_t tid, unsigned long length)
{
    return tid < 0 && length;
}

bool call_leave_out(pid_t tid, int error)
{
    return tid < 0 && error;
}
#endif

/* -------------------------------- the cut -------------------------------- */

static bool set_word(pid_t tid, struct word word)
{
    struct iovec here = {&word.value, sizeof word.value};
    struct iovec there = {(void *)word.place, sizeof word.value};
    return process_vm_writev(tid, &here, 1, &there, 1, 0) ==
           (ssize_t)sizeof word.value;
}

/* Until the call is over. */
static bool change_word(struct call_change *c, pid_t tid, unsigned long place,
                        unsigned long value)
{
    struct word before = {.place = place};
    if (!process_read_memory(tid, place, &before.value, sizeof before.value) ||
        !set_word(tid, (struct word){place, value}))
        return false;
    c->words[c->word_count++] = before;
    return true;
}

/* Of COUNT buffers, an array at PLACE, the first that is not empty is left,
 * with at most MOST bytes of it. Returns how many buffers that are; 0: none was
 * longer. */
static unsigned long cut_buffers(struct call_change *c, pid_t tid,
                                 unsigned long place, unsigned long count,
                                 unsigned long most)
{
    struct iovec buffer = {0};
    unsigned long left = 0;
    while (left < count && buffer.iov_len == 0)
        if (!process_read_memory(tid, place + left++ * sizeof buffer, &buffer,
                                 sizeof buffer))
            return 0;
    if (buffer.iov_len <= most)
        return left < count ? left : 0;
    place += (left - 1) * sizeof buffer + offsetof(struct iovec, iov_len);
    return change_word(c, tid, place, most) ? left : 0;
}

static bool cut_message(struct call_change *c, pid_t tid, unsigned long place,
                        unsigned long most)
{
    struct msghdr message;
    if (!process_read_memory(tid, place, &message, sizeof message))
        return false;
    unsigned long left = cut_buffers(c, tid, (unsigned long)message.msg_iov,
                                     message.msg_iovlen, most);
    return left &&
           change_word(c, tid, place + offsetof(struct msghdr, msg_iovlen),
                       left);
}

/* The caller must find all as it has left it. */
void call_make_whole(struct call_change *c, pid_t tid)
{
    while (c->word_count)
        set_word(tid, c->words[--c->word_count]);
    if (c->is_cut)
        set_length(tid, c->length);
    c->is_cut = false;
}

bool call_cut(struct call_change *c, pid_t tid, enum cut how,
              const unsigned long long *arguments, unsigned long most)
{
    unsigned long place = (unsigned long)arguments[1], left;
    c->length = (unsigned long)arguments[2];
    switch (how) {
    case CUT_BYTES:
        c->is_cut = c->length > most && set_length(tid, most);
        break;
    case CUT_BUFFERS:
        left = cut_buffers(c, tid, place, c->length, most);
        c->is_cut = left && set_length(tid, left);
        break;
    case CUT_MESSAGE:
        c->is_cut = cut_message(c, tid, place, most);
        break;
    case CUT_NOT:
        break;
    }
    if (c->is_cut)
        return true;
    call_make_whole(c, tid);
    return false;
}
