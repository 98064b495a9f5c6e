# shellcheck shell=bash
# A source of 200 MB.
#
# Earns: nothing
# Says: larger than
head -c 200000000 /dev/zero >>server.c
