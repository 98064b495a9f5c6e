#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # bats sets what is used here
# Records, in the words of each service. What a service wants stands in tests/schemas/.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    record=$BATS_TEST_TMPDIR/record.json
    export CLASSROOM=networks ASSIGNMENT=lesson2 ASSIGNMENT_TYPE=individual OWNER=ada \
        SUBMISSION_TAG=submit/2026-10-12T21-59-00Z-a1b2c3d \
        COMMIT_URL=https://example.org/commit/1 RELEASE_URL=https://example.org/release/1
    unset REVIEW_URL
}

# a_record STATUS [NAME VERDICT]...: each check has 2 points; what is not run waits for
# the one before it.
a_record() {
    local status=$1
    shift
    # shellcheck disable=SC2016  # the $ are for jq
    jq -n --arg status "$status" '
        [$ARGS.positional | range(0; length; 2) as $i | {
            name: .[$i], title: "title of \(.[$i])", stage: "a", level: "must",
            verdict: .[$i + 1], points: 2, duration_ms: 1.5, rule: ["echo.2"],
            sentence: (if .[$i + 1] == "fail" then "It sent nothing." else null end),
            hint: null, read: null,
            "waits-for": (if .[$i + 1] == "not run" then .[$i - 2] else null end),
            report: (if .[$i + 1] == "fail"
                then "FAIL  \(.[$i]): title of \(.[$i])\n\n  It sent nothing.\n" else null end)
        }] as $checks | {
            student: {name: "Ada", slug: "Ada", id: null, email: null}, n: 2,
            lesson: "02-send-receive", kit: {version: "1.0", hash: "abc"}, isolation: "none",
            status: $status, seconds: 2.5,
            reason: (if $status == "graded" then null else "because of this" end),
            text: (if $status == "graded" then null else "server.c:1: <b>error</b>" end),
            points: ([$checks[] | select(.verdict == "pass") | .points] | add // 0),
            points_possible: (if $status == "graded" then 8 else null end),
            checks: $checks}' --args "$@" >"$record"
}

# Of its seven checks three are worth nothing.
mixed() {
    a_record graded one pass two fail three "not run" four undecided five "not run" six advice \
        seven skip
}

# result SERVICE: of the record; it has to fit.
result() {
    harness/grade/export "$1" "$record" >"$BATS_TEST_TMPDIR/result" || return
    if [ "$1" = autolab ]; then tail -n 1; else cat; fi <"$BATS_TEST_TMPDIR/result" |
        tee "$BATS_TEST_TMPDIR/$1" | tests/schemas/fits "$1"
}

# field FILTER: of the last one.
field() { jq -c "$2" "$BATS_TEST_TMPDIR/$1"; }

@test "export: what the services document fits, and what they do not take does not" {
    tests/schemas/fits gradescope <<<'{"score": 44.0, "execution_time": 136, "extra_data": {},
        "tests": [{"score": 2.0, "max_score": 2.0, "number": "1.1", "tags": ["t"],
        "visibility": "after_due_date"}], "leaderboard": [{"name": "Stars", "value": "**"}]}'
    run tests/schemas/fits gradescope <<<'{"output": "neither a score nor tests"}'
    [ "$status" -eq 1 ]
    run tests/schemas/fits gradescope <<<'{"score": 1, "tests": [{"status": "pass"}]}'
    [[ $status -eq 1 && $output == *"tests/0/status"* ]]
    tests/schemas/fits classroom50 <<<'{"schema": "classroom50/result/v1", "classroom": "c",
        "assignment": "a", "assignment_type": "group", "owner": "o", "submission": "submit/1",
        "commit": "https://c", "release": "https://r", "review": "https://v",
        "datetime": "2026-06-01T14:32:01Z", "graded_at": "2026-06-01T14:33:11Z", "score": 4,
        "max-score": 5, "tests": [{"test-name": "t", "passed": true, "score": 4, "max-score": 4}]}'
    run tests/schemas/fits classroom50 <<<'{"schema": "classroom50/result/v1", "kit": "mine"}'
    [[ $status -eq 1 && $output == *"kit"*"required"* ]]
    tests/schemas/fits actions <<<'{"version": 1, "status": "pass", "max_score": 10, "tests":
        [{"name": "t", "status": "pass", "score": 10, "message": "", "test_code": "make",
        "filename": "", "line_no": 0, "duration": 12}]}'
    run tests/schemas/fits actions <<<'{"version": 1, "status": "failed", "max_score": 1, "tests": []}'
    [[ $status -eq 1 && $output == *"status"* ]]
    tests/schemas/fits prairielearn <<<'{"gradable": true, "score": 0.25, "tests":
        [{"name": "t", "points": 0, "max_points": 3, "output": "no"}]}'
    tests/schemas/fits prairielearn <<<'{"gradable": false, "format_errors": "no C"}'
    run tests/schemas/fits prairielearn <<<'{"gradable": true, "score": 25}'
    [ "$status" -eq 1 ]
    tests/schemas/fits autolab <<<'{"scores": {"Prob1": 10, "Prob2": 5}, "scoreboard": [10, 5, 15]}'
    run tests/schemas/fits autolab <<<'{"scores": {}}'
    [ "$status" -eq 1 ]
}

@test "export: each check is a test, and the points of all are those of the record" {
    mixed
    result gradescope
    [ "$(field gradescope '[.score, .stdout_visibility, (.tests | map(.score) | add),
        (.tests | map(.max_score) | add), (.tests | map(.status) | join(" "))]')" = \
        '[2,"hidden",2,8,"passed failed failed   passed "]' ]
    [[ $(field gradescope '.tests[1] | .name, .output') == *'"two: title of two"'*'It sent nothing.'* ]]
    [[ $(field gradescope .output) == *"version 1.0 abc of the kit; isolation: none"* ]]
    result classroom50
    [ "$(field classroom50 '[.classroom, .owner, .review, .score, ."max-score",
        (.tests | map(.score) | add), (.tests | map(."max-score") | add),
        (.tests | map(.passed))]')" = \
        '["networks","ada","https://example.org/commit/1",2,8,2,8,[true,false,false,false,false,true,false]]' ]
    result actions
    [ "$(field actions '[.status, .max_score, (.tests | map(.score) | add),
        (.tests | map(.status) | join(" "))]')" = \
        '["fail",8,2,"pass fail fail error error pass error"]' ]
    result prairielearn
    [ "$(field prairielearn '[.gradable, .score, (.tests | map(.points) | add),
        (.tests | map(.max_points) | add)]')" = '[true,0.25,2,8]' ]
    result autolab
    [ "$(field autolab .)" = '{"scores":{"lesson2":2}}' ]
    [[ $(<"$BATS_TEST_TMPDIR/result") == *"FAIL  0 of 2  two: title of two"*"It sent nothing."* ]]
    [[ $(<"$BATS_TEST_TMPDIR/result") == *"NOT RUN  0 of 0  five: "*"has not passed: four."* ]]
}

@test "export: so it is with a record that was made of a grade" {
    kit=$BATS_TEST_TMPDIR/kit folder=$BATS_TEST_TMPDIR/submission
    mkdir -p "$kit/build" "$folder/src" "$BATS_TEST_TMPDIR/results"
    cp -a CHANGELOG.md harness lessons common "$kit/"
    cp build/wire "$kit/build/"
    touch "$folder/src/"{server,client,message}.c
    echo '{"n": 2, "lesson": "02-send-receive", "student": {"name": "Ada"}, "problem": null}' \
        >"$folder/submission.json"
    # A grade in which wire has counted these.
    verdicts=(one pass - two fail - three undecided - four "not run" three five skip -
        six "not run" five seven advice - eight "not run" two nine undecided -)
    for ((i = 0; i < ${#verdicts[@]}; i += 3)); do
        # shellcheck disable=SC2016  # the $ are for jq
        jq -cn '{name: $ARGS.positional[0], title: "a title", file: "x.wire", stage: "a",
            points: "2", duration: "1.5", verdict: $ARGS.positional[1]} +
            (if $ARGS.positional[2] == "-" then {} else {"waits-for": $ARGS.positional[2]} end) |
            to_entries[] | {event: "about", ms: 0, line: 0, key: .key, value: .value}' \
            --args "${verdicts[@]:$i:3}" >"$BATS_TEST_TMPDIR/results/${verdicts[$i]}.jsonl"
    done
    build/wire report --format json "$BATS_TEST_TMPDIR"/results/*.jsonl \
        >"$BATS_TEST_TMPDIR/results/results.json" || true
    : >"$BATS_TEST_TMPDIR/results/manifest"
    cat >"$kit/harness/grade/grade" <<END
#!/bin/sh
mkdir -p "\$KIT_GRADES/02-send-receive"
cp -r "$BATS_TEST_TMPDIR/results" "\$KIT_GRADES/02-send-receive/"
: >"\$KIT_GRADES/02-send-receive/report.txt"
END
    "$kit/harness/grade/grade-submission" "$folder" 60
    [ "$(jq -c '[.points, .points_possible]' "$folder/record.json")" = "[2,8]" ]
    record=$folder/record.json
    result gradescope
    [ "$(field gradescope '[.score, (.tests | map(.max_score) | add)]')" = "[2,8]" ]
}

@test "export: where no check failed, what could not be decided is no failure" {
    a_record graded one pass two pass three pass four pass five undecided
    result actions
    [ "$(field actions '[.status, .max_score]')" = '["pass",8]' ]
    result prairielearn
    [ "$(field prairielearn '.score == 1')" = true ]
}

@test "export: where there is no grade each result says why" {
    statuses=(nothing-handed-in incomplete zip-broken refused does-not-compile time-over)
    for status in "${statuses[@]}"; do
        a_record "$status"
        for service in gradescope classroom50 actions prairielearn autolab; do
            harness/grade/export "$service" "$record" >"$BATS_TEST_TMPDIR/result"
            grep -q "because of this" "$BATS_TEST_TMPDIR/result"
            grep -q "server.c:1: <b>error" "$BATS_TEST_TMPDIR/result"
            tail -n 1 "$BATS_TEST_TMPDIR/result" >>"$BATS_TEST_TMPDIR/$service"
        done
    done
    for service in gradescope classroom50 actions prairielearn autolab; do
        tests/schemas/fits "$service" <"$BATS_TEST_TMPDIR/$service"
        [ "$(wc -l <"$BATS_TEST_TMPDIR/$service")" -eq "${#statuses[@]}" ]
    done
    [ "$(field gradescope .score | sort -u)" = 0 ]
    [ "$(field actions .status | sort -u)" = '"fail"' ]
    [ "$(field classroom50 '.tests[0].passed' | sort -u)" = false ]
    # An attempt that cannot be graded is none; one that takes for ever is one.
    [ "$(field prairielearn .gradable | paste -sd ' ')" = "false false false false false true" ]
}

@test "export: by the fault of the kit or the machine nobody gets 0 points" {
    a_record not-judged
    for service in gradescope classroom50 autolab; do
        run --separate-stderr harness/grade/export "$service" "$record"
        [[ $status -eq 1 && -z $output && $stderr == *"because of this"*"server.c:1"* ]]
    done
    result actions
    [ "$(field actions '[.status, .tests[0].status]')" = '["error","error"]' ]
    result prairielearn
    [ "$(field prairielearn '[.gradable, .format_errors[0]]')" = '[false,"because of this"]' ]
    # What broke in the kit is not for students.
    run ! grep -q "server.c:1" "$BATS_TEST_TMPDIR/actions" "$BATS_TEST_TMPDIR/prairielearn"
}

@test "export: no text is too long for a service, and none breaks the result" {
    names=()
    for i in {1..60}; do names+=("check$i" fail); done
    a_record graded "${names[@]}"
    python3 - "$record" <<'END'
import json, sys
record = json.load(open(sys.argv[1]))
for check in record['checks']:
    check['sentence'] = '\u0001\u001b[31m</pre>\ud800│' * 5000
    check['report'] = '│\n' * 150000
json.dump(record, open(sys.argv[1], 'w'))
END
    for service in gradescope classroom50 actions prairielearn autolab; do
        result "$service"
        iconv -f UTF-8 -t UTF-8 "$BATS_TEST_TMPDIR/result" >/dev/null
        grep -q "Here it was cut" "$BATS_TEST_TMPDIR/result"
    done
    # A variable of the environment, its name included, has at most 128 KiB.
    [ "$(base64 -w 0 "$BATS_TEST_TMPDIR/actions" | wc -c)" -lt $((131072 - 100)) ]
    [ "$(wc -c <"$BATS_TEST_TMPDIR/prairielearn")" -le 1000000 ]
}

@test "export: who is not asked by Classroom 50 is told so, and so is a wrong word" {
    mixed
    unset OWNER
    run harness/grade/export classroom50 "$record"
    [[ $status -eq 1 && $output == *"The environment lacks"*"owner" ]]
    run harness/grade/export nonsense "$record"
    [[ $status -eq 1 && $output == "usage: export gradescope|"* ]]
}

@test "export: the points of a lesson are those that its list gives, not those of the files" {
    list=lessons/08-async-echo/checks/list
    free=$(sed -n 's/^use .* free \([a-z-]*\).*/\1/p' "$list" | head -n 1)
    [ -n "$free" ]
    [ "$(build/wire list "$list" | awk -v name="$free" '$1 == name { print $5 }')" = 0 ]
    # shellcheck disable=SC2016  # it is for that shell
    sum=$(bash -c '. harness/grade/lib.sh; points_of 08-async-echo')
    [ "$sum" = "$(build/wire list "$list" | awk '{ sum += $5 } END { print sum }')" ]
    [ "$sum" -gt 0 ]
}
