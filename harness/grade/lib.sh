# Shared by the scripts of the front door; sourced, never run.
# shellcheck shell=bash disable=SC2034
#
# Every script here works from the root of the kit, with paths relative to it,
# so that the kit may lie in a folder whose name has spaces in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
export LC_ALL=C.UTF-8

# Where grades are kept; a test of the kit keeps its own.
grades=${KIT_GRADES:-build/grade}
# The largest source file that is graded, in bytes.
largest=1048576
# The largest file that compiling it may make, in MiB; and how long each step of that
# may take.
megabytes=32 compile_seconds=60

# own_folder: makes a folder for this grade alone, and sets $out to it. It goes
# when the script ends.
own_folder() {
    mkdir -p "$grades"
    out=$(mktemp -d "$grades/.grading-XXXXXX")
    chmod 755 "$out" # what is in a sandbox may be somebody else
    trap 'rm -rf "$out"' EXIT
}

# die SENTENCE...: says why nothing was done, and ends with status 1.
die() {
    printf '%s\n' "$@" >&2
    exit 1
}

# longer SECONDS: so many, or more where every deadline of wire is longer.
longer() {
    awk -v seconds="$1" -v times="${WIRE_TIMEOUT_MULT:-1}" \
        'BEGIN { print seconds * (times > 1 ? times : 1) }'
}

# visible: what a text of somebody else's says, with its control bytes as \xHH,
# so that none of them reaches a terminal. A tab is a tab.
visible() {
    LC_ALL=C awk '
        BEGIN {
            for (i = 1; i < 128; i++)
                if ((i < 32 && i != 9 && i != 10) || i == 127)
                    shown[sprintf("%c", i)] = sprintf("\\x%02x", i)
            # The second set of them, as it stands in UTF-8.
            for (i = 128; i < 160; i++)
                shown[sprintf("\302%c", i)] = sprintf("\\xc2\\x%02x", i)
        }
        {
            out = ""
            for (i = 1; i <= length($0); i++) {
                one = substr($0, i, 1)
                two = substr($0, i, 2)
                if (two in shown) { out = out shown[two]; i++ }
                else if (one in shown) out = out shown[one]
                else out = out one
            }
            print out
        }'
}

# next COMMAND [WHY]: names the next sensible command, as the last line.
next() {
    printf '\nNext: %s%s\n' "$1" "${2:+   ($2)}"
}

# commands: the files that say what make can do; those of instructors are not in
# a handout.
commands() {
    local file
    for file in Makefile lessons/*/commands.mk harness/instructors.mk; do
        [ ! -f "$file" ] || printf '%s\n' "$file"
    done
}

# handed_out: the lesson that this handout is of; nothing in the kit itself.
handed_out() { [ ! -f HANDOUT ] || awk '$1 == "lesson" { print $2; exit }' HANDOUT; }

# has_reference LESSON: false in the handout of that lesson, where its programs are
# for the student to write.
has_reference() { [ "$(handed_out)" != "$1" ]; }

# in_git: true if the kit is a clone, and not only a folder inside of one.
in_git() { [ ! -f HANDOUT ] && [ "$(git rev-parse --show-cdup 2>/dev/null || echo no)" = "" ]; }

# has_changes: true if something here is in no commit.
has_changes() {
    in_git && [ -n "$(git --no-optional-locks status --porcelain)" ]
}

# committed USAGE: ends where something here is in no commit, unless CHANGES is yes.
committed() {
    has_changes && [ "${CHANGES-}" != yes ] || return 0
    git --no-optional-locks status --short >&2
    die "These changes are in no commit, so nobody could make this again." \
        "" "Next: commit them, or take them as they are: $1 CHANGES=yes"
}

# kit: which kit this is, for results: "VERSION HASH". A handout says what it was
# made of. Else the hash is that of the tree in git, with a + where there are
# changes; it is unknown where there is no git, or no commit yet.
kit() {
    local hash=
    if [ -f HANDOUT ]; then
        awk '$1 == "version" { version = $2 } $1 == "hash" { hash = $2 }
            END { print version, hash }' HANDOUT
        return
    fi
    if in_git && hash=$(git rev-parse --verify --quiet 'HEAD^{tree}'); then
        hash=${hash:0:12}
        ! has_changes || hash=$hash+
    fi
    printf '%s %s\n' "$(sed -n '/^## /{s///p;q;}' CHANGELOG.md)" "${hash:-unknown}"
}

# build TARGET...: brings parts of the kit up to date; quiet if all goes well.
# Two builds never run at the same time in one folder.
build() {
    mkdir -p build/units # a sandbox is shown it, also where a lesson has none
    flock -o build/.lock make -s -f harness/build.mk -j "$(nproc)" "$@" ||
        die "" "The kit itself does not compile (see above)." \
            "If you changed nothing in lessons/, common/ or harness/, run" \
            "make clean and try again."
}

# has_threads LESSON: true if its programs have more than one of their own.
has_threads() { [[ " $(modules "$1" | paste -sd ' ') " == *" loop_thread "* ]]; }

# parts LESSON: what of the kit a grade of that lesson needs, for build.
parts() {
    local name
    printf '%s\n' build/wire include
    while read -r name; do
        printf 'build/%s/%s/%s\n' plain "$1" "$name" san "$1" "$name"
        ! has_threads "$1" || printf 'build/tsan/%s/%s\n' "$1" "$name"
    done < <(programs "$1")
    [ ! -f "lessons/$1/unit.c" ] || printf 'build/units/%s\n' "$1"
}

# lessons: the folders of all lessons, in order, one a line.
lessons() {
    local folder
    for folder in lessons/[0-9][0-9]-*/; do
        [ -f "$folder/server.c" ] || continue
        folder=${folder%/}
        printf '%s\n' "${folder#lessons/}"
    done
}

# number NN-topic: its number, without a leading zero.
number() {
    local digits=${1%%-*}
    printf '%d\n' "$((10#$digits))"
}

# numbers: all lesson numbers in a sentence: "1, 2, 3".
numbers() {
    local one list=
    while read -r one; do
        list="$list${list:+, }$(number "$one")"
    done < <(lessons)
    printf '%s\n' "${list:-none yet}"
}

# find_lesson WORD VERB: sets $lesson (02-send-receive) and $n (2), or says
# what is wrong with the word.
find_lesson() {
    local one
    if [[ $1 =~ ^[0-9]{1,3}$ ]]; then
        while read -r one; do
            if [ "$(number "$one")" -eq "$((10#$1))" ]; then
                lesson=$one
                n=$(number "$one")
                return
            fi
        done < <(lessons)
        die "There is no lesson $1. The lessons are: $(numbers)."
    fi
    die "\"$2$1\" is no command: after \"$2\" comes the number of a lesson." \
        "The lessons are: $(numbers). Try: make help"
}

# adds LESSON: the common modules that this lesson adds.
adds() {
    local -a words
    [ -s "lessons/$1/adds" ] || return 0
    read -r -d '' -a words <"lessons/$1/adds" || true
    printf '%s\n' "${words[@]}"
}

# modules LESSON: the common modules that its programs link, in order.
modules() {
    local one
    while read -r one; do
        adds "$one"
        [ "$one" != "$1" ] || break
    done < <(lessons)
}

# programs LESSON: its programs: each source in its folder but the unit tests.
programs() {
    local file
    for file in "lessons/$1/"*.c; do
        file=${file##*/}
        [ "$file" = unit.c ] || printf '%s\n' "${file%.c}"
    done
}

# optional LESSON: its programs that students may add or leave out: in a lesson
# that begins with whole programs, in starter/, those that have no starter there.
optional() {
    local one
    [ -d "lessons/$1/starter" ] || return 0
    while read -r one; do
        [ -f "lessons/$1/starter/$one.c" ] || printf '%s\n' "$one"
    done < <(programs "$1")
}

# is_optional LESSON PROGRAM
is_optional() { optional "$1" | grep -qxF -e "$2"; }

# student_files LESSON: what a student writes and hands in, always.
student_files() {
    { programs "$1" | grep -vxF -f <(optional "$1"); adds "$1"; } |
        sed 's/$/.c/'
}

# handed_in: what students hand in of each lesson, for collect and gradesheet.
handed_in() {
    local one
    while read -r one; do
        echo "$(number "$one")" "$one" "$(student_files "$one" | paste -sd ' ')" : \
            "$(optional "$one" | sed 's/$/.c/' | paste -sd ' ')"
    done < <(lessons)
}

# find_course: sets $course to the course.txt that counts, in SUBMISSIONS or in OUT.
find_course() {
    local file
    course=harness/grade/course.txt
    for file in "$SUBMISSIONS/course.txt" "$OUT/course.txt"; do
        [ -f "$file" ] || continue
        [ "$course" = harness/grade/course.txt ] || cmp -s "$course" "$file" ||
            die "$course and $file say different things. Keep one of them."
        course=$file
    done
}

# source_of LESSON FILE: where the reference for a student's file lies.
source_of() {
    if [ -f "lessons/$1/$2" ]; then
        printf 'lessons/%s/%s\n' "$1" "$2"
    else
        printf 'common/%s\n' "$2"
    fi
}

# starter_of LESSON FILE [OPTION...]: prints the starter of a student's file. It is
# the reference without its solutions; where a lesson begins with a program that
# is wrong as a whole, that lies in its folder starter/.
starter_of() {
    local lesson=$1 file=$2
    shift 2
    if [ -f "lessons/$lesson/starter/$file" ]; then
        harness/grade/starter "lessons/$lesson/starter/$file"
    else
        harness/grade/starter "$@" "$(source_of "$lesson" "$file")"
    fi
}

# checks LESSON: its checks in order, a line "NAME STAGE PROGRAM FILE POINTS" for each.
# PROGRAM is the one that its steps call the server.
checks() { build/wire list "lessons/$1/checks/list"; }

# points_of LESSON: those of all its checks. Needs wire.
points_of() { checks "$1" | awk '{ sum += $5 } END { print sum }'; }

# check_files LESSON: the files of its checks, each once.
check_files() { checks "$1" | awk '!seen[$4]++ { print $4 }'; }

# mutant_for LESSON WORD: the patch of that name, or the first one that the
# check of that name catches; nothing if there is neither.
mutant_for() {
    local patch=lessons/$1/mutants/$2.patch
    if [ -f "$patch" ]; then
        printf '%s\n' "$patch"
    else
        grep -l "^Caught-by:[ ]*$2\$" "lessons/$1/mutants/"*.patch 2>/dev/null |
            head -n 1 || true
    fi
}

# one_failure: of a report on stdin, the failure in full; not the totals.
one_failure() { sed -n '/^\(FAIL\|ADVICE\) /,/^  Run it again: /p'; }

# next_lesson LESSON: the lesson that follows, or nothing.
next_lesson() {
    lessons | awk -v here="$1" 'found { print; exit } $0 == here { found = 1 }'
}

# quote WORD: so that wire splits it into exactly this word again.
quote() {
    local escaped=${1//\'/\'\\\'\'}
    printf "'%s'" "$escaped"
}

# contract_of LESSON: what its client and server do with each other: echo, or else
# connection.
contract_of() {
    if check_files "$1" | xargs grep -qs '^rule[[:blank:]]*echo'; then
        echo echo
    else
        echo connection
    fi
}

# name_of FILE: a check's or a journal's name, without folder and ending.
name_of() {
    local name=${1##*/}
    printf '%s\n' "${name%.*}"
}

# fact JOURNAL KEY: what the journal says of its check; the last word counts.
# jq writes bytes above 0x7f as wire meant them, not as it encoded them.
fact() {
    jq -r --arg key "$2" 'select(.event == "about" and .key == $key) | .value' \
        "$1" 2>/dev/null | tail -n 1 | iconv -f UTF-8 -t ISO-8859-1 2>/dev/null ||
        true
}
