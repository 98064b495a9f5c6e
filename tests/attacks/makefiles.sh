# shellcheck shell=bash disable=SC2016
# Makefiles, which make would run.
#
# Earns: all
for file in Makefile GNUmakefile makefile commands.mk; do
    printf 'X := $(shell touch /tmp/hostile-make)\nall:\n\ttouch /tmp/hostile-make\n' >"$file"
done
