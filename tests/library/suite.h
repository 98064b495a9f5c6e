/* How the unit tests of common/ are run: each in a process of its own, with a
 * time limit, and by name if somebody asks for one. */

#ifndef SUITE_H
#define SUITE_H

#include <check.h>

struct suite {
    const char *title;
    const TTest *const *tests; /* NULL ends them */
    void (*set_up)(void);      /* before each test, in its process */
    void (*tear_down)(void);
    const struct suite *next; /* more tests, with another set-up; or NULL */
};

/* In a test: what it waits for from now on. Told if that never comes. */
void suite_wait_for(const char *words);

/* Runs the tests that the command line names by the beginnings of their names,
 * or all of them; but not those that it names with a - in front. Says "FAILED
 * name: message" for each one that failed, or else "PASSED" and how many: who
 * has not read that has seen no test pass. Returns the status for main(). */
int suite_run(const struct suite *suite, int argc, char *argv[]);

#endif
