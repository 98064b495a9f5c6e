/* An echo server with a thread for each client, in C.
 *
 * The main thread accepts; each other one serves one client and ends. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

struct client {
    int fd;
    char name[PEER_NAME_MAX];
};

static void *serve(void *argument)
{
    struct client client = *(struct client *)argument;

    free(argument);
    peer_serve(client.fd, client.name);
    return NULL;
}

static void start_thread(int fd, const char *name)
{
    struct client *client = malloc(sizeof *client);
    pthread_t thread;

    if (client != NULL) {
        client->fd = fd;
        snprintf(client->name, sizeof client->name, "%s", name);
        if (pthread_create(&thread, NULL, serve, client) == 0) {
            pthread_detach(thread);
            return;
        }
    }
    free(client);
    peer_refuse(fd, name, "no thread for it");
}

int main(int argc, char *argv[])
{
    char name[PEER_NAME_MAX];

    peer_end_on_signals();
    int listener = peer_listen(argc, argv, "USAGE: threads [HOST [PORT]]");

    for (;;) {
        int fd = peer_accept(listener, name);

        start_thread(fd, name);
    }
}
