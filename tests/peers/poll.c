/* An echo server with one thread and poll(), in C.
 *
 * There is one array for poll(), and beside it one with the conversations; the
 * listener has place 0. poll() has no limit but the memory. While no descriptor
 * is left for a new client, the listener is left out for 100 ms. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "peer.h"

static struct pollfd *places;
static struct peer_talk **talks;
static size_t count, room;

static bool make_room(void)
{
    if (count < room)
        return true;
    size_t more = room > 0 ? 2 * room : 64;
    struct pollfd *new_places = realloc(places, more * sizeof *places);
    if (new_places == NULL)
        return false;
    places = new_places;
    struct peer_talk **new_talks = realloc(talks, more * sizeof(*talks));
    if (new_talks == NULL)
        return false;
    talks = new_talks;
    room = more;
    return true;
}

/* Returns whether there was a lack of something. */
static bool accept_one(int listener)
{
    char name[PEER_NAME_MAX];
    int fd = peer_try_accept(listener, name);

    if (fd == -1)
        return peer_is_full(errno);
    if (!make_room()) {
        peer_refuse(fd, name, "no memory");
        return false;
    }
    talks[count] = peer_talk_new(fd, name);
    if (talks[count] != NULL)
        places[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    return false;
}

/* Returns whether the client has left; the last one has its place then. */
static bool go_on(size_t i)
{
    switch (peer_talk_on(talks[i])) {
    case PEER_READ:
        places[i].events = POLLIN;
        break;
    case PEER_WRITE:
        places[i].events = POLLOUT;
        break;
    case PEER_AGAIN:
        places[i].events = POLLIN | POLLOUT;
        break;
    case PEER_OVER:
        peer_talk_free(talks[i]);
        count--;
        talks[i] = talks[count];
        places[i] = places[count];
        return true;
    }
    return false;
}

int main(int argc, char *argv[])
{
    bool full = false;

    peer_end_on_signals();
    int listener =
        peer_listen(argc, argv, "poll [HOST [PORT]] -- an echo server");
    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (!make_room())
        return 1;
    places[count++] = (struct pollfd){.events = POLLIN};

    for (;;) {
        places[0].fd = full ? -1 : listener;
        if (poll(places, count, full ? 100 : -1) == -1)
            continue;
        size_t i = 1;
        while (i < count)
            if (places[i].revents == 0 || !go_on(i))
                i++;
        full = accept_one(listener);
    }
}
