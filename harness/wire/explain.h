/*
 * explain: each word that reports use, in the words of the course.
 */
#ifndef WIRE_EXPLAIN_H
#define WIRE_EXPLAIN_H

#include "bytes.h"

#include <stdbool.h>

/* Adds the explanation of a word; false where there is none, and then the
 * list of the words that there are. */
bool explain(const char *word, struct bytes *out);

#endif
