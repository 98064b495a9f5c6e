#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154  # bats sets what is used here
# What grades a lesson on a service, in the folders that the service documents. They are
# made in a namespace, where / has them, and the machine does not.

bats_require_minimum_version 1.5.0

setup_file() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    kit="$BATS_FILE_TMPDIR/the kit" schemas=$PWD/tests/schemas
    export kit schemas
    mkdir -p "$kit"
    git ls-files -co --exclude-standard -z |
        tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$kit"
    cd "$kit" || return
    # Three checks, and one that is hidden.
    checks=lessons/02-send-receive/checks
    printf '%s\n' one-message fin-at-once in-pieces secret >"$checks/list"
    sed -e '/^points/a hidden' -e 's/This is a te/a secret text/; s/st<EOF>/secret end<EOF>/' \
        "$checks/in-pieces.wire" >"$checks/secret.wire"
    git init -q
    git add -A
    git -c user.name=t -c user.email=t@example.org commit -qm "A kit"
    mkdir -p "$BATS_FILE_TMPDIR/autograder/source" "$BATS_FILE_TMPDIR/grade"
    make autograder N=2 OUT="$BATS_FILE_TMPDIR/autograder.zip"
    python3 - "$BATS_FILE_TMPDIR" <<'END'
import os, sys, zipfile
packed = zipfile.ZipFile(sys.argv[1] + '/autograder.zip')
for info in packed.infolist():
    path = packed.extract(info, sys.argv[1] + '/autograder/source')
    os.chmod(path, info.external_attr >> 16)
END
    cd "$BATS_FILE_TMPDIR/autograder" || return
    cp source/run_autograder .
    in_place /autograder bash /autograder/source/setup.sh >"$BATS_FILE_TMPDIR/setup.txt" 2>&1
}

setup() {
    unset CI MAKEFLAGS MAKELEVEL KIT_GRADES
    cd "$kit" || return
    in_place / true || skip "no namespaces can be made here"
    autograder=$BATS_FILE_TMPDIR/autograder grade=$BATS_FILE_TMPDIR/grade
    rm -rf "${autograder:?}"/{submission,results} "${grade:?}"/*
    mkdir "$autograder/submission" "$autograder/results"
    cat >"$autograder/submission_metadata.json" <<'END'
{"id": 123456, "created_at": "2026-10-14T14:22:32.365935-07:00",
 "assignment": {"due_date": "2026-10-12T23:00:00.000000-07:00", "group_size": null,
  "group_submission": false, "id": 25828, "course_id": 1234, "late_due_date": null,
  "release_date": "2026-10-05T00:00:00.000000-07:00", "title": "Lesson 2",
  "total_points": "9.0", "submission_method": "upload"},
 "users": [{"email": "ada@example.org", "id": 1234, "name": "../../Ada"}],
 "previous_submissions": []}
END
}

# in_place FOLDER COMMAND...: runs it there, with the folders of the services.
in_place() {
    local place words=(--cap-add ALL --dev-bind /dev /dev --bind /proc /proc --chdir "$1")
    shift
    for place in /*; do
        case $place in
        /dev | /proc | /autograder | /grade | /kit) ;;
        *) if [ -L "$place" ]; then
            words+=(--symlink "$(readlink "$place")" "$place")
        else
            words+=(--bind "$place" "$place")
        fi ;;
        esac
    done
    bwrap "${words[@]}" --bind "$BATS_FILE_TMPDIR/autograder" /autograder \
        --bind "$BATS_FILE_TMPDIR/grade" /grade \
        --bind "$BATS_FILE_TMPDIR/autograder/source" /kit "$@"
}

# handed_in FOLDER [EXPRESSION]: a right solution; sed -i EXPRESSION server.c.
handed_in() {
    mkdir -p "$1"
    cp lessons/02-send-receive/{server,client}.c common/message.c "$1/"
    [ $# -eq 1 ] || sed -i "$2" "$1/server.c"
}
without_fin='s/shutdown(client, SHUT_WR);//'

gradescope() {
    run in_place /autograder /autograder/run_autograder
    echo "$output"
    result=$autograder/results/results.json
}

@test "autograder: the zip has what Gradescope wants at its root, and no solutions" {
    cd "$autograder/source" || return
    [ -x run_autograder ]
    [ -f setup.sh ]
    [ "$(wc -l <HANDOUT)" -eq 3 ]
    grep -q "a secret text" lessons/02-send-receive/checks/secret.wire
    [ -z "$(find . -name TEACHING.md -o -name mutants -o -name .git -o -name INSTRUCTORS.md)" ]
    cd "$kit" || return
    run harness/grade/solutions 2 "$autograder/source"
    [ "$status" -eq 0 ]
    # Gradescope takes 100 MB.
    [ "$(wc -c <"$BATS_FILE_TMPDIR/autograder.zip")" -lt 100000000 ]
    # Gradescope's setup has compiled it.
    [ "$(tail -n 1 "$BATS_FILE_TMPDIR/setup.txt")" = "Ready to grade lesson 2." ]
}

@test "autograder: the same tree makes the same, to the byte" {
    umask 077
    make autograder N=2 OUT="$BATS_TEST_TMPDIR/again.zip"
    cmp "$BATS_FILE_TMPDIR/autograder.zip" "$BATS_TEST_TMPDIR/again.zip"
}

@test "autograder: Gradescope gets the points, and its student the reports" {
    handed_in "$autograder/submission" "$without_fin"
    gradescope
    [ "$status" -eq 0 ]
    [[ $output == *"submission, lesson 2: "*" points"* ]]
    "$schemas/fits" gradescope <"$result"
    [ "$(jq -c '[.tests[].status]' "$result")" = '["passed","failed","passed","passed"]' ]
    [ "$(jq '.score == ([.tests[].score] | add) and .score > 0' "$result")" = true ]
    [[ $(jq -r '.tests[1].output' "$result") == "FAIL  fin-at-once: "*"make grade2 CHECK=fin-at-once"* ]]
    [[ $(jq -r .output "$result") == *"graded by version $(make version | head -n 1) of the kit"* ]]
    # It is late, but that is for Gradescope to say.
    run ! grep -qi "late" "$result"
}

@test "autograder: of a hidden check Gradescope shows its title and its rule" {
    handed_in "$autograder/submission"
    echo "int main(void) { return 0; }" >"$autograder/submission/server.c"
    gradescope
    "$schemas/fits" gradescope <"$result"
    [ "$(jq .score "$result")" = 0 ]
    run ! grep -q "secret text\|secret end" "$result"
    [[ $(jq -r '.tests[3] | .name' "$result") == "secret: a text may arrive in pieces" ]]
}

@test "autograder: what does not compile, and what is not there, has a reason" {
    handed_in "$autograder/submission" '1i int'
    gradescope
    [ "$status" -eq 0 ]
    "$schemas/fits" gradescope <"$result"
    [[ $(jq -r '"\(.score) \(.output)"' "$result") == "0 "*"server.c does not compile."*"error"* ]]
    rm "$autograder/submission/client.c"
    gradescope
    [[ $(jq -r .output "$result") == *"There is no client.c."* ]]
    rm -r "$autograder/submission"
    mkdir "$autograder/submission"
    gradescope
    "$schemas/fits" gradescope <"$result"
    [[ $(jq -r .output "$result") == *"There is no grade. There is no source file"* ]]
}

@test "autograder: whatever stops it, Gradescope has a result" {
    handed_in "$autograder/submission"
    cp -p "$autograder/source/harness/grade/grade-submission" "$BATS_TEST_TMPDIR/"
    for signal in KILL TERM; do
        # shellcheck disable=SC2016  # $PPID is for that shell
        printf '#!/bin/sh\nkill -%s $PPID\n' "$signal" \
            >"$autograder/source/harness/grade/grade-submission"
        gradescope
        [ "$status" -ne 0 ]
        "$schemas/fits" gradescope <"$result"
        [[ $(jq -r .output "$result") == *"stopped before its end. This is no judgement"* ]]
        rm "$result"
    done
    cp -p "$BATS_TEST_TMPDIR/grade-submission" "$autograder/source/harness/grade/"
}

@test "autograder: where nothing could be judged there is no result, and the log says why" {
    handed_in "$autograder/submission"
    cp -p "$autograder/source/harness/grade/grade" "$BATS_TEST_TMPDIR/"
    printf '#!/bin/sh\necho the disk is full\nexit 1\n' >"$autograder/source/harness/grade/grade"
    gradescope
    cp -p "$BATS_TEST_TMPDIR/grade" "$autograder/source/harness/grade/"
    [ "$status" -eq 1 ]
    [[ $output == *"the fault of the kit or of the machine"*"the disk is full"* ]]
    [ -z "$(ls "$autograder/results")" ]
}

@test "autograder: PrairieLearn's question leads to it, and it leaves a result there" {
    question=$autograder/source/prairielearn
    [[ $(jq -r .uuid "$question/info.json") =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]
    [ "$(jq -r '.title, .type, .gradingMethod, .externalGradingOptions.timeout' "$question/info.json" |
        paste -sd ' ')" = "Lesson 2 v3 External 600" ]
    grep -q ' file-names="client.c,server.c,message.c" optional-file-names=""' "$question/question.html"
    run ! grep "@" "$question"/*
    read -r -a entrypoint < <(jq -r .externalGradingOptions.entrypoint "$question/info.json")
    handed_in "$grade/student"
    in_place / "${entrypoint[@]}"
    "$schemas/fits" prairielearn <"$grade/results/results.json"
    [ "$(jq -c '[.gradable, .score == 1]' "$grade/results/results.json")" = "[true,true]" ]
    echo "#error" >>"$grade/student/server.c"
    in_place / "${entrypoint[@]}"
    "$schemas/fits" prairielearn <"$grade/results/results.json"
    [[ $(jq -r '"\(.gradable) \(.format_errors[0]) \(.output)"' "$grade/results/results.json") == \
        "false server.c does not compile."*"error"* ]]
}

@test "autograder: Classroom 50 finds result.json in the student's repository" {
    repository=$BATS_TEST_TMPDIR/repository
    handed_in "$repository/work/02-send-receive" "$without_fin"
    export CLASSROOM=networks ASSIGNMENT=lesson2 ASSIGNMENT_TYPE=individual OWNER=ada \
        SUBMISSION_TAG=submit/2026-10-12T21-59-00Z-a1b2c3d \
        COMMIT_URL=https://example.org/commit/1 RELEASE_URL=https://example.org/release/1 \
        REVIEW_URL=https://example.org/compare/1...2
    # Whatever the student has put in its place.
    ln -s /nowhere "$repository/result.json"
    run in_place "$repository" python3 /kit/autograder.py
    echo "$output"
    [[ $status -eq 0 && $output == *"FAIL  0 of "*"fin-at-once"* ]]
    "$schemas/fits" classroom50 <"$repository/result.json"
    [ "$(jq -c '[.owner, .review, (.tests | map(.passed))]' "$repository/result.json")" = \
        '["ada","https://example.org/compare/1...2",[true,false,true,true]]' ]
    # The result of another push is none of this one.
    unset COMMIT_URL
    run in_place "$repository" python3 /kit/autograder.py
    [[ $status -ne 0 && $output == *"The environment lacks"*"commit"* ]]
    [ ! -e "$repository/result.json" ]
}

@test "autograder: the action gives out its result, encoded" {
    repository=$BATS_TEST_TMPDIR/repository
    handed_in "$repository/work/02-send-receive" "$without_fin"
    export GITHUB_ACTION_PATH=/kit GITHUB_OUTPUT=$BATS_TEST_TMPDIR/output
    mapfile -t steps < <(sed -n 's/^ *-\{0,1\} *run: //p' "$autograder/source/action.yml")
    [ "${#steps[@]}" -eq 2 ]
    for step in "${steps[@]}"; do
        run in_place "$repository" bash -e -c "$step"
        echo "$output"
        [ "$status" -eq 0 ]
    done
    [[ $output == *"FAIL  0 of "*"fin-at-once"* ]]
    sed -n 's/^result=//p' "$GITHUB_OUTPUT" | base64 -d >"$BATS_TEST_TMPDIR/result"
    "$schemas/fits" actions <"$BATS_TEST_TMPDIR/result"
    [ "$(jq -c '[.status, (.tests | map(.status))]' "$BATS_TEST_TMPDIR/result")" = \
        '["fail",["pass","fail","pass","pass"]]' ]
}

@test "autograder: Autolab runs make, and the last line has the score" {
    lab=$BATS_TEST_TMPDIR/lab job=$BATS_TEST_TMPDIR/job
    make autograder N=2 OUT="$lab/autograde.tar"
    [ "$(ls "$lab")" = "autograde-Makefile
autograde.tar" ]
    # As Autolab does it: what was handed in has the name that the lab wants.
    mkdir "$job"
    cp "$lab/autograde.tar" "$job/"
    cp "$lab/autograde-Makefile" "$job/Makefile"
    handed_in "$BATS_TEST_TMPDIR/mine" "$without_fin"
    (cd "$BATS_TEST_TMPDIR/mine" && python3 -m zipfile -c "$job/handin.zip" ./*.c)
    run --separate-stderr make -C "$job" --no-print-directory
    echo "$output$stderr"
    [ "$status" -eq 0 ]
    "$schemas/fits" autolab <<<"${lines[-1]}"
    points=$(sed -n 's/^\([0-9]*\) of [0-9]* points$/\1/p' <<<"$output")
    [ "${lines[-1]}" = "{\"scores\": {\"lesson2\": $points}}" ]
    [[ $output == *"FAIL  0 of "*"fin-at-once"* && $points -gt 0 ]]
}

@test "autograder: wrong words say what was expected" {
    run make autograder
    [[ $status -ne 0 && $output == *"N is the number of a lesson"* ]]
    run make autograder N=99 OUT=x
    [[ $status -ne 0 && $output == *"There is no lesson 99"* ]]
    run make autograder N=2
    [[ $status -ne 0 && $output == *"OUT is the zip, the tar, or the folder"* ]]
    run make autograder N=2 OUT="$BATS_TEST_TMPDIR"
    [[ $status -ne 0 && $output == *"is there already"* ]]
    echo >>LICENSE
    run make autograder N=2 OUT="$BATS_TEST_TMPDIR/out"
    git checkout -q LICENSE
    [[ $status -ne 0 && $output == *"in no commit"*"make autograder"*"CHANGES=yes"* ]]
    [ -z "$(ls -A "$BATS_TEST_TMPDIR")" ]
    run harness/grade/autograde gradescope
    [[ $status -ne 0 && $output == *"This is the kit itself"* ]]
    run in_place / /kit/harness/grade/autograde nonsense
    [[ $status -ne 0 && $output == *"is no service: expected gradescope,"* ]]
}
