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
    [[ $output =~ [1-9][0-9]+" passed, 0 failed" ]]
    for word in start2 run2 lesson2; do
        run make "$word"
        [ "$status" -eq 0 ]
    done
}

@test "it leaves TAP, JUnit and JSON, which say of what kit they are" {
    graded 0 grade2 DIR="$solution" CHECK=fin-at-once
    [[ $output =~ [1-9][0-9]*" passed, 0 failed" ]]
    results=$KIT_GRADES/02-send-receive/results
    kit=$(make version | head -n 1)
    grep -qxF "# kit $kit" "$results/results.tap"
    grep -qF "<property name=\"kit\" value=\"$kit\"/>" "$results/results.xml"
    [ "$(jq -r .kit "$results/results.json")" = "$kit" ]
    grep -qF "version $kit" "${results%/*}/report.txt"
    grep -q '^1\.\.' "$results/results.tap"
    grep -q '<testsuites' "$results/results.xml"
    jq -e . "$results/results.json" >/dev/null
}

@test "bats tells the verdicts of a grade, one test a check; a missing one fails" {
    sed -i 's/shutdown(client, SHUT_WR);//' "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=drain
    grade=$KIT_GRADES/02-send-receive
    run bats --tap "$grade/checks.bats"
    [ "$status" -eq 1 ]
    [[ $output == *"ok 1 one-message"* ]]
    [[ $output == *"not ok 2 fin-at-once"* ]]
    [[ $output == *"drain # skip not-run"* ]]
    sed -i '/^one-message /d' "$grade/results/manifest"
    run bats --tap "$grade/checks.bats"
    [[ $output == *"not ok 1 one-message"*"no verdict"* ]]
}

@test "two grades of one lesson at once do not mix" {
    bad="$BATS_TEST_TMPDIR/bad"
    cp -r "$solution" "$bad"
    sed -i 's/shutdown(client, SHUT_WR);//' "$bad/server.c"
    for i in 1 2; do
        make grade2 DIR="$solution" CHECK=fin-at-once \
            >"$BATS_TEST_TMPDIR/good-$i" 2>&1 3>&- &
        make grade2 DIR="$bad" CHECK=fin-at-once \
            >"$BATS_TEST_TMPDIR/bad-$i" 2>&1 3>&- &
    done
    wait
    for i in 1 2; do
        grep -q '^2 passed, 0 failed$' "$BATS_TEST_TMPDIR/good-$i"
        grep -q '^1 passed, 1 failed$' "$BATS_TEST_TMPDIR/bad-$i"
    done
    [ "$(find "$KIT_GRADES" -mindepth 1 -maxdepth 1 -not -name .lock | wc -l)" -eq 1 ]
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
    name=$(build/wire list lessons/02-send-receive/checks/list | head -n 1 |
        cut -d ' ' -f 1)
    graded 0 grade2 DIR="$solution" CHECK="$name"
    run make grade2 DIR="$solution" CHECK=nonsense
    [ "$status" -ne 0 ]
    [[ $output == *"There is no check \"nonsense\". The checks are: one-message "* ]]
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

# shellcheck disable=SC2030  # each test has an output of its own
@test "any two programs, or one of them" {
    make build >/dev/null
    bin=build/plain/02-send-receive
    graded 0 grade2 SERVER="$bin/server" CLIENT="$bin/client" CHECK=client-waits
    graded 0 grade2 SERVER="$bin/server" CHECK=drain
    graded 0 grade2 CLIENT="$bin/client" CHECK=client-dribble
    graded 1 grade2 SERVER=build/trivial/empty CHECK=one-message
}

# told: what of a report is the same each time.
# shellcheck disable=SC2031  # each test has an output of its own
told() { grep -o -e '^FAIL.*' -e '^  The .*' -e '[a-z]*() is made to fail: [A-Z]*' <<<"$output"; }

@test "under faults: the report's command brings the same failure again" {
    sed -i 's/count == -1 && errno == EINTR/count == -1 \&\& errno == 0/' "$solution/message.c"
    graded 1 grade2 DIR="$solution" CHECK=in-pieces FAULTS='plan eintr seed 10'
    [[ $output == *"recv() is made to fail: EINTR"* ]]
    again=$(sed -n "s/^  Run it again: //p" <<<"$output")
    [[ $again == *"FAULTS='plan eintr seed 10' CHECK=in-pieces" ]]
    first=$(told)
    run bash -c "$again"
    [ "$status" -ne 0 ]
    [ "$first" = "$(told)" ]
    run make grade2 DIR="$solution" FAULTS='plan nothing'
    [ "$status" -ne 0 ]
    [[ $output == *"expected a plan: eintr, short"* ]]
}

@test "deadlines may be half as long again" {
    WIRE_TIMEOUT_MULT=1.5 graded 0 grade2 DIR="$solution" CHECK=one-message
    grep -q "isolation: " "$KIT_GRADES/02-send-receive/report.txt"
}
