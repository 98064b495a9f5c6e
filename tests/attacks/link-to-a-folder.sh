# shellcheck shell=bash
# Hands in a folder, and in it what belongs outside of it.
#
# Earns: nothing
rm server.c
mkdir server.c
cp client.c server.c/
