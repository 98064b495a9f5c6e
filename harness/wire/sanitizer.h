/*
 * sanitizer: what a sanitizer has found, in the student's words: what was done,
 * and the file, line and function of the student's in which it was done. The
 * sanitizer's own first line may name a place in the C library.
 */
#ifndef WIRE_SANITIZER_H
#define WIRE_SANITIZER_H

#include "bytes.h"

/* The exit status that the sanitizers are told to end with. */
#define SANITIZER_STATUS 99
/* True for the wait status of a program that a sanitizer has ended. */
bool sanitizer_ended(int status);

/* So the sentence calls it if memory is lost for good. */
#define SANITIZER_LEAK "loses memory that it never gives back"

/* The name of a thread that the leak sanitizer makes its search for. It traces
 * the program's threads, and finds what is not lost where it may not. The name
 * comes from harness/grade/last_look.c. */
#define LAST_LOOK "last look"

/* TEXT is what the program said on standard error. False: no sanitizer spoke.
 * Adds a sentence about NAME without the full stop: "the server reads ...". */
bool sanitizer_sentence(const char *text, const char *name, struct bytes *out);

/* TEXT is a stack, as a sanitizer prints it. Adds the student's place in it, or
 * else the kit's: " in f(), file.c line 12". */
void sanitizer_place(const char *text, struct bytes *out);

/* The same, but nothing where none of the frames is the student's. */
void sanitizer_own_place(const char *text, struct bytes *out);

/* The same, but in the program's main file, if it is in the stack: " in wait(),
 * server.c line 12, inside event_sleep(), called in line 90 of main()". */
void sanitizer_main_place(const char *text, struct bytes *out);

/* TEXT has many of them, with an empty line behind each. Adds the place of the
 * first that has one; or that which occurs most. */
void sanitizer_first(const char *text, struct bytes *out);
void sanitizer_most_frequent(const char *text, struct bytes *out);

#endif
