/* Any bytes, read as a journal: a line that is none of ours is refused, and of
 * the others every report can be made. */
#include "../../harness/wire/report.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void report(const struct journal *j)
{
    static const enum report_format formats[] = {REPORT_TEXT, REPORT_TAP,
                                                 REPORT_JUNIT, REPORT_JSON};
    struct report_options o = {0};
    FILE *nowhere = fopen("/dev/null", "w");
    if (!nowhere)
        abort();
    for (int i = 0; i < 4; i++) {
        o.format = formats[i];
        report_all(j, 1, &o, nowhere);
    }
    o.plain = true;
    report_show(j, &o, nowhere);
    fclose(nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal j;
    int line;
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
    if (!file)
        return 0; /* it has no bytes */
    if (journal_read(&j, file, &line))
        report(&j);
    fclose(file);
    journal_free(&j);
    return 0;
}
