#include "cell.h"

#include "process.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

/* So much may a program leave in its /tmp; and so many processes and threads
 * may there be of all checks of a sandbox, wire's own among them. */
#define SCRATCH "size=16m,mode=1777"
#define PROCESSES 2000

/* The first process of the namespace: without it there are no others. Who has
 * lost its parent becomes its child. */
static void hold(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    /* Whoever waits for the end of one of wire's descriptors waits for wire's.
     */
    syscall(SYS_close_range, 0U, ~0U, 0);
    for (;;)
        pause();
}

static pid_t holder;

bool cell_begin(void)
{
    if (unshare(CLONE_NEWPID) < 0)
        return false;
    holder = fork();
    if (holder == 0)
        hold();
    if (holder > 0)
        process_leave_out(holder);
    return holder > 0;
}

void cell_end(void)
{
    if (holder > 0)
        kill(holder, SIGKILL);
}

bool cell_mount(const struct text_list *hidden)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV;
    for (int i = 0; i < hidden->count; i++)
        if (mount("none", hidden->texts[i], "tmpfs", flags | MS_RDONLY, NULL) <
            0)
            return false;
    return mount("proc", "/proc", "proc", flags | MS_NOEXEC, NULL) == 0 &&
           mount("none", "/tmp", "tmpfs", flags, SCRATCH) == 0 &&
           chdir("/tmp") == 0;
}

bool cell_drop_rights(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct rlimit processes = {PROCESSES, PROCESSES};

    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    return setrlimit(RLIMIT_NPROC, &processes) == 0 &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &header, none) == 0;
}
