# What is asked of a check that a student has written; sourced by grade-check and match,
# after find_lesson.
# shellcheck shell=bash disable=SC2154

# steps FILE: what it does, without its head, comments and blanks.
steps() {
    sed 's/#.*//; s/[[:blank:]]\{1,\}/ /g; s/^ //; s/ $//' "$1" |
        grep -v -E '^(check|rule|stage|points|needs|read|hidden|hint)( |$)|^$'
}

# same_as FILE: the check of the kit that has the same steps; nothing, if it is the
# student's own.
same_as() {
    local known
    for known in $(check_files "$lesson"); do
        ! cmp -s <(steps "$1") <(steps "$known") || { name_of "$known"; return; }
    done
}

# uses LESSON: whose checks are its checks, too.
uses() { sed -n 's/^use[[:blank:]]*\([^[:blank:]]*\).*/\1/p' "lessons/$1/checks/list"; }

# right_servers FILE: the later lessons that keep the same contract, if it is about a
# server: these have a right one as well.
right_servers() {
    local other
    grep -q '^ *server[[:blank:]]' "$1" || return 0
    while read -r other; do
        [ "$(number "$other")" -gt "$(number "$lesson")" ] || continue
        ! uses "$other" | grep -qxF -e "$lesson" -e "$(uses "$lesson")" || echo "$other"
    done < <(lessons)
}
