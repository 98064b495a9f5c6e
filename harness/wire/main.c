/*
 * wire runs checks against a program and judges it by what is seen from
 * outside: bytes, FIN, RST, the program's state in the kernel, its exit.
 *
 *   wire --server build/server --client build/client CHECK.wire...
 *   wire report --format junit JOURNAL.jsonl...
 */
#include "explain.h"
#include "faults_plan.h"
#include "list.h"
#include "report.h"
#include "schedule.h"
#include "totals.h"
#include "verbs.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_TROUBLE = 2 };

static const char usage[] =
    "usage: wire [options] CHECK.wire...      runs checks\n"
    "       wire [options] --list LIST        runs the checks of a lesson\n"
    "       wire list LIST                    names them: name, stage, "
    "program\n"
    "                                         that they call the server, file\n"
    "       wire report [options] FILE.jsonl...  reports on journals\n"
    "       wire --parse CHECK.wire...        only reads the checks\n"
    "       wire --help-language              the manual of the checks\n"
    "       wire --explain WORD               a word of the reports\n"
    "\n"
    "  --programs DIR                where the programs to judge are: server,\n"
    "                                client ...; in DIR/san their builds with\n"
    "                                sanitizers, and the unit tests: unit\n"
    "  --server CMD, --client CMD    any other program in their place\n"
    "  --env NAME=VALUE              for the programs, beside what a check\n"
    "                                sets\n"
    "  --faults RULES                into the calls of the programs, where a "
    "check\n"
    "                                injects none itself; see --help-language\n"
    "  --stage LETTER, --check NAME  only these, and what they need\n"
    "  --only NAME                   only this, and nothing that it needs\n"
    "  --lesson N                    rules of later lessons are advice\n"
    "  --contracts DIR               where the rules are\n"
    "  --results DIR                 keeps the manifest, and a journal a "
    "check\n"
    "  --hide DIR                    wire is in a sandbox of its own, and may\n"
    "                                mount there: for each program this "
    "folder\n"
    "                                is empty, as is /tmp, and it has no "
    "rights\n"
    "  --format text|tap|junit|json  of the report\n"
    "  --plain                       sentences instead of ladders\n"
    "  --show                        shows the ladder of each check\n"
    "  --again TEXT                  how to run one check again (%s: its "
    "name)\n"
    "  --kit TEXT                    which kit this is, for the reports\n"
    "  --hold TEXT                   the points of unit tests are held back,\n"
    "                                for this reason\n"
    "\n"
    "Checks run side by side: as many as there are cores, and others beside\n"
    "those that wait.\n"
    "Exit status: 0 all passed, 1 a check failed, 2 usage, script or harness\n"
    "error, 77 nothing could be judged. WIRE_TIMEOUT_MULT makes every "
    "deadline\n"
    "so many times longer.\n";

struct command_line {
    struct options run;
    struct report_options report;
    const char *list;
    char stage;
    struct text_list names; /* of the checks that are wanted; none: all */
    bool without_needs;     /* and nothing else */
    bool parse_only, show, report_only, list_only;
    char **files;
    int file_count;
};

static int trouble(const char *format, const char *what)
{
    fprintf(stderr, "wire: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\n");
    return EXIT_TROUBLE;
}

static int print(struct bytes *text)
{
    fwrite(bytes_text(text), 1, text->length, stdout);
    bytes_free(text);
    return 0;
}

enum option_letter {
    OPTION_SERVER = 256,
    OPTION_CLIENT,
    OPTION_PROGRAMS,
    OPTION_LIST,
    OPTION_CHECK,
    OPTION_ONLY,
    OPTION_ENV,
    OPTION_FAULTS,
    OPTION_STAGE,
    OPTION_LESSON,
    OPTION_CONTRACTS,
    OPTION_RESULTS,
    OPTION_FORMAT,
    OPTION_PLAIN,
    OPTION_SHOW,
    OPTION_AGAIN,
    OPTION_KIT,
    OPTION_HOLD,
    OPTION_HIDE,
    OPTION_PARSE,
    OPTION_LANGUAGE,
    OPTION_EXPLAIN,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"server", required_argument, NULL, OPTION_SERVER},
    {"client", required_argument, NULL, OPTION_CLIENT},
    {"programs", required_argument, NULL, OPTION_PROGRAMS},
    {"list", required_argument, NULL, OPTION_LIST},
    {"check", required_argument, NULL, OPTION_CHECK},
    {"only", required_argument, NULL, OPTION_ONLY},
    {"env", required_argument, NULL, OPTION_ENV},
    {"faults", required_argument, NULL, OPTION_FAULTS},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"lesson", required_argument, NULL, OPTION_LESSON},
    {"contracts", required_argument, NULL, OPTION_CONTRACTS},
    {"results", required_argument, NULL, OPTION_RESULTS},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"plain", no_argument, NULL, OPTION_PLAIN},
    {"show", no_argument, NULL, OPTION_SHOW},
    {"again", required_argument, NULL, OPTION_AGAIN},
    {"kit", required_argument, NULL, OPTION_KIT},
    {"hold", required_argument, NULL, OPTION_HOLD},
    {"hide", required_argument, NULL, OPTION_HIDE},
    {"parse", no_argument, NULL, OPTION_PARSE},
    {"help-language", no_argument, NULL, OPTION_LANGUAGE},
    {"explain", required_argument, NULL, OPTION_EXPLAIN},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0}};

static char **command(const char *text)
{
    char **words = command_split(text);
    if (!words)
        exit(trouble("\"%s\" is no command: expected words, with every quote "
                     "closed",
                     text));
    return words;
}

static const char *faults(const char *text)
{
    struct faults_plan plan = {0};
    struct bytes error = {0};
    size_t place;
    if (!faults_plan_add(&plan, text, &place, &error)) {
        fprintf(stderr, "wire: faults: %s\n    %s\n    %*s^\n",
                bytes_text(&error), text, (int)place, "");
        exit(EXIT_TROUBLE);
    }
    faults_plan_free(&plan);
    return text;
}

static int lesson_number(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*end || n < 1 || n > 99)
        exit(trouble("--lesson %s: expected a number from 1 to 99", text));
    return (int)n;
}

static void take_option(struct command_line *c, int letter)
{
    struct bytes text = {0};
    switch (letter) {
    case OPTION_SERVER:
        c->run.server = command(optarg);
        break;
    case OPTION_CLIENT:
        c->run.client = command(optarg);
        break;
    case OPTION_PROGRAMS:
        c->run.programs = optarg;
        break;
    case OPTION_LIST:
        c->list = optarg;
        break;
    case OPTION_CHECK:
    case OPTION_ONLY:
        texts_add(&c->names, optarg);
        c->without_needs |= letter == OPTION_ONLY;
        break;
    case OPTION_ENV:
        if (!strchr(optarg, '=') || *optarg == '=')
            exit(trouble("--env %s: expected NAME=VALUE", optarg));
        texts_set(&c->run.environment, optarg);
        break;
    case OPTION_FAULTS:
        c->run.faults = faults(optarg);
        break;
    case OPTION_STAGE:
        if (strlen(optarg) != 1 || *optarg < 'a' || *optarg > 'z')
            exit(trouble("--stage %s: expected one letter, such as a", optarg));
        c->stage = *optarg;
        break;
    case OPTION_LESSON:
        c->run.lesson = lesson_number(optarg);
        break;
    case OPTION_CONTRACTS:
        c->run.contracts = optarg;
        break;
    case OPTION_HIDE:
        texts_add(&c->run.hidden, optarg);
        break;
    case OPTION_RESULTS:
        c->run.results = optarg;
        break;
    case OPTION_FORMAT:
        if (!report_format_find(optarg, &c->report.format))
            exit(trouble("--format %s: expected text, tap, junit or json",
                         optarg));
        break;
    case OPTION_PLAIN:
        c->report.plain = true;
        break;
    case OPTION_SHOW:
        c->show = true;
        break;
    case OPTION_AGAIN:
        c->run.again = optarg;
        break;
    case OPTION_KIT:
        c->run.kit = optarg;
        break;
    case OPTION_HOLD:
        c->run.hold = optarg;
        break;
    case OPTION_PARSE:
        c->parse_only = true;
        break;
    case OPTION_LANGUAGE:
        verbs_print_manual(&text);
        exit(print(&text));
    case OPTION_EXPLAIN: {
        bool known = explain(optarg, &text);
        print(&text);
        exit(known ? 0 : EXIT_TROUBLE);
    }
    case OPTION_HELP:
        fputs(usage, stdout);
        exit(0);
    default:
        fputs(usage, stderr);
        exit(EXIT_TROUBLE);
    }
}

static void read_command_line(struct command_line *c, int argc, char **argv)
{
    int letter;
    c->run.contracts = "lessons/contracts";
    c->report_only = argc > 1 && strcmp(argv[1], "report") == 0;
    c->list_only = argc > 1 && strcmp(argv[1], "list") == 0;
    optind = c->report_only || c->list_only ? 2 : 1;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        take_option(c, letter);
    c->files = argv + optind;
    c->file_count = argc - optind;
    const char *no_colour = getenv("NO_COLOR");
    c->report.colour =
        isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && !c->report.plain;
}

static bool show_error(struct script_error *error)
{
    struct bytes text = {0};
    script_error_show(error, &text);
    fputs(bytes_text(&text), stderr);
    bytes_free(&text);
    script_error_free(error);
    return false;
}

/* All files are parsed before anything runs. */
static bool read_checks(const struct command_line *c, struct list *l)
{
    struct script_error error = {0};
    bool good = true;
    *l = (struct list){0};
    if (c->list && !list_read(l, c->list, &error))
        return show_error(&error);
    /* Somebody's own command stands for the server, and for no other. */
    if (c->run.server || c->run.client)
        list_keep_program(l, "server");
    for (int i = 0; i < c->file_count; i++) {
        if (!list_add(l, c->files[i], &error))
            good = show_error(&error);
        script_error_free(&error);
    }
    if (good && c->file_count && !list_fits(l, c->files[0], &error))
        return show_error(&error);
    return good;
}

/* The stages, or the names, that there are. */
static void add_choices(const struct list *l, bool stages, struct bytes *out)
{
    bool seen[256] = {false};
    for (int i = 0; i < l->count; i++) {
        const struct script *s = &l->entries[i].script;
        unsigned char stage = (unsigned char)(s->stage ? s->stage : 'a');
        if (!stages)
            bytes_printf(out, " %s", s->name);
        seen[stage] = true;
    }
    for (int stage = 'a'; stages && stage <= 'z'; stage++)
        if (seen[stage])
            bytes_printf(out, " %c", stage);
}

/* Keeps what is wanted; says what there is, where that is nothing. */
static bool select_checks(const struct command_line *c, struct list *l)
{
    struct bytes choices = {0};
    const char *missing = NULL;
    for (int i = 0; i < c->names.count && !missing; i++)
        if (!list_find(l, c->names.texts[i]))
            missing = c->names.texts[i];
    add_choices(l, !missing, &choices);
    bool good =
        !missing && list_select(l, c->stage, &c->names, !c->without_needs) > 0;
    if (missing)
        fprintf(stderr, "There is no check \"%s\". The checks are:%s\n",
                missing, bytes_text(&choices));
    else if (!good && c->stage)
        fprintf(stderr,
                "There is no stage %c with checks. Stages with checks are:%s\n",
                c->stage, bytes_text(&choices));
    else if (!good)
        fprintf(stderr, "wire: no check is named there\n");
    bytes_free(&choices);
    return good;
}

static void tell_check(const struct journal *j, void *context)
{
    const struct command_line *c = context;
    if (c->report.format != REPORT_TEXT)
        return;
    if (c->show)
        report_show(j, &c->report, stdout);
    else
        report_line(j, &c->report, stdout);
    fflush(stdout);
}

static int run_list(struct command_line *c, struct list *l)
{
    struct journal *journals =
        memory_get((size_t)(l->count + 1) * sizeof *journals);
    signal(SIGPIPE, SIG_IGN);
    bool kept = schedule_run(l, &c->run, journals, tell_check, c);
    c->report.listed = !c->show;
    int status = totals_exit_status(journals, l->count);
    if (kept && (!c->show || status))
        report_all(journals, l->count, &c->report, stdout);
    for (int i = 0; i < l->count; i++)
        journal_free(&journals[i]);
    free(journals);
    return kept ? status : EXIT_TROUBLE;
}

static int run_checks(struct command_line *c)
{
    struct list l;
    int status = EXIT_TROUBLE;
    if (read_checks(c, &l) && select_checks(c, &l))
        status = c->parse_only ? 0 : run_list(c, &l);
    list_free(&l);
    return status;
}

static int name_checks(struct command_line *c)
{
    struct list l;
    struct bytes text = {0};
    c->list = c->files[0];
    c->file_count = 0;
    bool good = read_checks(c, &l) && select_checks(c, &l);
    if (good)
        list_print(&l, &text);
    list_free(&l);
    print(&text);
    return good ? 0 : EXIT_TROUBLE;
}

static int report_journals(const struct command_line *c)
{
    struct journal *journals =
        memory_get((size_t)c->file_count * sizeof *journals);
    bool good = true;
    for (int i = 0; i < c->file_count && good; i++) {
        int line;
        FILE *file = fopen(c->files[i], "re");
        if (!file) {
            fprintf(stderr, "wire: cannot read %s: %s\n", c->files[i],
                    strerror(errno));
            good = false;
        } else {
            good = journal_read(&journals[i], file, &line);
            if (!good)
                fprintf(stderr, "wire: %s:%d: this is no line of a journal\n",
                        c->files[i], line - 1);
            fclose(file);
        }
    }
    if (good)
        report_all(journals, c->file_count, &c->report, stdout);
    int status =
        good ? totals_exit_status(journals, c->file_count) : EXIT_TROUBLE;
    for (int i = 0; i < c->file_count; i++)
        journal_free(&journals[i]);
    free(journals);
    return status;
}

int main(int argc, char **argv)
{
    struct command_line c = {0};
    read_command_line(&c, argc, argv);
    if (c.file_count < 1 && !c.list)
        return trouble("%s", c.report_only
                                 ? "expected at least one journal (.jsonl)"
                             : c.list_only ? "expected a list of checks"
                                           : "expected at least one check file "
                                             "(.wire); see wire --help");
    int status = c.report_only ? report_journals(&c)
                 : c.list_only ? name_checks(&c)
                               : run_checks(&c);
    command_free(c.run.server);
    command_free(c.run.client);
    texts_free(&c.run.environment);
    texts_free(&c.names);
    return status;
}
