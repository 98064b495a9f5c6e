/* An echo server that serves one client at a time, in C.
 *
 * Whoever comes in the meantime waits in the accept queue: the shape of lesson
 * 2. All that a conversation needs stands in peer.c. */

#include "peer.h"

int main(int argc, char *argv[])
{
    char name[PEER_NAME_MAX];

    peer_end_on_signals();
    int listener = peer_listen(argc, argv, "Usage: one [HOST [PORT]]");

    for (;;) {
        int fd = peer_accept(listener, name);

        peer_serve(fd, name);
    }
}
