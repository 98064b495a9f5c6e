#!/usr/bin/env bats
# wire must not see a difference where there is none.
#
# The echo servers of lessons 3, 5 and 6 are built in four ways and keep one
# contract: seen from outside, nobody can tell them apart. All run the same wire
# checks, and their journals must say the same bytes and the same endings.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    checks=$BATS_TEST_TMPDIR/checks
    mkdir -p "$checks"
}

# Lesson 3's checks of the server, but for those that end it, that fill its
# descriptors (of which each server has some for itself), that count its calls,
# and that judge by memory and time. Where a check goes on without waiting for an
# ending, this one proves first that the server has nothing more to say, so that
# chance does not decide what the journal holds.
steadied() {
    local file program
    build/wire list lessons/03-select/checks/list |
        grep -v '^\(beyond-select\|says-so\|bounded\|cost\) ' |
        while read -r _ _ program file _; do
            [ "$program" = server ] || continue
            if grep -q '^ *server' "$file" && ! grep -q -E \
                -e '^ *(client|server +(stop|restart|signal|exit|start raw))' \
                -e '^ *(rounds|machine +wait)| pours? |^server +inject' "$file"
            then
                awk '
                    /^ *server +freeze/ { frozen = 1 }
                    /^ *server +thaw/ { frozen = 0 }
                    /^needs/ { next }
                    started && !frozen && !done &&
                        (/^ *[A-Z]+ +(close|reset|connect)/ || /^hint/) {
                        print "server  alive"
                    }
                    /^ *server +start/ { started = 1 }
                    /^hint/ { done = 1 }
                    { print }' "$file" >"$checks/$(basename "$file")"
            fi
        done
}

# journals NAME PROGRAM: runs them on one server; prints a line for each client
# of each check: what it received, and how it ended, in order. How far a reply has
# come when its client leaves in the middle of it is chance, and left out.
journals() {
    local results=$BATS_TEST_TMPDIR/$1
    mkdir -p "$results"
    build/wire --server "build/plain/$2" --contracts lessons/contracts --results "$results" \
        "$checks"/*.wire >"$results.txt" 2>&1 || {
        grep -E '^(FAIL|  [a-z-]* *[a-z-]+:)' "$results.txt" | grep -v ' pass '
        return 1
    }
    # shellcheck disable=SC2016  # a program of jq
    find "$results" -name '*.jsonl' -print0 | sort -z | xargs -0 jq -rn '
        reduce (inputs | select(.event | test("^received|^connect$"))) as $e
            ({}; .[(input_filename | sub(".*/"; "")) + " " + $e.actor] +=
                if $e.event == "received" then $e.value
                elif $e.event == "connect" then " [connects] "
                else " [" + $e.event + "]" end)
        | to_entries[] | .key + ":" + (.value | @json)' |
        sed 's/^\(\(gone-reader\|slow-reader-idle\)\.jsonl A\):.*/\1/' | sort
}

@test "the servers of lessons 3, 5 and 6 leave the same journals" {
    steadied
    [ "$(find "$checks" -name '*.wire' | wc -l)" -ge 35 ]
    journals select 03-select/server >"$BATS_TEST_TMPDIR/first"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/first")" -ge 100 ]
    grep -q 'received-fin' "$BATS_TEST_TMPDIR/first"
    for server in 03-select/loop_server 05-send-receive-async/server \
        06-streams/server; do
        journals "${server%/*}" "$server" >"$BATS_TEST_TMPDIR/next"
        echo "lesson 3 on the left, $server on the right"
        diff "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/next" |
            cut -c 1-200 | head -n 20
        cmp "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/next"
    done
}
