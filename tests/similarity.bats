#!/usr/bin/env bats
# shellcheck disable=SC2154  # class.bash sets what is used here
# make similarity: what JPlag and Dolos are given, and what is shown of their results. In
# their place are commands that write a table of the same form.

load class
setup_file() { class_kit; }

setup() {
    class_setup
    tools=$BATS_TEST_TMPDIR/tools
    mkdir "$tools"
    handed_in ada
    handed_in "Jörg O'Neil"
    handed_in bob '1i #error'
    handed_in eve && rm -r "${in:?}/eve" && mkdir "$in/eve"
}

# tool NAME: a command that stands for NAME; its text comes on stdin.
tool() {
    { echo '#!/usr/bin/env bash' && cat; } >"$tools/$1"
    chmod +x "$tools/$1"
}

similarity() {
    PATH=$tools:$PATH run make similarity N=2 SUBMISSIONS="$in" OUT="$out" "$@"
    echo "$output"
    [[ $output != *"make:"* && $output != *"***"* ]]
}

@test "similarity: Dolos gets a file for each student, and the starters to ignore" {
    tool dolos <<'END'
while [[ $1 != *.c ]]; do
    case $1 in
    --ignore) grep -q 'TODO a' "$2" && ! grep -q 'BEGIN SOLUTION' "$2" || exit 7; shift ;;
    --output-destination) mkdir -p "$2"; table=$2/pairs.csv; shift ;;
    --language | --output-format) shift ;;
    esac
    shift
done
[ $# -eq 3 ] || { printf 'too many \033[31m: %s\n' "$*"; exit 8; }
for file; do grep -q 'int main' "$file" && grep -q 'message_init' "$file" || exit 9; done
printf 'id,leftFilePath,rightFilePath,similarity,totalOverlap\n1,%s,%s,0.25,9\n2,%s,%s,0.875,99\n' \
    "$1" "$2" "$3" "$1" >"$table"
END
    similarity
    [ "$status" -eq 0 ]
    [[ $output == *"   88 %   J"*", bob"*"   25 %   J"*", ada"*"Pairs: 2, of which 2 are shown"* ]]
    [[ ${lines[-1]} == "Next: ls '$out/similarity/02-send-receive'"* ]]
    handed_in dan
    similarity
    [ "$status" -ne 0 ]
    [[ $output == *"dolos has left no table of pairs. It says:"*'too many \x1b[31m'* ]]
}

@test "similarity: JPlag gets a folder for each student, and the starters as base code" {
    tool java <<'END'
while [ $# -gt 1 ]; do
    case $1 in
    --base-code) grep -q 'TODO a' "$2/all.c" || exit 7; shift ;;
    --result-file) mkdir -p "$2"; table=$2/results.csv; shift ;;
    -jar | --mode | --language) shift ;;
    esac
    shift
done
[ "$(ls "$1" | wc -l)" -eq 3 ] || exit 8
printf 'submissionName1,submissionName2,averageSimilarity,maxSimilarity\nbob,ada,0.5,0.625\n' >"$table"
END
    : >"$BATS_TEST_TMPDIR/jplag.jar"
    similarity JPLAG="$BATS_TEST_TMPDIR/jplag.jar"
    [ "$status" -eq 0 ]
    [[ $output == *"   62 %   ada, bob"*"Pairs: 1, of which 1 are shown"* ]]
}

@test "similarity: without a tool it says which there are" {
    [ -z "$(command -v jplag dolos)" ] || skip "one is installed here"
    similarity
    [ "$status" -ne 0 ]
    [[ $output == *"Neither JPlag nor Dolos is installed."*"JPLAG=jplag.jar"*"npm install"* ]]
    similarity JPLAG=nothing.jar
    [ "$status" -ne 0 ]
    [[ $output == *"There is no file nothing.jar."* ]]
}
