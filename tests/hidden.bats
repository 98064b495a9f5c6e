#!/usr/bin/env bats
# Hidden checks: what of them is told, and to whom.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    check=$BATS_TEST_TMPDIR/secret.wire
    cat >"$check" <<'END'
check  "a text comes back"
rule   echo.2
stage  a
points 3
hidden

server start
A connect
A send "a secret text<EOF>"
A expect "a secret text<EOF>"
hint "a secret hint"
END
    wrong=build/trivial/accept-and-close
}

wire() { build/wire --contracts lessons/contracts "$@" "$check"; }

@test "hidden: it runs like any other, and passes without a word" {
    run wire --server build/plain/02-send-receive/server
    [ "$status" -eq 0 ]
    [[ $output == *"pass       secret: a text comes back"*"points: 3 of 3"* ]]
}

@test "hidden: where it fails every report has its title and its rule, and no more" {
    run wire --server "$wrong" --results "$BATS_TEST_TMPDIR" --again "make grade2"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"FAIL  secret: a text comes back"* ]]
    [[ $output == *"This check is hidden: only its rule is told."*"Rule echo.2: "*"Why: "* ]]
    [[ $output != *"a secret"* && $output != *"What went over"* ]]
    [[ $output != *"line "* && $output == *"Run it again: make grade2"* ]]
    for format in tap junit json; do
        run build/wire report --format "$format" "$BATS_TEST_TMPDIR/secret.jsonl"
        [ "$status" -eq 1 ]
        [[ $output == *"a text comes back"*"only its rule is told"* ]]
        [[ $output != *"a secret"* && $output != *connect* ]]
    done
    # The instructor finds all of it in the journal.
    grep -q "a secret hint" "$BATS_TEST_TMPDIR/secret.jsonl"
}

@test "hidden: what is handed out of it has no steps, and is not run" {
    sed -i '/^$/,$d' "$check"
    run wire --server "$wrong"
    [ "$status" -eq 77 ]
    [[ $output == *"skip       secret: a text comes back"*"where your instructor"* ]]
    [[ $output == *"points: 0 of 0"* ]]
    sed -i '/hidden/d' "$check"
    run wire --server "$wrong"
    [ "$status" -eq 2 ]
    [[ $output == *"expected at least one step"* ]]
}

@test "hidden: the line stands alone, and unit tests cannot be hidden" {
    sed -i 's/^hidden/hidden yes/' "$check"
    run build/wire --parse "$check"
    [ "$status" -eq 2 ]
    [[ $output == *":5:8: expected the end of the line"* ]]
    printf 'check "x"\nhidden\nunit passes "rule_1"\n' >"$check"
    run build/wire --parse "$check"
    [ "$status" -eq 2 ]
    [[ $output == *"no hidden check of unit tests"* ]]
}
