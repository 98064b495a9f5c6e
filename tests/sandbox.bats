#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2030,SC2031  # grade.bash sets what is used here
# The sandbox of submissions: some of tests/attacks, at the level that this machine
# has (make prove-sandbox runs all of them), and what is said where it cannot start.

load grade

# level: how well this machine isolates.
# shellcheck source=/dev/null
level() { (. harness/grade/sandbox.sh; isolation "$PWD/build"); }

@test "hostile submissions gain nothing, harm nobody, and leave nothing behind" {
    level=$(level)
    [ "$level" != none ] || skip "nothing isolates here"
    LEVEL=$level ATTACK="constructor-exits exec-reference forged-results giant-file
        kills-its-group outside-server user-namespace writes-to-others" \
        run harness/grade/prove-sandbox
    echo "$output"
    [[ $output == *"held"*"neighbour"* ]]
    [ "$status" -eq 0 ]
}

@test "a sandbox that cannot be started is no reason to fail" {
    [ "$(level)" = bubblewrap ] || skip "there is no bubblewrap that works"
    # One that passes the trial, and fails when it is needed.
    tools=$PWD/build/tests/tools-$BATS_TEST_NUMBER
    mkdir -p "$tools"
    cat >"$tools/bwrap" <<'END'
#!/bin/sh
for last in "$@"; do :; done
[ "$last" = true ] || { echo "bwrap: no more processes" >&2; exit 1; }
END
    chmod +x "$tools/bwrap"
    PATH=$tools:$PATH run make grade2 DIR="$solution"
    rm -r "$tools"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"could not be started"*"no more processes"* ]]
    [[ $output != *"does not compile"* && $output != *" failed"* ]]
    [[ ${lines[-1]} == "Next: make grade2"* ]]
}
