# A sandbox for what somebody else has written: it sees the compiler, the C library,
# and what it is given, can change nothing but what it is given for that, and has no
# network and no process but its own. Sourced, after lib.sh.
# shellcheck shell=bash disable=SC2154
#
# How well that can be done depends on the machine. From the best to the worst:
#
#   bubblewrap  a sandbox as above, made by bwrap
#   unshare     the same, made by unshare, where there is no bubblewrap
#   user        for root, where no namespaces may be made: a user of its own, who can
#               change nothing and reach no process of others, but can read the kit
#   none        as whoever grades

# Root makes what is in a sandbox somebody who owns nothing, so that its limits bind.
slot=()
slot_uid=$((200000 + $$ % 100000))
[ "$EUID" -ne 0 ] || slot=(setpriv --reuid "$slot_uid" --regid "$slot_uid" --clear-groups
    --no-new-privs)

# Nothing of the environment goes along.
bare=(env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8
    ${WIRE_TIMEOUT_MULT:+"WIRE_TIMEOUT_MULT=$WIRE_TIMEOUT_MULT"})

# What makes a sandbox, at the levels that have one. Both read the same words.
declare -A boxes=([bubblewrap]=bwrap [unshare]=$PWD/harness/grade/box)

cell=(--unshare-all --unshare-user --uid 0 --gid 0 --cap-drop ALL
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
# When all is in its place.
sealed=(--remount-ro /dev --remount-ro /)

# isolation FOLDER: how well this machine can do it, found by trying with that folder,
# which may lie where nobody but root may look.
isolation() {
    local level
    for level in bubblewrap unshare; do
        ! "${slot[@]}" "${boxes[$level]}" "${cell[@]}" --ro-bind "$1" "$1" \
            "${sealed[@]}" true 2>/dev/null || { echo "$level"; return; }
    done
    if [ "${#slot[@]}" -gt 0 ] && "${slot[@]}" test -x "$1" 2>/dev/null; then
        echo user
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

# Where memory gets scarce, the kernel ends this before others.
first_to_end() { echo 1000 >/proc/self/oom_score_adj; }

# confined [--read PLACE | --write PLACE]... COMMAND...: runs it as well isolated as
# $isolation says. PLACEs keep their names. Writes a line to descriptor 3 when it begins:
# without one it is the sandbox that could not be started.
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
    # shellcheck disable=SC2016  # the inner shell has its own words
    set -- /bin/sh -c 'echo begun >&3; exec "$@" 3>&-' sh "$@"
    (
        first_to_end
        case $isolation in
        bubblewrap | unshare)
            "${slot[@]}" "${boxes[$isolation]}" "${cell[@]}" "${words[@]}" "${sealed[@]}" \
                --chdir "$PWD" "$@"
            ;;
        user) "${bare[@]}" "${slot[@]}" "$@" ;;
        *) "$@" ;;
        esac
    )
}

# nobody_left: ends what a user of this grade's own has left behind.
nobody_left() {
    local kind
    "${slot[@]}" bash -c 'kill -KILL -1' 2>/dev/null || true
    for kind in m:shm q:msg s:sem; do
        awk -v uid="$slot_uid" -v option="-${kind%:*}" '
            NR == 1 { for (i = 1; i <= NF; i++) if ($i == "cuid") at = i }
            $at == uid { print option, $2 }' "/proc/sysvipc/${kind#*:}"
    done | xargs -r ipcrm
    find /tmp /var/tmp /dev/shm -maxdepth 1 -uid "$slot_uid" -exec rm -rf {} +
}

# judge PROGRAMS RESULTS OPTION...: wire with these options, on the programs in that
# folder. Where there is a sandbox, wire is in it, with a network of its own; it may
# mount there and look into all processes, and hides itself, the checks and the results
# from the programs. It may take a quarter of an hour.
judge() {
    local programs=$1 results=$2 words=() place status=0
    shift 2
    if [ "$isolation" = none ]; then
        build/wire "$@" --programs "$programs" --results "$results"
        return
    fi
    opened "$programs"
    opened --write "$results"
    local limited=(timeout --foreground --kill-after=5 "$(longer 900)" "${slot[@]}")
    if [ "$isolation" = user ]; then
        "${bare[@]}" "${limited[@]}" build/wire "$@" --programs "$programs" \
            --results "$results" || status=$?
        nobody_left
        return "$status"
    fi
    for place in build/wire lessons/contracts lessons/*/checks; do
        words+=(--ro-bind "$place" "/kit/$place")
    done
    for place in hosts host.conf nsswitch.conf; do
        [ ! -e "/etc/$place" ] || words+=(--ro-bind "/etc/$place" "/etc/$place")
    done
    "${limited[@]}" \
        "${boxes[$isolation]}" "${cell[@]}" --as-pid-1 --cap-add CAP_SYS_ADMIN \
        --cap-add CAP_SYS_RESOURCE --cap-add CAP_SYS_PTRACE --proc /proc \
        ${WIRE_TIMEOUT_MULT:+--setenv WIRE_TIMEOUT_MULT "$WIRE_TIMEOUT_MULT"} \
        "${words[@]}" --ro-bind "$programs" /programs --bind "$results" /results \
        "${sealed[@]}" --chdir /kit build/wire "$@" --programs /programs \
        --results /results --hide /kit --hide /results
}
