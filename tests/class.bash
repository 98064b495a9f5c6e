# Shared by the tests of make class: a kit of its own for all tests of a file, in which
# lesson 2 has three checks and lesson 1 has one, and places for submissions and
# grades.
# shellcheck shell=bash disable=SC2154,SC2034

class_kit() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    kit="$BATS_FILE_TMPDIR/the kit"
    export kit
    mkdir -p "$kit/build"
    cp -a Makefile CHANGELOG.md README.md harness lessons common tests "$kit/"
    cp -a build/wire build/plain build/san build/units build/harness "$kit/build/"
    printf '%s\n' one-message fin-at-once in-pieces >"$kit/lessons/02-send-receive/checks/list"
    list=$kit/lessons/01-accept-connect/checks/list
    sed -n '/^[a-z]/{p;q;}' "$list" >"$list.new"
    mv "$list.new" "$list"
}

class_setup() {
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    in="$BATS_TEST_TMPDIR/handed in" out="$BATS_TEST_TMPDIR/the grades"
    mkdir "$in"
    cd "$kit" || return
}

# handed_in NAME [EXPRESSION]: a right solution of lesson 2; sed -i EXPRESSION server.c.
handed_in() {
    mkdir -p "$in/$1"
    cp lessons/02-send-receive/server.c lessons/02-send-receive/client.c \
        common/message.c "$in/$1/"
    [ $# -eq 1 ] || sed -i "$2" "$in/$1/server.c"
}
without_fin='s/shutdown(client, SHUT_WR);//'

# class WORD...: runs make class; make's own voice must never be heard.
class() {
    run make class N=2 SUBMISSIONS="$in" OUT="$out" "$@"
    echo "$output"
    [[ $output != *"make:"* && $output != *"***"* ]]
}

# record NAME FILTER: of the student's newest record.
record() { jq -r "$2" "$(record_of "$1")"; }
record_of() { grep -l "\"name\": \"$1\"" "$out"/submissions/*/*/*/record.json | head -n 1; }
