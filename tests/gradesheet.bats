#!/usr/bin/env bats
# shellcheck disable=SC2154  # bats sets what is used here
# The grades in a table of Canvas's or Moodle's, from records that are made up here.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    out=$BATS_TEST_TMPDIR/out sheet=$BATS_TEST_TMPDIR/sheet.csv
    mkdir "$out"
    : >"$out/now"
}

# record NAME ID SERVICE LESSON POINTS [STATUS]: of 40.
record() {
    local place
    place=submissions/$(wc -l <"$out/now")
    mkdir -p "$out/$place"
    echo "$place" >>"$out/now"
    jq -n --arg name "$1" --arg id "$2" --arg service "$3" --argjson n "$4" --argjson points "$5" \
        --arg status "${6-graded}" '{
            student: {name: $name, slug: $name, id: (if $id == "" then null else $id end), email: null},
            n: $n, status: $status, points: $points, points_held: 0, look: [],
            points_possible: (if $status == "graded" then 40 else null end),
            handed_in: {time: 1791842343, late: null, service: $service}}' |
        tee "$out/$place/record.json" >"$out/$place/submission.json"
}

# fill N...
fill() {
    run harness/grade/gradesheet "$out" harness/grade/course.txt "$sheet" "$@" <<'END'
1 01-accept-connect server.c client.c net.c :
2 02-send-receive server.c client.c message.c :
END
    echo "$output"
}

# table FILE: the rows of a CSV, its cells with a | in between.
table() { python3 -c 'import csv, sys; [print("|".join(r)) for r in csv.reader(open(sys.argv[1], encoding="utf-8"))]' "$out/$1"; }

@test "gradesheet: Canvas gets the columns of the lessons, and those that it wants" {
    record lovelaceada 11 Canvas 2 20
    record lovelaceada 11 Canvas 1 40
    record nobody 99 Canvas 2 40
    record "Emmy Noether" "" "" 2 13
    record "Emmy Noether" "" "" 1 0 nothing-handed-in
    printf '\xef\xbb\xbf' >"$sheet"
    cat >>"$sheet" <<'END'
Student,ID,SIS User ID,SIS Login ID,Section,Essay (7),Lesson 1 (8),02-send-receive (9),Lesson 2 Final Points (read only)
,,,,,Manual Posting,,,
    Points Possible,,,,,5,10,100,(read only)
"Lovelace, Ada",11,s11,ada,A,3,,,
"Noether, Emmy",12,s12,emmy,A,4,7,,
"Student, Test",13,,t,A,,,,
END
    fill 1 2
    [ "$status" -eq 0 ]
    [[ $output == "nobody has a grade of lesson 2, and no line in the table."*"Filled in: $out/canvas.csv" ]]
    [ "$(table canvas.csv)" = "Student|ID|SIS User ID|SIS Login ID|Section|Lesson 1 (8)|02-send-receive (9)
    Points Possible|||||10|100
Lovelace, Ada|11|s11|ada|A|10|50
Noether, Emmy|12|s12|emmy|A|7|32.5
Student, Test|13||t|A||" ]
}

@test "gradesheet: Moodle's worksheet is filled in, and stays as it is else" {
    record "Ada Lovelace" 11 Moodle 2 20
    record "Ada Lovelace (12)" 12 Moodle 2 40
    record "Kurt Gödel" 13 Moodle 2 0 does-not-compile
    cat >"$sheet" <<'END'
Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed","Last modified (submission)","Last modified (grade)"
"Participant 11","Ada Lovelace",a@example.org,Submitted,,100.00,Yes,"Monday, 12 October 2026, 9:59 PM",-
"Participant 12","Ada Lovelace",b@example.org,Submitted,,100.00,Yes,-,-
"Participant 13","Kurt Gödel",c@example.org,Submitted,5,100.00,Yes,-,-
"Participant 14","Eve",d@example.org,"No submission",,100.00,Yes,-,-
END
    fill 2
    [ "$status" -eq 0 ]
    [ "$(table moodle.csv | cut -d '|' -f 1,3,5,8)" = "Identifier|Email address|Grade|Last modified (submission)
Participant 11|a@example.org|50|Monday, 12 October 2026, 9:59 PM
Participant 12|b@example.org|100|-
Participant 13|c@example.org|0|-
Participant 14|d@example.org||-" ]
    fill 1 2
    [[ $status -eq 1 && $output == *"name one lesson, as in N=2"* ]]
}

@test "gradesheet: a name that two lines have is nobody's" {
    record "Ada Lovelace" "" "" 2 20
    cat >"$sheet" <<'END'
Student,ID,Section,Lesson 2 (9)
Points Possible,,,40
"Lovelace, Ada",11,A,
"Lovelace, Ada",12,B,
END
    fill 2
    [[ $status -eq 0 && $output == *"Ada Lovelace has a grade of lesson 2, and no line"* ]]
    [ "$(table canvas.csv | tail -n 2)" = "Lovelace, Ada|11|A|
Lovelace, Ada|12|B|" ]
}

@test "gradesheet: what is no such table, or lacks something, is said, and nothing is written" {
    record ada 11 Canvas 2 20
    echo "name,grade" >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *"is no table of Canvas's or Moodle's"*"Student, ID, Section"* ]]
    printf 'Student,ID,Section,Essay (7)\nPoints Possible,,,5\nada,11,A,\n' >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *"No column is that of lesson 2"*"The columns are: Essay (7)"* ]]
    printf 'Student,ID,Section,Lesson 2 (7),Lesson 2 b (8)\nPoints Possible,,,5,5\nada,11,A,,\n' >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *"More than one column is that of lesson 2"* ]]
    printf 'Student,ID,Section,Lesson 2 (7)\nada,11,A,\n' >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *'no line "Points Possible"'* ]]
    printf 'Student,ID,Section,Lesson 2 (7)\nPoints Possible,,,many\nada,11,A,\n' >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *'Lesson 2 (7) has no number as its most points, but "many"'* ]]
    printf '\xff\xfe' >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *"cannot be read"* ]]
    : >"$sheet"
    fill 2
    [[ $status -eq 1 && $output == *"is no table"* ]]
    [ "$(ls "$out")" = "now
submissions" ]
}
