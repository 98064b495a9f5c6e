#!/usr/bin/env bats
# The two editions of a deck, before they are built.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    deck=slides/02-send-receive.md
}

@test "slides: the instructor's edition has the code, and the notes" {
    run harness/grade/expand --slides "$deck"
    [ "$status" -eq 0 ]
    [[ $output == *"count -= (size_t)sent;"* ]]
    [[ $output == *"live demo"* ]]
    [[ $output != *"TODO"* ]]
}

@test "slides: the students' edition has what is to be written, and no notes" {
    run harness/grade/expand --students "$deck"
    [ "$status" -eq 0 ]
    [[ $output != *"count -= (size_t)sent;"* && $output != *"live demo"* ]]
    [[ $output == *"int message_send_all(int fd, "*"/* TODO a: message_send_some()"* ]]
    [[ $output == *"<!-- _class: lead -->"*"connects"*"FIN"* ]]
    # As many slides as the other.
    [ "$(grep -c '^---$' <<<"$output")" -eq \
        "$(harness/grade/expand --slides "$deck" | grep -c '^---$')" ]
}

@test "slides: where a lesson begins with a whole program, that is shown" {
    run harness/grade/expand --students slides/08-async-echo.md
    [ "$status" -eq 0 ]
    [[ $output == *"/* Not all data received. Get more. */"* ]]
    [[ $output != *"slide: "* ]]
}
