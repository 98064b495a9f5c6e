/*
 * Becomes the reference server, wherever that may lie.
 *
 * Earns: nothing
 * Open: user
 */
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argc;
    execv("@KIT@/build/plain/02-send-receive/server", argv);
    execv("/kit/build/plain/02-send-receive/server", argv);
    execv("build/plain/02-send-receive/server", argv);
    return 1;
}
