#include "schedule.h"

#include "cell.h"
#include "manifest.h"
#include "run_check.h"
#include "sanitizer.h"

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
#define JOBS_A_CORE 16

enum job_state { JOB_OPEN, JOB_RUNNING, JOB_ENDED };

/* One check on one build of the programs. */
struct job {
    const struct list_entry *entry;
    const char *build;     /* NULL: the plain one */
    enum story story;      /* how it has failed */
    struct result *result; /* of its check */
    enum job_state state;
    pid_t pid;
    int news;   /* from the check: REST and WORK; its end, when it has ended */
    bool rests; /* it only waits for time to pass */
    FILE *kept; /* its journal, on its way here */
};

/* A check: it has come to its end when it has on all builds. What a sanitizer
 * has found there counts before all else. */
struct result {
    struct journal *journal;
    int open; /* jobs that have not ended yet */
    bool found;
    int way; /* how long the way is from its begin to the end, in ms */
};

/* Besides the plain one, which comes first. */
static const char *const builds[] = {"san", "tsan"};
#define BUILDS 2

struct schedule {
    const struct list *list;
    const struct options *options;
    struct journal *journals;
    struct result *results; /* one a check, in the order of the list */
    struct job *jobs;
    int job_count;
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

static FILE *open_journal(void)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);
    return fd >= 0 ? fdopen(fd, "w+") : NULL;
}

static FILE *open_file(const char *folder, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.jsonl", folder, name);
    return fopen(path, "we");
}

static struct result *find_result(struct schedule *s, const char *name)
{
    const struct list_entry *e = list_find(s->list, name);
    return e ? &s->results[e - s->list->entries] : NULL;
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
        const struct result *need = find_result(s, needs->texts[i]);
        if (!need)
            continue;
        if (need->open)
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
    struct assignment a = {&job->entry->script, job->entry->program, job->build,
                           job->story,          waits_for,           news};
    struct journal j;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    program_become_subreaper();
    if (s->options->hidden.count && !cell_begin())
        run_check_broken(&a, s->options, strerror(errno), &j);
    else
        run_check(&a, s->options, &j);
    journal_write(&j, job->kept);
    _exit(fflush(job->kept) == 0 ? 0 : 1);
}

static void end_job(struct schedule *s, struct job *job, const char *why);

static void begin_job(struct schedule *s, struct job *job,
                      const char *waits_for)
{
    int news[2] = {-1, -1};
    job->kept = open_journal();
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

static bool read_journal(struct job *job, struct journal *out)
{
    int line;
    if (!job->kept)
        return false;
    rewind(job->kept);
    if (journal_read(out, job->kept, &line) && *journal_get(out, "verdict"))
        return true;
    journal_free(out);
    return false;
}

/* A sanitizer has found something. */
static bool has_found(const struct journal *j)
{
    return strcmp(journal_get(j, "code"), "sanitizer") == 0;
}

/* That memory is lost says less than how the plain run has failed: it may be
 * lost by that very failure. */
static bool is_less(const struct journal *found, const struct journal *plain)
{
    return strstr(journal_get(found, "sentence"), SANITIZER_LEAK) &&
           journal_verdict_is(plain, "fail");
}

/* Takes the journal that the check has left. Where there is none with a
 * verdict, wire itself has failed: on a further build nothing is lost by it. */
static void take_journal(struct schedule *s, struct job *job, const char *why)
{
    struct result *result = job->result;
    struct assignment a = {.script = &job->entry->script,
                           .server = job->entry->program,
                           .build = job->build,
                           .news = -1};
    struct journal j;
    bool read = read_journal(job, &j);
    if (!read && !job->build && !job->story)
        run_check_broken(&a, s->options, why, &j);
    else if (!read)
        return;
    if (job->story) {
        run_check_take_story(result->journal, &j);
        journal_free(&j);
        return;
    }
    /* The plain run may end behind the others, or before. */
    bool counts = job->build ? !result->found && has_found(&j) &&
                                   !is_less(&j, result->journal)
                             : !result->found || is_less(result->journal, &j);
    if (!counts) {
        journal_free(&j);
        return;
    }
    journal_free(result->journal);
    *result->journal = j;
    result->found = job->build != NULL;
}

static void keep_result(struct schedule *s, struct job *job)
{
    struct result *result = job->result;
    s->ended++;
    if (!s->options->results)
        return;
    FILE *file = open_file(s->options->results, job->entry->script.name);
    if (file)
        journal_write(result->journal, file);
    if (!file || fclose(file) != 0 ||
        !manifest_write(s->options->results, s->list, s->journals))
        s->good = false;
}

static struct job *add_job(struct schedule *s, const struct list_entry *entry,
                           struct result *result, const char *build)
{
    struct job *job = &s->jobs[s->job_count++];
    *job = (struct job){.entry = entry, .result = result, .build = build};
    result->open++;
    return job;
}

/* To follow a program makes it slow, so it is not done before it is wanted. */
static void follow(struct schedule *s, const struct job *job)
{
    for (enum story story = STORY_CALLS; story < STORIES; story++)
        if (!job->result->found &&
            run_check_has_story(&job->entry->script, job->entry->program,
                                s->options, job->result->journal, story))
            add_job(s, job->entry, job->result,
                    story == STORY_CALLS ? NULL : "san")
                ->story = story;
}

static void end_job(struct schedule *s, struct job *job, const char *why)
{
    take_journal(s, job, why);
    if (!job->build && !job->story)
        follow(s, job);
    if (job->kept)
        fclose(job->kept);
    if (job->news >= 0)
        close(job->news);
    job->state = JOB_ENDED;
    s->running--;
    if (--job->result->open == 0)
        keep_result(s, job);
}

/* On the plain build it is not run either. */
static void leave_out(struct schedule *s, struct job *job)
{
    job->state = JOB_ENDED;
    if (--job->result->open == 0)
        keep_result(s, job);
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
    int count = s->job_count; /* there may be more when one has been heard */
    struct pollfd *watch = memory_get((size_t)(count + 1) * sizeof *watch);
    for (int i = 0; i < count; i++)
        watch[i] = (struct pollfd){
            .fd = s->jobs[i].state == JOB_RUNNING ? s->jobs[i].news : -1,
            .events = POLLIN};
    if (poll(watch, (nfds_t)count, -1) > 0)
        for (int i = 0; i < count; i++)
            if (watch[i].revents)
                hear(s, &s->jobs[i]);
    free(watch);
}

static int count_working(const struct schedule *s)
{
    int working = 0;
    for (int i = 0; i < s->job_count; i++)
        working += s->jobs[i].state == JOB_RUNNING && !s->jobs[i].rests;
    return working;
}

/* Of those that may begin the one with the longest way; in the order of the
 * list where that decides nothing, the plain build first. */
static struct job *find_next(struct schedule *s, const char **waits_for)
{
    struct job *next = NULL;
    *waits_for = NULL;
    for (int i = 0; i < s->job_count; i++) {
        struct job *job = &s->jobs[i];
        const char *why;
        if (job->state != JOB_OPEN ||
            (next && next->result->way >= job->result->way) ||
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
        if (next->build && waits_for)
            leave_out(s, next);
        else
            begin_job(s, next, waits_for);
    }
}

/* What most checks cost, and what a program waits that has a time-out or gets
 * no answer to its SYN. */
#define USUAL_MS 50
#define WAIT_MS 1000

static int cost_of(const struct script *s)
{
    if (s->timer)
        return USUAL_MS + s->timer;
    return USUAL_MS + (script_does(s, verb_hang) ? WAIT_MS : 0);
}

/* A check that many wait for, one after the other, or that lasts long by itself
 * must not begin last. What needs a check stands behind it in the list. */
static void measure_ways(struct schedule *s)
{
    for (int i = s->list->count - 1; i >= 0; i--) {
        const struct script *script = &s->list->entries[i].script;
        struct result *result = &s->results[i];
        result->way += cost_of(script);
        for (int k = 0; k < script->needs.count; k++) {
            struct result *need = find_result(s, script->needs.texts[k]);
            if (need && need->way < result->way)
                need->way = result->way;
        }
    }
}

static void add_jobs(struct schedule *s)
{
    for (int i = 0; i < s->list->count; i++) {
        const struct list_entry *e = &s->list->entries[i];
        s->journals[i] = (struct journal){0};
        s->results[i].journal = &s->journals[i];
        add_job(s, e, &s->results[i], NULL);
        for (int k = 0; k < BUILDS; k++)
            if (run_check_has_build(&e->script, e->program, s->options,
                                    builds[k]))
                add_job(s, e, &s->results[i], builds[k]);
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
    s.results = memory_get((size_t)(l->count + 1) * sizeof *s.results);
    s.jobs = memory_get((size_t)(l->count * (1 + BUILDS + STORIES) + 1) *
                        sizeof *s.jobs);
    add_jobs(&s);
    measure_ways(&s);
    if (o->results)
        make_folder(o->results);
    program_become_subreaper();
    if (o->results && !manifest_write(o->results, l, journals))
        s.good = false;
    while (s.ended < l->count && s.good) {
        begin_what_can(&s);
        while (s.told < l->count && !s.results[s.told].open)
            told(&journals[s.told++], context);
        if (s.running)
            hear_all(&s);
    }
    while (s.told < l->count && !s.results[s.told].open)
        told(&journals[s.told++], context);
    if (!s.good)
        fprintf(stderr, "wire: cannot write to %s: %s\n",
                o->results ? o->results : "memory", strerror(errno));
    /* Of a check that was killed itself something may be left. */
    programs_end_all();
    free(s.jobs);
    free(s.results);
    return s.good;
}
