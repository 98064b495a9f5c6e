#!/usr/bin/env bats
# The grader as a student meets it: four forms, mistakes, and attacks.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL
    export KIT_GRADES=build/tests/grades-$BATS_TEST_NUMBER
    rm -rf "$KIT_GRADES"
    solution="$BATS_TEST_TMPDIR/my solution"
    mkdir -p "$solution"
    cp lessons/02-send-receive/server.c lessons/02-send-receive/client.c \
        common/message.c "$solution/"
}

teardown() {
    rm -rf "$KIT_GRADES"
}

# graded STATUS WORD...: runs make; make and bats must not be heard.
graded() {
    local wanted=$1
    shift
    run make "$@"
    echo "$output"
    [[ $output != *"make:"* && $output != *"***"* && $output != *"not ok"* ]]
    [[ ${lines[-1]} == "Next: "* ]]
    if [ "$wanted" = 0 ]; then [ "$status" -eq 0 ]; else [ "$status" -ne 0 ]; fi
}

@test "a right solution passes, from a folder with a space in its name" {
    graded 0 grade2 DIR="$solution"
    [[ $output =~ [1-9][0-9]*" passed, 0 failed" ]]
}

@test "it leaves TAP, JUnit and JSON" {
    graded 0 grade2 DIR="$solution" STAGE=a
    results=$KIT_GRADES/02-send-receive/results
    grep -q '^1\.\.' "$results/results.tap"
    grep -q '<testsuites' "$results/results.xml"
    jq -e . "$results/results.json" >/dev/null
}

@test "one stage, with the other one not yet written" {
    for file in server.c client.c message.c; do
        harness/grade/starter --stages b "$solution/$file" >"$solution/new"
        mv "$solution/new" "$solution/$file"
    done
    graded 0 grade2 DIR="$solution" STAGE=a
    graded 1 grade2 DIR="$solution"
}

@test "a stage that the lesson does not have" {
    run make grade2 STAGE=x
    [ "$status" -ne 0 ]
    [[ $output == *"no stage x"* ]]
    run make grade2 STAGE=all
    [ "$status" -ne 0 ]
    [[ $output == *"STAGE is one letter"* ]]
}

@test "one check, with what it needs" {
    name=$(sed -n 's/#.*//; /[a-z]/p' lessons/02-send-receive/checks/list | head -n 1)
    graded 0 grade2 DIR="$solution" CHECK="$name"
    run make grade2 DIR="$solution" CHECK=nonsense
    [ "$status" -ne 0 ]
    [[ $output == *"has no check \"nonsense\""* ]]
}

@test "any two programs, or one of them" {
    make build >/dev/null
    bin=build/plain/02-send-receive
    graded 0 grade2 SERVER="$bin/server" CLIENT="$bin/client"
    graded 0 grade2 SERVER="$bin/server"
    graded 0 grade2 CLIENT="$bin/client"
    graded 1 grade2 SERVER=build/trivial/empty
}

@test "a correct server and client in Python pass" {
    graded 0 grade2 SERVER="python3 tests/peers/echo.py server" \
        CLIENT="python3 tests/peers/echo.py client"
}

@test "a correct server in Node passes" {
    command -v node >/dev/null || skip "no node here"
    graded 0 grade2 SERVER="node tests/peers/echo.mjs"
}

@test "a wrong solution: the report, then make hint" {
    sed -i 's/message_drain(fd)/0/' "$solution/server.c"
    graded 1 grade2 DIR="$solution"
    [[ $output =~ [1-9][0-9]*" failed" ]]
    [ "${lines[-1]}" = "Next: make hint2" ]
    run make hint2
    [ "$status" -eq 0 ]
    [[ $output == *"What happened: "* && $output == *"Read: "* ]]
    run make hint2
    [[ $output == *"The rule: "* ]]
    run make hint2
    [[ $output == *"Hint: "* ]]
}

@test "a program that does not compile has words of its own" {
    sed -i '0,/return/s//retrun/' "$solution/server.c"
    graded 1 grade2 DIR="$solution"
    [[ $output == *"server.c does not compile"* ]]
    [[ $output == *"server.c:"*"error:"* ]]
    [[ $output == *"Mend the first error first"* ]]
}

@test "a program that does not link has words of its own" {
    sed -i 's/^void message_init/void message_begin/' "$solution/message.c"
    graded 1 grade2 DIR="$solution"
    [[ $output == *"does not compile"* ]]
}

@test "a warning is shown, and does not stop the grade" {
    printf 'static int unused_function(void)\n{\n    return 0;\n}\n' \
        >>"$solution/server.c"
    graded 0 grade2 DIR="$solution" STAGE=a
    [[ $output == *"the compiler warns"*"unused_function"* ]]
}

@test "a folder that is not there, a file that is not there" {
    run make grade2 DIR=/no/such/folder
    [ "$status" -ne 0 ]
    [[ $output == *"There is no folder /no/such/folder"* ]]
    rm "$solution/client.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"There is no client.c in "* ]]
}

@test "DIR and SERVER together make no sense" {
    run make grade2 DIR="$solution" SERVER=true
    [ "$status" -ne 0 ]
    [[ $output == *"not both"* ]]
}

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
    graded 0 grade2 DIR="$solution" STAGE=a
    [ ! -e "$BATS_TEST_TMPDIR/ran" ]
    [ "$(cd "$KIT_GRADES/02-send-receive/src" && echo *)" = \
        "client.c message.c server.c" ]
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
    cp build/trivial/empty "$BATS_TEST_TMPDIR/" 2>/dev/null || true
    hostile 'for (int fd = 3; fd < 64; fd++)
        if (write(fd, "ok 1 forged\n", 12) == 12)
            _exit(0);
    _exit(0);'
    graded 1 grade2 DIR="$solution" STAGE=a
    [[ $output == *"0 passed"* ]]
}

@test "attack: ending at once with status 0 earns nothing" {
    hostile '_exit(0);'
    graded 1 grade2 DIR="$solution" STAGE=a
}

@test "attack: killing its own group does not reach the grader" {
    hostile 'kill(0, SIGKILL);'
    graded 1 grade2 DIR="$solution" STAGE=a
    [[ $output == *" failed"* ]]
}

@test "attack: a great deal on stdout ends, and leaves no process behind" {
    hostile 'for (int i = 0; i < 4000000; i++) puts("full of itself");
    _exit(0);'
    graded 1 grade2 DIR="$solution" STAGE=a
}

@test "books: a check without a result is an error, not a pass" {
    # A wire that says "passed" and writes no journal.
    kit=$BATS_TEST_TMPDIR/kit
    mkdir -p "$kit/build"
    cp -a Makefile harness lessons common tests "$kit/"
    cp -a build/wire build/plain build/san build/trivial build/harness "$kit/build/"
    touch "$kit"/build/harness/*
    printf '#!/bin/sh\nexit 0\n' >"$kit/build/wire"
    chmod +x "$kit/build/wire"
    cd "$kit" || return
    KIT_GRADES=build/grade run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"do not fit together"* ]]
    [[ $output == *"0 passed, "* ]]
}
