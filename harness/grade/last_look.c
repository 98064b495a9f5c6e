/* Linked with the sanitized programs, and with no other. Their handler of
 * SIGTERM ends them with _exit(), which asks nobody; so this _exit() stands in
 * front of the C library's, and lets the leak sanitizer look first for what the
 * program has lost for good. The thread takes a name before, since a program
 * cannot be traced by the sanitizer and by others.
 *
 * Where wire asks for it, the program also tells where it has made most of what
 * it holds (WIRE_PLACES=memory, on SIGUSR2), where a thread waits (=locks, on
 * SIGUSR2 for that one), or where it spends its time (=time, by itself). */

#include <errno.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { SANITIZER_STATUS = 99, PLACES = 32, BLOCKS = 8, TICK_US = 20 * 1000 };

/* Of the address sanitizer; no header of its has it. */
void __sanitizer_print_memory_profile(size_t percent, size_t most);

/* No functions for a handler; but what is lost by them is this run alone, which
 * judges nothing. */
static void tell_place(int signal_number)
{
    static int told;
    (void)signal_number;
    if (told++ < PLACES)
        __sanitizer_print_stack_trace();
}

static void tell_memory(int signal_number)
{
    (void)signal_number;
    __sanitizer_print_memory_profile(90, BLOCKS);
}

/* Threads that leave all signals to the first one must hear this one. */
static bool asks_threads;

int pthread_sigmask(int how, const sigset_t *restrict set,
                    sigset_t *restrict before)
{
    sigset_t but;

    if (set != NULL && how != SIG_UNBLOCK && asks_threads) {
        but = *set;
        sigdelset(&but, SIGUSR2);
        set = &but;
    }
    return syscall(SYS_rt_sigprocmask, how, set, before, _NSIG / 8) == -1
               ? errno
               : 0;
}

__attribute__((constructor)) static void wait_to_be_asked(void)
{
    struct sigaction action = {.sa_flags = SA_RESTART};
    struct itimerval tick = {{0, TICK_US}, {0, TICK_US}};
    const char *places = getenv("WIRE_PLACES");
    if (places != NULL && strcmp(places, "memory") == 0) {
        action.sa_handler = tell_memory;
        sigaction(SIGUSR2, &action, NULL);
    } else if (places != NULL && strcmp(places, "locks") == 0) {
        asks_threads = true;
        action.sa_handler = tell_place;
        sigaction(SIGUSR2, &action, NULL);
    } else if (places != NULL && strcmp(places, "time") == 0) {
        action.sa_handler = tell_place;
        sigaction(SIGPROF, &action, NULL);
        setitimer(ITIMER_PROF, &tick, NULL);
    }
}

/* By exit() the sanitizer comes behind all destructors. */
__attribute__((destructor)) static void begin(void)
{
    prctl(PR_SET_NAME, "last look");
}

_Noreturn void _exit(int status)
{
    begin();
    if (__lsan_do_recoverable_leak_check() != 0)
        status = SANITIZER_STATUS;
    for (;;)
        syscall(SYS_exit_group, status);
}
