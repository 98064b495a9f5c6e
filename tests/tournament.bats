#!/usr/bin/env bats
# shellcheck disable=SC2154  # class.bash sets what is used here
# make tournament: the programs and the checks of a class, against each other.

load class
setup_file() { class_kit; }
setup() { class_setup; }

# tournament: runs it; make's own voice must never be heard.
tournament() {
    run make tournament N=2 SUBMISSIONS="$in" OUT="$out"
    echo "$output"
    [[ $output != *"make:"* && $output != *"***"* ]]
}

# name_of_student STUDENT: on the page.
name_of_student() { awk -F , -v student="$1" '$2 == student { print $1 }' "$out/tournament/names.csv" | tr -d '\r'; }

@test "tournament: who understands whom, and whose check finds what" {
    handed_in ada
    handed_in bob 's/shutdown(client, SHUT_WR);//; s/close(client);/(void)client;/'
    handed_in "Jörg O'Neil"
    # A client that says that it has failed.
    sed -i 's/^    return status;/    return 1;/' "$in/Jörg O'Neil/client.c"
    handed_in broken '1i #error'
    # A good check, one that cannot be read, one that asks too much, and the kit's own.
    cat >"$in/ada/my-check.wire" <<'END'
check "the server ends its side"
rule echo.3
server start
A connect
A send "quick<EOF>"
A expect "quick<EOF>"
A expect eof
END
    printf 'check "x"\nserver start\nA blub\n' >"$in/bob/blub.wire"
    sed 's/expect "quick/expect "slow/' "$in/ada/my-check.wire" >"$in/bob/wrong.wire"
    cp lessons/02-send-receive/checks/one-message.wire "$in/bob/copied.wire"
    tournament
    [ "$status" -eq 0 ]
    [[ $output == *"4 submissions, of which 4 have no record yet"*"Pairs to play: 9"*"Runs of these checks: 3"* ]]
    [[ ${lines[-1]} == "Next: xdg-open '$out/tournament/02-send-receive.html'" ]]
    ada=$(name_of_student ada) bob=$(name_of_student bob) joerg=$(name_of_student "Jörg O'Neil")
    [ -n "$ada" ] && [ -n "$bob" ] && [ -n "$joerg" ] && [ "$ada" != "$bob" ]
    page=$(<"$out/tournament/02-send-receive.html")
    # Behind the style there is nobody's name.
    [[ ${page#*</style>} != *ada* && $page != *Jörg* && $page != *bob* && $page != *broken* ]]
    [[ $page == *"title=\"$ada and $ada: they understand each other\""* ]]
    [[ $page == *"class=\"fail\" title=\"$ada and $joerg: "* ]]
    [[ $page == *"1 point</strong>: my-check.wire of $ada"*"<td>$bob</td>"* ]]
    [[ $page == *"<td>blub.wire</td><td>It cannot be read: "*"line 3"* ]]
    [[ $page == *"<td>wrong.wire</td><td>The reference is right, and does not pass it: "* ]]
    [[ $page == *"<td>copied.wire</td><td>Its steps are those of the kit&#x27;s own check one-message."* ]]

    # What was played is not played again, and a student keeps the name.
    handed_in eve
    tournament
    [ "$status" -eq 0 ]
    [[ $output == *"5 submissions, of which 1 have no record yet"* ]]
    [[ $output != *"Checks of students"* ]]
    [ "$(name_of_student ada)" = "$ada" ]
}

@test "tournament: one alone has nobody to play with" {
    handed_in ada
    tournament
    [ "$status" -ne 0 ]
    [[ $output == *"There are not two students whose programs compile."* ]]
    run make tournament N="1 2" SUBMISSIONS="$in" OUT="$out"
    [ "$status" -ne 0 ]
    [[ $output == *"N names one lesson"* ]]
}
