#!/usr/bin/env bats
# shellcheck disable=SC2154  # bats sets what is used here
# The table of a class, from records that are made up here.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    out=$BATS_TEST_TMPDIR/out course=$BATS_TEST_TMPDIR/course.txt
    mkdir "$out"
    : >"$out/now"
    : >"$course"
}

# record NAME LESSON STATUS POINTS TIME [LATE]: of 40 points, handed in at that time.
record() {
    local place
    place=submissions/$(wc -l <"$out/now")
    mkdir -p "$out/$place"
    echo "$place" >>"$out/now"
    jq -n --arg name "$1" --argjson n "$2" --arg status "$3" --argjson points "$4" \
        --argjson time "$(date -d "$5" +%s)" --argjson late "${6-null}" '{
            student: {name: $name, slug: $name, id: "4711", email: null}, n: $n, status: $status,
            points_held: 8, look: ["event.c: calls exit()"],
            points: $points, points_possible: (if $status == "graded" then 40 else null end),
            handed_in: {time: $time, late: $late}}' |
        tee "$out/$place/record.json" >"$out/$place/submission.json"
}

# book: makes the table; what stands in its lines is in $table.
book() {
    run harness/grade/gradebook "$out" "$course"
    echo "$output"
    [ "$status" -eq 0 ]
    table=$(tail -n +2 "$out/gradebook.csv" | tr -d '\r')
    echo "$table"
}

@test "gradebook: points, and a total by weight" {
    record ada 1 graded 40 2026-10-01T10:00Z
    record ada 2 graded 20 2026-10-01T10:00Z
    record bob 2 does-not-compile 0 2026-10-01T10:00Z
    record bob 1 graded 30 2026-10-01T10:00Z
    book
    [ "$(head -n 1 "$out/gradebook.csv" | tr -d '\r')" = "student,id,email,lesson 1,lesson 1 of,lesson 1 days late,lesson 1 status,lesson 2,lesson 2 of,lesson 2 days late,lesson 2 status,total percent" ]
    [ "$table" = "ada,4711,,40,40,0,graded,20,40,0,graded,75.0
bob,4711,,30,40,0,graded,0,,0,does-not-compile,37.5" ]
    echo "weight 2 3" >"$course"
    book
    [[ $table == *",62.5"*",18.8" ]]
    printf 'weight 1 0\nweight 2 0\n' >"$course"
    book
    [[ $table == *"graded,"$'\n'* ]]
}

@test "gradebook: what is late costs by the day that has begun, after the days of grace" {
    record ada 1 graded 40 2026-10-01T10:00Z
    record ada 2 graded 40 2026-10-09T10:01Z
    printf 'due 1 2026-10-01T10:00+00:00\ndue 2 2026-10-08T10:00+00:00 # noon\npenalty 12.5\n' >"$course"
    book
    [[ $table == "ada,4711,,40,40,0,graded,30,40,2,graded,87.5"* ]]
    echo "grace 1" >>"$course"
    book
    [[ $table == "ada,4711,,40,40,0,graded,35,40,2,graded,"* ]]
    # Grace is for the whole course, and spent in the order of the lessons.
    echo "due 1 2026-09-30T11:00+00:00" >>"$course"
    book
    [[ $table == "ada,4711,,40,40,1,graded,30,40,2,graded,"* ]]
    printf 'due 2 2026-10-01T10:00+00:00\npenalty 50\n' >"$course"
    book
    [[ $table == *",0,40,9,graded,"* ]]
}

@test "gradebook: a due date for one student alone" {
    record "Ada Lovelace" 2 graded 40 2026-10-09T10:00Z
    record bob 2 graded 40 2026-10-09T10:00Z
    printf 'due 2 2026-10-08T10:00+00:00\ndue 2 2026-10-09T10:00+00:00 Ada Lovelace\npenalty 50\n' >"$course"
    book
    [ "$table" = "Ada Lovelace,4711,,40,40,0,graded,100.0
bob,4711,,20,40,1,graded,50.0" ]
    echo "due 2 2026-10-09T10:00 Eve" >>"$course"
    book
    [[ $output == *'of lesson 2 for "Eve"; there is no such student.' ]]
}

@test "gradebook: the newest before the due date counts, else the newest" {
    record ada 2 graded 10 2026-10-01T10:00Z
    record ada 2 graded 20 2026-10-02T10:00Z
    record ada 2 graded 40 2026-10-09T10:00Z
    record bob 2 graded 20 2026-10-08T11:00Z
    record bob 2 graded 40 2026-10-08T12:00Z
    record eve 2 graded 20 2026-10-02T10:00Z
    record eve 2 zip-broken 0 2026-10-03T10:00Z
    printf 'due 2 2026-10-08T10:00+00:00\npenalty 10\n' >"$course"
    book
    [ "$table" = "ada,4711,,20,40,0,graded,50.0
bob,4711,,36,40,1,graded,90.0
eve,4711,,20,40,0,graded,50.0" ]
}

@test "gradebook: where Canvas says LATE that counts, and not the time" {
    record ada 2 graded 40 2026-10-20T10:00Z false
    record bob 2 graded 40 2026-10-01T10:00Z true
    printf 'due 2 2026-10-08T10:00+00:00\npenalty 10\n' >"$course"
    book
    [ "$table" = "ada,4711,,40,40,0,graded,100.0
bob,4711,,36,40,1,graded,90.0" ]
    echo "due 2 2026-10-02T10:00+00:00 bob" >>"$course"
    book
    [[ $table == *"bob,4711,,40,40,0,graded,100.0" ]]
}

@test "gradebook: no text is a formula, and a number is a number" {
    record "=HYPERLINK(\"http://x\",\"y\")" 2 graded 40 2026-10-01T10:00Z
    record "+1" 2 graded 40 2026-10-01T10:00Z
    record "-1" 2 graded 40 2026-10-01T10:00Z
    record "@x" 2 graded 40 2026-10-01T10:00Z
    record $'\tx' 2 graded 40 2026-10-01T10:00Z
    record "a,\"b\"" 2 graded -1 2026-10-01T10:00Z
    book
    [ "$table" = "'	x,4711,,40,40,0,graded,100.0
'+1,4711,,40,40,0,graded,100.0
'-1,4711,,40,40,0,graded,100.0
\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",4711,,40,40,0,graded,100.0
'@x,4711,,40,40,0,graded,100.0
\"a,\"\"b\"\"\",4711,,-1,40,0,graded,-2.5" ]
}

@test "gradebook: points that are held count when they are released" {
    record "Ada Lovelace" 6 graded 20 2026-10-01T10:00Z
    record bob 6 graded 20 2026-10-01T10:00Z
    echo "release 6 Ada Lovelace" >"$course"
    book
    [ "$table" = "Ada Lovelace,4711,,28,40,0,graded,70.0
bob,4711,,20,40,0,graded,50.0" ]
    echo "release 6 Eve" >>"$course"
    book
    [[ $output == *'of lesson 6 for "Eve"; there is no such student.' ]]
}

@test "course.txt: what is wrong in it is said with the line, and what was expected" {
    harness/grade/course.py harness/grade/course.txt
    wrong() {
        printf '# first\n%s\n' "$1" >"$course"
        run harness/grade/course.py "$course"
        echo "$output"
        [[ $status -eq 1 && $output == *"course.txt, line 2: "*"$2"* ]]
    }
    wrong "penalty" "as in: penalty 10"
    wrong "penalty 200" "0 to 100"
    wrong "grace -1" "as in: grace 3"
    wrong "weight 2" "as in: weight 8 2"
    wrong "release 6" "as in: release 6 Ada Lovelace"
    wrong "due 2 tomorrow" "as in: due 2 2026-10-12T23:59"
    wrong "due 2 2026-10-12" "as in: due 2 2026-10-12T23:59"
    wrong "late 3" '"late" is unknown; expected due, penalty, grace, release or weight'
    printf '\xff\n' >"$course"
    run harness/grade/course.py "$course"
    [[ $status -eq 1 && $output == *"no text in UTF-8"* ]]
}
