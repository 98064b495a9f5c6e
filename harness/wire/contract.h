/*
 * contract: the numbered rules of a protocol, from lessons/contracts.
 *
 * A rule stands there once; checks cite it by its name (connection.3), and
 * failure texts quote it.
 */
#ifndef WIRE_CONTRACT_H
#define WIRE_CONTRACT_H

#include "bytes.h"

#include <stdbool.h>

struct rule {
    char name[48];
    bool must; /* else should: a failure is advice */
    int from;  /* the first lesson that it binds */
    struct bytes says, why;
};

/* Reads FOLDER/connection.rules for connection.3. Returns false, with an
 * `error` text, where the file or the rule is missing. Free with rule_free. */
bool rule_find(const char *folder, const char *name, struct rule *out,
               struct bytes *error);
void rule_free(struct rule *rule);

#endif
