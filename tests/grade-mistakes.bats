#!/usr/bin/env bats
# shellcheck disable=SC2154  # grade.bash sets what is used here
# The grader as a student meets it who makes mistakes.

load grade

@test "a wrong solution: the report, then make hint" {
    sed -i 's/shutdown(client, SHUT_WR);//' "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=fin-at-once
    [[ $output =~ [1-9][0-9]*" failed" ]]
    [ "${lines[-1]}" = "Next: make hint2" ]
    run make hint2
    [ "$status" -eq 0 ]
    [[ $output == *"What happened: "* && $output == *"Read: "* ]]
    run make hint2
    [[ $output == *"The rule: "* ]]
    run make hint2
    [[ $output == *"Hint: "* ]]
}

@test "a program that does not compile has words of its own" {
    sed -i '0,/return/s//retrun/' "$solution/server.c"
    graded 1 grade2 DIR="$solution"
    [[ $output == *"server.c does not compile"* ]]
    [[ $output == *"server.c:"*"error:"* ]]
    [[ $output == *"Mend the first error first"* ]]
    run make hint2
    [ "$status" -eq 0 ]
    [[ $output == *"server.c does not compile. Mend the first error:"*"retrun"* ]]
}

@test "a program that does not link has words of its own" {
    sed -i 's/^void message_init/void message_begin/' "$solution/message.c"
    graded 1 grade2 DIR="$solution"
    [[ $output == *"does not compile"* ]]
}

@test "what a sanitizer finds before the server listens counts, too" {
    sed -i -e '1i #include <stdlib.h>\
static volatile char seen;' -e '/setvbuf(stdout/a\
    char *block = malloc(4); block[argc + 3] = 1; seen = block[argc + 3]; free(block);' \
        "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=one-message
    [[ $output == *"The server "*"in main(), server.c"* ]]
}

# The leak sanitizer goes through a gigabyte at its end.
@test "what is lost for good is found, however long the search takes" {
    sed -i -e '1i #include <stdlib.h>' -e '/setvbuf(stdout/a\
    static void *volatile much, *volatile lost[9];\
    much = malloc(1 << 30);\
    for (int i = 0; i < 9; i++)\
        lost[i] = malloc(100);\
    memset((void *)lost, 0, sizeof lost);' "$solution/server.c"
    graded 1 grade2 DIR="$solution" CHECK=one-message
    [[ $output == *"loses memory that it never gives back"*"in main(), server.c line"* ]]
}

@test "a warning is shown, and does not stop the grade" {
    printf 'int unused(void)\n{\n    int unused_variable;\n    return 0;\n}\n' \
        >>"$solution/server.c"
    graded 0 grade2 DIR="$solution" CHECK=one-message
    [[ $output == *"the compiler warns"*"unused_variable"* ]]
}

@test "a folder that is not there, a file that is not there" {
    run make grade2 DIR=/no/such/folder
    [ "$status" -ne 0 ]
    [[ $output == *"There is no folder /no/such/folder"* ]]
    rm "$solution/client.c"
    run make grade2 DIR="$solution"
    [ "$status" -ne 0 ]
    [[ $output == *"There is no client.c in "* ]]
}

@test "DIR and SERVER together make no sense" {
    run make grade2 DIR="$solution" SERVER=true
    [ "$status" -ne 0 ]
    [[ $output == *"not both"* ]]
}
