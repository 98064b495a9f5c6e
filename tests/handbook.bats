#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # bats sets what is used here
# The pages for instructors: what stands in a block of sh is run, in a clone of the kit
# with what a service has given out beside it.

bats_require_minimum_version 1.5.0

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    course="$BATS_FILE_TMPDIR/a course"
    export course
    mkdir -p "$course/kit"
    git ls-files -co --exclude-standard -z |
        tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$course/kit"
    mkdir -p "$course/kit/build"
    cp -a build/wire build/plain build/san build/units build/harness "$course/kit/build/"
    cd "$course/kit" || return
    printf '%s\n' one-message fin-at-once >lessons/02-send-receive/checks/list
    git init -q
    git add -A
    git -c user.name=t -c user.email=t@example.org commit -qm "A kit"
}

setup() {
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    cd "$course/kit" || return
    find .. -mindepth 1 -maxdepth 1 -not -name kit -exec rm -rf {} +
}

# follow PAGE: runs its commands, each block in the folder of the kit.
follow() {
    local block
    while IFS= read -r -d '' block; do
        echo "$block"
        (bash -e -c "$block")
    done < <(awk '/^```sh$/ { inside = 1; next } inside && /^```$/ { inside = 0; printf "%c", 0 }
        inside' "lessons/instructors/$1.md")
}

# handed_in FOLDER [PREFIX]: a right solution of lesson 2; each name begins so.
handed_in() {
    mkdir -p "$1"
    for file in lessons/02-send-receive/{server,client}.c common/message.c; do
        cp "$file" "$1/${2-}${file##*/}"
    done
}

# cell FILE ROW COLUMN: of a CSV, from 0 on.
cell() { python3 -c 'import csv, sys; print(list(csv.reader(open(sys.argv[1])))[int(sys.argv[2])][int(sys.argv[3])])' "$@"; }

@test "handbook: INSTRUCTORS.md leads to each page, and each page has commands" {
    for page in lessons/instructors/*.md; do
        grep -q "](instructors/${page##*/})" lessons/INSTRUCTORS.md
        grep -qE '^(make|\./bootstrap|podman) ' "$page"
        [ "$(wc -l <"$page")" -le 60 ]
    done
}

@test "handbook: Gradescope" {
    follow gradescope
    [ -f ../lesson2/HANDOUT ]
    python3 -m zipfile -l ../lesson2-gradescope.zip | grep -q "^run_autograder "
}

@test "handbook: Canvas, from what was handed in to the points in its table" {
    handed_in ../downloads lovelaceada_11_900_
    printf 'Student,ID,Section,Lesson 2 (9)\nPoints Possible,,,10\n"Lovelace, Ada",11,A,\n' >../canvas.csv
    follow canvas
    [ "$(cell ../grades/canvas.csv 2 3)" = 10 ]
    [ -f ../grades/index.html ]
}

@test "handbook: Moodle, from what was handed in to the points in its table" {
    handed_in "../downloads/Ada Lovelace_11_assignsubmission_file"
    cat >../moodle.csv <<'END'
Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed","Last modified (submission)","Last modified (grade)"
"Participant 11","Ada Lovelace",a@example.org,Submitted,,100.00,Yes,-,-
END
    follow moodle
    [ "$(cell ../grades/moodle.csv 1 4)" = 100 ]
}

@test "handbook: Classroom 50, the bundle and the template" {
    follow classroom50
    [ -f ../classroom50/networks/autograders/lesson2/autograder.py ]
    (cd ../lesson2 && git init -q && git add -A && git ls-files --error-unmatch work/02-send-receive/server.c)
}

@test "handbook: GitHub Actions, from the grader to the points in a table" {
    handed_in ../downloads/ada/work/02-send-receive
    follow actions
    [ -f ../lesson2-grader/action.yml ]
    (cd ../lesson2 && git init -q && git add -A && git ls-files --error-unmatch work/02-send-receive/server.c)
    [ "$(cell ../grades/gradebook.csv 1 0)" = ada ]
    [ "$(cell ../grades/gradebook.csv 1 6)" = graded ]
    # The reporter finds a result by the name of its step.
    step=$(sed -n 's/^ *- id: //p' lessons/instructors/actions.md)
    grep -q "^ *${step^^}_RESULTS: \${{ steps.$step.outputs.result }}$" lessons/instructors/actions.md
    grep -q "^ *runners: $step$" lessons/instructors/actions.md
}

@test "handbook: PrairieLearn, the grader and the question" {
    follow prairielearn
    jq -e .externalGradingOptions.image ../course/questions/lesson2/info.json
    [ -f ../course/questions/lesson2/question.html ]
    [ -f ../lesson2-grader/Containerfile ]
    [ -f ../lesson2/HANDOUT ]
}

@test "handbook: Autolab, the two files" {
    follow autolab
    [ -f ../autolab/autograde-Makefile ]
    tar -tf ../autolab/autograde.tar | grep -q "^./harness/grade/autograde$"
}

@test "handbook: JUnit, a grade and its file" {
    handed_in ../submission
    follow junit
    [ -s build/grade/02-send-receive/results/results.xml ]
}
