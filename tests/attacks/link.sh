# shellcheck shell=bash
# Hands in a link to the reference.
#
# Earns: nothing
# Says: symbolic link
ln -sf @KIT@/lessons/02-send-receive/server.c server.c
