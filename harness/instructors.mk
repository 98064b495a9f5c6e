# The commands for instructors and maintainers; the Makefile includes this file,
# and a handout does not have it.

words += LESSON RUNS GOLDEN BASE OUT CHANGES SUBMISSIONS JOBS STUDENT SHEET ATTACK LEVEL JPLAG
.PHONY: test prove costs interop soak fuzz lint texts slides handout class autograder
.PHONY: bench-grade bench-engine prove-sandbox tournament similarity

## test                             all tests of the kit itself
test:
	$(run) harness/grade/test

## prove                            show that every check catches what it is for
## prove LESSON=2                   the same for one lesson
prove:
	$(run) harness/grade/prove

## prove-sandbox                    try to cheat and to harm: tests/attacks/
## prove-sandbox ATTACK=name        the same with one of them
prove-sandbox:
	$(run) harness/grade/prove-sandbox

## costs                            what one mistake costs, per lesson
## costs LESSON=2                   the same for one lesson
costs:
	$(run) harness/grade/costs

## interop                          every client with every server, nc and socat, too
interop:
	$(run) harness/grade/interop

## soak RUNS=20                     make test many times on a busy machine
soak:
	$(run) harness/grade/soak

## fuzz                             a minute of random checks and journals
fuzz:
	$(run) harness/grade/fuzz

## lint                             formatting, static analysis, two compilers
lint:
	$(run) harness/grade/lint

## texts                            fill in the generated parts of the texts
texts:
	$(run) harness/grade/texts

## slides                           build the decks: HTML, and PDF with Chromium
slides:
	$(run) harness/grade/slides

## handout N=4 OUT=dir              what students get for lesson 4, without solutions
handout:
	$(run) harness/grade/handout

## class N=2 SUBMISSIONS=dir OUT=dir grade what a class has handed in
## class ... JOBS=4                 so many at once
## class ... STUDENT=name           grade one student again
## class ... SHEET=grades.csv       fill the grades into a table of Canvas or Moodle
class:
	$(run) harness/grade/class

## autograder N=2 OUT=grader.zip    what grades lesson 2 on Gradescope and other services
autograder:
	$(run) harness/grade/autograder

## tournament N=3 SUBMISSIONS=dir   each client of a class with each server
tournament:
	$(run) harness/grade/tournament

## similarity N=2 SUBMISSIONS=dir   whose work is alike, by JPlag or Dolos
similarity:
	$(run) harness/grade/similarity

## bench-grade                      what compiling and checking cost, per lesson
bench-grade:
	$(run) harness/grade/bench

## bench-engine BASE=commit         what the asynchronous engine costs, beside another
bench-engine:
	$(run) harness/grade/bench-engine
