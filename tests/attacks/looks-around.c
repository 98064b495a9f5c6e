/*
 * Looks for the checks, the results, the kit, and what others have handed in.
 *
 * Earns: nothing
 * Says: seen: none
 * Open: user
 */
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    static const char *const places[] = {
        "/kit/*",  "/results/*",  "@KIT@/*",     "@SUBMISSIONS@/*",
        "@OUT@/*", "/etc/passwd", "/etc/shadow", "/root/*",
        "/home/*", "/sys/*",      "/boot/*"};
    const char *seen = "none";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        glob_t found;
        if (glob(places[i], 0, NULL, &found) == 0)
            seen = places[i];
    }
    fprintf(stderr, "seen: %s\n", seen);
    return 1;
}
