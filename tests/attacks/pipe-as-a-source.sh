# shellcheck shell=bash
# A source from which nothing ever comes.
#
# Earns: nothing
rm server.c
mkfifo server.c
