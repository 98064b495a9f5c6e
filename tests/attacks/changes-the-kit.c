/*
 * Puts a script in the place of the check runner, and empty checks in that of
 * the lesson's.
 *
 * Earns: nothing
 * Says: changed 0
 */
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    static const char *const places[] = {
        "@KIT@/build/wire",      "@KIT@/lessons/*/checks/*",
        "@KIT@/harness/grade/*", "@KIT@/build/plain/*/*",
        "/kit/build/wire",       "/kit/lessons/*/checks/*"};
    int changed = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        glob_t found;
        if (glob(places[i], 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++) {
            const char *name = found.gl_pathv[k];
            FILE *file;
            chmod(name, 0777);
            file = fopen(name, "r+");
            changed += file != NULL;
            if (file) {
                fputs("#!/bin/sh\nexit 0\n", file);
                fclose(file);
            }
            changed += rename(name, "/tmp/hostile") == 0 || unlink(name) == 0;
        }
        globfree(&found);
    }
    fprintf(stderr, "changed %d\n", changed);
    return 1;
}
