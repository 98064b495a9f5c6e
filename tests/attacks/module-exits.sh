# shellcheck shell=bash
# A function of a module that ends the program, with a good status.
#
# Earns: nothing
sed -i 's/^    memset(message, 0.*/    exit(0);/' message.c
