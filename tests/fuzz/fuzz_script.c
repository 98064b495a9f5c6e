/* Any bytes, read as a check: the parser must come back, with a script or with
 * an error that can be shown. */
#include "../../harness/wire/script.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script;
    struct script_error error;
    struct bytes shown = {0};

    if (!script_parse(&script, "fuzz.wire", (const char *)data, size, &error)) {
        if (!error.message)
            abort();
        script_error_show(&error, &shown);
    }
    bytes_free(&shown);
    script_error_free(&error);
    script_free(&script);
    return 0;
}
