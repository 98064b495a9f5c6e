#include "verbs.h"

#include "faults_plan.h"

#define PROGRAM ACTOR_PROGRAM
#define PEER ACTOR_PEER
#define RELAY ACTOR_RELAY
#define MACHINE ACTOR_MACHINE

const struct verb verbs[] = {
    /* Programs: before the start */
    {PROGRAM, "limit nofile NUMBER", verb_limit_nofile,
     "it may have so many descriptors open (set before start)"},
    {PROGRAM, "limit stack NUMBER", verb_limit_stack,
     "its stack has so many bytes (set before start)"},
    {PROGRAM, "limit memory NUMBER", verb_limit_memory,
     "its address space has so many bytes (set before start)"},
    {PROGRAM, "fill-fds NUMBER", verb_fill_fds,
     "every descriptor below this number is taken when it starts"},
    {PROGRAM, "hosts BYTES is STRINGS", verb_hosts,
     "for it, the name stands for these addresses, in this order"},
    {PROGRAM, "inject FAULTS", verb_inject,
     "what goes wrong in its calls, by rules or a plan, as below (set before "
     "start)"},
    {MACHINE, "port NAME", verb_port,
     "saves a port that is free now and never given out by the kernel"},
    {MACHINE, "wait NUMBER", verb_wait,
     "lets so many ms pass: only where patience is what is judged"},

    /* Programs: running */
    {PROGRAM, "start raw STRINGS", verb_start_raw,
     "starts it with these arguments and nothing else"},
    {PROGRAM, "start STRINGS", verb_start,
     "starts it; the server on 127.0.0.1 and a port of the kernel's choice, "
     "until it listens; the client towards the peer that listens"},
    {PROGRAM, "listening", verb_listening,
     "waits until the kernel shows its listening socket"},
    {PROGRAM, "restart", verb_restart,
     "starts it again, on the port it had before"},
    {PROGRAM, "stop", verb_stop, "sends SIGTERM and waits for its end"},
    {PROGRAM, "no-more-fds", verb_no_more_fds,
     "takes away every free descriptor, so that accept() fails (EMFILE)"},
    {PROGRAM, "more-fds", verb_more_fds, "gives them back"},
    {PROGRAM, "signal SIGNAL", verb_signal, "sends it this signal"},
    {PROGRAM, "freeze", verb_freeze,
     "stops it (SIGSTOP), so that what is sent now arrives in one go"},
    {PROGRAM, "thaw", verb_thaw, "lets it go on (SIGCONT)"},
    {PROGRAM, "hold-back", verb_hold_back,
     "from now on its first thread runs only while its others sleep, so that "
     "what it begins is over before it goes on"},

    /* Peers: connections */
    {PEER, "rcvbuf NUMBER", verb_rcvbuf,
     "a small receive buffer and small segments, before connect or listen, so "
     "that the program's send buffer stays small too"},
    {PEER, "connect many NUMBER", verb_connect_many,
     "so many connections, one after another, each closed before the next"},
    {PEER, "connect to NAME", verb_connect_to,
     "connects to the program of that name"},
    {PEER, "connect", verb_connect, "connects to the server"},
    {PEER, "accepted", verb_accepted,
     "waits until the program has accepted this connection"},
    {PEER, "listen backlog NUMBER", verb_listen_backlog,
     "listens on 127.0.0.1 with this backlog"},
    {PEER, "listen", verb_listen, "listens on 127.0.0.1"},
    {PEER, "accept", verb_accept, "waits for a connection and accepts it"},
    {PEER, "refuse", verb_refuse, "has an address at which nobody listens"},
    {PEER, "hang", verb_hang,
     "listens with a full accept queue, so that a connect hangs"},

    /* Peers: data */
    {PEER, "send each BYTES", verb_send_each,
     "sends byte by byte, each consumed before the next is sent"},
    {PEER, "send BYTES", verb_send, "sends the bytes"},
    {PEER, "pour NUMBER", verb_pour,
     "sends so many bytes, beside the steps that follow: as soon as the kernel "
     "has room, it gets more; ends earlier when 5000 receives were made"},
    {PEER, "consumed at once", verb_consumed_at_once,
     "waits until the program has taken all that was sent, and fails as soon "
     "as it is proved to sleep over it"},
    {PEER, "consumed", verb_consumed,
     "waits until the program has taken all that was sent"},
    {PEER, "stop-reading", verb_stop_reading,
     "takes nothing more from its receive buffer"},
    {PEER, "read slowly", verb_read_slowly,
     "reads again, a little at a time, to the end or until nothing comes"},
    {PEER, "read NUMBER", verb_read_count,
     "takes so many bytes from its receive buffer, and no more"},
    {PEER, "read", verb_read, "reads again"},
    {PEER, "shut", verb_shut, "ends its sending side (FIN)"},
    {PEER, "reset", verb_reset, "resets the connection (RST)"},
    {PEER, "close", verb_close, "closes the connection"},

    /* Peers: expectations */
    {PEER, "expect eof", verb_expect_eof, "the program's FIN, nothing before"},
    {PEER, "pours on", verb_pours_on,
     "it still sends what it pours, or was reset"},
    {PEER, "not reset", verb_not_reset,
     "once the program is quiet: whatever came, it was no RST"},
    {PEER, "expect reset", verb_expect_reset, "the program's RST"},
    {PEER, "expect refused", verb_expect_refused,
     "tries to connect, and must be refused"},
    {PEER, "expect line BYTES", verb_expect_line,
     "the next line, without its end, is this"},
    {PEER, "expect match BYTES save NAME", verb_expect_match_save,
     "what comes matches the regular expression; saves its first group"},
    {PEER, "expect match BYTES", verb_expect_match,
     "what comes matches the (extended, POSIX) regular expression"},
    {PEER, "expect NUMBER bytes", verb_expect_count,
     "so many bytes, whatever they are"},
    {PEER, "expect BYTES or the end", verb_expect_or_end,
     "the next bytes are these; or the connection has ended, in whatever way, "
     "and nothing came"},
    {PEER, "expect BYTES", verb_expect, "the next bytes are these"},
    {PEER, "silent", verb_silent,
     "nothing came, and nothing will: the program is proved to be quiet"},

    /* The relay */
    {RELAY, "relay to NAME", verb_relay,
     "listens, and passes everything on to this program and back"},
    {RELAY, "done", verb_relay_done,
     "waits until all that was relayed has ended"},

    /* Judgements */
    {PROGRAM, "alive", verb_alive, "it is still running"},
    {PROGRAM, "exit NUMBER within NUMBER", verb_exit_within,
     "it ends, with this status, before so many ms have passed; for checks "
     "whose head says timer"},
    {PROGRAM, "exit NUMBER", verb_exit, "it ends, with this status"},
    {PROGRAM, "killed by SIGNAL", verb_killed, "this signal ends it"},
    {PROGRAM, "passes STRINGS", verb_passes,
     "the unit tests whose names begin so are run, and pass"},
    {PROGRAM, "baseline", verb_baseline,
     "remembers how many descriptors, threads and children it has, once "
     "quiet; take it when a client was served to its end"},
    {PROGRAM, "fds == baseline", verb_fds_baseline,
     "it has as many descriptors open as at the baseline"},
    {PROGRAM, "fds close-on-exec", verb_fds_close_on_exec,
     "no socket of it would be inherited by a program it executes"},
    {PROGRAM, "threads == baseline", verb_threads_baseline,
     "it has as many threads as at the baseline"},
    {PROGRAM, "children == baseline", verb_children_baseline,
     "it has as many children, zombies counted, as at the baseline"},
    {PROGRAM, "idle", verb_idle, "it waits without using the processor"},
    {PROGRAM, "sleeps", verb_sleeps,
     "while nothing happens it wakes up less than 100 times a second"},
    {PROGRAM, "no CLOSE_WAIT", verb_no_close_wait,
     "it holds no connection that the other side has ended"},
    {PROGRAM, "accept-queue == NUMBER", verb_accept_queue,
     "so many connections wait to be accepted"},
    {PROGRAM, "listens on BYTES NUMBER", verb_listens_on,
     "it listens on this address and port, and nowhere else"},
    {PEER, "time-wait", verb_time_wait,
     "proves that the program's end of this connection is in TIME_WAIT"},
    {PROGRAM, "rss < NUMBER", verb_rss, "it uses less memory (bytes)"},
    {PROGRAM, "cpu start", verb_cpu_start, "begins to count processor time"},
    {PROGRAM, "cpu save NAME", verb_cpu_save,
     "saves the time since cpu start, where it is less than what is saved "
     "there; the machine may have taken part of it for itself, so take the "
     "least of several rounds"},
    {PROGRAM, "cpu NAME < NUMBER times NAME", verb_cpu_ratio,
     "the one saved time is less than that many times the other"},
    {PROGRAM, "stdout has BYTES", verb_stdout_has,
     "its standard output holds this"},
    {PROGRAM, "stdout lacks BYTES", verb_stdout_lacks,
     "its standard output does not hold this"},
    {PROGRAM, "stderr something", verb_stderr_something,
     "its standard error output is not empty"},
    {PROGRAM, "stderr lacks BYTES", verb_stderr_lacks,
     "its standard error output does not hold this"},
    {PROGRAM, "stderr line names STRINGS", verb_stderr_line_names,
     "its standard error output is one line with a reason, and each of these "
     "stands in it somewhere"},
    {PROGRAM, "stderr line", verb_stderr_line,
     "its standard error output is one line, and gives a reason"},
    {PROGRAM, "stderr names STRINGS", verb_stderr_names,
     "each of these stands somewhere in its standard error output"},
};

const int verb_count = (int)(sizeof verbs / sizeof *verbs);

static void manual_rows(struct bytes *out, unsigned kind, const char *title)
{
    bytes_printf(out, "\n%s\n", title);
    for (int i = 0; i < verb_count; i++) {
        if (!(verbs[i].actors & kind))
            continue;
        bytes_printf(out, "  %-30s ", verbs[i].pattern);
        /* The help is wrapped by hand at 80 columns. */
        const char *p = verbs[i].help;
        size_t room = 46, column = 0;
        while (*p) {
            size_t word = 0;
            while (p[word] && p[word] != ' ')
                word++;
            if (column && column + 1 + word > room) {
                bytes_printf(out, "\n%33s", "");
                column = 0;
            } else if (column) {
                bytes_add_text(out, " ");
                column++;
            }
            bytes_add(out, p, word);
            column += word;
            p += word;
            while (*p == ' ')
                p++;
        }
        bytes_add_text(out, "\n");
    }
}

void verbs_print_manual(struct bytes *out)
{
    bytes_add_text(
        out,
        "The check language of wire\n"
        "\n"
        "A check is a text file: a head, then steps in the order of time. A\n"
        "step is a line ACTOR VERB ..., and # begins a comment.\n"
        "\n"
        "The head\n"
        "  check \"TITLE\"            what the check is about (required)\n"
        "  rule connection.3        the rule of a contract that it judges\n"
        "  stage a                  the stage of the exercise\n"
        "  points 2                 what it earns\n"
        "  timer 1000               the program has a time-out of so many ms:\n"
        "                           on a machine too busy for that a failure\n"
        "                           is undecided\n"
        "  needs NAME ...           checks that must have passed before\n"
        "  read \"FILE#HEADING\"      what to read after a failure\n"
        "  threads                  threads meet in it: where there is a "
        "build\n"
        "                           with the thread sanitizer, runs that, too\n"
        "  hidden                   students get to know its title, and its "
        "rule\n"
        "                           where it fails; a handout has no more of "
        "it\n"
        "  env NAME=value           the programs have this in their\n"
        "                           environment\n"
        "  peers A[1..50]           a group; a step of A is done by each\n"
        "                           member, A[7] is one of them\n"
        "  actor NAME program|peer|relay tcp\n"
        "                           another actor; server, client, unit,\n"
        "                           machine and peers in capitals need no\n"
        "                           line\n"
        "\n"
        "Hints: the first one that fits is shown with a failure\n"
        "  hint when got BYTES : \"TEXT\"      what came begins with these\n"
        "  hint when got nothing : \"TEXT\"    nothing came\n"
        "  hint when got eof : \"TEXT\"        or: reset, refused\n"
        "  hint when blocked in CALL : \"TEXT\"\n"
        "  hint when fault in CALL : \"TEXT\"  the last fault that was\n"
        "                                    injected; CALL as below\n"
        "  hint when exited : \"TEXT\"\n"
        "  hint when killed by SIGNAL : \"TEXT\"\n"
        "  hint when busy : \"TEXT\"           it used the processor\n"
        "  hint when stdout has BYTES : \"TEXT\"\n"
        "  hint when stderr has BYTES : \"TEXT\"\n"
        "  hint at \"A expect\" : \"TEXT\"       the step begins with these "
        "words\n"
        "  hint at \"A expect\" when got eof : \"TEXT\"   both (or three)\n"
        "  hint \"TEXT\"                       whatever happened, but that "
        "the\n"
        "                                    program crashed, ended or spins\n"
        "\n"
        "Values\n"
        "  BYTES    \"text\" with the escapes of C (\\n \\0 \\x1b), hex \"00 "
        "ff\",\n"
        "           fill 4096 \"pattern\", file \"path\", $NAME; joined by +\n"
        "           inside a text $i is the member's number, $NAME a saved\n"
        "           value, \\$ a dollar sign\n"
        "  NUMBER   4096 or $NAME\n"
        "  $F.port  the port of peer F; $server.port that of the server\n"
        "\n"
        "Blocks\n"
        "  repeat 20 { ... }        does the steps 20 times\n"
        "  rounds 64 keep 4096 { ... }\n"
        "                           does the steps until the program keeps no\n"
        "                           more than so many bytes of a round, no\n"
        "                           descriptor, thread or child; fails if it\n"
        "                           still does after 64. A program given as a\n"
        "                           command may keep 256 KiB or more: its\n"
        "                           runtime may collect late\n"
        "  together { ... }         what the steps send leaves in one go\n");
    bytes_add_text(
        out,
        "\n"
        "Faults\n"
        "  FAULTS   \"CALL:WHICH=WHAT, ...\"; of several rules the first that\n"
        "           fits counts\n"
        "  CALL     accept, recv (and read ...), send (and write ...),\n"
        "           wait (select, poll, epoll_wait ...), connect; each "
        "process\n"
        "           counts its own, those on TCP sockets alone\n"
        "  WHICH    2, 2-5, 2- or *; 2-9/3 is each third of these, */3 is the\n"
        "           third, the sixth ...\n"
        "  WHAT     an error, such as EINTR; short:BYTES; "
        "delay:MILLISECONDS\n"
        "           accept:2=ECONNABORTED, recv:*/3=EINTR, send:1-4=short:1\n"
        "           EAGAIN is given to non-blocking sockets only\n"
        "  PLAN     \"plan NAME seed NUMBER\" in place of a rule; the seed "
        "and the\n"
        "           number of the call decide, so it is the same each time\n");
    faults_plan_print_manual(out);
    manual_rows(out, PROGRAM, "Programs (server, client)");
    manual_rows(out, PEER, "Peers (A, B, F, ...)");
    manual_rows(out, RELAY, "Relays");
    manual_rows(out, MACHINE, "The machine");
}
