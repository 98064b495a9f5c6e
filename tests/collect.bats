#!/usr/bin/env bats
# shellcheck disable=SC2154  # bats sets what is used here
# What a class has handed in, however a service names it.

bats_require_minimum_version 1.5.0

setup() {
    in=$BATS_TEST_TMPDIR/in out=$BATS_TEST_TMPDIR/out
    kit=$BATS_TEST_DIRNAME/..
    mkdir "$in" "$out"
    cd "$in" || return
}

# collect N...: what is found, a line "STUDENT|LESSON|FILES|PROBLEM" each.
collect() {
    run --separate-stderr "$kit/harness/grade/collect" "$in" "$out" KIT "$@" <<'END'
1 01-accept-connect server.c client.c net.c :
2 02-send-receive server.c client.c message.c :
8 08-async-echo server.c client.c : beyond_server.c
END
    echo "$output" "$stderr"
    [ "$status" -eq 0 ]
    found=$(while read -r folder; do
        jq -r '[.student.name, .n, (.files | keys | join(" ")), .problem.status] |
            map(. // "-") | join("|")' "$out/$folder/submission.json"
    done <"$out/now")
    echo "$found"
}

# work FOLDER [FILE...]: somebody's files for lesson 2, or those that are named.
work() {
    local folder=$1 file
    shift
    [ $# -gt 0 ] || set -- server.c client.c message.c
    mkdir -p -- "$folder"
    for file; do echo "$folder" >"$folder/$file"; done
}

# zipped ZIP FOLDER
zipped() { (cd -- "$2" && python3 -m zipfile -c ../made.zip ./*) && mv made.zip "./$1" && rm -r -- "$2"; }

# zip_of ZIP NAME...: a zip with these names in it, whatever they are.
zip_of() {
    python3 - "$@" <<'END'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as made:
    for name in sys.argv[2:]:
        made.writestr(name, 'text of ' + name)
END
}

# of STUDENT [FILTER]: what submission.json says.
of() { jq -rs --arg name "$1" "map(select(.student.name == \$name)) | .[0] | ${2-.}" "$out"/submissions/*/*/*/submission.json; }

all="client.c message.c server.c"

@test "collect: folders and zips of any name, and folders in them" {
    work ada
    work eve && zipped eve.zip eve
    work "Jörg O'Neil/my work/deep"
    work $'-x\ny "z" $(touch PWNED)'
    work "bob/02-send-receive"
    work "bob/01-accept-connect" server.c client.c net.c
    work "zoe/handout/lessons/02-send-receive" server.c client.c
    work "zoe/handout/work/02-send-receive" server.c client.c message.c
    mkdir "zoe/build" && echo x >zoe/build/server.c
    collect 2
    [ "$found" = "Jörg O'Neil|2|$all|-
ada|2|$all|-
bob|2|$all|-
eve|2|$all|-
-x\\x0ay \"z\" \$(touch PWNED)|2|$all|-
zoe|2|$all|-" ]
    [[ $(cat "$out"/submissions/zoe/*/*/src/message.c) == zoe/handout/work/* ]]
    [ ! -e PWNED ]
}

@test "collect: a zip as some write it on Windows; long names; two that are nearly one" {
    zip_of ada.zip 'work\server.c' 'work\client.c' 'work\message.c'
    work "Eve Ross" && work "Eve-Ross-$(printf 'Eve Ross' | sha256sum | head -c 6)"
    long=$(printf 'ü%.0s' {1..120})
    work "$long"
    python3 -c 'import sys, zipfile
with zipfile.ZipFile("bob.zip", "w") as made:
    made.writestr("x" * 60000, "")'
    collect 2
    [ "$(cut -d "|" -f 1 <<<"$found" | sort)" = "$(printf '%s\n' "Eve Ross" Eve-Ross-* "$long" ada bob | sort)" ]
    [ "$(find "$out/submissions" -mindepth 1 -maxdepth 1 | wc -l)" -eq 5 ]
    [ "$(of ada '.files | length')" = 3 ]
    [ "$(of bob '.problem.reason | length')" = 500 ]
}

@test "collect: several lessons, from the name that is nearest" {
    work ada/02-send-receive
    work ada/01-accept-connect server.c client.c net.c
    mkdir -p "Lesson 1"
    work "Lesson 1/eve" server.c client.c net.c
    work tmp && zipped bob-02-send-receive.zip tmp
    work zoe
    collect 1 2
    [ "$found" = "ada|1|client.c net.c server.c|-
ada|2|$all|-
bob|1||nothing-handed-in
bob|2|$all|-
eve|1|client.c net.c server.c|-
eve|2||nothing-handed-in
zoe|1||refused
zoe|2||refused" ]
    [[ $(of zoe .problem.reason) == *"says of which lesson"* ]]
}

@test "collect: Canvas, as it exports, zipped or not; LATE, and a second upload" {
    mkdir lesson2 && cd lesson2 || return
    echo 1 >lovelaceada_4711_1_server.c
    echo 2 >lovelaceada_4711_2_server-1.c
    echo 1 >lovelaceada_4711_3_client.c
    echo 1 >lovelaceada_4711_4_message.c
    work tmp && zipped noetheremmy_LATE_4712_5_02-send-receive.zip tmp
    work tmp && zipped anon_x7y8z_6_02-send-receive.zip tmp
    collect 2
    [ "$found" = "anon_x7y8z|2|$all|-
lovelaceada|2|$all|-
noetheremmy|2|$all|-" ]
    [ "$(cat "$out"/submissions/lovelaceada/*/*/src/server.c)" = 2 ]
    [ "$(of lovelaceada '[.student.id, .handed_in.service, .handed_in.late] | @csv')" = \
        '"4711","Canvas",false' ]
    [ "$(of noetheremmy .handed_in.late)" = true ]
    before=$found
    python3 -m zipfile -c ../submissions.zip ./* && cd .. && rm -r lesson2 "$out/submissions"
    collect 2
    [ "$found" = "$before" ]
}

@test "collect: Moodle, with folders and without; two of one name are two" {
    work "Ada Lovelace_11_assignsubmission_file"
    work "Emmy Noether_12_assignsubmission_file_"
    work "Emmy Noether_13_assignsubmission_file_"
    mkdir "Kurt Gödel_14_assignsubmission_onlinetext"
    for file in server client message; do
        echo 1 >"Grace Hopper_15_assignsubmission_file_$file.c"
    done
    collect 2
    [ "$found" = "Ada Lovelace|2|$all|-
Emmy Noether (12)|2|$all|-
Emmy Noether (13)|2|$all|-
Grace Hopper|2|$all|-
Kurt Gödel|2||nothing-handed-in" ]
}

@test "collect: Gradescope, which says who and when; a group is all of them" {
    mkdir assignment_9_export && cd assignment_9_export || return
    work submission_1
    work submission_2
    cat >submission_metadata.yml <<'END'
---
submission_1:
  :submitters:
  - :name: Ada Lovelace
    :sid: '007'
    :email: ada@example.org
  :created_at: 2026-10-12 21:59:03.120000000 Z
  :score: 1.0
  :results:
    :name: nobody
submission_2:
  :submitters:
  - :name: "Kurt G\u00f6del"
    :sid: '8'
    :email: kurt@example.org
  - :name: 'Flann O''Brien'
    :sid:
    :email: flann@example.org
  :created_at: 2026-10-12 21:59:03 Z
END
    collect 2
    [ "$found" = "Ada Lovelace|2|$all|-
Flann O'Brien|2|$all|-
Kurt Gödel|2|$all|-" ]
    [ "$(of "Ada Lovelace" '[.student.id, .student.email, .handed_in.time, .handed_in.time_from] | @csv')" = \
        '"007","ada@example.org",1791842343,"Gradescope"' ]
    cd .. && (cd assignment_9_export && python3 -m zipfile -c ../x.zip ../assignment_9_export)
    rm -r assignment_9_export
    before=$found
    collect 2
    [ "$found" = "$before" ]
}

@test "collect: GitHub Classroom; the time is the commit's, and no setting of the clone counts" {
    work lesson-2-submissions/lesson-2-ada-l
    cd lesson-2-submissions/lesson-2-ada-l || return
    git init -q
    git add .
    GIT_COMMITTER_DATE="2026-10-12T20:00:00Z" git -c user.name=a -c user.email=a@example.org \
        commit -qm "my work"
    printf '[core]\n\tfsmonitor = touch %s/PWNED\n\tpager = touch %s/PWNED\n' "$in" "$in" >>.git/config
    collect 1 2
    [ "$found" = "ada-l|1||nothing-handed-in
ada-l|2|$all|-" ]
    [ "$(of ada-l .handed_in.time)" = null ]
    [ "$(jq .handed_in.time "$out"/submissions/ada-l/02-*/*/submission.json)" = \
        "$(date -d 2026-10-12T20:00:00Z +%s)" ]
    [ ! -e "$in/PWNED" ]
}

@test "collect: a zip that is broken, or would be more than it should, is refused with the reason" {
    echo junk >broken.zip
    zip_of out.zip ../server.c
    zip_of away.zip /etc/server.c
    zip_of drive.zip 'C:\server.c'
    python3 - <<'END'
import zipfile
with zipfile.ZipFile('link.zip', 'w') as made:
    link = zipfile.ZipInfo('server.c')
    link.external_attr = 0o120777 << 16
    made.writestr(link, '/etc/passwd')
with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED) as made:
    made.writestr('server.c', bytes(300 << 20))
with zipfile.ZipFile('many.zip', 'w') as made:
    for i in range(10001):
        made.writestr(f'{i}', '')
with zipfile.ZipFile('deep.zip', 'w') as made:
    made.writestr('a/' * 3000 + 'server.c', '')
# It says that it is small, and is not.
with zipfile.ZipFile('liar.zip', 'w', zipfile.ZIP_DEFLATED) as made:
    for name in 'server.c', 'client.c', 'message.c':
        made.writestr(name, bytes(3 << 20))
data = open('liar.zip', 'rb').read().replace((3 << 20).to_bytes(4, 'little'), (100).to_bytes(4, 'little'))
open('liar.zip', 'wb').write(data)
# A zip in a zip in a zip in a zip.
open('nested.zip', 'wb').write(open('many.zip', 'rb').read())
for _ in range(4):
    data = open('nested.zip', 'rb').read()
    with zipfile.ZipFile('nested.zip', 'w') as made:
        made.writestr('nested.zip', data)
END
    collect 2
    [ "$(cut -d '|' -f 4 <<<"$found" | sort | uniq -c | xargs)" = "10 zip-broken" ]
    [[ $(of broken .problem.reason) == "broken.zip is no zip, or not whole"* ]]
    [[ $(of out .problem.reason) == "out.zip holds a path that leads out of it: ../server.c" ]]
    [[ $(of link .problem.reason) == "link.zip holds a symbolic link: server.c" ]]
    [[ $(of bomb .problem.reason) == "bomb.zip holds 314572800 bytes; at most"* ]]
    [[ $(of many .problem.reason) == "many.zip holds 10001 files; at most"* ]]
    [ -z "$(find "$out" -name '*.c')" ]
}

@test "collect: what is no regular file of a sensible size is refused" {
    work ada && ln -sf /etc/passwd ada/server.c
    work bob && rm bob/server.c && mkfifo bob/server.c
    work eve && head -c 2000000 /dev/zero >eve/server.c
    work real && ln -s real zoe
    collect 2
    [ "$found" = "ada|2||refused
bob|2||refused
eve|2||refused
real|2|$all|-
zoe|2||refused" ]
    [[ $(of ada .problem.reason) == "server.c is a symbolic link"* ]]
    [[ $(of eve .problem.reason) == *"no program text"* ]]
}

@test "collect: nobody speaks for others" {
    work ada
    zip_of mallory.zip ada_1_2_server.c "Eve Ross_3_assignsubmission_file/server.c"
    collect 2
    [ "$found" = "ada|2|$all|-
mallory|2|server.c|-" ]
    [[ $output == *'"mallory.zip" looks like what a service exports'*"counts as one student's"* ]]
    # In what a service has exported, it does not even look so.
    rm -r ada mallory.zip "$out/submissions"
    mkdir -p "Mal Ory_9_assignsubmission_file"
    zip_of "Mal Ory_9_assignsubmission_file/work.zip" ada_1_2_server.c
    collect 2
    [ "$found" = "Mal Ory|2||nothing-handed-in" ]
}

@test "collect: what is handed in twice is kept twice; the same once, of the earlier time" {
    work tmp && zipped ada.zip tmp
    work tmp && echo new >tmp/server.c && zipped "ada (1).zip" tmp
    cp "ada (1).zip" "ada (2).zip"
    touch -d 2026-10-11T10:00Z ada.zip
    touch -d 2026-10-12T10:00Z "ada (1).zip"
    touch -d 2026-10-13T10:00Z "ada (2).zip"
    collect 2
    [ "$found" = "ada|2|$all|-
ada|2|$all|-" ]
    [ "$(jq -s 'map(.handed_in.time) | sort | join(" ")' "$out"/submissions/*/*/*/submission.json)" = \
        "\"$(date -d 2026-10-11T10:00Z +%s) $(date -d 2026-10-12T10:00Z +%s)\"" ]
}

@test "collect: what is nobody's is said, and the way to put it is not only one" {
    echo 1 >server.c
    echo "my notes" >notes.txt
    echo "due 2 2026-10-12" >course.txt
    work ada notes.txt
    collect 2
    [ "$found" = "ada|2||nothing-handed-in" ]
    [[ $(of ada .problem.reason) == *"there is notes.txt." ]]
    [[ $output == *"whose it is: notes.txt"*"whose it is: server.c"* && $output != *course* ]]
}
