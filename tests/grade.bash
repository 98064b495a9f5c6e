# Shared by the tests of the grader: a right solution of lesson 2 in $solution,
# in a folder of its own, and a place for its grade.
# shellcheck shell=bash disable=SC2154

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL
    KIT_GRADES=build/tests/grades-${BATS_TEST_FILENAME##*/}-$BATS_TEST_NUMBER
    export KIT_GRADES
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
