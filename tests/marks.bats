#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016,SC2030,SC2031  # grade.bash sets what is used here
# Unit tests share a process with what they test: who ends or bends them earns nothing
# by it, and the instructor sees it.

load grade

# marks_of TEXT: what is found in a module with this text.
marks_of() {
    cd "$BATS_TEST_TMPDIR" || return
    printf '%b\n' "$1" >module.c
    mkdir -p plain san
    gcc -w -c module.c -o plain/module.o
    cp plain/module.o san/
    run "$OLDPWD/harness/grade/marks" . -O1 module.c --
    cd "$OLDPWD" || return
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "marks: what could end or bend the tests, however it is written" {
    found() {
        marks_of "$1"
        [[ $output == *"module.c: $2"* ]]
    }
    found '#include <stdlib.h>\nvoid f(void) { exit(0); }' 'calls exit()'
    found '#include <unistd.h>\n#define LEAVE(a, b) a##b\nvoid f(void) { LEAVE(_e, xit)(0); }' 'calls _exit()'
    found 'int leave(int) __asm__("exec" "v"); void f(void) { leave(0); }' 'calls execv()'
    found '#pragma redefine_extname leave fork\nint leave(void); void f(void) { leave(); }' 'calls fork()'
    found '#include <sys/mman.h>\nvoid f(void) { mprotect(0, 0, 0); }' 'calls mprotect()'
    found '__attribute__((constructor)) static void f(void) { }' 'has code that runs before main() (.init_array)'
    found 'static void f(void) { }\nvoid (*p)(void) __attribute__((section(".init" "_array"))) = f;' \
        'has code that runs before main() (.init_array)'
    found 'static int f(void) { return 1; }\nstatic int (*r(void))(void) { return f; }\nint g(void) __attribute__((ifunc("r")));' \
        'has code that runs before main() (ifunc)'
    found 'int strcmp(const char *a, const char *b) { return 0; }' 'defines strcmp(), which a library has'
    found 'void _ck_assert_failed(void) { }' 'defines _ck_assert_failed(), which a library has'
    found 'void f(void) { __asm__ volatile("nop"); }' 'has inline assembly'
    found '#define M __as\\\nm__\nM("nop");' 'has inline assembly'
    found '__attribute__((no_sanitize("address"))) void f(void) { }' 'has no_sanitize, which'
    found '#define P(a, b) a##b\n__attribute__((P(no_, sanitize_address))) void f(void) { }' 'has no_sanitize_address, which'
    found '#ifdef __SANITIZE_THREAD__\n__attribute__((no_sanitize_thread))\n#endif\nvoid f(void) { }' 'has no_sanitize_thread, which'
    found '#pragma GCC optimize("O0")\nvoid f(void) { }' 'has #pragma GCC optimize("O0")'
    found 'void f(void) { _Pragma("GCC push_options") }' 'has #pragma GCC push_options'
    found '__attribute__((__optimize__("O0"))) void f(void) { }' 'has options for the optimiser'
    found '#line 3 "/usr/include/stdio.h"\nvoid f(void) { }' 'says by #line that it is another file'
    found '# 3 "/usr/include/stdio.h"\nvoid f(void) { }' 'says by #line that it is another file'
    found '%: 3 "/usr/include/stdio.h"\nvoid f(void) { }' 'says by #line that it is another file'
}

@test "marks: honest work has none, and words in comments and texts are only words" {
    marks_of '#include <stdio.h>\n#include <sys/select.h>\n/* exit(0); asm("nop") "no_sanitize */
        // no_sanitize \n#pragma GCC diagnostic push\nint section, optimize; fd_set set;
        const char *text = "/* asm(\\"nop\\") // constructor no_sanitize";
        int f(void) { FD_ZERO(&set); return printf("fork %d", section); }'
    [ -z "$output" ]
    mkdir -p build/marks/plain build/marks/san
    cp build/plain/common/*.o build/marks/plain/
    cp build/san/common/*.o build/marks/san/
    cd common
    run ../harness/grade/marks ../build/marks "-std=c11 -D_POSIX_C_SOURCE=200809L -I../build/include" ./*.c --
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

# A right solution of lesson 6, with a changed stream.
streams() {
    rm "$solution"/*
    cp lessons/06-streams/{client,server}.c common/{network_stream,tcp_client,tcp_listener}.c "$solution/"
    sed -i "$1" "$solution/network_stream.c"
}

@test "marks: exit(0) in a module passes no unit test" {
    streams '/^bool network_stream_can_write/,/^}/s/bool can = false;/&\n    exit(0);/
        0,/^#include/s//#include <stdlib.h>\n&/'
    graded 1 grade6 DIR="$solution" CHECK=stream-access
    [[ $output == *"network_stream.c: calls exit()"* ]]
    [[ $output == *"its process ended with status 0 before the"* ]]
    [[ $output == *"test did, behind line "*" of unit.c."* ]]
}

@test "marks: a constructor that says that all has passed earns nothing until somebody has looked" {
    streams '$ a #include <unistd.h>\
        __attribute__((constructor)) static void say(void)\
        { if (write(1, "PASSED 1\\n", 9) == 9) _exit(0); }'
    graded 0 grade6 DIR="$solution" CHECK=stream-access
    [[ $output == *"network_stream.c: has code that runs before main()"* ]]
    [[ $output == *"points: 0 of 3, and 3 that are held until your instructor has looked"* ]]
    [ "$(jq '.points, .points_held, .points_possible' "$KIT_GRADES/06-streams/results/results.json" |
        paste -sd ' ')" = "0 3 3" ]
    grep -q "and 3 that are held" "$KIT_GRADES/06-streams/report.txt"
    # Where it says nothing, there is no test that has passed.
    streams '$ a #include <unistd.h>\
        __attribute__((constructor)) static void leave(void) { _exit(0); }'
    graded 1 grade6 DIR="$solution" CHECK=stream-access
    [[ $output == *"their program ended with status 0 before they had been"* ]]
}

# Lesson 2's server, with an overflow of the heap in it.
overflow() {
    sed -i "/^int main/i #include <stdlib.h>\nstatic volatile char seen;\n$1\nstatic void overflow(int n) { char *b = malloc(4); b[n] = 1; seen = b[n]; free(b); }
        /^int main/,/^{/s/^{/{\n    overflow(4);/" "$solution/server.c"
}

@test "marks: no function is left out by the sanitizers" {
    overflow '__attribute__((no_sanitize("address")))'
    graded 1 grade2 DIR="$solution" CHECK=one-message
    [[ $output == *"server.c: has no_sanitize, which is to switch the sanitizers off"* ]]
    [[ $output == *"in overflow(), server.c"* ]]
}

@test "marks: nothing that is handed in speaks to the sanitizers" {
    refused() {
        cp lessons/02-send-receive/server.c "$solution/"
        overflow "$1"
        graded 1 grade2 DIR="$solution" CHECK=one-message
        [[ $output == *"server.c does not compile"*"server.c: error: $2"* ]]
    }
    refused 'const char *__asan_default_options(void) { return "halt_on_error=0"; }' \
        'it speaks to the sanitizers, by __asan_default_options'
    refused 'void __lsan_disable(void) __attribute__((weak)); void off(void) { if (__lsan_disable) __lsan_disable(); }' \
        'it speaks to the sanitizers, by __lsan_disable'
    refused '#undef no_sanitize\n__attribute__((no_sanitize("address")))' 'it gives no_sanitize another meaning'
}
