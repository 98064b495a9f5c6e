# What is compiled, and how. Started by the scripts in harness/grade/, which
# the front door (Makefile) starts. Adding a folder adds a lesson, adding a
# file adds it to its program.
#
#   B=folder     where to put everything   (default build)
#   CC=compiler                            (default gcc)
#   WERROR=-Werror                         (set when CI is)

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

B := build
ifneq (,$(filter undefined default environment,$(origin CC)))
CC := gcc
endif
WERROR := $(if $(CI),-Werror)

# In a handout starters stand where the references are: they do not use all that
# they have.
unused := $(if $(wildcard HANDOUT),-Wno-unused-parameter -Wno-unused-function \
	-Wno-unused-const-variable)
warnings := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(unused) $(WERROR)
optimised := -O1 -g -D_FORTIFY_SOURCE=2
sanitized := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
fuzzed := -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
threaded := -O1 -g -fsanitize=thread
lesson_std := -std=c11 -D_POSIX_C_SOURCE=200809L -Icommon
harness_std := -std=c11 -D_GNU_SOURCE
check_libs = $(shell pkg-config --libs check)
check_flags = $(shell pkg-config --cflags check)

# A lesson is here when its server is; it links what the lessons up to it add.
lessons := $(patsubst lessons/%/server.c,%,$(sort \
	$(wildcard lessons/[0-9][0-9]-*/server.c)))
so_far :=
$(foreach l,$(lessons),\
	$(eval so_far += $(if $(wildcard lessons/$l/adds),$(file < lessons/$l/adds)))\
	$(eval modules_$l := $(so_far)))

common := $(basename $(notdir $(wildcard common/*.c)))
wire := $(filter-out test_%,$(basename $(notdir $(wildcard harness/wire/*.c))))
tests := $(basename $(notdir $(wildcard tests/unit/test_*.c)))
trivial := $(basename $(notdir $(wildcard tests/trivial/*.c)))
# A handout has of these what the lessons' unit tests share, and no engine.
library := $(basename $(notdir $(wildcard tests/library/*.c)))
units := $(patsubst lessons/%/unit.c,%,$(wildcard lessons/*/unit.c))

# Each source in a lesson's folder is a program, but for its unit tests.
lesson_programs := $(filter-out %/unit,$(patsubst lessons/%.c,%,\
	$(foreach l,$(lessons),$(wildcard lessons/$l/*.c))))
programs := $(foreach f,plain san,$(lesson_programs:%=$(B)/$f/%))

# Everything that is compiled, before it is linked: what lint looks at.
objects := $(foreach f,plain san,\
	$(patsubst %.c,$(B)/$f/%.o,$(wildcard common/*.c))\
	$(lesson_programs:%=$(B)/$f/%.o))\
	$(patsubst %,$(B)/harness/%.o,$(wire))\
	$(patsubst %,$(B)/tests/%.o,$(tests))\
	$(patsubst tests/%.c,$(B)/tests/%.o,$(wildcard tests/fuzz/*.c))\
	$(patsubst %,$(B)/units/%.o,$(units) $(library))\
	$(trivial:%=$(B)/trivial/%)

# The tests of the library from lesson 3 on run under valgrind as well; but for
# those of threads, of which it lets one run at a time.
memcheck := $(foreach l,$(units),$(if $(filter loop,$(modules_$l)),\
	$(if $(filter event,$(modules_$l)),,$l)))
# Those that start threads, from lesson 5 on, under the thread sanitizer, too;
# and the programs of the lessons that have two threads themselves.
threads := $(foreach l,$(units),$(if $(filter async_receive,$(modules_$l)),$l))
threaded_programs := $(foreach p,$(lesson_programs),$(if $(filter loop_thread,\
	$(modules_$(patsubst %/,%,$(dir $p)))),$p))

# What a student's program may include: headers, and nothing else of the kit.
include: $(patsubst common/%.h,$(B)/include/%.h,$(wildcard common/*.h))
$(B)/include/%.h: common/%.h
	@mkdir -p $(@D); cp $< $@

.PHONY: include all programs units memcheck threads tests objects
objects: $(objects)
all: include programs units memcheck threads tests $(B)/wire
memcheck: $(memcheck:%=$(B)/memcheck/%)
threads: $(threads:%=$(B)/threads/%) $(threaded_programs:%=$(B)/tsan/%)
programs: include $(programs) $(trivial:%=$(B)/trivial/%)
units: $(units:%=$(B)/units/%) $(if $(filter engine,$(library)),$(B)/units/engine-of-the-library)
tests: $(tests:%=$(B)/tests/%)

# $(call compile,flags): one object, its dependencies beside it.
compile = @mkdir -p $(@D); $(CC) $1 $(warnings) -MMD -MP -c $< -o $@

# Lessons and common in two flavours: as a student runs them, and sanitized.
define flavour
$(B)/$1/common/%.o: common/%.c harness/build.mk
	$$(call compile,$(lesson_std) $2)
$(B)/$1/%.o: lessons/%.c harness/build.mk
	$$(call compile,$(lesson_std) $2)
endef
$(eval $(call flavour,plain,$(optimised)))
$(eval $(call flavour,san,$$(sanitized)))
$(eval $(call flavour,tsan,$(threaded)))
$(B)/san/last_look.o: harness/grade/last_look.c harness/build.mk
	$(call compile,-std=gnu11 $(sanitized))

# $(call program,NN-topic/server,NN-topic): reference programs, two flavours.
define program
$(B)/plain/$1: $(B)/plain/$1.o $(modules_$2:%=$(B)/plain/common/%.o)
	$(CC) $$^ -o $$@ -lpthread
$(B)/san/$1: $(B)/san/$1.o $(modules_$2:%=$(B)/san/common/%.o) $(B)/san/last_look.o
	$(CC) $(sanitized) $$^ -o $$@ -lpthread
endef
$(foreach p,$(lesson_programs),$(eval $(call program,$p,$(patsubst %/,%,$(dir $p)))))
define threaded_program
$(B)/tsan/$1: $(B)/tsan/$1.o $(modules_$2:%=$(B)/tsan/common/%.o)
	$(CC) $(threaded) $$^ -o $$@ -lpthread
endef
$(foreach p,$(threaded_programs),$(eval $(call threaded_program,$p,$(patsubst %/,%,$(dir $p)))))

# $(call unit,folder,lesson,plain or san,flags): a lesson's unit tests, which look
# inside what the lesson adds. Those from lesson 3 on are run by name, and those
# of the Begin/End library, from lesson 4 on, share a fixture.
shared = $(if $(filter loop,$(modules_$2)),$(B)/$1/suite.o)\
	$(if $(filter async_result,$(modules_$2)),$(B)/$1/fixture.o)
define unit
$(B)/$1/$2: $(B)/$1/$2.o $(shared) $(modules_$2:%=$(B)/$3/common/%.o)
	$(CC) $4 $$^ -o $$@ $$(check_libs) -lpthread
endef
define unit_objects
$(B)/$1/%.o: lessons/%/unit.c harness/build.mk
	$$(call compile,$(lesson_std) -Itests/library $2 $(check_flags))
$(B)/$1/%.o: tests/library/%.c harness/build.mk
	$$(call compile,$(lesson_std) $2 $(check_flags))
endef
$(foreach l,$(units),$(eval $(call unit,units,$l,san,$(sanitized))))
$(foreach l,$(memcheck),$(eval $(call unit,memcheck,$l,plain)))
$(foreach l,$(threads),$(eval $(call unit,threads,$l,tsan,$(threaded))))
$(eval $(call unit_objects,units,$$(sanitized)))
$(eval $(call unit_objects,memcheck,$(optimised)))
$(eval $(call unit_objects,threads,$(threaded)))

# Tests of the engine that count and refuse calls: with functions of their own
# in front of the library's, and on epoll.
engine_wraps := -Wl,--wrap=loop_watch,--wrap=recv,--wrap=pthread_mutex_lock
$(B)/units/engine-of-the-library: $(B)/units/engine.o $(B)/units/epoll.o \
		$(B)/units/suite.o $(B)/units/fixture.o \
		$(patsubst %,$(B)/san/common/%.o,$(filter-out loop_select,$(common)))
	$(CC) $(sanitized) $(engine_wraps) $^ -o $@ $(check_libs) -lpthread

# The check runner, and the unit tests of its parts.
$(B)/wire: $(wire:%=$(B)/harness/%.o)
	$(CC) $^ -o $@
$(B)/harness/%.o: harness/wire/%.c harness/build.mk
	$(call compile,$(harness_std) $(optimised))
$(B)/tests/%.o: tests/unit/%.c harness/build.mk
	$(call compile,$(harness_std) $(optimised) -Iharness/wire $(check_flags))
$(B)/tests/fuzz/%.o: tests/fuzz/%.c harness/build.mk
	$(call compile,$(harness_std) $(optimised))
$(tests:%=$(B)/tests/%): $(B)/tests/%: $(B)/tests/%.o \
		$(patsubst %,$(B)/harness/%.o,$(filter-out main,$(wire)))
	$(CC) $^ -o $@ $(check_libs)

# What reads other people's bytes, for libFuzzer, which comes with clang. Only
# make fuzz asks for it.
fuzzers := $(basename $(notdir $(wildcard tests/fuzz/*.c)))
.PHONY: fuzz
fuzz: $(fuzzers:%=$(B)/fuzz/%)
$(B)/fuzz/%: $(B)/fuzz/%.o $(patsubst %,$(B)/fuzz/wire/%.o,$(filter-out main,$(wire)))
	clang $(fuzzed) -fsanitize=fuzzer $^ -o $@
$(B)/fuzz/wire/%.o: harness/wire/%.c harness/build.mk
	$(call compile,$(harness_std) $(fuzzed))
$(B)/fuzz/%.o: tests/fuzz/%.c harness/build.mk
	$(call compile,$(harness_std) $(fuzzed))
$(B)/fuzz/%: CC := clang

# Programs that do next to nothing: make prove shows that they earn no grade.
$(B)/trivial/%: tests/trivial/%.c harness/build.mk
	@mkdir -p $(@D)
	$(CC) $(lesson_std) $(optimised) $(warnings) $< -o $@

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)
