#!/usr/bin/env bats
# A check demands what the text of its rule says, and not a word more. Each test
# here is a right program that does something in another way than the kit's own:
# it must pass.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    here=$BATS_TEST_TMPDIR
    # Itself, not a version manager's script that starts it.
    python=$(python3 -c 'import sys; print(sys.executable)')
}

# check NAME: reads steps from stdin, writes a check file.
check() {
    { printf 'check "%s"\nrule echo.28\n' "$1"; cat; } >"$here/$1.wire"
}

# passes NAME... -- OPTION...: these checks of the lessons pass on the programs
# that the options name.
passes() {
    local files=() name
    while [ "$1" != -- ]; do
        for name in "$here/$1.wire" lessons/*/checks/"$1".wire; do
            [ ! -f "$name" ] || { sed '/^needs/d' "$name" >"$here/$1.check.wire"; break; }
        done
        files+=("$here/$1.check.wire")
        shift
    done
    shift
    build/wire --contracts lessons/contracts "$@" "${files[@]}" >"$here/text" || {
        cat "$here/text"
        return 1
    }
}

# client_that WAY: the peer's client, changed by a line of Python that stands
# where it has just sent its text.
client_that() {
    awk -v line="        $1" '{ print } /peer.sendall/ { print line }' \
        tests/peers/echo.py >"$here/client.py"
    echo "$python $here/client.py client"
}

@test "a client may end its sending side after its text" {
    passes client-sends client-waits client-dribble client-long-reply -- \
        --client "$(client_that 'peer.shutdown(socket.SHUT_WR)')"
    # But not the connection, as long as the reply has not come.
    run passes client-waits -- --client "$(client_that 'peer.close(); os._exit(0)')"
    [ "$status" -eq 1 ]
}

# The check gives-up: no answer comes, and the client ends by itself.
check_gives_up() {
    check gives-up <<'T'
F listen
client start "x<EOF>"
F accept
F expect "x<EOF>"
client exit 1
client stderr line
T
}

# Nothing comes; and the client ends by itself, since it has a time-out that no
# system call shows.
@test "a blocking call with a time-out is not taken for one without" {
    local way
    check_gives_up
    for way in \
        'import struct; peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 700000))' \
        'signal.signal(signal.SIGALRM, lambda *_: fail("client", "receive", "it takes too long")); signal.alarm(1)' \
        'signal.signal(signal.SIGALRM, lambda *_: fail("client", "receive", "it takes too long")); signal.setitimer(signal.ITIMER_REAL, 0.7)'
    do
        echo "$way"
        passes gives-up -- --client "$(client_that "$way")"
    done
}

@test "a POSIX timer is a time-out" {
    gcc -xc - -o "$here/timer" <<'T'
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
static void late(int signal) {
    if (write(2, "client: too late\n", 17) > 0) _exit(signal == SIGUSR1);
}
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec soon = {.it_value = {0, 700000000}};
    timer_t timer;
    char byte;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    signal(SIGUSR1, late);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) || send(fd, argv[3], 6, 0) != 6 ||
        timer_create(CLOCK_MONOTONIC, &e, &timer) || timer_settime(timer, 0, &soon, 0))
        return 3;
    return recv(fd, &byte, 1, 0) + argc;
}
T
    check_gives_up
    passes gives-up -- --client "$here/timer"
}

# Words that no rule states: what is demanded is the host, the port and a reason.
@test "host and port may stand in any form, and reasons in any words" {
    sed -e 's/f"connect to {host}:{port}"/f"to reach host {host}, port {port}, did not work"/' \
        -e 's/f"receive from {host}:{port}"/"no luck"/' \
        -e 's/"the reply ended before <EOF>"/"the reply was cut off"/' \
        tests/peers/echo.py >"$here/client.py"
    run diff -q tests/peers/echo.py "$here/client.py"
    [ "$status" -eq 1 ]
    passes client-cut client-reset client-reset-at-end client-refused -- \
        --client "$python $here/client.py client"
}

@test "the usage may be told in any words" {
    sed 's/^usage: /call it like this: /' tests/peers/echo.py >"$here/echo.py"
    passes usage-client usage-server -- --server "$python $here/echo.py server" \
        --client "$python $here/echo.py client"
}

@test "no reason at all is no reason" {
    sed 's/return error.strerror or str(error)/return "Success"/' \
        tests/peers/echo.py >"$here/client.py"
    run passes client-refused -- --client "$python $here/client.py client"
    [ "$status" -eq 1 ]
    echo "$output"
    [[ $output == *'gives "Success" as the reason'* ]]
}

# It reads a little, and computes for a while: longer than any look at it.
@test "who still works something off does not spin" {
    gcc -xc - -o "$here/works" <<'T'
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char bytes[64];
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return 1;
    int client = accept(fd, 0, 0);
    for (ssize_t n; (n = recv(client, bytes, sizeof bytes, 0)) > 0; send(client, bytes, n, 0))
        for (clock_t end = clock() + 700 * (CLOCKS_PER_SEC / 1000); clock() < end;)
            ;
    return argc;
}
T
    check works <<'T'
server start
A connect
A send "one"
A consumed
server idle
A send "two"
A consumed
A expect "onetwo"
A send "three"
A consumed
A expect "three"
T
    passes works -- --server "$here/works"
}
