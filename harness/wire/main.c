/*
 * wire runs checks against a program and judges it by what is seen from
 * outside: bytes, FIN, RST, the program's state in the kernel, its exit.
 *
 *   wire --server build/server --client build/client CHECK.wire...
 *   wire report --format junit JOURNAL.jsonl...
 */
#include "explain.h"
#include "report.h"
#include "run_check.h"
#include "script.h"
#include "totals.h"
#include "verbs.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_TROUBLE = 2 };

static const char usage[] =
    "usage: wire [options] CHECK.wire...      runs checks\n"
    "       wire report [options] FILE.jsonl...  reports on journals\n"
    "       wire --parse CHECK.wire...        only reads the checks\n"
    "       wire --help-language              the manual of the checks\n"
    "       wire --explain WORD               a word of the reports\n"
    "\n"
    "  --server CMD, --client CMD    the programs to judge\n"
    "  --sanitized-server CMD, --sanitized-client CMD\n"
    "                                their builds with sanitizers\n"
    "  --no-server TEXT              why there is none: its checks are "
    "skipped\n"
    "  --env NAME=VALUE              for the programs, beside what a check "
    "sets\n"
    "  --unit CMD                    the unit tests of what is judged\n"
    "  --stage LETTER                only checks of that stage\n"
    "  --lesson N                    rules of later lessons are advice\n"
    "  --contracts DIR               where the rules are\n"
    "  --results DIR                 keeps a journal a check there\n"
    "  --format text|tap|junit|json  of the report\n"
    "  --plain                       sentences instead of ladders\n"
    "  --show                        shows the ladder of each check\n"
    "  --again TEXT                  how to run one check again (%s: its "
    "name)\n"
    "\n"
    "Exit status: 0 all passed, 1 a check failed, 2 usage, script or harness\n"
    "error, 77 nothing could be judged. WIRE_TIMEOUT_MULT makes every "
    "deadline\n"
    "so many times longer.\n";

struct command_line {
    struct options run;
    struct report_options report;
    bool parse_only, show, report_only;
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
    OPTION_SANITIZED_SERVER,
    OPTION_SANITIZED_CLIENT,
    OPTION_NO_SERVER,
    OPTION_ENV,
    OPTION_UNIT,
    OPTION_STAGE,
    OPTION_LESSON,
    OPTION_CONTRACTS,
    OPTION_RESULTS,
    OPTION_FORMAT,
    OPTION_PLAIN,
    OPTION_SHOW,
    OPTION_AGAIN,
    OPTION_PARSE,
    OPTION_LANGUAGE,
    OPTION_EXPLAIN,
    OPTION_HELP
};

static const struct option long_options[] = {
    {"server", required_argument, NULL, OPTION_SERVER},
    {"client", required_argument, NULL, OPTION_CLIENT},
    {"sanitized-server", required_argument, NULL, OPTION_SANITIZED_SERVER},
    {"sanitized-client", required_argument, NULL, OPTION_SANITIZED_CLIENT},
    {"no-server", required_argument, NULL, OPTION_NO_SERVER},
    {"env", required_argument, NULL, OPTION_ENV},
    {"unit", required_argument, NULL, OPTION_UNIT},
    {"stage", required_argument, NULL, OPTION_STAGE},
    {"lesson", required_argument, NULL, OPTION_LESSON},
    {"contracts", required_argument, NULL, OPTION_CONTRACTS},
    {"results", required_argument, NULL, OPTION_RESULTS},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"plain", no_argument, NULL, OPTION_PLAIN},
    {"show", no_argument, NULL, OPTION_SHOW},
    {"again", required_argument, NULL, OPTION_AGAIN},
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
    case OPTION_SANITIZED_SERVER:
        c->run.sanitized_server = command(optarg);
        break;
    case OPTION_SANITIZED_CLIENT:
        c->run.sanitized_client = command(optarg);
        break;
    case OPTION_NO_SERVER:
        c->run.no_server = optarg;
        break;
    case OPTION_ENV:
        if (!strchr(optarg, '=') || *optarg == '=')
            exit(trouble("--env %s: expected NAME=VALUE", optarg));
        texts_set(&c->run.environment, optarg);
        break;
    case OPTION_UNIT:
        c->run.unit = command(optarg);
        break;
    case OPTION_STAGE:
        if (strlen(optarg) != 1 || *optarg < 'a' || *optarg > 'z')
            exit(trouble("--stage %s: expected one letter, such as a", optarg));
        c->run.stage = *optarg;
        break;
    case OPTION_LESSON:
        c->run.lesson = lesson_number(optarg);
        break;
    case OPTION_CONTRACTS:
        c->run.contracts = optarg;
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
    optind = c->report_only ? 2 : 1;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        take_option(c, letter);
    c->files = argv + optind;
    c->file_count = argc - optind;
    const char *no_colour = getenv("NO_COLOR");
    c->report.colour =
        isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && !c->report.plain;
}

/* All files are parsed before anything runs. */
static struct script *parse_files(const struct command_line *c)
{
    struct script *scripts =
        memory_get((size_t)(c->file_count + 1) * sizeof *scripts);
    bool good = true;
    for (int i = 0; i < c->file_count; i++) {
        struct script_error error;
        if (!script_read(&scripts[i], c->files[i], &error)) {
            struct bytes text = {0};
            script_error_show(&error, &text);
            fputs(bytes_text(&text), stderr);
            bytes_free(&text);
            good = false;
        }
        script_error_free(&error);
    }
    if (good)
        return scripts;
    for (int i = 0; i < c->file_count; i++)
        script_free(&scripts[i]);
    free(scripts);
    return NULL;
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

static bool keep_journal(const struct command_line *c, const struct script *s,
                         const struct journal *j)
{
    char path[PATH_MAX];
    if (!c->run.results)
        return true;
    snprintf(path, sizeof path, "%s/%s.jsonl", c->run.results, s->name);
    FILE *file = fopen(path, "we");
    bool good = file != NULL;
    if (good) {
        journal_write(j, file);
        good = !ferror(file);
        good &= fclose(file) == 0;
    }
    if (!good)
        fprintf(stderr, "wire: cannot write %s: %s\n", path, strerror(errno));
    return good;
}

static int run_checks(struct command_line *c)
{
    struct script *scripts = parse_files(c);
    struct journal *journals =
        memory_get((size_t)(c->file_count + 1) * sizeof *journals);
    int count = 0;
    bool kept = true, text = c->report.format == REPORT_TEXT;

    if (!scripts || c->parse_only) {
        free(journals);
        return scripts ? 0 : EXIT_TROUBLE;
    }
    if (c->run.results)
        make_folder(c->run.results);
    program_become_subreaper();
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < c->file_count; i++) {
        if (c->run.stage && scripts[i].stage != c->run.stage)
            continue;
        struct journal *j = &journals[count++];
        run_check(&scripts[i], &c->run, j);
        kept &= keep_journal(c, &scripts[i], j);
        if (c->show && text)
            report_show(j, &c->report, stdout);
        else if (text)
            report_line(j, &c->report, stdout);
    }
    c->report.listed = !c->show;
    if (!c->show || totals_exit_status(journals, count))
        report_all(journals, count, &c->report, stdout);
    int status = kept ? totals_exit_status(journals, count) : EXIT_TROUBLE;
    for (int i = 0; i < count; i++)
        journal_free(&journals[i]);
    for (int i = 0; i < c->file_count; i++)
        script_free(&scripts[i]);
    free(scripts);
    free(journals);
    return status;
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
    if (c.file_count < 1)
        return trouble("%s", c.report_only
                                 ? "expected at least one journal (.jsonl)"
                                 : "expected at least one check file (.wire); "
                                   "see wire --help");
    int status = c.report_only ? report_journals(&c) : run_checks(&c);
    command_free(c.run.server);
    command_free(c.run.client);
    command_free(c.run.sanitized_server);
    command_free(c.run.sanitized_client);
    command_free(c.run.unit);
    texts_free(&c.run.environment);
    return status;
}
