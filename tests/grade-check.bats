#!/usr/bin/env bats
# make grade-check: the checks that students write.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL
    export KIT_GRADES=build/tests/grades-check-$BATS_TEST_NUMBER
    mine=$BATS_TEST_TMPDIR/mine.wire
    sed 's/^check .*/check "mine"/' tests/exercises/03-select.wire >"$mine"
}

teardown() {
    rm -rf "$KIT_GRADES"
}

# graded STATUS N FILE: what make prints is in $output.
graded() {
    run make grade-check N="$2" FILE="$3"
    echo "$output"
    [[ $output != *"make:"* ]]
    [[ ${lines[-1]} == "Next: "* ]]
    [ "$status" -eq "$1" ]
}

@test "every lesson from 3 on has such an exercise, and it has an answer" {
    for lesson in lessons/0[3-9]-*; do
        lesson=${lesson#lessons/}
        [ "$(grep -l '^Exercise:' "lessons/$lesson/mutants/"*.patch | wc -l)" -eq 1 ]
        graded 0 "${lesson%%-*}" "tests/exercises/$lesson.wire"
        [[ $output == *"the wrong program fails it, 3 times of 3"* ]]
        [[ $output == *"Hint: "* ]]
    done
}

@test "a check that the reference fails" {
    sed -i 's/^B expect .*/B expect "whale<EOF>"/' "$mine"
    graded 1 3 "$mine"
    [[ $output == *"the reference must pass it"*'"whole<EOF>"'* ]]
}

@test "a check that catches nothing" {
    sed -i '/^A send "half/d; /^A send "xt/d; /^A consumed/d; /^A expect/d' "$mine"
    graded 1 3 "$mine"
    [[ $output == *'must fail it, each time; it ended with "pass"'* ]]
}

@test "a check that fails another correct program" {
    # Only lesson 3 itself knows the name of a client that it turns away.
    sed 's/^hint/server alive\n&/' lessons/03-select/checks/says-so.wire >"$mine"
    graded 1 3 "$mine"
    [[ $output == *"the server of lesson 5 is right, and fails"* ]]
}

@test "a check that cannot be read, that is the kit's own, that is not there" {
    printf 'server start\nnonsense\n' >"$mine"
    graded 1 3 "$mine"
    [[ $output == *"no actor \"nonsense\""* ]]
    cp lessons/03-select/checks/half-text.wire "$mine"
    graded 1 3 "$mine"
    [[ $output == *"write your own"* ]]
    run make grade-check N=3 FILE=/no/such.wire
    [ "$status" -ne 0 ]
    [[ $output == *"There is no file /no/such.wire"* ]]
    run make grade-check
    [ "$status" -ne 0 ]
    [[ $output == *"make grade-check N=3 FILE=my.wire"* ]]
    run make grade-check N=2 FILE="$mine"
    [ "$status" -ne 0 ]
    [[ $output == *"no exercise of that kind"* ]]
}
