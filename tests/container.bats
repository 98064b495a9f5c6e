#!/usr/bin/env bats
# shellcheck disable=SC2154  # bats sets what is used here
# The container file. Building it takes the network and some minutes, so it is read here.

setup() {
    cd "$BATS_TEST_DIRNAME/.." || return
}

# instructions WORD: what stands behind that word in it, lines that go on as one.
instructions() { sed -e ':again' -e '/\\$/{N;s/\\\n//;bagain' -e '}' Containerfile | sed -n "s/^$1 //p"; }

@test "container: it is made of what is there" {
    [ "$(grep -cvE '^(#.*|FROM|RUN|COPY|WORKDIR|$)' <(sed 's/ .*//' Containerfile))" -eq 0 ]
    while read -r from _; do [ -e "$from" ]; done < <(instructions COPY)
    [ "$(instructions COPY | wc -l)" -eq 2 ]
    instructions RUN | grep -qx "make build"
    while read -r command; do bash -n -c "$command"; done < <(instructions RUN)
    # Nothing that was built or written here comes along.
    for name in build work; do grep -qx "$name" .dockerignore; done
}

@test "container: the dev container is its stage with all tools and no kit" {
    [ ".devcontainer/$(jq -r .build.dockerfile .devcontainer/devcontainer.json)" -ef Containerfile ]
    [ ".devcontainer/$(jq -r .build.context .devcontainer/devcontainer.json)" -ef . ]
    stage=$(jq -r .build.target .devcontainer/devcontainer.json)
    [ "$(instructions FROM | sed -n 's/.* AS //p')" = "$stage" ]
    [ "$(instructions FROM | tail -n 1)" = "$stage" ]
}
