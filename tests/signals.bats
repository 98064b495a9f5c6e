#!/usr/bin/env bats
# A server that is told to stop, and told again while it stops: the second
# signal must not meet a loop that is being taken apart.

bats_require_minimum_version 1.5.0
cd "$BATS_TEST_DIRNAME/.." || exit

# burst SERVER: starts it, and sends SIGTERM until it is gone. Its status.
burst() {
    local line pid status=0
    # No search for leaks: it stops all threads, and signals disturb that.
    coproc { ASAN_OPTIONS=detect_leaks=0 exec "$1" 127.0.0.1 0 \
        2>"$BATS_TEST_TMPDIR/errors"; }
    pid=$COPROC_PID
    while read -r line && [[ $line != Listening* ]]; do :; done \
        <&"${COPROC[0]}"
    for ((n = 0; n < 100; n++)); do kill -TERM "$pid" 2>/dev/null || break; done
    wait "$pid" || status=$?
    return "$status"
}

@test "servers on the loop: a second SIGTERM while they end changes nothing" {
    for server in build/san/0[4-8]-*/server; do
        for ((i = 0; i < 40; i++)); do
            burst "$server" || {
                echo "$server ended with status $?"
                cat "$BATS_TEST_TMPDIR/errors"
                false
            }
        done
    done
}
