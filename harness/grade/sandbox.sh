# A sandbox for what somebody else has written: it sees the compiler, the C library,
# and what it is given, can change nothing but what it is given for that, and has no
# network and no process but its own. Sourced, after lib.sh.
# shellcheck shell=bash disable=SC2154

# Root makes what is in a sandbox somebody who owns nothing, so that its limits bind.
slot=()
slot_uid=$((200000 + $$ % 100000))
[ "$EUID" -ne 0 ] || slot=(setpriv --reuid "$slot_uid" --regid "$slot_uid" --clear-groups)

cell=(bwrap --unshare-all --unshare-user --uid 0 --gid 0 --cap-drop ALL
    --die-with-parent --new-session --clearenv
    --setenv PATH /usr/bin --setenv LC_ALL C.UTF-8 --ro-bind /usr /usr
    --dev /dev --size $((256 << 20)) --tmpfs /tmp)
for place in /bin /lib /lib32 /lib64; do
    if [ -L "$place" ]; then
        cell+=(--symlink "$(readlink "$place")" "$place")
    elif [ -d "$place" ]; then
        cell+=(--ro-bind "$place" "$place")
    fi
done

# isolation FOLDER: how well this machine can do it, found by trying with that folder:
# "bubblewrap"; or "none" where there is no bubblewrap, it may not make namespaces, or
# the folder lies where nobody but root may look.
isolation() {
    if "${slot[@]}" "${cell[@]}" --ro-bind "$1" "$1" true 2>/dev/null; then
        echo bubblewrap
    else
        echo none
    fi
}

# opened PLACE: makes it readable for the sandbox; or, with --write, its own.
opened() {
    [ "${#slot[@]}" -gt 0 ] || return 0
    if [ "$1" = --write ]; then
        chown "$slot_uid:$slot_uid" "$2"
    else
        chmod -R a+rX "$1"
    fi
}

# confined [--read PLACE | --write PLACE]... COMMAND...: runs it in the sandbox,
# where $isolation says that there is one. PLACEs keep their names in it.
confined() {
    local words=()
    while [[ $1 == --read || $1 == --write ]]; do
        if [ "$1" = --read ]; then
            words+=(--ro-bind "$2" "$2")
        else
            words+=(--bind "$2" "$2")
        fi
        shift 2
    done
    if [ "$isolation" = bubblewrap ]; then
        "${slot[@]}" "${cell[@]}" "${words[@]}" --chdir "$PWD" "$@"
    else
        "$@"
    fi
}

# judge PROGRAMS RESULTS OPTION...: wire with these options, on the programs in that
# folder. Where there is a sandbox, wire is in it, with a network of its own; it may
# mount there, and hides itself, the checks and the results from the programs. It may
# take a quarter of an hour.
judge() {
    local programs=$1 results=$2 words=() place
    shift 2
    if [ "$isolation" != bubblewrap ]; then
        build/wire "$@" --programs "$programs" --results "$results"
        return
    fi
    for place in build/wire lessons/contracts lessons/*/checks; do
        words+=(--ro-bind "$place" "/kit/$place")
    done
    for place in hosts host.conf nsswitch.conf; do
        words+=(--ro-bind-try "/etc/$place" "/etc/$place")
    done
    opened "$programs"
    opened --write "$results"
    timeout --foreground --kill-after=5 "$(longer 900)" \
        "${slot[@]}" "${cell[@]}" --as-pid-1 --cap-add CAP_SYS_ADMIN --proc /proc \
        ${WIRE_TIMEOUT_MULT:+--setenv WIRE_TIMEOUT_MULT "$WIRE_TIMEOUT_MULT"} \
        "${words[@]}" --ro-bind "$programs" /programs --bind "$results" /results \
        --chdir /kit build/wire "$@" --programs /programs --results /results \
        --hide /kit --hide /results
}
