#!/usr/bin/env bats
# The tool that makes starters: what it takes out, and which markers it refuses.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    starter=harness/grade/starter
    file=$BATS_TEST_TMPDIR/program.c
    cat >"$file" <<'END'
int f(void)
{
    int x = 0;
    /* TODO a: count. */
    /* BEGIN SOLUTION a */
    x++;
    /* slide: count */
    if (x)
        x++;
    /* end slide */
    /* END SOLUTION a */
    /* TODO b: double. */
    /* BEGIN SOLUTION b */
    x *= 2;
    /* END SOLUTION b */
    return x;
}
END
}

# refused TEXT WORDS: a file with that text is refused, with file, line, words.
refused() {
    printf '%b' "$1" >"$file"
    run "$starter" --check "$file"
    [ "$status" -eq 1 ]
    [[ $output == "$file:"[0-9]*": "*"$2"* ]]
}

@test "starter: takes out the solutions, leaves the TODOs" {
    run "$starter" "$file"
    [ "$status" -eq 0 ]
    [[ $output == *"TODO a"* && $output == *"TODO b"* ]]
    [[ $output != *"x++"* && $output != *"x *= 2"* ]]
    [[ $output != *SOLUTION* && $output != *slide* ]]
    [ "${#lines[@]}" -eq 7 ]
}

@test "starter: one stage is taken out, the others stay" {
    run "$starter" --stages b "$file"
    [ "$status" -eq 0 ]
    [[ $output == *"x++"* && $output != *"x *= 2"* && $output != *SOLUTION* ]]
}

@test "starter: the whole reference has neither marks nor TODOs" {
    run "$starter" --whole "$file"
    [ "$status" -eq 0 ]
    [[ $output != *TODO* && $output != *SOLUTION* && $output != *slide* ]]
    [ "${#lines[@]}" -eq 9 ]
}

@test "starter: code for a slide begins at the left" {
    run "$starter" --slide count "$file"
    [ "$status" -eq 0 ]
    [ "$output" = $'if (x)\n    x++;' ]
}

@test "starter: a student's slide shows what is to be written, in its function" {
    run "$starter" --student-slide count "$file"
    [ "$status" -eq 0 ]
    [ "$output" = $'int f(void)\n{\n    /* TODO a: count. */\n    ...\n}' ]
}

@test "starter: what is no solution stays on a student's slide" {
    sed -i -e '/slide/d' -e '3i /* slide: all */' -e '/return/a /* end slide */' "$file"
    run "$starter" --student-slide all "$file"
    [ "$status" -eq 0 ]
    [ "$output" = $'int x = 0;\n/* TODO a: count. */\n/* TODO b: double. */\nreturn x;' ]
}

@test "starter: a slide that is not there is an error" {
    for option in --slide --student-slide; do
        run "$starter" "$option" nothing "$file"
        [ "$status" -eq 1 ]
    done
}

@test "starter: counts the lines of a stage" {
    run "$starter" --count "$file"
    [ "$output" = $'a 3\nb 1' ]
}

@test "starter: good markers pass the look" {
    run "$starter" --check "$file"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "starter: refuses an END without BEGIN" {
    refused 'int x;\n/* END SOLUTION a */\n' "without its BEGIN"
    [[ $output == "$file:2: "* ]]
}

@test "starter: refuses a BEGIN without END" {
    refused '/* TODO a: x */\n/* BEGIN SOLUTION a */\nint x;\n' "never ended"
    [[ $output == "$file:2: "* ]]
}

@test "starter: refuses nested solutions" {
    refused '/* TODO a: x */\n/* TODO b: x */\n/* BEGIN SOLUTION a */\n/* BEGIN SOLUTION b */\n/* END SOLUTION b */\n' \
        "inside solution a"
}

@test "starter: refuses an END of another stage" {
    refused '/* TODO a: x */\n/* BEGIN SOLUTION a */\n/* END SOLUTION b */\n' \
        "ends solution a"
}

@test "starter: refuses a solution without a TODO" {
    refused '/* BEGIN SOLUTION a */\n/* END SOLUTION a */\n' "without a TODO a"
}

@test "starter: refuses a marker that shares its line" {
    refused 'int x; /* BEGIN SOLUTION a */\n' "alone on its line"
}

@test "starter: refuses a slide that is never ended" {
    refused '/* slide: one */\nint x;\n' "never ended"
}

@test "starter: of two files it names the broken one" {
    printf '/* TODO a: x */\n/* BEGIN SOLUTION a */\n' >"$BATS_TEST_TMPDIR/broken.c"
    run "$starter" --check "$BATS_TEST_TMPDIR/broken.c" "$file"
    [ "$status" -eq 1 ]
    [[ $output == "$BATS_TEST_TMPDIR/broken.c:2: "* ]]
    [ "${#lines[@]}" -eq 1 ]
}

@test "starter: wrong usage is status 2" {
    run "$starter" --stages
    [ "$status" -eq 2 ]
    run "$starter" /nonexistent.c
    [ "$status" -eq 2 ]
}
