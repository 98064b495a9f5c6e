#include "totals.h"

#include <stdlib.h>

struct totals totals_of(const struct journal *journals, int count)
{
    struct totals t = {0};
    for (int i = 0; i < count; i++) {
        const struct journal *j = &journals[i];
        int points = atoi(journal_get(j, "points"));
        bool passed = journal_verdict_is(j, "pass");
        t.passed += passed;
        t.failed += journal_verdict_is(j, "fail");
        t.advice += journal_verdict_is(j, "advice");
        t.skipped += journal_verdict_is(j, "skip");
        t.not_run += journal_verdict_is(j, "not run");
        t.undecided += journal_verdict_is(j, "undecided");
        if (passed)
            *(*journal_get(j, "held") ? &t.points_held : &t.points) += points;
        /* What this machine cannot judge is not held against anyone. */
        if (!journal_verdict_is(j, "skip") &&
            !journal_verdict_is(j, "undecided"))
            t.points_possible += points;
    }
    return t;
}

int totals_exit_status(const struct journal *journals, int count)
{
    struct totals t = totals_of(journals, count);
    if (t.failed)
        return 1;
    if (t.undecided)
        return 2;
    return t.passed || t.advice ? 0 : 77;
}
