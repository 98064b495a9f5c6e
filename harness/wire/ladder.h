/*
 * ladder: the events of a journal as a picture made of text, one row an
 * event, time at the side; or, in plain mode, one sentence an event.
 */
#ifndef WIRE_LADDER_H
#define WIRE_LADDER_H

#include "journal.h"

struct ladder_options {
    bool plain;      /* sentences */
    bool transcript; /* what the programs print gets rows too */
    size_t rows;     /* at the most; earlier ones are left out. 0: all */
};

void ladder_draw(const struct journal *j, const struct ladder_options *o,
                 struct bytes *out);

#endif
