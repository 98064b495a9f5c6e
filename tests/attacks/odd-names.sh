# shellcheck shell=bash disable=SC2016
# Names that a shell, a terminal or a page would take apart.
#
# Earns: all
for name in $'\033[31mred\n.c' '$(touch hostile-name).c' '<b>.c' $'\377\376.c' '--help' '=1+1'; do
    echo '#error this is not to be read' >"./$name"
done
