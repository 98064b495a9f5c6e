/*
 * rounds: what a program keeps of what is over.
 *
 * A number for memory would judge the runtime, and not the program: some need
 * 10 MB and some 200. So the same is done again and again, and the program is
 * compared with itself: between round n/2 and round n it must not have grown by
 * more than so many bytes a round, and must have as many descriptors, threads
 * and children. What it needs to warm up, and what it collects late, is over at
 * one n; what it keeps for good grows on at each.
 */
#ifndef WIRE_ROUNDS_H
#define WIRE_ROUNDS_H

#include "run.h"

struct rounds;

/* KEEP: so many bytes of each round it may keep; and 256 KiB at the least,
 * where it was given as a command. */
struct rounds *rounds_begin(const struct run *r, long most, long keep);
/* A round is over. True: the program has come to rest. */
bool rounds_settled(struct rounds *rounds, struct run *r);
/* All rounds are over, and it has not; false. */
bool rounds_fail(const struct rounds *rounds, struct run *r);
void rounds_free(struct rounds *rounds);

#endif
