#include "trail.h"

#include "calls.h"
#include "process.h"
#include "sockdiag.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define SHOWN 6 /* calls; the same again and again counts for one */
#define DATA_COLUMNS 40

/* What stands in the parentheses, and behind them. */
enum shape {
    SHAPE_FD,       /* getsockname(3) = 0 */
    SHAPE_ADDRESS,  /* connect(3, 127.0.0.1:11000) = 0 */
    SHAPE_NUMBER,   /* listen(3, 10) = 0 */
    SHAPE_HOW,      /* shutdown(3, SHUT_WR) = 0 */
    SHAPE_OPTION,   /* setsockopt(3, SO_LINGER) = 0 */
    SHAPE_CLOSE,    /* close(3): its result says nothing */
    SHAPE_NO_FD,    /* socket() = 3 */
    SHAPE_EXIT,     /* exit(1) */
    SHAPE_SENDS,    /* send(3, 19 bytes) = 19 */
    SHAPE_RECEIVES, /* recv(3) = 5 "hello" */
    SHAPE_WAITS     /* select() = 0 (after 250 ms) */
};

static const struct form {
    long number;
    enum shape shape;
} forms[] = {
    {SYS_socket, SHAPE_NO_FD},       {SYS_bind, SHAPE_ADDRESS},
    {SYS_listen, SHAPE_NUMBER},      {SYS_accept, SHAPE_FD},
    {SYS_accept4, SHAPE_FD},         {SYS_connect, SHAPE_ADDRESS},
    {SYS_getsockopt, SHAPE_OPTION},  {SYS_setsockopt, SHAPE_OPTION},
    {SYS_getsockname, SHAPE_FD},     {SYS_getpeername, SHAPE_FD},
    {SYS_shutdown, SHAPE_HOW},       {SYS_close, SHAPE_CLOSE},
    {SYS_write, SHAPE_SENDS},        {SYS_sendto, SHAPE_SENDS},
    {SYS_writev, SHAPE_FD},          {SYS_sendmsg, SHAPE_FD},
    {SYS_read, SHAPE_RECEIVES},      {SYS_recvfrom, SHAPE_RECEIVES},
    {SYS_readv, SHAPE_FD},           {SYS_recvmsg, SHAPE_FD},
    {SYS_exit_group, SHAPE_EXIT},    {SYS_ppoll, SHAPE_WAITS},
    {SYS_pselect6, SHAPE_WAITS},     {SYS_epoll_pwait, SHAPE_WAITS},
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, SHAPE_WAITS},
#endif
#ifdef SYS_poll
    {SYS_poll, SHAPE_WAITS},
#endif
#ifdef SYS_select
    {SYS_select, SHAPE_WAITS},
#endif
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, SHAPE_WAITS},
#endif
};

static const struct form *find_form(long number)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].number == number)
            return &forms[i];
    return NULL;
}

/* The thread's last call; NULL: none is kept. */
static struct trail_call *last_of(struct trail *t, pid_t tid)
{
    unsigned long n = t->count;
    unsigned long oldest = n > TRAIL_CALLS ? n - TRAIL_CALLS : 0;
    while (n > oldest) {
        struct trail_call *c = &t->calls[--n % TRAIL_CALLS];
        if (c->tid == tid)
            return c;
    }
    return NULL;
}

/* An address that is too short for its family is none: AF_UNSPEC. */
static void take_address(struct trail_call *c, pid_t tid)
{
    size_t length = c->arguments[2];
    if (length > sizeof c->address)
        length = sizeof c->address;
    if (!process_read_memory(tid, c->arguments[1], &c->address, length))
        c->address.ss_family = AF_UNSPEC;
}

void trail_enter(struct trail *t, pid_t tid, long number,
                 const unsigned long long *arguments, const char *fault)
{
    struct trail_call *before = last_of(t, tid);
    struct thread_facts facts = {.tid = tid, .call = number};
    for (int i = 0; i < 6; i++)
        facts.arguments[i] = (unsigned long)arguments[i];
    double timeout_ms = call_timeout_ms(&facts);
    if (number == SYS_rt_sigreturn ||
        (timeout_ms >= 0 && timeout_ms < 1e-3)) /* it only looks */
        return;
    const struct form *f = find_form(number);
    bool is_again =
        before && before->after == AFTER_EINTR && before->number == number;
    struct trail_call *c = &t->calls[t->count++ % TRAIL_CALLS];
    *c = (struct trail_call){
        .tid = tid,
        .number = number,
        .is_again = is_again,
        .arguments = {arguments[0], arguments[1], arguments[2], arguments[3]},
        .timeout_ms = timeout_ms,
        .fault = fault};
    if (f && f->shape == SHAPE_ADDRESS)
        take_address(c, tid);
}

/* The end of what has come: there a text ends, or does not. */
static void take_data(struct trail_call *c, pid_t tid)
{
    size_t all = (size_t)c->result;
    size_t length = all < TRAIL_DATA ? all : TRAIL_DATA;
    if (process_read_memory(tid, c->arguments[1] + all - length, c->data,
                            length))
        c->length = length;
}

static bool asks_for_error(const struct trail_call *c)
{
    return c->number == SYS_getsockopt && c->arguments[1] == SOL_SOCKET &&
           c->arguments[2] == SO_ERROR;
}

void trail_leave(struct trail *t, pid_t tid, long result)
{
    struct trail_call *c = last_of(t, tid);
    const struct form *f = c ? find_form(c->number) : NULL;
    if (f && c->signal && c->after == AFTER_NOTHING)
        /* The handler has returned, and gives what the program will see. */
        c->after = result == -EINTR ? AFTER_EINTR : AFTER_RESTART;
    if (!f || c->is_over)
        return;
    c->is_over = true;
    c->result = result;
    if (f->shape == SHAPE_RECEIVES && result > 0)
        take_data(c, tid);
    if (asks_for_error(c) && result == 0)
        process_read_memory(tid, c->arguments[3], &c->error, sizeof c->error);
}

/* What the kernel gives to itself where a signal came: ERESTARTSYS. If that has
 * a handler, the program sees EINTR, or the call is made anew (SA_RESTART). */
#define RESTARTS (-512)

void trail_signal(struct trail *t, pid_t tid, int signal)
{
    struct trail_call *c = last_of(t, tid);
    /* By SIGUSR2 a unit test is asked where it is. */
    if (c && c->is_over && c->result <= RESTARTS && signal != SIGUSR2)
        c->signal = signal;
}

/* That a wait has ended with an event, the call after it tells, if there is
 * one. A call that is not over is told of elsewhere, unless it is one that was
 * broken off before. */
static bool is_told(const struct trail_call *c, bool with_waits)
{
    const struct form *f = find_form(c->number);
    if (!f)
        return false;
    if (f->shape == SHAPE_EXIT)
        return true;
    if (!c->is_over)
        return c->is_again;
    return (c->result > RESTARTS || c->signal) &&
           (f->shape != SHAPE_WAITS || c->result <= 0 || with_waits);
}

static bool is_same(const struct trail_call *a, const struct trail_call *b)
{
    return a->number == b->number && a->arguments[0] == b->arguments[0] &&
           a->result == b->result && a->error == b->error &&
           a->signal == b->signal && a->after == b->after &&
           a->is_over == b->is_over && a->fault == b->fault;
}

static void tell_result(const struct trail_call *c, enum shape shape,
                        struct bytes *out)
{
    static const char *const after[] = {
        [AFTER_NOTHING] = "",
        [AFTER_EINTR] = " (EINTR)",
        [AFTER_RESTART] = " and begun anew by the kernel (SA_RESTART)"};
    const char *error = c->result < 0 ? strerrorname_np((int)-c->result) : NULL;
    if (!c->is_over)
        bytes_add_text(out, " again");
    else if (asks_for_error(c) && c->result == 0) {
        const char *given = strerrorname_np(c->error);
        bytes_printf(out, " gives %s", c->error && given ? given : "0");
    } else if (c->signal)
        bytes_printf(out, " broken off by SIG%s%s", sigabbrev_np(c->signal),
                     after[c->after]);
    else if (error)
        bytes_printf(out, " = %s", error);
    else if (shape != SHAPE_CLOSE)
        bytes_printf(out, " = %ld", c->result);
    if (shape == SHAPE_WAITS && c->result == 0 && c->timeout_ms >= 0)
        bytes_printf(out, " (after %.0f ms)", c->timeout_ms);
    if (c->fault)
        bytes_printf(out, " (%s)", c->fault);
}

/* ", SO_LINGER"; those that say how a connection ends, or how long it waits. */
static const char *option_name(const struct trail_call *c)
{
    if (c->arguments[1] != SOL_SOCKET)
        return "";
    switch (c->arguments[2]) {
    case SO_ERROR:
        return ", SO_ERROR";
    case SO_LINGER:
        return ", SO_LINGER";
    case SO_REUSEADDR:
        return ", SO_REUSEADDR";
    case SO_REUSEPORT:
        return ", SO_REUSEPORT";
    case SO_RCVTIMEO:
        return ", SO_RCVTIMEO";
    case SO_SNDTIMEO:
        return ", SO_SNDTIMEO";
    default:
        return "";
    }
}

static void tell_address(const struct trail_call *c, struct bytes *out)
{
    char text[64];
    if (c->address.ss_family == AF_INET || c->address.ss_family == AF_INET6)
        bytes_printf(out, ", %s", address_text(&c->address, text, sizeof text));
    else
        bytes_add_text(out, ", no address");
}

static const char *how_name(unsigned long how)
{
    static const char *const names[] = {[SHUT_RD] = ", SHUT_RD",
                                        [SHUT_WR] = ", SHUT_WR",
                                        [SHUT_RDWR] = ", SHUT_RDWR"};
    return how < sizeof names / sizeof *names ? names[how] : "";
}

/* TIMES 0: it was made without end. */
static void tell_call(const struct trail_call *c, int times, struct bytes *out)
{
    const struct form *f = find_form(c->number);
    bytes_printf(out, "%s(", call_name(c->number));
    if (f->shape != SHAPE_NO_FD && f->shape != SHAPE_WAITS)
        bytes_printf(out, "%d", (int)c->arguments[0]);
    if (f->shape == SHAPE_SENDS)
        bytes_printf(out, ", %lu byte%s", c->arguments[2],
                     c->arguments[2] == 1 ? "" : "s");
    if (f->shape == SHAPE_OPTION)
        bytes_add_text(out, option_name(c));
    if (f->shape == SHAPE_ADDRESS)
        tell_address(c, out);
    if (f->shape == SHAPE_NUMBER)
        bytes_printf(out, ", %d", (int)c->arguments[1]);
    if (f->shape == SHAPE_HOW)
        bytes_add_text(out, how_name(c->arguments[1]));
    bytes_add_text(out, ")");
    if (f->shape != SHAPE_EXIT)
        tell_result(c, f->shape, out);
    if (times == 1 && c->length) {
        bytes_add_text(out, (size_t)c->result > c->length ? " ...\"" : " \"");
        bytes_add_escaped(out, c->data, c->length, DATA_COLUMNS);
        bytes_add_text(out, "\"");
    }
    if (times == 0)
        bytes_add_text(out, " (again and again)");
    else if (times > 1)
        bytes_printf(out, " (%d times)", times);
}

struct shown {
    const struct trail_call *calls[SHOWN]; /* the last one first */
    int times[SHOWN], count;
};

static struct shown choose(const struct trail *t, bool with_waits)
{
    struct shown s = {.count = 0};
    unsigned long n = t->count;
    unsigned long oldest = n > TRAIL_CALLS ? n - TRAIL_CALLS : 0;

    while (n > oldest) {
        const struct trail_call *c = &t->calls[--n % TRAIL_CALLS];
        if (!is_told(c, with_waits))
            continue;
        if (s.count && is_same(c, s.calls[s.count - 1])) {
            s.times[s.count - 1]++;
            continue;
        }
        if (s.count == SHOWN)
            break;
        s.calls[s.count] = c;
        s.times[s.count++] = 1;
    }
    /* Of no other call anything is left. */
    if (s.count == 1 && oldest > 0)
        s.times[0] = 0;
    return s;
}

void trail_tell(const struct trail *t, struct text_list *out)
{
    struct shown s = choose(t, false);
    if (s.count == 0)
        s = choose(t, true);
    while (s.count--) {
        struct bytes text = {0};
        tell_call(s.calls[s.count], s.times[s.count], &text);
        texts_add(out, bytes_text(&text));
        bytes_free(&text);
    }
}
