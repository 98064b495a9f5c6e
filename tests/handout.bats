#!/usr/bin/env bats
# What students get. One handout of lesson 2 is made for all tests, from a clone of
# the kit as it is now.

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    source="$BATS_FILE_TMPDIR/the kit"
    export source
    mkdir -p "$source"
    git ls-files -co --exclude-standard -z |
        tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$source"
    cd "$source" || return
    # A check of the instructor's, for which lesson 2 has a hint of its own.
    sed -e '/^points/a hidden' -e 's/pieces"/pieces, once more"/' \
        lessons/02-send-receive/checks/in-pieces.wire \
        >lessons/02-send-receive/checks/secret.wire
    echo secret >>lessons/02-send-receive/checks/list
    echo 'hint "a secret hint"' >lessons/02-send-receive/checks/secret.hints
    git init -q
    commit
    make handout N=1 OUT="$BATS_FILE_TMPDIR/first"
    make handout N=2 OUT="$BATS_FILE_TMPDIR/second"
    # The check runner is compiled once, here.
    cp -r "$BATS_FILE_TMPDIR/second" "$BATS_FILE_TMPDIR/built"
    cd "$BATS_FILE_TMPDIR/built" || return
    CI=1 make build >../build.txt 2>&1
}

commit() {
    git add -A
    git -c user.name=t -c user.email=t@example.org commit -qm "A change"
}

setup() {
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    handout=$BATS_FILE_TMPDIR/second
    built=$BATS_FILE_TMPDIR/built
    cd "$source" || return
}

# door WORD...: runs make; make's own voice must never be heard.
door() {
    run make "$@"
    echo "$output"
    [[ $output != *"make:"* && $output != *"***"* ]]
}

# solve: writes the solutions of lesson 2 into the student's folder.
solve() {
    mkdir -p work/02-send-receive
    cp "$source/lessons/02-send-receive/server.c" \
        "$source/lessons/02-send-receive/client.c" \
        "$source/common/message.c" work/02-send-receive/
}

@test "handout: holds the lessons up to its own, and nothing for instructors" {
    cd "$handout" || return
    [ "$(find lessons -maxdepth 1 -name '[0-9]*' | wc -l)" -eq 2 ]
    [ -f lessons/02-send-receive/checks/in-pieces.wire ]
    # What its dev container is built from.
    [ -f ".devcontainer/$(jq -r .build.dockerfile .devcontainer/devcontainer.json)" ]
    [ -z "$(find . -name TEACHING.md -o -name mutants -o -name '*.bats' \
        -o -name .git -o -name slides -o -name golden -o -name INSTRUCTORS.md \
        -o -name instructors -o -name platforms -o -name schemas -o -name export \
        -o -name 'autograde*')" ]
    run grep -rE 'BEGIN SOLUTION|END SOLUTION|/\* slide: ' common lessons
    [ -z "$output" ]
    run grep -l TODO common/*.c
    [ "$output" = common/message.c ]
    [ ! -e common/loop.h ]
}

@test "handout: holds no solution, and is refused where it would" {
    run harness/grade/solutions 2 "$handout"
    [ "$status" -eq 0 ]
    run harness/grade/solutions 1 "$handout"
    [ "$status" -eq 1 ]
    sed -n '/BEGIN SOLUTION/,/END SOLUTION/p' common/message.c >>lessons/STUDENTS.md
    door handout N=2 OUT="$BATS_TEST_TMPDIR/out" CHANGES=yes
    git checkout -q lessons/STUDENTS.md
    [ "$status" -ne 0 ]
    [[ $output == *"lessons/STUDENTS.md:"*"a solution of lesson 2, common/message.c"* ]]
    [ -z "$(ls -A "$BATS_TEST_TMPDIR")" ]
}

@test "handout: the same tree makes the same, to the byte and the mode" {
    umask 077
    door handout N=2 OUT="$BATS_TEST_TMPDIR/a folder/again"
    [ "$status" -eq 0 ]
    umask 022
    state() { (cd "$1" && find . -printf '%p %m\n' | sort && cat HANDOUT &&
        find . -type f | sort | xargs sha256sum); }
    cmp <(state "$handout") <(state "$BATS_TEST_TMPDIR/a folder/again")
}

@test "handout: says what it is, and its files" {
    kit=$(make version | head -n 1)
    run head -n 3 "$handout/HANDOUT"
    [ "$output" = "lesson 02-send-receive"$'\n'"version ${kit% *}"$'\n'"hash ${kit#* }" ]
    cd "$handout" || return
    tail -n +4 HANDOUT | sha256sum --check --quiet
    [ "$(tail -n +4 HANDOUT | wc -l)" -eq "$(find . -type f -not -name HANDOUT | wc -l)" ]
    run make version
    [ "${lines[0]}" = "$kit" ]
}

@test "handout: refuses a tree with changes unless told" {
    echo "one more line" >>LICENSE
    echo "1" >lessons/contracts/new.rules
    door handout N=1 OUT="$BATS_TEST_TMPDIR/out"
    [ "$status" -ne 0 ]
    [[ $output == *" M LICENSE"*"in no commit"*"CHANGES=yes"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/out" ]
    door handout N=1 OUT="$BATS_TEST_TMPDIR/out" CHANGES=yes
    [ "$status" -eq 0 ]
    grep -q '^hash [0-9a-f]*+$' "$BATS_TEST_TMPDIR/out/HANDOUT"
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out/LICENSE")" = "one more line" ]
    [ -f "$BATS_TEST_TMPDIR/out/lessons/contracts/new.rules" ]
    git checkout -q LICENSE
    rm lessons/contracts/new.rules
}

@test "handout: wrong words say what was expected" {
    door handout
    [[ $status -ne 0 && $output == *"N is the number of a lesson"* ]]
    door handout N=99 OUT=x
    [[ $status -ne 0 && $output == *"There is no lesson 99"* ]]
    door handout N=2
    [[ $status -ne 0 && $output == *"OUT is the folder"* ]]
    door handout N=2 OUT="$handout"
    [[ $status -ne 0 && $output == *"is there already"* ]]
}

@test "handout: make help offers what is there, and so do the texts" {
    cd "$handout" || return
    door help
    [ "$status" -eq 0 ]
    for word in prove texts lint slides test soak "handout N"; do
        [[ $output != *"make $word"* ]]
    done
    run ./bootstrap slides
    [[ $status -eq 2 && $output == *"no slides in a handout"* ]]
    for word in prove slides handout; do
        run make "$word"
        [[ $status -ne 0 && $output == *"is no command"* ]]
    done
    door help
    while read -r word; do
        [[ $output == *"make ${word%%[0-9N]*}"* ]]
    done < <(grep -ohE '^ *make [a-z][a-z0-9N-]*' README.md lessons/*.md lessons/*/*.md |
        sed 's/^ *make //' | sort -u)
}

@test "handout: it compiles without a warning, and leads to what is there" {
    run cat "$BATS_FILE_TMPDIR/build.txt"
    [[ ${lines[0]} == "Everything is compiled"* && ${lines[-1]} == "Next: make grade" ]]
}

@test "handout: a lesson before is whole, and its starter is there" {
    cd "$built" || return
    door lesson1
    [ "$status" -eq 0 ]
    [[ $output == *"Socket connected to 127.0.0.1:"* ]]
    door start1
    [ "$status" -eq 0 ]
    grep -q TODO work/01-accept-connect/server.c
    grep -q TODO work/01-accept-connect/net.c
}

@test "handout: the reference's ladder, until one's own programs run" {
    cd "$built" || return
    rm -rf work/02-send-receive
    door lesson2
    [ "$status" -eq 0 ]
    [[ $output == *"What the reference showed"*"FIN"*"Next: make start2"* ]]
    door run2
    [[ $status -ne 0 && $output == *"yours to write"*"Next: make start2"* ]]
    door start2
    door lesson2
    [ "$status" -eq 0 ]
    [[ $output == *"What the reference showed"* ]]
    solve
    door lesson2
    [ "$status" -eq 0 ]
    [[ $output == *"Your own programs"*"FIN"* && $output != *"reference"* ]]
    door run2
    [[ $output == *"client| Response received : This is a test<EOF>"* ]]
}

@test "handout: a check that a student wrote runs on the student's own programs" {
    cd "$built" || return
    solve
    cat >"$BATS_TEST_TMPDIR/my.wire" <<'END'
check "a text comes back"
rule  echo.2

server start
A connect
A send "hello<EOF>"
A expect "hello<EOF>"
A expect eof

hint "send it back"
END
    door grade-check N=2 FILE="$BATS_TEST_TMPDIR/my.wire"
    [ "$status" -eq 0 ]
    [[ $output == *"your own programs pass it, 5 times of 5"*"your instructor runs it"* ]]
    sed -i 's/expect "hello/expect "hallo/' "$BATS_TEST_TMPDIR/my.wire"
    door grade-check N=2 FILE="$BATS_TEST_TMPDIR/my.wire"
    [ "$status" -ne 0 ]
    [[ $output == *"your own programs do not pass it"* ]]
}

@test "handout: what has passed as a whole is to be handed in" {
    cd "$built" || return
    solve
    # A list of one check is soon passed.
    cp lessons/02-send-receive/checks/list "$BATS_TEST_TMPDIR"
    echo one-message >lessons/02-send-receive/checks/list
    door grade2
    cp "$BATS_TEST_TMPDIR/list" lessons/02-send-receive/checks/
    [ "$status" -eq 0 ]
    [[ ${lines[-1]} == "Next: make submit2"* ]]
    door submit2
    [[ $status -eq 0 && $output == *"Hand in: work/02-send-receive.zip, "* ]]
}

@test "handout: of a hidden check it has what students get to know" {
    cd "$built" || return
    run cat lessons/02-send-receive/checks/secret.*
    [ "$output" = 'check   "a text may arrive in pieces, once more"
rule    echo.2
stage   a
points  2
hidden
needs   one-message' ]
    solve
    door grade2 CHECK=secret
    [ "$status" -eq 0 ]
    [[ $output == *"skip       secret: a text may arrive in pieces, once more"* ]]
}

@test "handout: a starter fails with a hint, a solution passes; the result says of what" {
    cd "$built" || return
    rm -rf work/02-send-receive
    door start2
    door grade2 CHECK=one-message
    [ "$status" -ne 0 ]
    door hint2
    [[ $status -eq 0 && $output == *"What happened: "* ]]
    solve
    door grade2 STAGE=a
    [ "$status" -eq 0 ]
    [ "$(jq -r .kit build/grade/02-send-receive/results/results.json)" = \
        "$(make version | head -n 1)" ]
}

# content FOLDER: all that is in it, with modes; links as links.
content() {
    (cd "$1" && find . -type f -printf '%p %m ' -exec sha256sum {} + -o \
        -printf '%p %y %l\n' | sort)
}

@test "handout-update: the folder becomes the next handout, to the byte" {
    cp -r "$BATS_FILE_TMPDIR/first" "$BATS_TEST_TMPDIR/mine"
    cd "$BATS_TEST_TMPDIR/mine" || return
    door handout-update FROM="$handout"
    [ "$status" -eq 0 ]
    [[ $output == *"handout of lesson 2 now"*"had changed: 0."* ]]
    [ "${lines[-1]}" = "Next: make lesson2" ]
    cmp <(content .) <(content "$handout")
    # Once more changes nothing.
    door handout-update FROM="$handout"
    [[ $status -eq 0 && $output == *"lesson 2 now: 0 files are new"*", 0 went"* ]]
    cmp <(content .) <(content "$handout")
}

@test "handout-update: touches no file of the student, and keeps what was changed" {
    cp -r "$BATS_FILE_TMPDIR/first" "$BATS_TEST_TMPDIR/my folder"
    cd "$BATS_TEST_TMPDIR/my folder" || return
    mkdir -p work/01-accept-connect build
    echo "my server" >work/01-accept-connect/server.c
    echo "my note" >lessons/01-accept-connect/note.txt
    echo "an object" >build/object
    ln -s ../LICENSE work/link
    content work >"$BATS_TEST_TMPDIR/before"
    echo "my change" >>common/net.c             # in both handouts, another in each
    echo "my line" >>LICENSE                    # in both, the same in each
    mkdir common/message.c                      # in the next alone, and in the way
    echo "deep" >common/message.c/file
    rm lessons/01-accept-connect/README.md
    ln -s note.txt lessons/01-accept-connect/README.md
    cp common/net.c LICENSE "$BATS_TEST_TMPDIR"
    door handout-update FROM="$handout"
    [ "$status" -eq 0 ]
    [[ $output == *"kept   work/kept-1/common/net.c   (you had changed common/net.c)"* ]]
    [[ $output == *"had changed: 4."* ]]
    cmp work/kept-1/common/net.c "$BATS_TEST_TMPDIR/net.c"
    cmp work/kept-1/LICENSE "$BATS_TEST_TMPDIR/LICENSE"
    [ "$(cat work/kept-1/common/message.c/file)" = deep ]
    [ "$(readlink work/kept-1/lessons/01-accept-connect/README.md)" = note.txt ]
    [ "$(cat lessons/01-accept-connect/note.txt build/object)" = "my note
an object" ]
    tail -n +4 "$handout/HANDOUT" | sha256sum --check --quiet
    rm -r work/kept-1
    content work | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "handout-update: goes on where it was stopped" {
    cp -r "$BATS_FILE_TMPDIR/first" "$BATS_TEST_TMPDIR/mine"
    cd "$BATS_TEST_TMPDIR/mine" || return
    # As if it had been stopped: some are new, some are gone, HANDOUT is the old one.
    cp "$handout/common/net.c" common/
    cp "$handout/common/message.c" common/message.c.coming
    rm Makefile
    cp "$handout/Makefile" .
    door handout-update FROM="$handout"
    [[ $status -eq 0 && $output == *"had changed: 0."* ]]
    cmp <(content . | grep -v message.c.coming) <(content "$handout")
}

@test "handout-update: what is no next handout is refused, and nothing changes" {
    door handout-update FROM="$handout"
    [[ $status -ne 0 && $output == *"This is the kit itself"* ]]
    cp -r "$handout" "$BATS_TEST_TMPDIR/mine"
    cp -r "$handout" "$BATS_TEST_TMPDIR/broken"
    truncate -s 100 "$BATS_TEST_TMPDIR/broken/common/net.c"
    cd "$BATS_TEST_TMPDIR/mine" || return
    content . >"$BATS_TEST_TMPDIR/before"
    door handout-update
    [[ $status -ne 0 && $output == *"FROM is the folder"* ]]
    door handout-update FROM=/no/such
    [[ $status -ne 0 && $output == *"Unpack"* ]]
    door handout-update FROM="$BATS_TEST_TMPDIR"
    [[ $status -ne 0 && $output == *"is no handout"* ]]
    door handout-update FROM=.
    [[ $status -ne 0 && $output == *"this folder itself"* ]]
    door handout-update FROM="$BATS_TEST_TMPDIR/broken"
    [[ $status -ne 0 && $output == *"common/net.c: FAILED"*"is not whole"* ]]
    door handout-update FROM="$BATS_FILE_TMPDIR/first"
    [[ $status -ne 0 && $output == *"is at lesson"*"2 already"* ]]
    content . | cmp - "$BATS_TEST_TMPDIR/before"
}
