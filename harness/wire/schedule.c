#include "schedule.h"

#include "manifest.h"
#include "run_check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Checks that wait cost no time, but descriptors and memory. */
#define JOBS_A_CORE 8

enum job_state { JOB_OPEN, JOB_RUNNING, JOB_ENDED };

struct job {
    const struct list_entry *entry;
    struct journal *journal;
    enum job_state state;
    pid_t pid;
    int news;   /* from the check: REST and WORK; its end, when it has ended */
    bool rests; /* it only waits for time to pass */
    int way;    /* how long the way is from its begin to the end, in ms */
    FILE *kept; /* its journal, on its way here */
};

struct schedule {
    const struct list *list;
    const struct options *options;
    struct journal *journals;
    struct job *jobs;
    int cores, running, ended, told;
    bool good; /* the results are kept */
};

static int count_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* Makes the folder, and those that it lies in; what is wrong with it shows when
 * something is to be written there. */
static void make_folder(const char *path)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(part, 0777);
        *slash = '/';
    }
    mkdir(part, 0777);
}

static FILE *open_journal(const char *folder, const char *name)
{
    char path[PATH_MAX];
    if (folder) {
        snprintf(path, sizeof path, "%s/%s.jsonl", folder, name);
        return fopen(path, "w+e");
    }
    int fd = memfd_create("journal", MFD_CLOEXEC);
    return fd >= 0 ? fdopen(fd, "w+") : NULL;
}

static struct job *find_job(struct schedule *s, const char *name)
{
    const struct list_entry *e = list_find(s->list, name);
    return e ? &s->jobs[e - s->list->entries] : NULL;
}

/* True where all that it needs has ended. The first of these that was not
 * passed is why it is not run. A check that is not in the list is not waited
 * for. */
static bool may_begin(struct schedule *s, const struct job *job,
                      const char **waits_for)
{
    const struct text_list *needs = &job->entry->script.needs;
    *waits_for = NULL;
    for (int i = 0; i < needs->count; i++) {
        const struct job *need = find_job(s, needs->texts[i]);
        if (!need)
            continue;
        if (need->state != JOB_ENDED)
            return false;
        bool met = journal_verdict_is(need->journal, "pass") ||
                   journal_verdict_is(need->journal, "skip") ||
                   journal_verdict_is(need->journal, "advice");
        if (!met && !*waits_for)
            *waits_for = needs->texts[i];
    }
    return true;
}

/* What the forked process does; it does not return. */
static void be_the_check(const struct schedule *s, const struct job *job,
                         const char *waits_for, int news)
{
    struct assignment a = {&job->entry->script, job->entry->program, waits_for,
                           news};
    struct journal j;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    program_become_subreaper();
    run_check(&a, s->options, &j);
    journal_write(&j, job->kept);
    _exit(fflush(job->kept) == 0 ? 0 : 1);
}

static void end_job(struct schedule *s, struct job *job, const char *why);

static void begin_job(struct schedule *s, struct job *job,
                      const char *waits_for)
{
    int news[2] = {-1, -1};
    job->kept = open_journal(s->options->results, job->entry->script.name);
    if (job->kept && pipe2(news, O_CLOEXEC) == 0)
        job->pid = fork();
    else
        job->pid = -1;
    if (job->pid == 0)
        be_the_check(s, job, waits_for, news[1]);
    if (news[1] >= 0)
        close(news[1]);
    job->news = news[0];
    job->state = JOB_RUNNING;
    s->running++;
    if (job->pid < 0)
        end_job(s, job, strerror(errno));
}

/* Takes the journal that the check has left. Where there is none with a
 * verdict, wire itself has failed. */
static void take_journal(struct schedule *s, struct job *job, const char *why)
{
    struct assignment a = {&job->entry->script, job->entry->program, NULL, -1};
    int line;
    if (job->kept) {
        rewind(job->kept);
        if (journal_read(job->journal, job->kept, &line) &&
            *journal_get(job->journal, "verdict"))
            return;
        journal_free(job->journal);
    }
    run_check_broken(&a, s->options, why, job->journal);
    if (job->kept && ftruncate(fileno(job->kept), 0) == 0) {
        rewind(job->kept);
        journal_write(job->journal, job->kept);
    }
}

static void end_job(struct schedule *s, struct job *job, const char *why)
{
    take_journal(s, job, why);
    if (!job->kept || fclose(job->kept) != 0)
        s->good = false;
    if (job->news >= 0)
        close(job->news);
    job->state = JOB_ENDED;
    s->running--;
    s->ended++;
    if (s->options->results &&
        !manifest_write(s->options->results, s->list, s->journals))
        s->good = false;
}

/* The check has something to say, be it that it has ended. */
static void hear(struct schedule *s, struct job *job)
{
    char words[64];
    int status;
    ssize_t n = read(job->news, words, sizeof words);
    if (n > 0) {
        job->rests = words[n - 1] == NEWS_REST;
        return;
    }
    if (n < 0 && errno == EINTR)
        return;
    struct bytes how = {0};
    waitpid(job->pid, &status, 0);
    bytes_add_text(&how, "the process of this check ");
    describe_end(status, &how);
    end_job(s, job, bytes_text(&how));
    bytes_free(&how);
}

static void hear_all(struct schedule *s)
{
    struct pollfd *watch =
        memory_get((size_t)(s->list->count + 1) * sizeof *watch);
    for (int i = 0; i < s->list->count; i++)
        watch[i] = (struct pollfd){
            .fd = s->jobs[i].state == JOB_RUNNING ? s->jobs[i].news : -1,
            .events = POLLIN};
    if (poll(watch, (nfds_t)s->list->count, -1) > 0)
        for (int i = 0; i < s->list->count; i++)
            if (watch[i].revents)
                hear(s, &s->jobs[i]);
    free(watch);
}

static int count_working(const struct schedule *s)
{
    int working = 0;
    for (int i = 0; i < s->list->count; i++)
        working += s->jobs[i].state == JOB_RUNNING && !s->jobs[i].rests;
    return working;
}

/* Of those that may begin the one with the longest way; in the order of the
 * list where that decides nothing. */
static struct job *find_next(struct schedule *s, const char **waits_for)
{
    struct job *next = NULL;
    for (int i = 0; i < s->list->count; i++) {
        struct job *job = &s->jobs[i];
        const char *why;
        if (job->state != JOB_OPEN || (next && next->way >= job->way) ||
            !may_begin(s, job, &why))
            continue;
        next = job;
        *waits_for = why;
    }
    return next;
}

static void begin_what_can(struct schedule *s)
{
    while (s->running < s->cores * JOBS_A_CORE && count_working(s) < s->cores) {
        const char *waits_for;
        struct job *next = find_next(s, &waits_for);
        if (!next)
            return;
        begin_job(s, next, waits_for);
    }
}

static bool waits_in(const struct step *steps, int count)
{
    for (int i = 0; i < count; i++)
        if (steps[i].kind == STEP_DO
                ? steps[i].verb->run == verb_hang
                : waits_in(steps[i].body, steps[i].body_count))
            return true;
    return false;
}

/* What most checks cost, and what a program waits that has a time-out or gets
 * no answer to its SYN. */
#define USUAL_MS 50
#define WAIT_MS 1000

static int cost_of(const struct script *s)
{
    if (s->timer)
        return USUAL_MS + s->timer;
    return USUAL_MS + (waits_in(s->steps, s->step_count) ? WAIT_MS : 0);
}

/* A check that many wait for, one after the other, or that lasts long by itself
 * must not begin last. What needs a check stands behind it in the list. */
static void measure_ways(struct schedule *s)
{
    for (int i = s->list->count - 1; i >= 0; i--) {
        struct job *job = &s->jobs[i];
        const struct text_list *needs = &job->entry->script.needs;
        job->way += cost_of(&job->entry->script);
        for (int k = 0; k < needs->count; k++) {
            struct job *need = find_job(s, needs->texts[k]);
            if (need && need->way < job->way)
                need->way = job->way;
        }
    }
}

bool schedule_run(const struct list *l, const struct options *o,
                  struct journal *journals, schedule_told *told, void *context)
{
    struct schedule s = {.list = l,
                         .options = o,
                         .journals = journals,
                         .cores = count_cores(),
                         .good = true};
    s.jobs = memory_get((size_t)(l->count + 1) * sizeof *s.jobs);
    for (int i = 0; i < l->count; i++)
        s.jobs[i] =
            (struct job){.entry = &l->entries[i], .journal = &journals[i]};
    measure_ways(&s);
    if (o->results)
        make_folder(o->results);
    program_become_subreaper();
    if (o->results && !manifest_write(o->results, l, journals))
        s.good = false;
    while (s.ended < l->count && s.good) {
        begin_what_can(&s);
        while (s.told < l->count && s.jobs[s.told].state == JOB_ENDED)
            told(&journals[s.told++], context);
        if (s.running)
            hear_all(&s);
    }
    while (s.told < l->count && s.jobs[s.told].state == JOB_ENDED)
        told(&journals[s.told++], context);
    if (!s.good)
        fprintf(stderr, "wire: cannot write to %s: %s\n",
                o->results ? o->results : "memory", strerror(errno));
    /* Of a check that was killed itself something may be left. */
    programs_end_all();
    free(s.jobs);
    return s.good;
}
