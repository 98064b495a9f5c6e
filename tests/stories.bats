#!/usr/bin/env bats
# shellcheck disable=SC2154  # grade.bash sets what is used here
# How a failure came about: what a second run of the check, which is followed,
# tells in the first lines of the report.

load grade

# A long list of words on several lines counts as one.
said() {
    [[ $(tr -s ' \n' ' ' <<<"$output") == *"$1"* ]]
}

# The programs of a lesson, with one of its mutants in them.
of_lesson() {
    local tree=$BATS_TEST_TMPDIR/tree module
    mkdir -p "$tree/lessons"
    cp -r "lessons/$1" "$tree/lessons/"
    cp -r common "$tree/"
    patch -s -p1 -d "$tree" <"lessons/$1/mutants/$2.patch"
    rm "$solution"/*
    cp "$tree/lessons/$1"/[!u]*.c "$solution/"
    [ -f "lessons/$1/adds" ] || return 0 # lesson 8 adds none
    for module in $(<"lessons/$1/adds"); do
        cp "$tree/common/$module.c" "$solution/"
    done
}

@test "the calls that led to it, with what they were asked for and gave" {
    sed -i 's/arguments->text, length)/arguments->text, length + 1)/' \
        "$solution/client.c"
    graded 1 grade2 DIR="$solution" CHECK=client-sends
    said "sent the fake server F 1 byte more, behind the 19 that were right."
    said ") = 0, send(3, 20 bytes) = 20"
}

@test "the last bytes that it has received, and the end of the process" {
    sed -i '/outcome == MESSAGE_CUT/,+2d' "$solution/client.c"
    graded 1 grade2 DIR="$solution" CHECK=client-cut
    said 'recv(3) = 12 "This is a te", recv(3) = 0, close(3), exit('
}

@test "a call that the check has made to fail says so" {
    of_lesson 01-accept-connect gives-up-in-the-end
    graded 1 grade1 DIR="$solution" CHECK=accept-any-order
    said "accept(3) = EINTR (made to fail), close(3), exit(1)"
}

@test "what select() waits for, and what not" {
    of_lesson 03-select counts-clients
    graded 1 grade3 DIR="$solution"
    said "blocked in select() (kernel: pselect6) until it can read from fd 3, the listening socket"
}

@test "where most of what is kept was made" {
    sed -i 's/^    message_destroy(&text);/&\
    static void *volatile kept[50000];\
    static int count;\
    kept[count++ % 50000] = calloc(1, 30000);/' "$solution/server.c"
    sed -i '1i #include <stdlib.h>' "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=keeps-nothing-of-many
    said "Most of what it keeps was made in serve(), server.c line"
}

@test "where it spends its time" {
    patch -s "$solution/message.c" \
        lessons/02-send-receive/mutants/searches-everything.patch
    graded 1 grade2 DIR="$solution" CHECK=cost
    said "It spends most of its time in message_append(), message.c line"
}

@test "at whom it failed, if it names another one" {
    of_lesson 03-select names-the-newest
    graded 0 grade3 DIR="$solution" CHECK=names-whom
    said "names client B, and it was client A at whom it failed."
}

@test "what a unit test waits for that hangs" {
    of_lesson 04-begin-end callback-forgotten
    graded 1 grade4 DIR="$solution" CHECK=state-and-object
    said 'at "callbacks: 1 wanted, 0 came".'
}

@test "a library that asks twice for an error shows both answers" {
    of_lesson 04-begin-end so-error-twice
    graded 1 grade4 DIR="$solution" CHECK=connect-refused
    said "getsockopt(8, SO_ERROR) gives ECONNREFUSED, getsockopt(8, SO_ERROR) gives 0"
}

@test "a call that a signal has broken off, and that was made again" {
    of_lesson 01-accept-connect signal-retried
    graded 1 grade1 DIR="$solution" CHECK=stop
    said "accept(3) broken off by SIGTERM (EINTR), accept(3) again"
}

@test "a call that the kernel has begun anew behind a signal" {
    of_lesson 01-accept-connect signal-retried
    sed -i 's/{\.sa_handler = [a-z_]*/&, .sa_flags = SA_RESTART/' "$solution/server.c"
    graded 1 grade1 DIR="$solution" CHECK=stop
    said "accept(3) broken off by SIGTERM and begun anew by the kernel (SA_RESTART)"
}

@test "what a call was given: a backlog, an address, which side is shut" {
    of_lesson 01-accept-connect short-backlog
    graded 1 grade1 DIR="$solution" CHECK=queue
    said "bind(3, 127.0.0.1:0) = 0, listen(3, 1) = 0"
    of_lesson 04-begin-end address-not-copied
    graded 1 grade4 DIR="$solution" CHECK=connect-at-once
    said "connect(8, no address) = 0"
    of_lesson 02-send-receive cut-is-complete
    graded 1 grade2 DIR="$solution" CHECK=cut-text
    said "send(4, 6 bytes) = 6, shutdown(4, SHUT_WR) = 0"
}

@test "where a server waits, in whichever thread" {
    of_lesson 07-events waits-in-the-callback
    graded 1 grade7 DIR="$solution" CHECK=accepts-again
    said "The server waits in serve(), server.c line"
    said ", and in on_accept(), server.c line"
}

@test "where a server runs that never waits" {
    of_lesson 07-events no-reset
    graded 1 grade7 DIR="$solution" CHECK=accepts-again
    said "It spends most of its time in serve(), server.c line"
}

@test "who was held back, and where it waits now" {
    of_lesson 07-events client-resets-after-begin
    graded 1 grade7 DIR="$solution" CHECK=client-next-address
    said "the first thread of the client was held back until the others had done"
    said "The client waits in connect_to(), client.c line"
}

@test "a stop that nobody hears, and a server that is busy until its time is over" {
    of_lesson 08-async-echo beyond-full-is-deaf
    graded 1 grade8 DIR="$solution" CHECK=stop-full
    [[ $output != *"machine is too busy"* ]] || skip "the machine is too busy"
    said "Before that: SIGINT was sent, and nothing happened for "
    of_lesson 08-async-echo beyond-asks-for-room
    graded 1 grade8 DIR="$solution" CHECK=full-sleeps
    [[ $output != *"machine is too busy"* ]] || skip "the machine is too busy"
    said "without a pause, though nothing came"
}

@test "beyond the end of what, and how large that is" {
    of_lesson 02-send-receive fixed-buffer
    graded 1 grade2 DIR="$solution" CHECK=lengths
    said 'beyond the end of a local variable ("text", 1024 bytes), in message_receive()'
}

@test "who has given back what is used later" {
    of_lesson 05-send-receive-async buffer-used-twice
    graded 1 grade5 DIR="$solution" CHECK=one-message
    said "given back in end_conversation(), server.c line 69, called by on_receive()."
}

@test "why a program ended, and not what it has lost by that" {
    of_lesson 03-select loop-remove-without-clear
    graded 1 grade3 DIR="$solution" CHECK=loop-next-client
    said 'Its last words: "server: wait on 127.0.0.1:0: Bad file descriptor"'
    said "close(6), select() = EBADF, close(3), exit(1)"
}

@test "which Begin of a unit test it was" {
    of_lesson 06-streams socket-not-kept
    graded 1 grade6 DIR="$solution" CHECK=stream-access
    said "rule_57_access: BeginRead: Invalid argument."
}

@test "whom a select() has told that returns again and again" {
    of_lesson 03-select reads-while-sending
    graded 1 grade3 DIR="$solution" CHECK=half-close-long
    said "select() gave 1 (it can read from fd 4, the connection of client A)"
}

@test "of rounds that leak, the calls of the last one" {
    of_lesson 02-send-receive drain-error-leaks
    graded 1 grade2 DIR="$solution" CHECK=keeps-nothing-of-a-rest
    said "= 8 \"and more\", recv("
    said ") = ECONNRESET expected"
}

@test "how long a wait has lasted that nobody has asked for" {
    of_lesson 04-begin-end times-swapped
    graded 1 grade4 DIR="$solution" CHECK=other-work
    # Of 250 ms, a little is over when the wait begins.
    said ") = EINPROGRESS, select() = 0 (after "
    said " ms), close(5), exit(1)"
}

@test "what stands on the wrong stream, and the option that makes a reset" {
    of_lesson 01-accept-connect wrong-stream
    graded 1 grade1 DIR="$solution" CHECK=refused
    said "nothing; but on standard output"
    of_lesson 01-accept-connect client-resets
    graded 1 grade1 DIR="$solution" CHECK=connects
    said "setsockopt(3, SO_LINGER) = 0, close(3)"
}

@test "what a server says when it ends a conversation, and who has called what crashed" {
    of_lesson 02-send-receive no-growth
    graded 1 grade2 DIR="$solution" CHECK=one-mebibyte
    said "Message too long"
    of_lesson 04-begin-end finishes-twice
    graded 1 grade4 DIR="$solution" CHECK=gives-up
    said "in finish(), client.c line 99, called by on_connect()."
}

@test "where a unit test waits, in whichever thread, if that is in the student's code" {
    of_lesson 07-events reset-keeps-the-lock
    graded 1 grade7 DIR="$solution" CHECK=manual-repeated
    said "it waits for something that never comes, in event_wait_one(), event.c line"
}
