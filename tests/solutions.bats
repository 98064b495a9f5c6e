#!/usr/bin/env bats
# The scan for solutions in what students get. The places to scan are made of a
# reference, so that they hold a solution whatever it says today.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    text=$BATS_TEST_TMPDIR/text.md
}

# solution LINES FILE: the first lines that a student writes there, which are code.
solution() {
    sed -n '/BEGIN SOLUTION/,/END SOLUTION/p' "$2" |
        grep -v 'SOLUTION\|slide\|^ *[{}]*$\|^ *\*\|/\*' | head -n "$1"
}

@test "solutions: three lines of one are found, with their place and its own" {
    { echo "A text."; solution 3 common/message.c; } >"$text"
    run harness/grade/solutions 2 "$text"
    [ "$status" -eq 1 ]
    [[ $output == "$text:2: a solution of lesson 2, common/message.c: "* ]]
    [ "${#lines[@]}" -eq 1 ]
}

@test "solutions: two lines are none, nor are three with another in between" {
    solution 2 common/message.c >"$text"
    echo "..." >>"$text"
    solution 3 common/message.c | tail -n 1 >>"$text"
    run harness/grade/solutions 2 "$text"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "solutions: white space, comments, blank lines and braces hide nothing" {
    solution 3 common/message.c |
        sed 's/^ */\t/; s/$/   \/* so *\//; s/$/\n\n    }\n\/\/ and\n/' >"$text"
    run harness/grade/solutions 2 "$text"
    [ "$status" -eq 1 ]
}

@test "solutions: a folder is searched, also where a name has spaces in it" {
    mkdir "$BATS_TEST_TMPDIR/a folder"
    cp common/event.c "$BATS_TEST_TMPDIR/a folder/my event.c"
    run harness/grade/solutions 7 "$BATS_TEST_TMPDIR"
    [ "$status" -eq 1 ]
    [[ $output == *"/a folder/my event.c:"*"a solution of lesson 7"* ]]
}

@test "solutions: those of the lessons before are no secret" {
    solution 3 common/message.c >"$text"
    run harness/grade/solutions 3 "$text"
    [ "$status" -eq 0 ]
    run harness/grade/solutions 4 lessons/03-select common/loop.c
    [ "$status" -eq 0 ]
}

@test "solutions: where a lesson begins with whole programs, what is new in the repaired" {
    run harness/grade/solutions 8 lessons/08-async-echo/starter
    [ "$status" -eq 0 ]
    run harness/grade/solutions 8 lessons/08-async-echo/server.c
    [ "$status" -eq 1 ]
    run harness/grade/solutions 8 lessons/08-async-echo/beyond_server.c
    [ "$status" -eq 1 ]
}

@test "solutions: wrong usage is status 2" {
    for words in "" "2" "two README.md" "2 /no/such/file"; do
        # shellcheck disable=SC2086  # words are split
        run harness/grade/solutions $words
        [ "$status" -eq 2 ]
        [ -n "$output" ]
    done
}
