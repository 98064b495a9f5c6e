#!/usr/bin/env bats
# shellcheck disable=SC2154  # grade.bash sets what is used here
# The forms of `make gradeN`, and the programs that it judges.

load grade

@test "grading is the first thing that is done in a fresh kit, which has a space in its name" {
    fresh="$BATS_TEST_TMPDIR/my kit's folder"
    mkdir -p "$fresh/work/02-send-receive"
    git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$fresh"
    cp "$solution"/*.c "$fresh/work/02-send-receive/"
    cd "$fresh" || return
    unset KIT_GRADES
    graded 0 grade2
    [[ $output == *"40 passed, 0 failed"* ]]
    for word in start2 run2 lesson2; do
        run make "$word"
        [ "$status" -eq 0 ]
    done
}

@test "it leaves TAP, JUnit and JSON" {
    graded 0 grade2 DIR="$solution" CHECK=fin-at-once
    [[ $output =~ [1-9][0-9]*" passed, 0 failed" ]]
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
    graded 1 grade2 DIR="$solution" CHECK=one-mebibyte
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

@test "a program that students may add is graded where it is" {
    cp lessons/08-async-echo/server.c lessons/08-async-echo/client.c "$solution/"
    graded 1 grade8 DIR="$solution" STAGE=c
    [[ $output == *"is about beyond_server.c, a program that you may add"* ]]
    [[ ${lines[-1]} == "Next: cp '$solution/server.c' '$solution/beyond_server.c'" ]]
    [ ! -e "$KIT_GRADES/08-async-echo/bin/beyond_server" ]
    cp lessons/08-async-echo/beyond_server.c "$solution/"
    graded 0 grade8 DIR="$solution" CHECK=full-sleeps
    cp lessons/08-async-echo/server.c "$solution/beyond_server.c"
    graded 1 grade8 DIR="$solution" CHECK=ten-at-a-time
    ln -sf /dev/null "$solution/beyond_server.c"
    run make grade8 DIR="$solution" CHECK=full-sleeps
    [ "$status" -ne 0 ]
    [[ $output == *"is a symbolic link"* ]]
}

@test "any two programs, or one of them" {
    make build >/dev/null
    bin=build/plain/02-send-receive
    graded 0 grade2 SERVER="$bin/server" CLIENT="$bin/client" CHECK=client-waits
    graded 0 grade2 SERVER="$bin/server" CHECK=drain
    graded 0 grade2 CLIENT="$bin/client" CHECK=client-dribble
    graded 1 grade2 SERVER=build/trivial/empty CHECK=one-message
}
