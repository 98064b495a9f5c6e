/*
 * run_check: one check from its first step to its verdict. What happened stands
 * in the journal, and nowhere else.
 */
#ifndef WIRE_RUN_CHECK_H
#define WIRE_RUN_CHECK_H

#include "run.h"

/* What one more run of a check is to tell that has failed. */
enum story {
    STORY_NONE, /* nothing: the run is for its verdict */
    STORY_CALLS,
    STORY_MEMORY, /* where most of it was made, */
    STORY_TIME,   /* where it is spent, */
    STORY_LOCKS,  /* and where threads wait: on the sanitized build */
    STORIES
};

/* Who is asked what. */
struct assignment {
    const struct script *script;
    const char *server; /* the program that is called so in the steps */
    const char *build;  /* of the programs: "san", "tsan"; NULL: the plain */
    enum story story;
    const char *waits_for; /* a check that it needs, and that was not passed;
                              NULL: it can run */
    int news;              /* a descriptor that gets NEWS_...; -1: none */
};

/* True if there is a build of that kind of a program that the check runs, and
 * the check is one to run on it. */
bool run_check_has_build(const struct script *s, const char *server,
                         const struct options *o, const char *build);

/* A check has failed. True if it has such a story, too. */
bool run_check_has_story(const struct script *s, const char *server,
                         const struct options *o, const struct journal *j,
                         enum story story);

/* Takes what the followed run was to tell, where it fits. */
void run_check_take_story(struct journal *j, const struct journal *followed);

/* Runs the check and fills the journal. */
void run_check(const struct assignment *a, const struct options *o,
               struct journal *j);

/* The journal of a check that could not be run to its end. */
void run_check_broken(const struct assignment *a, const struct options *o,
                      const char *why, struct journal *j);

#endif
