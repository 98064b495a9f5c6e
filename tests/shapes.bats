#!/usr/bin/env bats
# Programs of other shapes than the kit's own, each with a bug that the kit's
# cannot have: no program of a lesson makes a process, or a thread for a client.
# They are the correct ones of tests/peers, each spoilt in one place.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    here=$BATS_TEST_TMPDIR
    contracts=(--contracts lessons/contracts --list lessons/03-select/checks/list)
}

# spoilt NAME SED: the peer in C of that name, changed so, as $here/server.
spoilt() {
    sed "$2" "tests/peers/$1.c" >"$here/$1.c"
    ! cmp -s "tests/peers/$1.c" "$here/$1.c"
    gcc -std=c11 -D_GNU_SOURCE -O1 -Itests/peers "$here/$1.c" \
        tests/peers/peer.c -o "$here/server" -lpthread
}

# caught_by CHECK WORDS: that check fails on the server, with these words in its
# report, and passes on the peer as it was.
caught_by() {
    run build/wire "${contracts[@]}" --only "$1" --server "$here/server"
    [ "$status" -eq 1 ]
    [[ $(tr -s ' \n' ' ' <<<"$output") == *"$2"* ]] || {
        echo "$output"
        return 1
    }
}

@test "children that nobody waits for are counted" {
    spoilt fork 's/^        reap();$//'
    caught_by keeps-nothing-of-a-rest "zombies are counted"
}

@test "a child that outlives its server, with the port in its hands, is noticed" {
    spoilt fork 's/^        close(listener);$//; /kill(children/d
        s/while (wait(NULL) > 0)/while (false)/'
    caught_by stops-soon "started again"
}

@test "threads that nobody joins are noticed by their address space" {
    spoilt threads "/pthread_detach/d"
    caught_by keeps-nothing-of-a-rest "address space"
}
