# A sandbox for what somebody else has written: it sees the compiler, the C library,
# and what it is given, can change nothing but what it is given for that, and has no
# network and no process but its own. Sourced, after lib.sh.
# shellcheck shell=bash disable=SC2154

cell=(bwrap --unshare-all --unshare-user --uid 65534 --gid 65534 --cap-drop ALL
    --disable-userns --die-with-parent --new-session --clearenv
    --setenv PATH /usr/bin --setenv LC_ALL C.UTF-8 --ro-bind /usr /usr
    --dev /dev --size $((256 << 20)) --tmpfs /tmp)
for place in /bin /lib /lib32 /lib64; do
    if [ -L "$place" ]; then
        cell+=(--symlink "$(readlink "$place")" "$place")
    elif [ -d "$place" ]; then
        cell+=(--ro-bind "$place" "$place")
    fi
done

# isolation: how well this machine can do it, found by trying: "bubblewrap", or
# "none" where there is no bubblewrap or it may not make namespaces.
isolation() {
    if "${cell[@]}" true 2>/dev/null; then echo bubblewrap; else echo none; fi
}

# confined [--read PLACE | --write PLACE]... COMMAND...: runs it in the sandbox,
# where $isolation says that there is one. PLACEs keep their names in it.
confined() {
    local words=()
    while [[ $1 == --read || $1 == --write ]]; do
        if [ "$1" = --read ]; then words+=(--ro-bind "$2" "$2"); else words+=(--bind "$2" "$2"); fi
        shift 2
    done
    if [ "$isolation" = bubblewrap ]; then
        "${cell[@]}" "${words[@]}" --chdir "$PWD" "$@"
    else
        "$@"
    fi
}
