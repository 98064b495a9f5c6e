#!/usr/bin/env bats
# Lesson 1's programs talk to programs that nobody here wrote, nc and socat; and
# what a pair of `make interop` does not show of lesson 2's.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    first=build/plain/01-accept-connect
    second=build/plain/02-send-receive
    text="This is a test<EOF>"
    log=$BATS_TEST_TMPDIR
    pid=
}

teardown() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    exec 4<&- || true
}

# serve PROGRAM: starts our server; its line with the port says that it is
# there. Sets $port and $pid.
serve() {
    local line
    exec 4< <(exec timeout 30 "$1/server" 127.0.0.1 0 3>&-)
    pid=$!
    IFS= read -r -t 10 line <&4
    port=${line##*:}
    [[ $port =~ ^[0-9]+$ ]]
}

# transcript WORDS: reads what the server prints until that comes.
transcript() {
    local line
    while IFS= read -r -t 10 line <&4; do
        [[ $line != *"$1"* ]] || return 0
    done
    echo "the server never printed: $1"
    return 1
}

# stranger INPUT COMMAND...: starts another's server, with that file as its
# input and its output in $log/stranger. It says itself where it listens (nc -v,
# socat -d -d, both on stderr). Sets $port and $pid.
stranger() {
    local input=$1 line
    shift
    exec 4< <(exec timeout 30 "$@" 2>&1 >"$log/stranger" <"$input" 3>&-)
    pid=$!
    while IFS= read -r -t 10 line <&4; do
        if [[ $line =~ [Ll]istening\ on.*[:\ ]([0-9]+)$ ]]; then
            port=${BASH_REMATCH[1]}
            return 0
        fi
    done
    echo "it never said where it listens: $line"
    return 1
}

@test "nc as the client of lesson 1's server" {
    serve "$first"
    run timeout 10 nc -N 127.0.0.1 "$port" </dev/null
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    transcript "Accepted 127.0.0.1:"
}

@test "socat as the client of lesson 1's server" {
    serve "$first"
    run timeout 10 socat - "TCP:127.0.0.1:$port" </dev/null
    [ "$status" -eq 0 ]
    transcript "Accepted 127.0.0.1:"
}

@test "socat as the client of lesson 2's server" {
    serve "$second"
    run timeout 10 socat -t 5 - "TCP:127.0.0.1:$port" <<<"$text and more"
    [ "$status" -eq 0 ]
    [ "$output" = "$text" ]
}

@test "nc with a megabyte for lesson 2's server" {
    serve "$second"
    { head -c 1048571 /dev/zero | tr '\0' x; printf '<EOF>'; } >"$log/long"
    # The transcript holds the whole text: somebody has to read it meanwhile.
    cat <&4 >/dev/null 3>&- &
    timeout 20 nc -N 127.0.0.1 "$port" <"$log/long" >"$log/reply"
    cmp "$log/long" "$log/reply"
}

@test "nc as the server of lesson 1's client" {
    stranger /dev/null nc -v -l -d 127.0.0.1 0
    run timeout 10 "$first/client" 127.0.0.1 "$port"
    [ "$status" -eq 0 ]
    [[ $output == "Socket connected to 127.0.0.1:$port" ]]
}

@test "socat as the server of lesson 1's client" {
    stranger /dev/null socat -d -d -u TCP-LISTEN:0,bind=127.0.0.1 -
    run timeout 10 "$first/client" 127.0.0.1 "$port"
    [ "$status" -eq 0 ]
    [[ $output == "Socket connected to 127.0.0.1:$port" ]]
}

@test "socat that ends without a reply: lesson 2's client says so" {
    stranger /dev/null socat -d -d TCP-LISTEN:0,bind=127.0.0.1 "EXEC:head -c 5"
    run timeout 10 "$second/client" 127.0.0.1 "$port"
    [ "$status" -eq 1 ]
    [[ $output == *"client: receive from 127.0.0.1:$port: "* ]]
}
