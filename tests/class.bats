#!/usr/bin/env bats
# shellcheck disable=SC2154  # class.bash sets what is used here
# make class: every submission leaves a record, and none stops the others.

load class
setup_file() { class_kit; }
setup() { class_setup; }

@test "class: each submission leaves a record, with the grade or the reason" {
    handed_in "Jörg O'Neil"
    handed_in ada "$without_fin; \$ a __asm__(\"nop\");"
    handed_in broken
    { printf '#error '; head -c 500000 /dev/zero | tr '\0' 'x'; } >>"$in/broken/server.c"
    handed_in half && rm "$in/half/client.c"
    handed_in linked && ln -sf /etc/passwd "$in/linked/server.c"
    mkdir "$in/empty"
    echo junk >"$in/torn.zip"
    class
    [ "$status" -eq 0 ]
    [[ $output == *"7 submissions, of which 7 have no record yet"* ]]
    [[ $output == *"Jörg O'Neil, lesson 2: "*" points"* && ${lines[-1]} == "Next: "* ]]
    [ "$(record "Jörg O'Neil" '[.status, .reason, .isolation, .lesson] | @csv')" = \
        '"graded",,"none","02-send-receive"' ]
    [ "$(record "Jörg O'Neil" '.points == .points_possible and .points > 0')" = true ]
    [ "$(record ada '[.checks[] | .name, .verdict] | join(" ")')" = \
        "one-message pass fin-at-once fail in-pieces pass" ]
    [ "$(record ada '.points < .points_possible')" = true ]
    [ "$(record ada '[.look[], .points_held] | @csv')" = '"server.c: has inline assembly",0' ]
    [[ $(record ada '.checks[1].report') == "FAIL  fin-at-once"*"FIN"*"Run it again: make grade2 CHECK=fin-at-once"* ]]
    [ "$(record ada '.kit | "\(.version) \(.hash)"')" = "$(make version | head -n 1)" ]
    [ "$(record broken .status)" = does-not-compile ]
    [[ $(record broken .text) == "server.c:"*"error"* ]]
    [ "$(record half .status)" = incomplete ]
    [[ $(record half .reason) == "There is no client.c."* ]]
    [ "$(record linked .status)" = refused ]
    [ "$(record empty .status)" = nothing-handed-in ]
    [ "$(record torn .status)" = zip-broken ]
    [ -s "$(dirname "$(record_of ada)")/results/manifest" ]
    [ "$(find "$out/students" -name '*.html' | wc -l)" -eq 7 ]
    grep -q "1 of 2: right after the reply the server ends its side" "$out/index.html"
    [[ ${lines[-1]} == "Next: xdg-open '$out/index.html'"* ]]
    [ -z "$(find build -maxdepth 1 -name 'class-*')" ]

    # The exit status of each tells these apart.
    declare -A wanted=(["Jörg O'Neil"]=0 [ada]=0 [empty]=3 [half]=4 [torn]=5 [linked]=6 [broken]=7)
    for name in "${!wanted[@]}"; do
        run harness/grade/grade-submission "$(dirname "$(record_of "$name")")" 600
        echo "$name: $output"
        [ "$status" -eq "${wanted[$name]}" ]
    done
    run harness/grade/grade-submission "$(dirname "$(record_of ada)")" 0.01
    [ "$status" -eq 8 ]
    [ "$(record ada .status)" = time-over ]
}

@test "class: a new submission is graded, and the others are not; a new kit grades all" {
    handed_in ada
    class
    [[ $output == *"1 submissions, of which 1 have no record"* ]]
    touch -d 2020-01-01 "$(record_of ada)"
    handed_in bob "$without_fin"
    class
    [[ $output == *"2 submissions, of which 1 have no record"*"bob, lesson 2"* ]]
    [[ $output != *"ada, lesson 2"* ]]
    [ "$(stat -c %Y "$(record_of ada)")" = "$(date -d 2020-01-01 +%s)" ]
    echo "/* changed */" >>"$in/ada/server.c"
    class
    [[ $output == *"2 submissions, of which 1 have no record"*"ada, lesson 2"* ]]
    echo "# a change" >>lessons/02-send-receive/checks/list
    class
    sed -i '$ d' lessons/02-send-receive/checks/list
    [[ $output == *"2 submissions, of which 2 have no record"* ]]
}

@test "class: stopped and started again, it goes on" {
    for name in a b c d; do handed_in "$name"; done
    mkfifo "$BATS_TEST_TMPDIR/said"
    setsid make class N=2 SUBMISSIONS="$in" OUT="$out" JOBS=1 >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
    pid=$!
    exec 5<"$BATS_TEST_TMPDIR/said"
    while read -r line <&5 && [[ $line != *" points" ]]; do :; done
    kill -TERM -- -"$pid"
    wait "$pid" || true
    exec 5<&-
    records() { find "$out" -name record.json | wc -l; }
    before=$(records)
    [ "$before" -ge 1 ]
    [ "$before" -lt 4 ]
    class
    [ "$status" -eq 0 ]
    [[ $output == *"4 submissions, of which $((4 - before)) have no record"* ]]
    [ "$(records)" -eq 4 ]
}

@test "class: STUDENT=name grades one again" {
    handed_in "Jörg O'Neil"
    handed_in ada
    class
    class STUDENT="Jörg O'Neil"
    [ "$status" -eq 0 ]
    [[ $output == *"2 submissions, of which 1 have no record"*"Jörg O'Neil, lesson 2"* ]]
    class STUDENT=nobody
    [ "$status" -ne 0 ]
    [[ $output == *"There is no student \"nobody\". The students are:"*"Jörg O'Neil"*"ada"* ]]
}

@test "class: on a terminal there is a bar, and all is graded as well" {
    handed_in ada
    handed_in bob
    run python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' \
        make class N=2 SUBMISSIONS="$in" OUT="$out"
    [ "$status" -eq 0 ]
    [[ $output == *"50% 1:1="*"2 graded"* ]]
}

@test "class: several lessons, and several submissions for one" {
    handed_in ada/02-send-receive
    mkdir "$in/ada/01-accept-connect"
    cp lessons/01-accept-connect/server.c lessons/01-accept-connect/client.c common/net.c \
        "$in/ada/01-accept-connect/"
    handed_in "ada (1)/02-send-receive" "$without_fin"
    run make class N="1 2" SUBMISSIONS="$in" OUT="$out"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"3 submissions, of which 3"*"3 graded"* ]]
    [ "$(jq -s 'map(select(.n == 2) | .points) | unique | length' "$out"/submissions/ada/*/*/record.json)" = 2 ]
}

@test "class: the table follows course.txt, and a change of that grades nothing again" {
    handed_in ada
    touch -d 2026-10-08T10:00Z "$in/ada"/*
    class
    [[ $output == *"The grades: "*"$out/gradebook.csv"* ]]
    points=$(record ada .points)
    grep -q "^ada,,,$points,$points,0,graded,100.0" "$out/gradebook.csv"
    printf 'due 2 2026-10-07T09:00+00:00\npenalty 50\n' >"$in/course.txt"
    class
    [[ $output == *"1 submissions, of which 0 have"* ]]
    grep -q "^ada,,,0,$points,2,graded,0.0" "$out/gradebook.csv"
    # A table of Canvas's gets the same.
    printf 'Student,ID,Section,Lesson 2 (9)\nPoints Possible,,,10\nada,1,A,7\n' >"$BATS_TEST_TMPDIR/x y.csv"
    class SHEET="$BATS_TEST_TMPDIR/x y.csv"
    [[ $status -eq 0 && $output == *"Filled in: $out/canvas.csv"* ]]
    grep -q "^ada,1,A,0" "$out/canvas.csv"
    class SHEET=/no/such
    [[ $status -ne 0 && $output == *"There is no file /no/such"* ]]
    echo "due 2 soon" >"$in/course.txt"
    class
    [[ $status -ne 0 && $output == *"course.txt, line 1: expected a lesson, a time"* ]]
    echo "grace 9" >"$in/course.txt"
    echo "grace 8" >"$out/course.txt"
    class
    [[ $status -ne 0 && $output == *"say different things"* ]]
}

@test "class: wrong words say what was expected" {
    run make class
    [[ $status -ne 0 && $output == *"N names the lessons"* ]]
    run make class N="2 99"
    [[ $status -ne 0 && $output == *"There is no lesson 99"* ]]
    run make class N=2
    [[ $status -ne 0 && $output == *"SUBMISSIONS is the folder"* ]]
    run make class N=2 SUBMISSIONS=/no/such
    [[ $status -ne 0 && $output == *"There is no folder /no/such"* ]]
    run make class N=2 SUBMISSIONS="$in"
    [[ $status -ne 0 && $output == *"OUT is the folder"* ]]
    run make class N=2 SUBMISSIONS="$in" OUT="$in/grades"
    [[ $status -ne 0 && $output == *"lies in"* ]]
    [ ! -e "$in/grades" ]
    class JOBS=many
    [[ $status -ne 0 && $output == *"as in JOBS=4"* ]]
    class
    [[ $status -ne 0 && $output == *"There is no submission in"* ]]
    mkdir "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\necho parallel from moreutils\n' >"$BATS_TEST_TMPDIR/bin/parallel"
    chmod +x "$BATS_TEST_TMPDIR/bin/parallel"
    PATH="$BATS_TEST_TMPDIR/bin:$PATH" class
    [[ $status -ne 0 && $output == *"GNU parallel is not there"*"Next: ./bootstrap"* ]]
}

@test "class: two runs at once do not grade into one folder" {
    handed_in ada
    mkdir "$out"
    exec 6>"$out/.lock"
    flock -n 6
    class
    exec 6>&-
    [[ $status -ne 0 && $output == *"Somebody grades into"* ]]
}
