#!/usr/bin/env bats
# shellcheck disable=SC2154  # grade.bash sets what is used here
# What is handed in.

load grade

# A kit of its own, since what is handed in comes from work/.
kit() {
    kit="$BATS_TEST_TMPDIR/kit"
    mkdir -p "$kit/build" "$kit/work"
    cp -a Makefile CHANGELOG.md harness lessons common tests "$kit/"
    cp -a build/wire build/plain build/san build/tsan build/units build/harness "$kit/build/"
    cp -r "$solution" "$kit/work/02-send-receive"
    cd "$kit" || return
    work=work/02-send-receive
}

@test "make submitN: packs the files of the lesson, and nothing else" {
    kit
    echo "my notes" >"$work/notes.txt"
    echo "all:" >"$work/Makefile"
    graded 0 submit2
    [[ $output == *"Hand in: work/02-send-receive.zip, "*" bytes"* ]]
    run python3 -m zipfile -l work/02-send-receive.zip
    [ "${#lines[@]}" -eq 4 ]
    python3 -m zipfile -e work/02-send-receive.zip "$BATS_TEST_TMPDIR/out"
    for file in server.c client.c message.c; do
        cmp "$BATS_TEST_TMPDIR/out/$file" "$work/$file"
    done
}

@test "make submitN: what lacks a file, is too large, or a link, is not packed" {
    kit
    rm "$work/client.c"
    run make submit2
    [[ $status -ne 0 && $output == *"There is no client.c in "* ]]
    ln -s server.c "$work/client.c"
    run make submit2
    [[ $status -ne 0 && $output == *"is a symbolic link"* ]]
    rm "$work/client.c"
    head -c 2000000 /dev/zero >"$work/client.c"
    run make submit2
    [[ $status -ne 0 && $output == *"is larger than"* ]]
    [ ! -e work/02-send-receive.zip ]
    rm -r "$work"
    run make submit2
    [[ $status -ne 0 && $output == *"There is no folder"*"Next: make start2"* ]]
}

@test "make submitN: what does not compile is not packed, and what was packed stays" {
    kit
    echo "earlier" >work/02-send-receive.zip
    sed -i '0,/return/s//retrun/' "$work/server.c"
    graded 1 submit2
    [[ $output == *"server.c does not compile"* ]]
    [ "$(cat work/02-send-receive.zip)" = earlier ]
    [ -z "$(find "$KIT_GRADES" -mindepth 1)" ]
}

@test "make submitN: a program that one may add is packed where it is" {
    kit
    mkdir work/08-async-echo
    cp lessons/08-async-echo/*.c work/08-async-echo/
    graded 0 submit8
    [[ $output == *"beyond_server.c, "* ]]
    rm work/08-async-echo/beyond_server.c
    graded 0 submit8
    [[ $output != *"beyond_server.c, "* ]]
}
