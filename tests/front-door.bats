#!/usr/bin/env bats
# The words of the Makefile: what a reader sees, and what a wrong word says.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL
}

# door WORD...: runs make; make's own voice must never be heard.
door() {
    run make "$@"
    echo "$output"
    [[ $output != *"make:"* && $output != *"***"* ]]
}

# Runs in a copy of the kit with a work folder of its own.
copy_kit() {
    kit=$BATS_TEST_TMPDIR/kit
    mkdir -p "$kit"
    cp -a Makefile CHANGELOG.md harness lessons common bootstrap tests "$kit/"
    mkdir -p "$kit/build"
    cp -a build/wire build/plain build/san build/harness "$kit/build/"
    cd "$kit" || return
}

@test "make help: one line for each target, and each listed target is there" {
    door help
    [ "$status" -eq 0 ]
    for name in $(sed -n 's/^\.PHONY: //p' Makefile harness/instructors.mk | tr ' ' '\n' | grep -v '\$'); do
        [[ $output == *"make $name"* ]]
    done
    for word in lessonN runN startN gradeN hintN submitN; do
        [[ $output == *"make $word"* ]]
        grep -q "^${word%N}%:" Makefile
    done
}

@test "make alone is make help" {
    first=$(make help)
    door
    [ "$output" = "$first" ]
}

@test "make help ends with the next command" {
    door help
    [[ ${lines[-1]} == "Next: make "* ]]
}

@test "a wrong lesson number gets a sentence" {
    for word in lesson run start grade hint submit; do
        door "${word}99"
        [ "$status" -ne 0 ]
        [[ $output == *"There is no lesson 99. The lessons are: "* ]]
    done
}

@test "no number at all, and no lesson 0" {
    door lesson
    [ "$status" -ne 0 ]
    [[ $output == *"needs the number of a lesson"* ]]
    door lesson0
    [ "$status" -ne 0 ]
    [[ $output == *"There is no lesson 0"* ]]
}

@test "letters where a number is meant" {
    door gradefoo
    [ "$status" -ne 0 ]
    [[ $output == *"\"gradefoo\" is no command"* ]]
}

@test "a word that nobody knows, and a word that is a folder" {
    for word in nonsense harness lessons common README.md; do
        door "$word"
        [ "$status" -ne 0 ]
        [[ $output == *"\"$word\" is no command"* ]] ||
            [[ $output == *"\"$word\""* ]]
    done
}

@test "a leading zero is fine" {
    copy_kit
    door start01
    [ "$status" -eq 0 ]
    [ -f work/01-accept-connect/server.c ]
}

@test "make startN: copies the starter and never overwrites" {
    copy_kit
    door start2
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == "Next: make grade2"* ]]
    for file in server.c client.c message.c; do
        [ -s "work/02-send-receive/$file" ]
        run grep -c SOLUTION "work/02-send-receive/$file"
        [ "$output" = 0 ]
    done
    echo "mine" >work/02-send-receive/server.c
    rm work/02-send-receive/client.c
    door start2
    [ "$status" -eq 0 ]
    [[ $output == *"kept   work/02-send-receive/server.c"* ]]
    [[ $output == *"made   work/02-send-receive/client.c"* ]]
    [ "$(cat work/02-send-receive/server.c)" = mine ]
}

@test "make startN: a symbolic link in the way stays what it is" {
    copy_kit
    mkdir -p work/02-send-receive
    ln -s nowhere work/02-send-receive/server.c
    door start2
    [ "$(readlink work/02-send-receive/server.c)" = nowhere ]
}

@test "make lessonN: shows the ladder and what comes next" {
    for n in 1 2; do
        door "lesson$n"
        [ "$status" -eq 0 ]
        [[ $output == *"Socket connected to 127.0.0.1:"* ]]
        [[ $output == *FIN* ]]
        [[ ${lines[-1]} == "Next: make "* ]]
    done
}

@test "make runN: both transcripts, labelled" {
    door run1
    [ "$status" -eq 0 ]
    [[ $output == *"server| Listening on 127.0.0.1:"* ]]
    [[ $output == *"server| Accepted 127.0.0.1:"* ]]
    [[ $output == *"client| Socket connected to 127.0.0.1:"* ]]
    door run2
    [ "$status" -eq 0 ]
    [[ $output == *"client| Response received : This is a test<EOF>"* ]]
    [[ $output == *"server| Sent 19 bytes to client."* ]]
    [[ ${lines[-1]} == "Next: make "* ]]
}

@test "make runN: a server that never listens is said to" {
    door run2 SERVER=true
    [ "$status" -ne 0 ]
    [[ $output == *"did not print its line"* ]]
}

@test "several words at once, in parallel" {
    door -j4 run1 run2
    [ "$status" -eq 0 ]
}

@test "make -n runs nothing" {
    copy_kit
    run make -n start1
    [ "$status" -eq 0 ]
    [ ! -e work ]
}

@test "words in the environment do not change a command" {
    copy_kit
    STAGE=z DIR=/nowhere SERVER=false run make start1
    [ "$status" -eq 0 ]
    DIR=/nowhere run make run1
    [ "$status" -eq 0 ]
}

@test "make hintN before anything else says what to do" {
    copy_kit
    door hint1
    [ "$status" -ne 0 ]
    [[ ${lines[-1]} == "Next: make start1"* ]]
}

@test "make grade with nothing begun says what to do" {
    copy_kit
    door grade
    [ "$status" -ne 0 ]
    [[ ${lines[-1]} == "Next: make start1"* ]]
}

@test "make clean leaves the student's work" {
    copy_kit
    door start1
    door clean
    [ "$status" -eq 0 ]
    [ ! -e build ]
    [ -f work/01-accept-connect/server.c ]
}

# All runs are at once. The second one waits for the others, says that it runs, and
# waits to be stopped; when it is run again, it does not.
@test "make soak goes on where it was stopped, and begins anew after a change" {
    copy_kit
    mkfifo build/began build/over
    exec 4<>build/over # closed when this test is over
    cat >harness/grade/test <<E
#!/usr/bin/env bash
[ -x harness/grade/build ] || exit 1 # all of the kit was copied
cd "$kit/build"
echo run >>runs
if [[ \$OLDPWD == */run-2 && ! -e stopped ]]; then
    head -n 2 < <(tail -n +1 -f soak/results) >stopped
    echo >began
    exec cat over
fi
echo "1 passed, 0 failed"
E
    RUNS=3 harness/grade/soak >build/first 2>&1 3>&- 4>&- &
    soak=$!
    read -r -t 60 <>build/began
    kill "$soak"
    run wait "$soak"
    [ "$(wc -l <build/runs)" -eq 3 ]
    door soak RUNS=3
    [ "$status" -eq 0 ]
    [ "$(wc -l <build/runs)" -eq 4 ]
    [[ $output == *"run 1: passed"*"run 2: passed"*"3 passed, 0 failed"* ]]
    echo "# a change" >>Makefile
    door soak RUNS=2
    [ "$(wc -l <build/runs)" -eq 6 ]
    [[ $output == *"2 passed, 0 failed"* ]]
}

@test "bootstrap: where everything is there it does nothing, quickly" {
    run ./bootstrap
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"everything is there"* ]]
}

@test "bootstrap: says what it would install, and what to run without root" {
    # A system on which only the shell's own tools and apt-get are found.
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in sh dirname uname id cat cmp; do
        ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
    done
    printf '#!/bin/sh\nexit 0\n' >"$BATS_TEST_TMPDIR/bin/apt-get"
    chmod +x "$BATS_TEST_TMPDIR/bin/apt-get"
    PATH=$BATS_TEST_TMPDIR/bin run ./bootstrap --dry-run
    [ "$status" -eq 0 ]
    [[ $output == *"apt-get install -y"*gcc*bats*netcat-openbsd*check* ]]

    rm "$BATS_TEST_TMPDIR/bin/id"
    printf '#!/bin/sh\necho 1000\n' >"$BATS_TEST_TMPDIR/bin/id"
    chmod +x "$BATS_TEST_TMPDIR/bin/id"
    PATH=$BATS_TEST_TMPDIR/bin run ./bootstrap
    [ "$status" -eq 1 ]
    [[ $output == *"sudo apt-get install -y"* ]]
}

@test "bootstrap: a word that it does not know is wrong usage" {
    run ./bootstrap nonsense
    [ "$status" -eq 2 ]
}
