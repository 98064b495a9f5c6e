#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016,SC2030,SC2031  # grade.bash sets what is used here
# The grader and those who would rather trick it: what they hand in, and what it is
# called. Programs that attack stand in tests/attacks.

load grade

@test "a symbolic link is not followed" {
    rm "$solution/server.c"
    ln -s "$PWD/lessons/02-send-receive/server.c" "$solution/server.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"symbolic link"* ]]
}

@test "a pipe, a folder, or a giant instead of a source" {
    rm "$solution/server.c"
    mkfifo "$solution/server.c"
    run timeout 20 make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"no regular file"* ]]
    rm "$solution/server.c"
    head -c 2000000 /dev/zero >"$solution/server.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"larger than"* ]]
}

@test "nothing but the listed files is taken, and no makefile is run" {
    printf 'all:\n\ttouch %s/ran\n' "$BATS_TEST_TMPDIR" >"$solution/Makefile"
    printf '#error another net.h\n' >"$solution/net.h"
    graded 0 grade2 DIR="$solution" CHECK=one-message
    [ ! -e "$BATS_TEST_TMPDIR/ran" ]
    [ "$(cd "$KIT_GRADES/02-send-receive/src" && echo *)" = \
        "client.c message.c server.c" ]
}

# sandboxed: goes on only where the sandbox works.
sandboxed() {
    # shellcheck source=/dev/null
    case $(. harness/grade/sandbox.sh; isolation "$PWD/build") in
    bubblewrap | unshare) ;;
    *) skip "no sandbox works here" ;;
    esac
}

# A server whose text begins with a line of somebody else's, or of nobody's.
borrowed() {
    cp lessons/02-send-receive/server.c "$solution/"
    sed -i "1i $1" "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=one-message
    [[ $output == *"server.c does not compile"* ]]
}

@test "nothing of the kit, of a neighbour, or of the machine can be included" {
    sandboxed
    echo 'this is my neighbour' >"$BATS_TEST_TMPDIR/message.c"
    borrowed '#include <message.c>'
    borrowed "#include \"$PWD/common/message.c\""
    borrowed '#include "../../../../../lessons/02-send-receive/server.c"'
    borrowed "#include \"$BATS_TEST_TMPDIR/message.c\""
    [[ $output != *neighbour* ]]
    borrowed '#include "/etc/passwd"'
    [[ $output != *root:* ]]
    borrowed "__asm__(\".incbin \\\"$PWD/build/wire\\\"\");"
}

@test "what would be a giant, or has no end, says so" {
    borrowed 'char giant[40 << 20] = {1};'
    [[ $output == *"32 MiB"* ]]
    borrowed '#include "/dev/zero"'
    [[ $output == *"without an end"* ]]
}

@test "books: a check without a verdict is an error, not a pass" {
    # A wire that names the checks, says "passed", and leaves no verdict.
    kit=$BATS_TEST_TMPDIR/kit
    mkdir -p "$kit/build"
    cp -a Makefile CHANGELOG.md harness lessons common tests "$kit/"
    cp -a build/harness "$kit/build/"
    touch "$kit"/build/harness/*
    cat >"$kit/build/wire" <<END
#!/bin/sh
[ "\$1" != list ] || exec "$PWD/build/wire" "\$@"
END
    chmod +x "$kit/build/wire"
    cd "$kit" || return
    KIT_GRADES=build/grade run make grade2 SERVER=false CHECK=fin-at-once
    [ "$status" -ne 0 ]
    [[ $output == *"There is no verdict of these checks"*"fin-at-once"* ]]
    [[ $output == *"0 passed, "* ]]
}

# Only the reader of a command line may take a name apart; nobody else.
@test "a folder may have any name, and nothing in it is run" {
    local name
    cd "$BATS_TEST_TMPDIR" || return
    for name in 'x $(shell touch PWNED)' 'x $(touch PWNED)' 'x `touch PWNED`' \
        "it's \"quoted\"" '-leading' '--help' 'a$b ${c} $$' 'tab	and \ back' \
        '*?[a]' 'ünï çödé'; do
        echo "$name"
        cp -r "$solution" "./$name"
        (
            cd "$BATS_TEST_DIRNAME/.." || exit
            graded 0 grade2 DIR="$BATS_TEST_TMPDIR/$name" CHECK=one-message
            [[ $output == *"1 passed, 0 failed"* ]]
        )
    done
    [ ! -e PWNED ]
    [ ! -e "$BATS_TEST_DIRNAME/../PWNED" ]
}

@test "a folder's name may begin with a dash where it stands alone" {
    local name=build/-dash-$BATS_TEST_NUMBER
    rm -rf "$name"
    cp -r "$solution" "$name"
    cd build || return
    run make -C .. grade2 DIR="$name" CHECK=one-message
    [ "$status" -eq 0 ]
    cd .. || return
    mv "$name" "./-dash"
    graded 0 grade2 DIR=-dash CHECK=one-message
    graded 0 run2 DIR=-dash
    rm -rf ./-dash
}

@test "the words of a command are never run by make or the shell" {
    run make grade2 DIR='$(shell touch PWNED)' STAGE='$(shell touch PWNED)'
    [ "$status" -ne 0 ]
    run make "grade2'; touch PWNED; '"
    [ "$status" -ne 0 ]
    run make 'grade-check' N='$(shell touch PWNED)' FILE='$(shell touch PWNED)'
    [ "$status" -ne 0 ]
    [ ! -e PWNED ]
}

# Whoever writes a program text can put anything into the compiler's mouth.
@test "what the compiler says reaches the terminal without control bytes" {
    printf '#error red \033[31m and a bell \a\n#warning \033]0;title\a\n' >>"$solution/server.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *'red \x1b[31m and a bell \x07'* ]]
    [[ $output != *$'\033'* && $output != *$'\a'* ]]
}
