#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # bats sets what is used here
# JUnit's file, as services read it. What they take stands in tests/schemas/junit.xsd.

load grade # a right solution, and a place for its grade

# journal NAME VERDICT [TITLE]: of a check, as far as a report needs it.
journal() {
    jq -cn --arg name "$1" --arg verdict "$2" --arg title "${3-a title}" '
        {name: $name, title: $title, file: "x/\($name).wire", stage: "a", points: "2",
         rule: "echo.2", verdict: $verdict, duration: "1500"} +
        (if $verdict == "fail" then {sentence: "It \"sent\" <nothing> & ended."} else {} end) |
        to_entries[] | {event: "about", ms: 0, line: 0, key: .key, value: .value}' >"$BATS_TEST_TMPDIR/$1.jsonl"
}

# junit NAME...: the file of these.
junit() {
    build/wire report --format junit "${@/%/.jsonl}" >"$BATS_TEST_TMPDIR/junit.xml" || true
    xmllint --noout --nonet --schema tests/schemas/junit.xsd "$BATS_TEST_TMPDIR/junit.xml"
}

# of XPATH: what the file has there.
of() { xmllint --nonet --xpath "$1" "$BATS_TEST_TMPDIR/junit.xml"; }

@test "junit: each verdict is a test of its kind, and is counted as that" {
    journal one pass
    journal two fail
    journal three "not run"
    journal four undecided
    journal five advice
    journal six skip
    junit "$BATS_TEST_TMPDIR"/{one,two,three,four,five,six}
    [ "$(of 'concat(//testsuite/@tests, " ", //testsuite/@failures, " ", //testsuite/@errors,
        " ", //testsuite/@skipped, " ", //testsuite/@time)')" = "6 1 1 3 9.000" ]
    for kind in failure:1 error:1 skipped:3; do
        [ "$(of "count(//testcase[${kind%:*}])")" = "${kind#*:}" ]
    done
    [ "$(of 'string(//testcase[failure]/@name)')" = "two: a title" ]
    [ "$(of 'string(//failure/@message)')" = 'It "sent" <nothing> & ended.' ]
    [[ $(of 'string(//failure)') == *"FAIL  two: a title"*'It "sent" <nothing> & ended.'* ]]
}

@test "junit: no byte of a program's breaks the file" {
    printf 'check "a"\nrule echo.1\nserver start\nA connect\nA send "%s"\nA expect "b<EOF>"\n' \
        'a\x01\x1b]0;x\x07\0\x85\xe9\xef\xbf\xbf\xed\xa0\x80]]><&<EOF>' >"$BATS_TEST_TMPDIR/bytes.wire"
    run build/wire --contracts lessons/contracts --server build/plain/02-send-receive/server \
        --results "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/bytes.wire"
    [ "$status" -eq 1 ]
    journal title fail $'<!--\x01\x1b "\xc3\xa9" \'&amp;'
    junit "$BATS_TEST_TMPDIR"/{bytes,title}
    [[ $(of 'string((//failure)[1])') == *'a\x01\x1b]0;x'*'\xef\xbf\xbf'*']]><&<EOF>'* ]]
    [ "$(of 'string((//testcase)[2]/@name)')" = $'title: <!--?? "\xc3\xa9" \'&amp;' ]
}

@test "junit: the file of a grade fits, with the kit that graded in it" {
    graded 0 grade2 CHECK=in-pieces DIR="$solution"
    cp "$KIT_GRADES/02-send-receive/results/results.xml" "$BATS_TEST_TMPDIR/junit.xml"
    xmllint --noout --nonet --schema tests/schemas/junit.xsd "$BATS_TEST_TMPDIR/junit.xml"
    [ "$(of 'string(//property[@name = "kit"]/@value)')" = "$(make version | head -n 1)" ]
    [ "$(of 'count(//testcase)')" = "$(of 'string(//testsuite/@tests)')" ]
}

@test "junit: what does not fit is found" {
    echo '<testsuites><testsuite name="x" tests="1" failures="none" errors="0"/></testsuites>' \
        >"$BATS_TEST_TMPDIR/junit.xml"
    run xmllint --noout --nonet --schema tests/schemas/junit.xsd "$BATS_TEST_TMPDIR/junit.xml"
    [ "$status" -ne 0 ]
    echo '<testsuites><testsuite name="x" tests="1" failures="0" errors="0"><testcase
        name="t"/></testsuite></testsuites>' >"$BATS_TEST_TMPDIR/junit.xml"
    run xmllint --noout --nonet --schema tests/schemas/junit.xsd "$BATS_TEST_TMPDIR/junit.xml"
    [[ $status -ne 0 && $output == *classname* ]]
}
