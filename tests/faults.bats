#!/usr/bin/env bats
# Faults that wire injects: they do to any program what they say, are seen in the
# ladder, and change nothing else.

# An echo server. The letters of its first argument: r retries what EINTR has
# interrupted, s goes on whatever accept() says, t serves each client in a
# thread, f in a process.
setup_file() {
    local from=$BATS_FILE_TMPDIR/victim.c
    cat >"$from" <<'E'
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
static int retries;
static int again(ssize_t n) { return retries && n == -1 && errno == EINTR; }
static void *serve(void *client) {
    int fd = (int)(intptr_t)client;
    char text[4096] = "";
    ssize_t n, length = 0;
    while (!memmem(text, (size_t)length, "<EOF>", 5) &&
           ((n = recv(fd, text + length, 4096 - (size_t)length, 0)) > 0 || again(n)))
        length += n > 0 ? n : 0;
    for (ssize_t sent = 0; sent < length; sent += n > 0 ? n : 0)
        if ((n = send(fd, text + sent, (size_t)(length - sent), 0)) < 1 && !again(n)) break;
    shutdown(fd, SHUT_WR);
    while ((n = read(fd, text, sizeof text)) > 0 || again(n));
    close(fd);
    return NULL;
}
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[argc - 1]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), client;
    pthread_t thread;
    retries = strchr(argv[1], 'r') != NULL;
    inet_pton(AF_INET, argv[argc - 2], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 50)) return 1;
    for (;;) {
        client = accept(fd, 0, 0);
        if (client == -1 && (again(client) || errno == ECONNABORTED)) continue;
        if (client == -1 && !strchr(argv[1], 's')) return 1;
        if (client == -1) continue;
        if (strchr(argv[1], 't')) {
            pthread_create(&thread, NULL, serve, (void *)(intptr_t)client);
            pthread_detach(thread);
        } else if (strchr(argv[1], 'f')) {
            if (fork() == 0) _exit(serve((void *)(intptr_t)client) != NULL);
            close(client);
            while (waitpid(-1, NULL, WNOHANG) > 0);
        } else serve((void *)(intptr_t)client);
    }
}
E
    gcc -D_GNU_SOURCE -O1 -o "$BATS_FILE_TMPDIR/victim" "$from" -lpthread
    gcc -D_GNU_SOURCE -O1 -static -o "$BATS_FILE_TMPDIR/static" "$from" -lpthread
}

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    here=$BATS_TEST_TMPDIR
    victim=$BATS_FILE_TMPDIR/victim
}

# check NAME FAULTS: a conversation under faults; further steps from stdin.
check() {
    {
        printf 'check "%s"\nrule echo.15\nserver inject "%s"\n' "$1" "$2"
        printf 'server start\nA connect\nA send "a text<EOF>"\n'
        printf 'A expect "a text<EOF>"\nA expect eof\nA close\n'
        cat
    } >"$here/$1.wire"
}

# wire ARGUMENT...: runs it on the checks of this test.
wire() {
    run timeout 60 build/wire --contracts lessons/contracts "$@"
    echo "$output"
}

@test "a call that fails once is told, and who cannot bear it is caught" {
    check eintr "recv:1=EINTR" </dev/null
    wire --server "$victim -" "$here/eintr.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"recv() is made to fail: EINTR │ server"* ]]
    [[ $output == *"recv(4) = EINTR (made to fail)"*"What the program"* ]]
    wire --plain --server "$victim -" "$here/eintr.wire"
    [[ $output == *"server's recv() is made to fail: EINTR."* ]]
    wire --server "$victim r" "$here/eintr.wire"
    [ "$status" -eq 0 ]
}

@test "the second accept fails, and no other" {
    check abort "accept:2=ECONNABORTED" <<<'server alive'
    wire --show --server "$victim -" "$here/abort.wire"
    [ "$status" -eq 0 ]
    [ "$(grep -c 'made to fail' <<<"$output")" -eq 1 ]
    check more "accept:2=EMFILE" <<<'server alive'
    wire --server "$victim -" "$here/more.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"EMFILE"*"exited with status 1"* ]]
}

@test "threads, children and static programs meet the same faults" {
    check all "recv:1=EINTR, send:1=EINTR, recv:2-=short:2, send:2-=short:3" <<'E'
B connect
B send "another<EOF>"
B expect "another<EOF>"
B expect eof
B close
server idle
server alive
E
    for kind in "$victim r" "$victim rt" "$victim rf" "$BATS_FILE_TMPDIR/static rt"; do
        wire --show --server "$kind" "$here/all.wire"
        [ "$status" -eq 0 ]
        [[ $output == *"recv() is made to fail: EINTR"* ]]
        [[ $output == *"send() is cut short"* ]]
    done
    # Each process counts for itself.
    wire --show --server "$victim rf" "$here/all.wire"
    [ "$(grep -c 'recv() is made to fail' <<<"$output")" -eq 2 ]
}

# What a runtime reads of its own files, and writes to its pipes, stays whole.
@test "files and pipes are left alone" {
    cat >"$here/files.py" <<'E'
import os, socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
client, _ = listener.accept()
text = b''
while not text.endswith(b'<EOF>'):
    text += client.recv(100)
client.sendall(text)
own = open(__file__, 'rb', buffering=0)
whole = len(own.read(100000)) == os.stat(__file__).st_size
inner, outer = os.pipe()
whole &= os.write(outer, b'x' * 1000) == 1000 and len(os.read(inner, 2000)) == 1000
os.write(1, b'whole\n' if whole else b'cut\n')
client.shutdown(socket.SHUT_WR)
client.recv(1)
E
    check files "recv:*=short:1, send:*=short:1" <<'E'
server exit 0
server stdout has "whole\n"
E
    wire --server "python3 $here/files.py" "$here/files.wire"
    [ "$status" -eq 0 ]
}

# A compiler may rely on what the kernel promises of registers.
@test "the length in its register is the caller's own again" {
    [ "$(uname -m)" = x86_64 ] || skip "the program is for x86-64"
    gcc -xc - -o "$here/registers" <<'E'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char text[100];
    long got = SYS_read, length = sizeof text;
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return argc;
    fd = accept(fd, 0, 0);
    __asm__ volatile("syscall" : "+a"(got), "+d"(length) : "D"((long)fd), "S"(text)
                     : "rcx", "r11", "memory");
    printf("%ld of %ld\n", got, length);
    return 0;
}
E
    cat >"$here/cut.wire" <<'E'
check "cut"
rule echo.15
server inject "recv:1=short:7"
server start
A connect
A send "more than seven bytes"
server exit 0
server stdout has "7 of 100\n"
E
    wire --server "$here/registers" "$here/cut.wire"
    [ "$status" -eq 0 ]
}

@test "buffers in an array, and messages, are cut as well, and whole again" {
    gcc -xc - -o "$here/arrays" <<'E'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
static char one[4], two[100];
static struct iovec all[] = {{one, 0}, {one, 4}, {two, 100}};
static struct msghdr message = {.msg_iov = all, .msg_iovlen = 3};
static void tell(long n) {
    printf("%ld of %zu+%zu+%zu in %zu\n", n, all[0].iov_len, all[1].iov_len,
           all[2].iov_len, message.msg_iovlen);
}
int main(int argc, char **argv) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, argv[1], &a.sin_addr);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 5)) return argc;
    fd = accept(fd, 0, 0);
    tell(recvmsg(fd, &message, 0));
    tell(readv(fd, all, 3));
    tell(readv(fd, all + 1, 2));
    tell(sendmsg(fd, &message, MSG_NOSIGNAL));
    tell(writev(fd, all, 3));
    tell(writev(fd, all, 3));
    return 0;
}
E
    cat >"$here/arrays.wire" <<'T'
check "arrays"
rule echo.15
server inject "recv:1-2=short:3, recv:3=short:50, send:1-2=short:2"
server start
A connect
A send "more than ten bytes, so that each gets what it wants"
A expect 108 bytes
server exit 0
server stdout has "3 of 0+4+100 in 3\n3 of 0+4+100 in 3\n4 of 0+4+100 in 3\n2 of 0+4+100 in 3\n2 of 0+4+100 in 3\n104 of 0+4+100 in 3\n"
T
    wire --show --server "$here/arrays" "$here/arrays.wire"
    [ "$status" -eq 0 ]
    [[ $output == *"recvmsg() is cut short: 3 bytes"* ]]
}

# poller BLOCKING FLAGS: a server that waits by epoll, with these flags.
poller() {
    cat >"$here/poller.py" <<E
import select, socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
client, _ = listener.accept()
client.setblocking($1)
epoll = select.epoll()
epoll.register(client, select.EPOLLIN | $2)
text = b''
while not text.endswith(b'<EOF>'):
    epoll.poll()
    try:
        text += client.recv(100)
    except BlockingIOError:
        print('asks again', flush=True)
client.setblocking(True)
client.sendall(text)
client.shutdown(socket.SHUT_WR)
client.recv(1)
listener.accept()
E
}

@test "EAGAIN comes only where the program is told again" {
    check again "recv:1=EAGAIN" </dev/null
    poller False 0
    wire --show --server "python3 $here/poller.py" "$here/again.wire"
    [ "$status" -eq 0 ]
    [[ $output == *"recv() is made to fail: EAGAIN"*"asks again"* ]]
    # Edges come once; and a blocking recv() has nothing to do with EAGAIN.
    poller False select.EPOLLET
    wire --show --server "python3 $here/poller.py" "$here/again.wire"
    [ "$status" -eq 0 ]
    [[ $output != *"made to fail"* ]]
    poller True 0
    wire --show --server "python3 $here/poller.py" "$here/again.wire"
    [ "$status" -eq 0 ]
    [[ $output != *"made to fail"* ]]
}

@test "a thread that is held back is not at rest, and goes on in time" {
    check slow "recv:1=delay:300, send:*=delay:50" <<<'server idle'
    wire --show --server "$victim -" "$here/slow.wire"
    [ "$status" -eq 0 ]
    [[ $output == *"recv() is held back: 300 ms"* ]]
    sed -i 's/^A expect "a text<EOF>"/A silent/' "$here/slow.wire"
    wire --server "$victim -" "$here/slow.wire"
    [ "$status" -eq 1 ]
    [[ $output == *'"a text<EOF>"'* ]]
}

@test "what is under faults can be frozen and thawed" {
    check frozen "recv:*/2=EINTR, recv:*=short:9" <<'E'
server freeze
B connect
B send "in one "
B send "go<EOF>"
server thaw
B expect "in one go<EOF>"
B expect eof
B close
server idle
server signal SIGTERM
server killed by SIGTERM
E
    for kind in r rt rf; do
        wire --server "$victim $kind" "$here/frozen.wire"
        [ "$status" -eq 0 ]
    done
}

@test "a server that spins because of a fault is proved to" {
    check spins "accept:2-=EMFILE" <<<'server idle'
    WIRE_TIMEOUT_MULT=12 wire --server "$victim s" "$here/spins.wire"
    [ "$status" -eq 1 ]
    output=$(tr -s ' \n' ' ' <<<"$output")
    [[ $output == *"The server uses the processor though it has nothing to do"* ]]
    [[ $output == *"accept() on fd 3, the listening socket failed with EMFILE"* ]]
}

@test "a seed does the same each time" {
    check seed "plan mixed seed 5" </dev/null
    faults() { grep -o '[a-z]*() is [^│]*' <<<"$output"; }
    wire --show --server "$victim rs" "$here/seed.wire"
    first=$(faults)
    [ -n "$first" ]
    for time in 1 2 3 4 5; do
        wire --show --server "$victim rs" "$here/seed.wire"
        [ "$(faults)" = "$first" ] || { echo "not the $time. time" && false; }
    done
}

@test "who injects nothing is not traced" {
    gcc -xc - -o "$here/status" <<'E'
#include <unistd.h>
int main(void) {
    return execlp("grep", "grep", "-E", "^(Seccomp|TracerPid):", "/proc/self/status", NULL);
}
E
    cat >"$here/free.wire" <<'E'
check "free"
rule echo.15
server start raw
server exit 0
server stdout has "TracerPid:\t0"
server stdout has "Seccomp:\t0"
E
    sed '2a server inject "accept:1=EINTR"' "$here/free.wire" |
        sed 's/has "TracerPid:.t0/lacks "TracerPid:\\t0/; s/Seccomp:.t0/Seccomp:\\t2/' \
            >"$here/traced.wire"
    wire --server "$here/status" "$here/free.wire" "$here/traced.wire"
    [ "$status" -eq 0 ]
}

@test "a command that is none, and steps that fit no faults, are told" {
    check none "send:1=EINTR" </dev/null
    wire --server "$here/not-there" "$here/none.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"The server was never run: "*"No such file"* ]]
    check held "send:1=EINTR" <<<'server hold-back'
    wire --server "$victim r" "$here/held.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"cannot be held"* ]]
    check late "send:1=EINTR" <<<'server inject "send:1=EINTR"'
    wire --server "$victim r" "$here/late.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"from the start on"* ]]
}

@test "faults of the command line go into each check that has none of its own" {
    check own "send:1=EINTR" </dev/null
    sed '/inject/d' "$here/own.wire" >"$here/none.wire"
    sed '/inject/d; s/^A connect/server hold-back\n&/' "$here/own.wire" >"$here/held.wire"
    sed -i 's/check "own"/check "x"/' "$here"/*.wire
    wire --faults "recv:1=EINTR" --again "again %s" --server "$victim -" \
        "$here/own.wire" "$here/none.wire" "$here/held.wire"
    [ "$status" -eq 1 ]
    [[ $output == *"FAIL       own"*"FAIL       none"*"pass       held"* ]]
    [ "$(grep -c 'recv() is made to fail.*│' <<<"$output")" -eq 1 ]
    [[ $output == *"Faults: recv:1=EINTR"*"Run it again: again none"* ]]
}

@test "faults that are none are pointed at" {
    check some "send:1=EINTR" </dev/null
    wire --faults "recv:1=EPIPE" "$here/some.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"expected what recv can be given: EINTR, EAGAIN"* ]]
    [[ $output == *"    recv:1=EPIPE"*"           ^"* ]]
    sed -i 's/EINTR/EPIPE/' "$here/some.wire"
    wire --parse "$here/some.wire"
    [ "$status" -eq 2 ]
    [[ $output == *"some.wire:3:23: expected what send can be given"* ]]
}
