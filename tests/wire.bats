#!/usr/bin/env bats
# wire itself, from its command line: what it says, what it ends with, and
# that nothing is left behind, whatever the program does.

# A program that waits for ever, in a call without a time-out.
setup_file() {
    printf '#include <unistd.h>\nint main(void) { pause(); return 0; }\n' |
        gcc -xc - -o "$BATS_FILE_TMPDIR/waits"
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    here=$BATS_TEST_TMPDIR
    waits=$BATS_FILE_TMPDIR/waits
    server=build/plain/02-send-receive/server
    client=build/plain/02-send-receive/client
}

# check NAME: reads steps from stdin, writes a check file.
check() {
    { printf 'check "%s"\n' "$1"; cat; } > "$here/$1.wire"
}

# wire ARGUMENT...: runs it on the checks of this test.
wire() {
    run build/wire --contracts lessons/contracts "$@"
    echo "$output"
}

# below MARK: the number of processes whose command line holds the mark.
below() {
    local file line count=0
    for file in /proc/[0-9]*/cmdline; do
        line=$(tr '\0' ' ' 2>/dev/null < "$file") || continue
        [[ $line != *"$1"* ]] || count=$((count + 1))
    done
    echo "$count"
}

@test "a hopeless wait ends at once and names call, descriptor and peer" {
    check hopeless <<'E'
rule echo.1
server start
A connect
A send "no end"
A expect "no end"
E
    # With a deadline of a minute, only the proof can end the wait.
    WIRE_TIMEOUT_MULT=12 wire --server "$server" "$here/hopeless.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"and never will: it waits"* ]]
    [[ $output == *"blocked in recv() (kernel: recvfrom) on fd 4"* ]]
    [[ $(tr -s ' \n' ' ' <<< "$output") == *"the connection of client A"* ]]
}

@test "a server that spins is proved to, at once, with the calls that it makes" {
    gcc -xc - -o "$here/spins" <<'E'
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    struct pollfd p = {.fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN};
    char byte;
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(p.fd, (struct sockaddr *)&a, sizeof a) || listen(p.fd, 5)) return 1;
    p.fd = accept(p.fd, 0, 0);
    for (;;)
        if (poll(&p, 1, -1) == 1)
            recv(p.fd, &byte, 1, 0); /* and FIN is not noticed */
    return argc;
}
E
    check expects <<'E'
rule echo.24
server start
A connect
A send "x"
A shut
A expect "x"
E
    sed 's/A expect.*/server idle/' "$here/expects.wire" >"$here/idle.wire"
    # With a deadline of a minute, only the proof can end the wait.
    WIRE_TIMEOUT_MULT=12 wire --server "$here/spins" "$here/expects.wire" "$here/idle.wire"
    [ "$status" -eq 1 ]
    output=$(tr -s ' \n' ' ' <<< "$output")
    [[ $output == *"and never will: it asks the same again and again"* ]]
    [[ $output == *"poll() gave 1 (it can read from fd 4, the connection of client A), recv() on fd 4, the connection of client A gave 0"* ]]
    [[ $output == *"The server uses the processor though it has nothing to do"* ]]
}

# Of a thread that is watched only the watcher can take note, and its process does
# not end before.
@test "a thread that ends while it is watched does not hold its process up" {
    gcc -xc - -o "$here/works" -lpthread <<'E'
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* no call of the kernel */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
static void *work(void *unused) {
    for (double end = now() + 0.3; now() < end; getppid())
        for (double stop = now() + 0.005; now() < stop;)
            ;
    return unused;
}
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), client;
    pthread_t thread;
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return argc;
    client = accept(fd, 0, 0);
    pthread_create(&thread, NULL, work, NULL);
    pthread_join(thread, NULL);
    close(client);
    return 0;
}
E
    check works <<'E'
rule connection.5
server start
A connect
A expect eof
server exit 0
E
    WIRE_TIMEOUT_MULT=0.5 wire --server "$here/works" "$here/works.wire"
    [ "$status" -eq 0 ]
}

@test "a client in the accept queue is seen" {
    check queued <<'E'
server start
A connect
A send "silent"
A consumed
B connect
B send "waits<EOF>"
B expect "waits<EOF>"
E
    WIRE_TIMEOUT_MULT=12 wire --server "$server" "$here/queued.wire"
    [ "$status" -eq 1 ]
    [[ $(tr -s ' \n' ' ' <<< "$output") == *"1 connection waits in the accept queue"* ]]
}

@test "a program that never listens is told at once what it does" {
    check deaf <<'E'
server start
E
    WIRE_TIMEOUT_MULT=12 wire --server "$waits" "$here/deaf.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"The server never listened"* ]]
    wire --server "false" "$here/deaf.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"exited with status 1"* ]]
}

@test "a command that cannot be run is a failure, and told as that" {
    check nothing <<'E'
server start
E
    wire --server "$here/not-there" "$here/nothing.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"The server was never run: "*"No such file"* ]]
    wire --server "$here" "$here/nothing.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"Permission denied"* ]]
}

# The server that was stopped has left a child, and the child has the port.
@test "a port that a child still holds is the program's fault" {
    cat >"$here/parent.py" <<'E'
import os, signal, socket, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.pause()
E
    check outlives <<'E'
server start
server idle
server signal SIGTERM
server killed by SIGTERM
server restart
E
    wire --server "python3 $here/parent.py" "$here/outlives.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"has ended, and a process that it started has not"* ]]
}

@test "the program starts in a clean room" {
    check room <<'E'
server start raw
server exit 0
server stdout has "0 1 2 3 \n"
server stdout has "SigBlk:\t0000000000000000\n"
server stdout has "SigIgn:\t0000000000000000\n"
server stdout lacks "SECRET"
E
    cat > "$here/room.sh" <<'E'
ls /proc/self/fd | tr '\n' ' '; echo
grep Sig /proc/self/status
env
E
    trap '' PIPE USR1
    exec 7</dev/null 8</dev/null
    SECRET=1 wire --server "sh $here/room.sh" "$here/room.wire"
    exec 7<&- 8<&-
    [ "$status" -eq 0 ]
}

@test "daemons, and programs that ignore SIGTERM, do not outlive a check" {
    check daemon <<'E'
server start raw
server stdout has "ready"
server stop
E
    mark=mark-$RANDOM-$$
    cat > "$here/daemon.sh" <<E
trap '' TERM HUP INT
setsid sh -c 'trap "" TERM; exec $waits $mark' &
( setsid $waits $mark & )
echo ready
exec $waits $mark
E
    wire --server "sh $here/daemon.sh" "$here/daemon.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"does not end on SIGTERM"* ]]
    [ "$(below "$mark")" -eq 0 ]
}

@test "output without end is drained and cut" {
    mark=flood-$RANDOM-$$
    check flood <<E
server start raw
server stdout has "$mark\\n$mark\\n"
E
    wire --server "yes $mark" --results "$here" "$here/flood.wire"
    [ "$status" -eq 0 ]
    [ "$(stat -c %s "$here/flood.jsonl")" -lt 200000 ]
    [ "$(below "$mark")" -eq 0 ]
}

@test "a crash is the story, not what it did to the connection" {
    check crash <<'E'
server start
A connect
A send "x<EOF>"
A expect "y<EOF>"
E
    cat > "$here/crash.c" <<'E'
#include <signal.h>
#include <sys/socket.h>
int main(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;
    listen(fd, 5);
    recv(accept(fd, 0, 0), &byte, 1, 0);
    raise(SIGFPE);
}
E
    gcc -o "$here/crash" "$here/crash.c"
    wire --server "$here/crash" "$here/crash.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"The server was killed by SIGFPE in the middle"* ]]
}

@test "a client that reports success is told what it has overlooked" {
    cat > "$here/client" <<'E'
#!/bin/bash
exec 3<>"/dev/tcp/$1/$2" || exit 0
printf %s "$3" >&3
cat <&3 >/dev/null 2>&1
exit 0
E
    chmod +x "$here/client"
    for way in reset close shut; do
        check "$way" <<E
F listen
client start "x<EOF>"
F accept
F expect "x<EOF>"
F send "half"
F $way
client exit 1
E
    done
    printf 'F refuse\nclient start\nclient exit 1\n' | check refuse
    wire --client "$here/client" "$here"/{reset,close,shut,refuse}.wire
    [ "$status" -eq 1 ]
    output=$(tr -s ' \n' ' ' <<< "$output")
    [ "$(grep -o "though the fake server F had reset the connection (RST)\." \
        <<< "$output" | wc -l)" -eq 1 ]
    [ "$(grep -o "though the fake server F had ended after 4 bytes\." \
        <<< "$output" | wc -l)" -eq 2 ]
    [[ $output == *"though the fake server F refuses connections."* ]]
}

@test "what comes in place of the end is counted" {
    check end <<'E'
server start
A connect
A send "one<EOF>"
A shut
A expect eof
E
    wire --server "$server" "$here/end.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"sent client A 8 bytes where nothing but the end was to come"* ]]
}

# keeps BYTES: a server in C that keeps so many bytes of each client.
keeps() {
    cat > "$here/keeps.c" <<'E'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int l = socket(AF_INET, SOCK_STREAM, 0);
    bind(l, (struct sockaddr *)&a, size);
    listen(l, 5);
    getsockname(l, (struct sockaddr *)&a, &size);
    printf("Listening on 127.0.0.1:%d\n", ntohs(a.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(l, 0, 0);
        memset(malloc(KEEPS), 1, KEEPS);
        close(fd);
    }
}
E
    mkdir -p "$here/built"
    gcc -DKEEPS="$1" -o "$here/built/server" "$here/keeps.c"
}

@test "what a round may leave is as the check says, and more for any runtime" {
    check kept <<'E'
server start
rounds 32 keep 4096 {
    A connect
    A expect eof
    A close
}
E
    keeps 1000
    wire --programs "$here/built" "$here/kept.wire"
    [ "$status" -eq 0 ]
    keeps 100000
    wire --programs "$here/built" "$here/kept.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"The memory of the server grows: 16 equal rounds have left "* ]]
    wire --server "$here/built/server" "$here/kept.wire"
    [ "$status" -eq 0 ]
    keeps 400000
    wire --server "$here/built/server" "$here/kept.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"less than 262144 bytes of memory more in each round"* ]]
}

@test "all files are parsed before anything runs" {
    check good <<< 'server start'
    printf 'check "bad"\nserver strat\n' > "$here/bad.wire"
    wire --server "touch $here/ran" "$here/good.wire" "$here/bad.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"bad.wire:2:8: expected "* ]]
    [[ $output == *"    2 | server strat"* ]]
    [ ! -e "$here/ran" ]
}

@test "exit statuses: 0 passed, 1 failed, 2 trouble, 77 nothing to judge" {
    check passes <<< 'server start'
    wire --server "$server" "$here/passes.wire"
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == "1 passed, 0 failed" ]]
    wire "$here/passes.wire"
    [ "$status" -eq 77 ]
    [[ $output == *"no program was given for the server"* ]]
    wire
    [ "$status" -eq 2 ]
    wire --no-such-option
    [ "$status" -eq 2 ]
    wire --stage ab "$here/passes.wire"
    [ "$status" -eq 2 ]
    wire --server "an 'open quote" "$here/passes.wire"
    [ "$status" -eq 2 ]
    check norule <<'E'
rule echo.999
server start
E
    wire --server "$server" "$here/norule.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"no rule echo.999"* ]]
}

@test "a check waits for those that it needs" {
    check first <<'E'
server start
A connect
A send "x<EOF>"
A expect "y<EOF>"
E
    check second <<'E'
needs first not-there
server start
E
    wire --server "$server" --results "$here" "$here/first.wire" "$here/second.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"it waits for the check first"* ]]
    [ "$(cat "$here/manifest")" = $'first fail 0\nsecond not-run 0' ]
    wire --server "$server" "$here/second.wire"
    [ "$status" -eq 0 ]
    wire --server "$server" "$here/second.wire" "$here/first.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"second needs first, which comes after it"* ]]
}

@test "a rule that says should costs nothing" {
    check advice <<'E'
rule connection.12
points 3
server start
A connect
A send "x<EOF>"
A expect "y<EOF>"
E
    wire --server "$server" "$here/advice.wire"
    [ "$status" -eq 0 ]
    [[ $output == *"ADVICE  advice"* ]]
}

@test "reports are made from journals, in every format" {
    check wrong <<'E'
rule echo.1
points 2
server start
A connect
A send "a\x1b\0<EOF>"
A expect "b<EOF>"
hint "Look."
E
    wire --server "$server" --results "$here" --again "again %s" "$here/wrong.wire"
    [ "$status" -eq 1 ]
    run build/wire report "$here/wrong.jsonl"
    [ "$status" -eq 1 ]
    [[ $output == *'expected  "b<EOF>" (6 bytes)'* ]]
    [[ $output == *"             ^ the first difference"* ]]
    [[ $output == *"Hint: Look."* ]]
    [[ $output == *"Run it again: again wrong"* ]]
    run build/wire report --format tap "$here/wrong.jsonl"
    [[ $output == *"not ok 1 - wrong"* ]]
    build/wire report --format junit "$here/wrong.jsonl" > "$here/junit.xml" || true
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' \
        "$here/junit.xml"
    build/wire report --format json "$here/wrong.jsonl" > "$here/all.json" || true
    jq -e '.failed == 1 and .checks[0].verdict == "fail"' "$here/all.json"
    jq -es 'length > 5' "$here/wrong.jsonl"
    run build/wire report --plain "$here/wrong.jsonl"
    [[ $output == *"A connects to server."* ]]
    echo nonsense >> "$here/wrong.jsonl"
    run build/wire report "$here/wrong.jsonl"
    [ "$status" -eq 2 ]
    [[ $output == *"this is no line of a journal"* ]]
}

@test "no line of a report is longer than 80 columns" {
    check long <<'E'
rule echo.11
server start
A connect
A send fill 3000 "0123456789" + "<EOF>"
A expect fill 3000 "0123456789" + "<eof>"
E
    wire --server "$server" "$here/long.wire"
    [ "$status" -eq 1 ]
    while IFS= read -r line; do
        [ "${#line}" -le 80 ] || { echo "too long: $line"; false; }
    done <<< "$(grep -v 'The check:' <<< "$output")"
}

@test "the manual has every verb, and every word is explained" {
    run build/wire --help-language
    [ "$status" -eq 0 ]
    for verb in "expect BYTES" silent freeze "fds == baseline" "relay to NAME"; do
        [[ $output == *"$verb"* ]]
    done
    run build/wire --explain "Accept Queue"
    [ "$status" -eq 0 ]
    [[ $output == *"accept()"* ]]
    run build/wire --explain nonsense
    [ "$status" -eq 2 ]
    [[ $output == *"accept queue"* ]]
}

# Between write() and one more line of the first thread the second has to be
# quick.
@test "a first thread that is held back loses every race" {
    gcc -pthread -xc - -o "$here/race" <<'E'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static int request[2], answer[2];
static _Atomic int late;
static void *other(void *unused) {
    char byte;
    while (read(request[0], &byte, 1) == 1) {
        byte = late ? 'l' : 'q';
        if (write(answer[1], &byte, 1) != 1) break;
    }
    return unused;
}
int main(void) {
    pthread_t thread;
    sigset_t set;
    int signal, quick = 0;
    char byte = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (pipe(request) || pipe(answer)) return 1;
    pthread_create(&thread, NULL, other, NULL);
    sigwait(&set, &signal);
    for (int i = 0; i < 50; i++) {
        late = 0;
        if (write(request[1], "", 1) != 1) return 1;
        late = 1;
        if (read(answer[0], &byte, 1) != 1) return 1;
        quick += byte == 'q';
    }
    printf("quick: %d of 50\n", quick);
    return 0;
}
E
    check race <<'E'
rule echo.22
server start raw
server idle
server hold-back
server signal SIGUSR1
server exit 0
server stdout has "quick: 50 of 50"
E
    wire --server "$here/race" "$here/race.wire"
    [ "$status" -eq 0 ]
    check both <<'E'
rule echo.22
server start raw
server hold-back
server freeze
E
    wire --server "$here/race" "$here/both.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"a program that is held back cannot be frozen"* ]]
}

# Whatever stops a thread and lets it go on makes its wait a restart_syscall, and
# what it waited in at the freeze may be long over.
@test "a later wait is not taken for the one before the freeze" {
    gcc -xc - -o "$here/later" <<'E'
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
static void stop_for_a_moment(pid_t who) {
    char path[40], text[300], state = 'R';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)who);
    while (state != 'S') {
        FILE *f = fopen(path, "r");
        if (fgets(text, sizeof text, f)) sscanf(text, "%*d (%*[^)]) %c", &state);
        fclose(f);
    }
    kill(who, SIGSTOP);
    kill(who, SIGCONT);
}
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return argc;
    int client = accept(fd, 0, 0);
    if (fork() == 0) {
        stop_for_a_moment(getppid());
        return 0;
    }
    poll(NULL, 0, 400); /* it is in no hurry: that is what is judged */
    close(client);
    pause();
}
E
    check later <<'E'
rule connection.5
server start
server freeze
A connect
server thaw
A expect eof
E
    wire --server "$here/later" "$here/later.wire"
    [ "$status" -eq 0 ]
}

# The host of a virtual machine takes its processor away, and the kernel counts
# that as the program's time: as if the program had worked, once in a while.
@test "what the machine takes away in between is not the program's cost" {
    gcc -xc - -o "$here/robbed" <<'E'
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
static void lose(long ms) {
    while (clock() < ms * (CLOCKS_PER_SEC / 1000))
        ;
}
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char bytes[65536];
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return 1;
    int client = accept(fd, 0, 0);
    for (long n = 1; recv(client, bytes, sizeof bytes, 0) > 0; n++)
        if (n == 400) lose(n);
    return argc;
}
E
    sed '/^needs/d' lessons/02-send-receive/checks/cost.wire >"$here/cost.wire"
    wire --server "$here/robbed" "$here/cost.wire"
    [ "$status" -eq 0 ]
}

# slow_server NANOSECONDS BYTES: one that reads so many bytes, and sleeps.
slow_server() {
    gcc -DNAP="$1" -DPIECE="$2" -xc - -o "$here/slow" <<'E'
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    struct timespec nap = {0, NAP};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char bytes[PIECE];
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return 1;
    for (int client = accept(fd, 0, 0); recv(client, bytes, sizeof bytes, 0) > 0;)
        nanosleep(&nap, 0); /* this program is slow: that is what is judged */
    return argc;
}
E
    check slow <<'E'
server start
A connect
A send fill 65536 "slowly"
A consumed
E
}

# The whole takes a second and a half, and the deadline is after 0.3 s.
@test "a program that is slow and makes progress has the time that it needs" {
    slow_server 20000000 1024
    WIRE_TIMEOUT_MULT=0.06 wire --server "$here/slow" "$here/slow.wire"
    [ "$status" -eq 0 ]
}

@test "what goes on and on, and never comes to an end, is left undecided" {
    slow_server 10000000 1
    WIRE_TIMEOUT_MULT=0.06 wire --server "$here/slow" "$here/slow.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"undecided  slow"* ]]
    [[ $output == *"still makes progress after 4 s"* ]]
}

# Four processes on one processor: each is kept waiting for most of the time.
@test "a program with a timer is not failed by a machine that is too busy" {
    gcc -D_GNU_SOURCE -xc - -o "$here/crowd" <<'E'
#include <sched.h>
#include <unistd.h>
int main(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    if (fork() == -1 || fork() == -1) return 1;
    for (volatile int i = 0;; i++)
        ;
}
E
    check busy <<'E'
rule echo.41
server start raw
server exit 0
E
    sed '2a timer 100' "$here/busy.wire" >"$here/timer.wire"
    WIRE_TIMEOUT_MULT=0.2 wire --server "$here/crowd" "$here/busy.wire" \
        "$here/timer.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"FAIL       busy"* ]]
    [[ $output == *"undecided  timer"* ]]
    [[ $output == *"the machine is too busy"* ]]
    # Half a minute is more than anybody waits here, so it is a failure.
    sed -i 's/timer 100/timer 60000/' "$here/timer.wire"
    WIRE_TIMEOUT_MULT=0.2 wire --server "$waits" "$here/timer.wire"
    [ "$status" -eq 1 ]
}

@test "a check with more peers than descriptors is skipped, with the reason" {
    check many <<'E'
rule echo.22
peers A[1..300]
server start
A connect
A accepted
E
    run bash -c "ulimit -n 200 && build/wire --contracts lessons/contracts \
        --server build/plain/03-select/server '$here/many.wire'"
    [ "$status" -eq 77 ]
    reason="a process may have 200 descriptors here, and 333 are needed"
    [[ $(tr -s ' \n' ' ' <<< "$output") == *"$reason"* ]]
}

@test "one-byte reads change nothing" {
    check bytes <<'E'
server start
A connect
A send fill 5000 "0123456789" + "<EOF>"
A expect fill 5000 "0123456789" + "<EOF>"
A expect eof
E
    WIRE_READ_MAX=1 wire --server "$server" "$here/bytes.wire"
    [ "$status" -eq 0 ]
}

@test "names resolve to what the check says, in order" {
    check names <<'E'
F listen
client hosts "two.test" is "127.0.0.2" "127.0.0.1"
client start raw "two.test" "$F.port" "x<EOF>"
F accept
F expect "x<EOF>"
F send "x<EOF>"
F shut
client exit 0
E
    wire --client "$client" "$here/names.wire"
    [ "$status" -eq 0 ] || [ "$status" -eq 77 ]
    [ -z "$(find /tmp -maxdepth 1 -name 'wire-hosts-*' -newer "$here/names.wire")" ]
}

@test "a saved value and the number of a member can be used" {
    check saved <<'E'
peers A[1..3]
server start
A connect
A[1] send "number $i<EOF>"
A[1] expect match "number ([0-9])<EOF>" save N
A[1] close
A[2] send "$N<EOF>"
A[2] expect "1<EOF>"
A[2] close
A[3] send "$i<EOF>"
A[3] expect "3<EOF>"
A[3] expect eof
E
    wire --server "$server" "$here/saved.wire"
    [ "$status" -eq 0 ]
}

@test "together sends in one go, and the accept queue is counted" {
    check verbs <<'E'
peers A[1..5]
server start
A connect
A[1] accepted
server accept-queue == 4
together {
    A send "one<EOF>"
}
A[1] expect "one<EOF>"
A[1] close
A[2] expect "one<EOF>"
server accept-queue == 3
E
    wire --server "$server" "$here/verbs.wire"
    [ "$status" -eq 0 ]
}

@test "a full accept queue makes a connect hang" {
    check hang <<'E'
F hang
client start "x<EOF>"
client alive
client stdout lacks "connected"
E
    WIRE_TIMEOUT_MULT=0.2 wire --client "$client" "$here/hang.wire"
    [ "$status" -eq 0 ]
}

@test "a relay keeps order, FIN and RST" {
    check relay <<'E'
actor R relay tcp
server start
R relay to server
client start
R done
client exit 0
E
    wire --server "$server" --client "$client" --show "$here/relay.wire"
    [ "$status" -eq 0 ]
    [[ $output == *'── "This is a test<EOF>" (19 bytes) ─'* ]]
    [ "$(grep -c ' FIN ' <<< "$output")" -eq 2 ]
}

@test "what a check sets in the environment, and what the command line does" {
    check env <<'E'
env BACKEND=poll
env LANG="a language"
server start raw
server exit 0
server stdout has "BACKEND=poll\n"
server stdout has "LANG=a language\n"
E
    wire --server env "$here/env.wire"
    [ "$status" -eq 0 ]
    wire --server env --env BACKEND=epoll --env MORE=1 "$here/env.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"BACKEND=epoll"*"MORE=1"* ]]
    wire --server env --env nonsense "$here/env.wire"
    [ "$status" -eq 2 ]
}

@test "a program gets back as many descriptors as it had" {
    check fds <<'E'
server start raw
server idle
server no-more-fds
server no-more-fds
server more-fds
server signal SIGUSR1
server exit 0
server stdout has "700 descriptors"
E
    gcc -xc - -o "$here/fds" <<'E'
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
static void nothing(int signal) { (void)signal; }
int main(void) {
    struct rlimit limit;
    signal(SIGUSR1, nothing);
    pause();
    getrlimit(RLIMIT_NOFILE, &limit);
    printf("%lu descriptors\n", (unsigned long)limit.rlim_cur);
    return 0;
}
E
    run bash -c "ulimit -Sn 700; build/wire --server '$here/fds' '$here/fds.wire'"
    echo "$output"
    [ "$status" -eq 0 ]
}

# The strangers' connects hang, as the program's own does; there are more of them
# than anybody would look at.
@test "what others wait for on this machine is not what the program waits for" {
    gcc -xc - -o "$here/strangers" <<'E'
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, 0)) return 1;
    getsockname(fd, (struct sockaddr *)&a, &size);
    for (int i = 0; i < 200; i++)
        connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *)&a, size);
    puts("ready");
    fflush(stdout);
    return pause();
}
E
    gcc -xc - -o "$here/patient" <<'E'
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    struct pollfd p = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .events = POLLOUT};
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    connect(p.fd, (struct sockaddr *)&a, sizeof a);
    return poll(&p, 1, -1) == argc;
}
E
    check patient <<'E'
F hang
client start
client exit 1
E
    exec 4< <(exec timeout 60 "$here/strangers" 3>&-)
    strangers=$!
    read -r -t 10 <&4
    WIRE_TIMEOUT_MULT=0.1 wire --client "$here/patient" "$here/patient.wire"
    kill "$strangers"
    exec 4<&-
    [ "$status" -eq 1 ]
    [[ $output == *"The client does not end."* ]]
}

@test "where /proc is out of reach, wire comes to an end all the same" {
    unshare -rm true 2>/dev/null || skip "no namespaces here"
    check blind <<'E'
server start
E
    WIRE_TIMEOUT_MULT=0.05 run timeout 20 unshare -rm \
        sh -c "mount -t tmpfs none /proc && exec build/wire --server '$waits' '$here/blind.wire'"
    echo "$output"
    [ "$status" -eq 2 ]
    [[ $output == *"may not be read here"* ]]
}

@test "the folder of the journals is made" {
    check new <<'E'
server start raw
E
    wire --server "$waits" --results "$here/a/new/folder" "$here/new.wire"
    [ -s "$here/a/new/folder/new.jsonl" ]
}

@test "a free port is given to one check only" {
    check ports <<'E'
machine port P
machine port Q
server start raw "$P" "$Q"
server exit 0
E
    cat >"$here/differ" <<'E'
#!/bin/sh
test "$1" -ne "$2"
E
    chmod +x "$here/differ"
    wire --server "$here/differ" "$here/ports.wire"
    [ "$status" -eq 0 ]
}

# Five programs wait for the sixth, and it waits for them: none can end unless all
# of them run at the same time.
@test "checks that only wait run beside each other, and each is judged by itself" {
    mkfifo "$here/here" "$here/go"
    cat >"$here/together" <<E
#!/bin/sh
exec 3<>"$here/here" 4<>"$here/go"
case \$1 in
first)
    echo here >&3
    read -r line <&4
    ;;
last)
    for i in 1 2 3 4 5; do read -r line <&3; done
    for i in 1 2 3 4 5; do echo go >&4; done
    ;;
*) exit 3 ;;
esac
E
    chmod +x "$here/together"
    for i in 1 2 3 4 5; do
        check "first-$i" <<'E'
server start raw "first"
server exit 0
E
    done
    check last <<'E'
server start raw "last"
server exit 0
E
    sed 's/"last"/"nobody"/' "$here/last.wire" >"$here/ends-badly.wire"
    WIRE_TIMEOUT_MULT=12 wire --server "$here/together" --results "$here" \
        "$here"/first-*.wire "$here/ends-badly.wire" "$here/last.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"6 passed, 1 failed"* ]]
    [ "$(grep -c ' pass ' "$here/manifest")" -eq 6 ]
    grep -q '^ends-badly fail 0$' "$here/manifest"
}

@test "a check whose process is killed is undecided, and the others go on" {
    check killer <<'E'
server start raw
server exit 0
E
    check after <<'E'
server start raw
server exit 0
E
    cat >"$here/kills" <<'E'
#!/bin/sh
kill -9 "$PPID"
E
    chmod +x "$here/kills"
    wire --server "$here/kills" --results "$here" "$here/killer.wire" "$here/after.wire"
    [ "$status" -eq 2 ]
    [[ $(tr -s ' \n' ' ' <<<"$output") == *"wire itself failed: the process of this check was killed by SIGKILL"* ]]
    [ "$(cat "$here/manifest")" = $'killer undecided 0\nafter undecided 0' ]
}

@test "of a group the one that got something wrong is named, and whose it is" {
    check group <<'E'
rule echo.1
peers A[1..3]
server start
A connect
A[3] send "client 2<EOF>"
A expect "client $i<EOF>"
E
    wire --server build/plain/03-select/server "$here/group.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"The server sent client A[3] what is client A[2]'s."* ]]
    [[ $output == *'expected  "client 3<EOF>"'*'actual    "client 2<EOF>"'* ]]
}
