#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016,SC2030,SC2031  # grade.bash sets what is used here
# The grader and those who would rather trick it.

load grade

@test "a symbolic link is not followed" {
    rm "$solution/server.c"
    ln -s "$PWD/lessons/02-send-receive/server.c" "$solution/server.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"symbolic link"* ]]
}

@test "a pipe, a folder, or a giant instead of a source" {
    rm "$solution/server.c"
    mkfifo "$solution/server.c"
    run timeout 20 make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"no regular file"* ]]
    rm "$solution/server.c"
    head -c 2000000 /dev/zero >"$solution/server.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"larger than"* ]]
}

@test "nothing but the listed files is taken, and no makefile is run" {
    printf 'all:\n\ttouch %s/ran\n' "$BATS_TEST_TMPDIR" >"$solution/Makefile"
    printf '#error another net.h\n' >"$solution/net.h"
    graded 0 grade2 DIR="$solution" CHECK=one-message
    [ ! -e "$BATS_TEST_TMPDIR/ran" ]
    [ "$(cd "$KIT_GRADES/02-send-receive/src" && echo *)" = \
        "client.c message.c server.c" ]
}

# sandboxed: goes on only where the sandbox works.
sandboxed() {
    # shellcheck source=/dev/null
    [ "$(. harness/grade/sandbox.sh; isolation "$PWD/build")" = bubblewrap ] ||
        skip "no sandbox works here"
}

# A server whose text begins with a line of somebody else's, or of nobody's.
borrowed() {
    cp lessons/02-send-receive/server.c "$solution/"
    sed -i "1i $1" "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=one-message
    [[ $output == *"server.c does not compile"* ]]
}

@test "nothing of the kit, of a neighbour, or of the machine can be included" {
    sandboxed
    echo 'this is my neighbour' >"$BATS_TEST_TMPDIR/message.c"
    borrowed '#include <message.c>'
    borrowed "#include \"$PWD/common/message.c\""
    borrowed '#include "../../../../../lessons/02-send-receive/server.c"'
    borrowed "#include \"$BATS_TEST_TMPDIR/message.c\""
    [[ $output != *neighbour* ]]
    borrowed '#include "/etc/passwd"'
    [[ $output != *root:* ]]
    borrowed "__asm__(\".incbin \\\"$PWD/build/wire\\\"\");"
}

@test "what would be a giant, or has no end, says so" {
    borrowed 'char giant[40 << 20] = {1};'
    [[ $output == *"32 MiB"* ]]
    borrowed '#include "/dev/zero"'
    [[ $output == *"without an end"* ]]
}

# A server of the student's that does something to the grader before it serves.
hostile() {
    cat >"$solution/head.c" <<END
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void attack(void) __attribute__((constructor));
static void attack(void)
{
    $1
}
END
    cat "$solution/server.c" >>"$solution/head.c"
    mv "$solution/head.c" "$solution/server.c"
}

@test "attack: forged lines on inherited descriptors earn nothing" {
    hostile 'for (int fd = 3; fd < 64; fd++)
        if (write(fd, "ok 1 forged\n", 12) == 12)
            _exit(0);
    _exit(0);'
    graded 1 grade2 DIR="$solution" CHECK=fin-at-once
    [[ $output == *"FAIL "*"one-message"* && $output != *forged* ]]
}

@test "attack: ending at once with status 0 earns nothing" {
    hostile '_exit(0);'
    graded 1 grade2 DIR="$solution" CHECK=fin-at-once
}

@test "attack: killing its own group does not reach the grader" {
    hostile 'kill(0, SIGKILL);'
    graded 1 grade2 DIR="$solution" STAGE=a
    [[ $output == *" failed"* ]]
}

@test "attack: a great deal on stdout ends, and leaves no process behind" {
    hostile 'for (int i = 0; i < 4000000; i++) puts("full of itself");
    _exit(0);'
    graded 1 grade2 DIR="$solution" CHECK=fin-at-once
}

@test "books: a check without a verdict is an error, not a pass" {
    # A wire that names the checks, says "passed", and leaves no verdict.
    kit=$BATS_TEST_TMPDIR/kit
    mkdir -p "$kit/build"
    cp -a Makefile CHANGELOG.md harness lessons common tests "$kit/"
    cp -a build/harness "$kit/build/"
    touch "$kit"/build/harness/*
    cat >"$kit/build/wire" <<END
#!/bin/sh
[ "\$1" != list ] || exec "$PWD/build/wire" "\$@"
END
    chmod +x "$kit/build/wire"
    cd "$kit" || return
    KIT_GRADES=build/grade run make grade2 SERVER=false CHECK=fin-at-once
    [ "$status" -ne 0 ]
    [[ $output == *"There is no verdict of these checks"*"fin-at-once"* ]]
    [[ $output == *"0 passed, "* ]]
}

# Only the reader of a command line may take a name apart; nobody else.
@test "a folder may have any name, and nothing in it is run" {
    local name
    cd "$BATS_TEST_TMPDIR" || return
    for name in 'x $(shell touch PWNED)' 'x $(touch PWNED)' 'x `touch PWNED`' \
        "it's \"quoted\"" '-leading' '--help' 'a$b ${c} $$' 'tab	and \ back' \
        '*?[a]' 'ünï çödé'; do
        echo "$name"
        cp -r "$solution" "./$name"
        (
            cd "$BATS_TEST_DIRNAME/.." || exit
            graded 0 grade2 DIR="$BATS_TEST_TMPDIR/$name" CHECK=one-message
            [[ $output == *"1 passed, 0 failed"* ]]
        )
    done
    [ ! -e PWNED ]
    [ ! -e "$BATS_TEST_DIRNAME/../PWNED" ]
}

@test "a folder's name may begin with a dash where it stands alone" {
    local name=build/-dash-$BATS_TEST_NUMBER
    rm -rf "$name"
    cp -r "$solution" "$name"
    cd build || return
    run make -C .. grade2 DIR="$name" CHECK=one-message
    [ "$status" -eq 0 ]
    cd .. || return
    mv "$name" "./-dash"
    graded 0 grade2 DIR=-dash CHECK=one-message
    graded 0 run2 DIR=-dash
    rm -rf ./-dash
}

@test "the words of a command are never run by make or the shell" {
    run make grade2 DIR='$(shell touch PWNED)' STAGE='$(shell touch PWNED)'
    [ "$status" -ne 0 ]
    run make "grade2'; touch PWNED; '"
    [ "$status" -ne 0 ]
    run make 'grade-check' N='$(shell touch PWNED)' FILE='$(shell touch PWNED)'
    [ "$status" -ne 0 ]
    [ ! -e PWNED ]
}

# Whoever writes a program text can put anything into the compiler's mouth.
@test "what the compiler says reaches the terminal without control bytes" {
    printf '#error red \033[31m and a bell \a\n#warning \033]0;title\a\n' >>"$solution/server.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *'red \x1b[31m and a bell \x07'* ]]
    [[ $output != *$'\033'* && $output != *$'\a'* ]]
}

# What a server does that is none, and has TEXT as its main function.
impostor() {
    sandboxed
    cat >"$solution/server.c" <<END
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    (void)argc;
    $1
    return 1;
}
END
    graded 1 grade2 DIR="$solution" CHECK="${2:-one-message}"
    [[ $output == *"points: 0 of "* ]]
}

@test "attack: the reference in its place is not to be found" {
    make -s -f harness/build.mk build/plain/02-send-receive/server
    impostor "execv(\"$PWD/build/plain/02-send-receive/server\", argv);
        execv(\"/kit/build/plain/02-send-receive/server\", argv);"
}

@test "attack: verdicts, checks and wire are not to be found" {
    impostor 'const char *names[] = {"/results/manifest", "/kit/build/wire",
            "/kit/lessons/contracts", "/results/one-message.jsonl"};
        for (int i = 0; i < 4; i++)
            fprintf(stderr, "%d", access(names[i], F_OK) == 0);
        FILE *forged = fopen("/results/manifest", "w");
        if (forged) fputs("one-message pass 2", forged);
        if (umount("/results") == 0 || mount("none", "/mnt", "tmpfs", 0, 0) == 0)
            fputs("mounted", stderr);'
    [[ $output == *'"0000"'* ]]
}

@test "attack: nobody else can be killed, stopped, or written to" {
    impostor 'kill(getppid(), SIGSTOP); kill(1, SIGKILL);
        for (int pid = 1; pid < 400; pid++) {
            char name[64];
            if (pid == getpid()) continue;
            snprintf(name, sizeof name, "/proc/%d/fd/1", pid);
            int fd = open(name, O_WRONLY);
            if (fd >= 0) dprintf(fd, "67 of 67, forged\n");
            kill(pid, SIGKILL);
        }'
    [[ $output != *forged* ]]
}

@test "attack: a server that runs outside is not to be reached" {
    build/plain/02-send-receive/server 127.0.0.1 0 >"$BATS_TEST_TMPDIR/outside" &
    local outside=$! port
    while ! grep -q Listening "$BATS_TEST_TMPDIR/outside"; do
        timeout 5 tail --pid=$outside -n 1 -f "$BATS_TEST_TMPDIR/outside" | head -n 1 >/dev/null
    done
    port=$(sed -n 's/^Listening on .*://p' "$BATS_TEST_TMPDIR/outside")
    impostor "struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons($port),
            .sin_addr = {htonl(INADDR_LOOPBACK)}};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0) fputs(\"reached\", stderr);
        else perror(\"outside\");"
    kill "$outside"
    [[ $output == *"outside: Connection refused"* && $output != *reached* ]]
}

@test "attack: a process without end, a fork bomb, and a giant file are bounded" {
    hostile 'int fd = open("/tmp/giant", O_CREAT | O_WRONLY, 0600);
        static char piece[1 << 20];
        for (int i = 0; i < 200 && write(fd, piece, sizeof piece) > 0; i++)
            ;
        for (int i = 0; i < 5000; i++)
            if (fork() == 0)
                for (;;)
                    pause();'
    run timeout 120 make grade2 DIR="$solution" CHECK=one-message
    [ "$status" -ne 124 ]
    run pgrep -f "^/programs/server"
    [ "$status" -ne 0 ]
}
