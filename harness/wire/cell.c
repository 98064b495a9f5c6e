#include "cell.h"

#include "process.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

/* What the programs of a check may have together. A right one has far less: a
 * server may have a process for each of 500 clients; and half a gigabyte is
 * more under the thread sanitizer. */
#define TASKS 600
#define MEMORY_MIB 2048

/* What the kernel sees to: in /tmp, with as many files; in one file; on a
 * processor, a process; and as processes and threads in all checks of a
 * sandbox, wire's own among them. */
#define SCRATCH "size=16m,nr_inodes=4096,mode=1777"
#define FILE_BYTES (16 << 20)
#define SECONDS 120
#define PROCESSES 1200

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

static bool write_number(const char *path, int number)
{
    FILE *file = fopen(path, "we");
    bool good = file && fprintf(file, "%d\n", number) > 0;
    return file && fclose(file) == 0 && good;
}

bool cell_begin(void)
{
    /* In a user namespace of its own a program would be root, and mount folders
     * without a limit. */
    if (!write_number("/proc/sys/user/max_user_namespaces", 0) ||
        unshare(CLONE_NEWPID) < 0)
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
           mount("/tmp", "/dev/shm", NULL, MS_BIND, NULL) == 0 &&
           chdir("/tmp") == 0;
}

const char *cell_excess(void)
{
    static char text[64];
    pid_t pids[PROCESSES_MAX];
    size_t memory = 0;
    int tasks = process_count();
    int count = tasks > TASKS ? 0 : process_tree(getpid(), pids);

    for (int i = 0; i < count; i++) {
        memory += process_rss(pids[i]);
        tasks += process_thread_count(pids[i]) - 1;
    }
    if (tasks > TASKS) {
        snprintf(text, sizeof text, "%d processes and threads", TASKS);
        return text;
    }
    if (memory >> 20 <= MEMORY_MIB)
        return NULL;
    /* Exact, and slow. */
    memory = 0;
    for (int i = 0; i < count; i++)
        memory += process_share(pids[i]);
    snprintf(text, sizeof text, "%d MiB of memory", MEMORY_MIB);
    return memory >> 20 > MEMORY_MIB ? text : NULL;
}

static bool limit(__rlimit_resource_t resource, rlim_t value)
{
    struct rlimit both = {value, value};
    return setrlimit(resource, &both) == 0;
}

bool cell_drop_rights(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    if (!write_number("/proc/self/oom_score_adj", 1000))
        return false;
    for (int c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
        prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    return limit(RLIMIT_NPROC, PROCESSES) && limit(RLIMIT_FSIZE, FILE_BYTES) &&
           limit(RLIMIT_CPU, SECONDS) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_capset, &header, none) == 0;
}
