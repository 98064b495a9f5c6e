#!/bin/sh
# Starts echo.erl, and ends it on SIGINT as well, which the virtual machine
# would take for a break: a script in front of the server, as services have it.
#
# FOLDER holds echo.beam.
if [ $# -lt 1 ]; then
    echo "it goes like this: erlang.sh FOLDER [HOST [PORT]]" >&2
    exit 2
fi
folder=$1
shift
erl -noinput +Bd -pa "$folder" -run echo main -extra "$@" &
erlang=$!
trap 'kill -TERM "$erlang"' INT TERM
# A trap cuts the first wait short.
wait "$erlang"
status=$?
while kill -0 "$erlang" 2>/dev/null; do
    wait "$erlang"
    status=$?
done
exit "$status"
