# shellcheck shell=bash
# A header from which nothing ever comes, in place of the kit's.
#
# Earns: all
mkfifo net.h
