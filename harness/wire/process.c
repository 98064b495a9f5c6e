#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Reads a small file of /proc in one go; the length, or -1. */
static ssize_t slurp(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, out, size - 1);
    close(fd);
    if (n >= 0)
        out[n] = '\0';
    return n;
}

/* ------------------------------- the tree ------------------------------ */

/* State and parent, which stand behind the name in parentheses. */
static bool read_stat(pid_t pid, char *state, pid_t *parent)
{
    char path[48], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (slurp(path, text, sizeof text) <= 0)
        return false;
    const char *p = strrchr(text, ')');
    int ppid;
    if (!p || sscanf(p + 1, " %c %d", state, &ppid) != 2)
        return false;
    *parent = ppid;
    return true;
}

pid_t process_parent(pid_t pid)
{
    char state;
    pid_t parent;
    return read_stat(pid, &state, &parent) ? parent : 0;
}

static char state_of(pid_t id)
{
    char state;
    pid_t parent;
    return read_stat(id, &state, &parent) ? state : 0;
}

static bool is_alive(char state)
{
    return state && state != 'Z' && state != 'X';
}

/*
 * A process whose first thread has ended is a zombie by its number, and shows
 * neither descriptors nor memory under it; but it lives on as long as another
 * thread does. Returns a thread that lives, or 0; *others is set if there are
 * any besides the first, be they on their way out.
 */
static pid_t living_thread(pid_t pid, bool *others)
{
    char path[32];
    pid_t living = 0;

    *others = false;
    if (is_alive(state_of(pid)))
        return pid;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    for (struct dirent *d; !living && (d = readdir(folder)) != NULL;) {
        pid_t tid = (pid_t)atoi(d->d_name);
        if (tid <= 0 || tid == pid)
            continue;
        *others = true;
        if (is_alive(state_of(tid)))
            living = tid;
    }
    closedir(folder);
    return living;
}

/* Whose entry in /proc tells of the process. */
static pid_t speaker(pid_t pid)
{
    bool others;
    pid_t living = living_thread(pid, &others);
    return living ? living : pid;
}

char process_state(pid_t pid)
{
    bool others;
    pid_t living = living_thread(pid, &others);
    return living ? state_of(living) : others ? 'X' : state_of(pid);
}

/*
 * Every process of the machine with its parent, by number. Most belong to
 * others, and stay strangers for ever: who is not below wire when it is born
 * never comes below it. So a process is read once, when it is new, and again
 * only if it is one of ours, whose parent may die.
 */
struct member {
    pid_t pid, parent;
    bool ours; /* below wire */
    bool is_new;
};

static struct {
    pid_t root; /* whose family `ours` means */
    struct member *list;
    int count;
    long last_pid; /* that the kernel has given out when the table was made */
} table;

static int compare_members(const void *a, const void *b)
{
    const struct member *m = a, *n = b;
    return (m->pid > n->pid) - (m->pid < n->pid);
}

static struct member *find_member(pid_t pid)
{
    struct member key = {.pid = pid};
    return table.count ? bsearch(&key, table.list, (size_t)table.count,
                                 sizeof *table.list, compare_members)
                       : NULL;
}

/* The last process id that was given out: where it is the same, nobody was
 * born. -1: not known here. */
static long last_pid(void)
{
    char load[128];
    const char *last = NULL;
    if (slurp("/proc/loadavg", load, sizeof load) > 0)
        last = strrchr(load, ' ');
    return last ? atol(last) : -1;
}

/* The entries of /proc, with what the table knows of them. */
static struct member *list_members(int *count)
{
    struct member *list = NULL;
    int capacity = 0;
    DIR *folder = opendir("/proc");

    *count = 0;
    for (struct dirent *d; folder && (d = readdir(folder)) != NULL;) {
        struct member m = {.pid = (pid_t)atoi(d->d_name), .is_new = true};
        if (!m.pid)
            continue;
        const struct member *known = find_member(m.pid);
        char state;
        if (known)
            m = *known;
        if ((!known || m.ours) && !read_stat(m.pid, &state, &m.parent))
            continue;
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            list = memory_grow(list, (size_t)capacity * sizeof *list);
        }
        list[(*count)++] = m;
    }
    if (folder)
        closedir(folder);
    if (list)
        qsort(list, (size_t)*count, sizeof *list, compare_members);
    return list;
}

/* A child may stand before its parent, where the numbers have begun anew. */
static void find_ours(void)
{
    bool found = true;
    while (found) {
        found = false;
        for (int i = 0; i < table.count; i++) {
            struct member *m = &table.list[i];
            if (m->ours || !m->is_new)
                continue;
            const struct member *parent = find_member(m->parent);
            m->ours = m->parent == table.root || (parent && parent->ours);
            found |= m->ours;
        }
    }
    for (int i = 0; i < table.count; i++)
        table.list[i].is_new = false;
}

static void update_table(bool fresh)
{
    long last = last_pid();
    if (table.root != getpid()) {
        /* Forked since: all that the table holds was there before us. */
        table.root = getpid();
        for (int i = 0; i < table.count; i++)
            table.list[i].ours = false;
    } else if (!fresh && last >= 0 && last == table.last_pid) {
        return;
    }
    /* The numbers have begun anew: one may stand for another process now. */
    if (last < 0 || last < table.last_pid)
        table.count = 0;
    int count;
    struct member *list = list_members(&count);
    free(table.list);
    table.list = list;
    table.count = count;
    table.last_pid = last;
    find_ours();
}

static bool is_below(const struct member *m, pid_t root)
{
    for (int depth = 0; m && depth < PROCESSES_MAX; depth++) {
        if (m->parent == root)
            return true;
        m = find_member(m->parent);
    }
    return false;
}

static pid_t left_out;

void process_leave_out(pid_t pid)
{
    left_out = pid;
}

static int tree(pid_t root, pid_t *pids, bool fresh)
{
    int count = 0;
    update_table(fresh);
    for (int i = 0; i < table.count && count < PROCESSES_MAX; i++) {
        const struct member *m = &table.list[i];
        if (!m->ours || m->pid == left_out ||
            (root != table.root && !is_below(m, root)))
            continue;
        char state = process_state(m->pid);
        if (state && state != 'Z')
            pids[count++] = m->pid;
    }
    return count;
}

int process_tree(pid_t root, pid_t *pids)
{
    return tree(root, pids, false);
}

int process_tree_fresh(pid_t root, pid_t *pids)
{
    return tree(root, pids, true);
}

int process_count(void)
{
    int count = 0;
    update_table(false);
    for (int i = 0; i < table.count; i++)
        count += table.list[i].ours;
    return count;
}

int process_children(pid_t pid)
{
    int count = 0;
    update_table(false);
    for (int i = 0; i < table.count; i++) {
        char state;
        pid_t parent;
        count += table.list[i].ours &&
                 read_stat(table.list[i].pid, &state, &parent) && parent == pid;
    }
    return count;
}

/* ------------------------------- threads ------------------------------- */

static void read_thread(struct thread_facts *t)
{
    char path[64], text[256];
    t->call = -2;

    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)t->pid,
             (int)t->tid);
    char stat[512];
    if (slurp(path, stat, sizeof stat) > 0) {
        const char *p = strrchr(stat, ')');
        if (p)
            t->state = p[1] ? p[2] : 0;
    }
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)t->pid,
             (int)t->tid);
    ssize_t n = slurp(path, text, sizeof text);
    t->syscall_known = n > 0;
    if (n > 0) {
        unsigned long *a = t->arguments;
        snprintf(t->line, sizeof t->line, "%.199s", text);
        if (strncmp(text, "running", 7) == 0)
            t->call = -2;
        else if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx", &t->call, &a[0],
                        &a[1], &a[2], &a[3], &a[4], &a[5]) < 1)
            t->call = -2;
    }
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)t->pid,
             (int)t->tid);
    if (slurp(path, text, sizeof text) > 0)
        sscanf(text, "%llu %llu %llu", &t->run_ns, &t->delay_ns, &t->switches);
}

int process_threads(const pid_t *pids, int count, struct thread_facts *out)
{
    int found = 0;
    for (int i = 0; i < count; i++) {
        char path[48];
        int before = found;
        snprintf(path, sizeof path, "/proc/%d/task", (int)pids[i]);
        DIR *folder = opendir(path);
        if (!folder)
            continue;
        for (struct dirent *d; (d = readdir(folder)) != NULL;) {
            if (!isdigit((unsigned char)d->d_name[0]) || found == THREADS_MAX)
                continue;
            out[found] = (struct thread_facts){.pid = pids[i],
                                               .tid = (pid_t)atoi(d->d_name)};
            read_thread(&out[found]);
            if (is_alive(out[found].state))
                found++;
        }
        closedir(folder);
        /* On its way out: it must not be taken for nobody. */
        if (found == before && found < THREADS_MAX)
            out[found++] = (struct thread_facts){.pid = pids[i],
                                                 .tid = pids[i],
                                                 .state = 'X',
                                                 .syscall_known = true,
                                                 .call = -2};
    }
    return found;
}

static void add_up(const pid_t *pids, int count, unsigned long long *run,
                   unsigned long long *delay)
{
    struct thread_facts *threads = memory_get(THREADS_MAX * sizeof *threads);
    int n = process_threads(pids, count, threads);
    *run = *delay = 0;
    for (int i = 0; i < n; i++) {
        *run += threads[i].run_ns;
        *delay += threads[i].delay_ns;
    }
    free(threads);
}

unsigned long long process_run_time(const pid_t *pids, int count)
{
    unsigned long long run, delay;
    add_up(pids, count, &run, &delay);
    return run;
}

unsigned long long process_run_delay(const pid_t *pids, int count)
{
    unsigned long long run, delay;
    add_up(pids, count, &run, &delay);
    return delay;
}

/* ----------------------------- descriptors ----------------------------- */

int process_descriptors(pid_t pid, struct descriptor **out)
{
    char path[48];
    struct descriptor *list = NULL;
    int count = 0;

    *out = NULL;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)speaker(pid));
    DIR *folder = opendir(path);
    if (!folder)
        return -1;
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        struct descriptor d = {.fd = atoi(e->d_name)};
        ssize_t n =
            readlinkat(dirfd(folder), e->d_name, d.target, sizeof d.target - 1);
        if (n < 0)
            continue;
        d.target[n] = '\0';
        if (sscanf(d.target, "socket:[%lu]", &d.socket) != 1)
            d.socket = 0;
        list = memory_grow(list, (size_t)(count + 1) * sizeof *list);
        list[count++] = d;
    }
    closedir(folder);
    *out = list;
    return count;
}

bool descriptor_is_inherited(pid_t pid, int fd)
{
    char path[64], text[256];
    unsigned flags;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)speaker(pid), fd);
    if (slurp(path, text, sizeof text) <= 0)
        return false;
    const char *line = strstr(text, "flags:");
    return line && sscanf(line, "flags: %o", &flags) == 1 &&
           !(flags & O_CLOEXEC);
}

/* A line "tfd: 5 events: 80000019 ..." of what an epoll watches. */
static bool tells_of_edges(const char *text, int fd)
{
    const unsigned long edges = 1UL << 31; /* EPOLLET */
    int watched;
    unsigned long events;
    for (const char *p = text; (p = strstr(p, "tfd:")); p++)
        if (sscanf(p, "tfd: %d events: %lx", &watched, &events) == 2 &&
            watched == fd && events & edges)
            return true;
    return false;
}

bool descriptor_has_edges(pid_t pid, int fd)
{
    struct descriptor *list;
    int count = process_descriptors(pid, &list);
    bool found = false;
    for (int i = 0; i < count && !found; i++) {
        char path[64];
        struct bytes text = {0};
        if (strcmp(list[i].target, "anon_inode:[eventpoll]") != 0)
            continue;
        snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)speaker(pid),
                 list[i].fd);
        found = bytes_read_file(path, &text) &&
                tells_of_edges(bytes_text(&text), fd);
        bytes_free(&text);
    }
    free(list);
    return found;
}

bool process_read_memory(pid_t pid, unsigned long place, void *out, size_t size)
{
    struct iovec here = {out, size}, there = {(void *)place, size};
    return size == 0 ||
           process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* A number in one of the files of a process that say what each is. */
static unsigned long file_number(pid_t pid, const char *file, const char *name)
{
    char path[48], text[4096];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)speaker(pid), file);
    if (slurp(path, text, sizeof text) <= 0)
        return 0;
    const char *line = strstr(text, name);
    return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

static unsigned long status_number(pid_t pid, const char *name)
{
    return file_number(pid, "status", name);
}

bool process_awaits_signal(pid_t pid, int signal)
{
    static const char *const masks[] = {"\nSigBlk:", "\nSigCgt:"};
    char path[48], text[4096];
    unsigned long long set = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)speaker(pid));
    if (slurp(path, text, sizeof text) <= 0)
        return false;
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        const char *line = strstr(text, masks[i]);
        if (line)
            set |= strtoull(line + strlen(masks[i]), NULL, 16);
    }
    return set >> (signal - 1) & 1;
}

bool process_has_posix_timer(pid_t pid)
{
    char path[48], text[64];
    snprintf(path, sizeof path, "/proc/%d/timers", (int)pid);
    return slurp(path, text, sizeof text) > 0;
}

pid_t process_of_thread(pid_t tid)
{
    return (pid_t)status_number(tid, "\nTgid:");
}

bool process_has_thread_named(pid_t pid, const char *name)
{
    char path[300], text[32];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *d; folder && !found && (d = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/comm", (int)pid,
                 d->d_name);
        if (slurp(path, text, sizeof text) <= 0)
            continue;
        text[strcspn(text, "\n")] = '\0';
        found = strcmp(text, name) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

size_t process_rss(pid_t pid)
{
    return status_number(pid, "\nVmRSS:") * 1024;
}

size_t process_share(pid_t pid)
{
    return file_number(pid, "smaps_rollup", "\nPss:") * 1024;
}

size_t process_address_space(pid_t pid)
{
    return status_number(pid, "\nVmSize:") * 1024;
}

int process_thread_count(pid_t pid)
{
    return (int)status_number(pid, "\nThreads:");
}

pid_t socket_owner(unsigned long inode, char *name, size_t size)
{
    snprintf(name, size, "another program");
    update_table(false);
    for (int k = 0; k < table.count; k++) {
        struct descriptor *list;
        pid_t pid = table.list[k].pid;
        int count = process_descriptors(pid, &list);
        bool owns = false;
        for (int i = 0; i < count && !owns; i++)
            owns = list[i].socket == inode;
        free(list);
        if (!owns)
            continue;
        char path[48];
        snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
        if (slurp(path, name, size) > 0)
            name[strcspn(name, "\n")] = '\0';
        return pid;
    }
    return 0;
}
