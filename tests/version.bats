#!/usr/bin/env bats
# Which kit this is, and what CHANGELOG.md says of it.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
    unset CI MAKEFLAGS MAKELEVEL
}

# A kit of a few files, in a repository of its own.
small_kit() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p small/harness
    cp -a "$BATS_TEST_DIRNAME/../Makefile" "$BATS_TEST_DIRNAME/../CHANGELOG.md" small/
    cp -a "$BATS_TEST_DIRNAME/../harness/grade" small/harness/
    cd small || return
    git init -q
    git add -A
    git -c user.name=t -c user.email=t@example.org commit -qm one
}

@test "make version: the version of CHANGELOG.md, and the hash of the tree" {
    small_kit
    run make version
    [ "$status" -eq 0 ]
    [[ ${lines[0]} =~ ^[0-9]+\.[0-9]+\.[0-9]+\ [0-9a-f]{12}$ ]]
    [[ $(git rev-parse 'HEAD^{tree}') == "${lines[0]#* }"* ]]
    [[ ${lines[-1]} == "Next: "* ]]
    before=${lines[0]}
    echo >>Makefile
    run make version
    [ "${lines[0]}" = "$before+" ]
    [[ $output == *"in no commit"* ]]
}

@test "make version: where there is no git, or that of another folder, or no commit" {
    small_kit
    rm -rf .git
    run make version
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == *" unknown" ]]
    git init -q ..
    run make version
    [[ ${lines[0]} == *" unknown" ]]
    git init -q . # and nothing is committed
    run make version
    [[ $status -eq 0 && ${lines[0]} == *" unknown" && ${lines[1]} == "Next: "* ]]
}

@test "CHANGELOG.md says of each version what changes for whom" {
    awk '/^## / { version++ } /^### For students$/ { students++ }
        /^### For instructors$/ { instructors++ }
        END { exit !(version && version == students && version == instructors) }' \
        CHANGELOG.md
}
