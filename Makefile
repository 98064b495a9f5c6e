# The front door of the kit. `make help` lists what it can do. Commands that only
# one lesson has stand in its commands.mk; what is not for students stands in
# harness/instructors.mk, which a handout does not have.
#
# Each word here starts one small script in harness/grade/; what is compiled,
# and how, stands in harness/build.mk. A script prints what the reader should
# see and names the next command, so make itself must stay silent when a
# script says no (a failing grade is no accident). GNU make does so in question
# mode: lines with a + run all the same, and their status 1 becomes make's own.

SHELL := /bin/sh
.DEFAULT_GOAL := help

ifneq (,$(findstring n,$(firstword -$(MAKEFLAGS))))
run := @
else
run := +@
MAKEFLAGS += --question
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory

# These count only where they are given to make; a variable of the same name
# in somebody's environment must not change a grade. A script gets each as it was
# typed: a $ in the name of a folder is a $, and nothing for make to work out.
words := STAGE CHECK DIR SERVER CLIENT FAULTS N FILE FROM
include $(wildcard lessons/*/commands.mk harness/instructors.mk)
$(foreach w,$(words),$(if $(filter environment,$(origin $w)),$(eval unexport $w)))
$(foreach w,$(words),$(if $(filter command,$(origin $w)),$(eval export override $w := $$(value $w))))
# The part of a word behind its beginning, as one word for the shell.
stem = '$(subst ','\'',$*)'

.PHONY: help version grade grade-check handout-update build clean

## help                             this list
help:
	$(run) harness/grade/help

## version                          which kit this is: version and hash
version:
	$(run) harness/grade/version

## lessonN                          watch lesson N's programs talk, event by event
lesson%:
	$(run) harness/grade/lesson $(stem)

## runN                             run lesson N's server and client on a free port
run%:
	$(run) harness/grade/run $(stem)

## startN                           copy lesson N's starter to work/, keeping your files
start%:
	$(run) harness/grade/start $(stem)

## gradeN                           grade your work on lesson N
## gradeN STAGE=a                   grade one stage of it
## gradeN CHECK=name                grade one check, and what it needs
## gradeN DIR=path                  grade the sources in a folder
## gradeN SERVER='cmd' CLIENT='cmd' grade any two programs, or one of them
## gradeN FAULTS='plan eintr seed 7' grade while calls go wrong, as the plan says
grade%:
	$(run) harness/grade/grade $(stem)

## grade                            grade the lesson that you are at
grade:
	$(run) harness/grade/grade

## grade-check N=3 FILE=my.wire     grade a check that you have written
grade-check:
	$(run) harness/grade/grade-check

## hintN                            a hint for the first check that failed
hint%:
	$(run) harness/grade/hint $(stem)

## handout-update FROM=dir          go on to the next handout, keeping your files
handout-update:
	$(run) harness/grade/handout-update

## submitN                          check and pack what you hand in for lesson N
submit%:
	$(run) harness/grade/submit $(stem)

## build                            compile everything, and compile_commands.json
build:
	$(run) harness/grade/build

## clean                            remove build/; your work/ stays
clean:
	$(run) harness/grade/clean

# Whatever else is asked for, also the name of a file or folder at hand.
others := $(filter-out Makefile slides build,$(wildcard *))
.PHONY: $(others)
$(others) .DEFAULT:
	$(run) harness/grade/help '$@'
