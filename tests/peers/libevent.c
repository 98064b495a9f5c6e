/* An echo server on libevent, in C: a bufferevent for each client.
 *
 * The text is collected in the bufferevent's own input, which is searched from
 * where the last search has ended, and moved to the output as it is. */

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "peer.h"

#define MARK "<EOF>"
#define MARK_SIZE (sizeof MARK - 1)

struct client {
    size_t searched; /* bytes of the input that hold no <EOF> */
    size_t reply;    /* bytes of the reply, 0 where there is none */
    bool decided;    /* from now on what comes is thrown away */
    bool heard_all;  /* the client's FIN is there */
    bool said_all;   /* ours is sent */
    char name[PEER_NAME_MAX];
};

static struct event *after_a_while;

static void leave(struct bufferevent *socket, struct client *c)
{
    bufferevent_free(socket);
    free(c);
}

static void end_sending(struct bufferevent *socket, struct client *c)
{
    shutdown(bufferevent_getfd(socket), SHUT_WR);
    c->said_all = true;
    if (c->heard_all)
        leave(socket, c);
}

static void refuse(struct bufferevent *socket, struct client *c,
                   const char *reason)
{
    struct evbuffer *input = bufferevent_get_input(socket);

    peer_say_refused(c->name, reason);
    c->decided = true;
    evbuffer_drain(input, evbuffer_get_length(input));
    end_sending(socket, c);
}

static void reply(struct bufferevent *socket, struct client *c, size_t size)
{
    struct evbuffer *input = bufferevent_get_input(socket);
    struct peer_text text = {
        .bytes = (char *)evbuffer_pullup(input, (ev_ssize_t)size),
        .length = size,
    };

    peer_say_read(&text);
    c->decided = true;
    c->reply = size;
    evbuffer_remove_buffer(input, bufferevent_get_output(socket), size);
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_read(struct bufferevent *socket, void *argument)
{
    struct client *c = argument;
    struct evbuffer *input = bufferevent_get_input(socket);
    size_t length = evbuffer_get_length(input);
    struct evbuffer_ptr from, found;

    if (c->decided) {
        evbuffer_drain(input, length);
        return;
    }
    evbuffer_ptr_set(input, &from, c->searched, EVBUFFER_PTR_SET);
    found = evbuffer_search(input, MARK, MARK_SIZE, &from);
    if (found.pos >= 0 && (size_t)found.pos + MARK_SIZE <= PEER_TEXT_MAX)
        reply(socket, c, (size_t)found.pos + MARK_SIZE);
    else if (length >= PEER_TEXT_MAX)
        refuse(socket, c, "the text is too long");
    else if (length >= MARK_SIZE)
        c->searched = length - MARK_SIZE + 1;
}

/* The output is empty: the kernel has taken the whole reply. */
static void on_written(struct bufferevent *socket, void *argument)
{
    struct client *c = argument;

    if (c->reply == 0)
        return;
    peer_say_sent(c->reply);
    c->reply = 0;
    end_sending(socket, c);
}

static void on_event(struct bufferevent *socket, short what, void *argument)
{
    struct client *c = argument;

    if (what & BEV_EVENT_ERROR) {
        leave(socket, c);
        return;
    }
    if (!(what & BEV_EVENT_EOF))
        return;
    c->heard_all = true;
    if (!c->decided)
        refuse(socket, c, "the text ends without <EOF>");
    else if (c->said_all)
        leave(socket, c);
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *address, int size, void *argument)
{
    struct event_base *base = evconnlistener_get_base(listener);
    struct client *c = calloc(1, sizeof *c);
    struct bufferevent *socket =
        bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)address;
    (void)size;
    (void)argument;
    if (c == NULL || socket == NULL) {
        fprintf(stderr, "server: no memory for a client\n");
        if (socket != NULL)
            bufferevent_free(socket);
        else
            evutil_closesocket(fd);
        free(c);
        return;
    }
    peer_say_accepted(fd, c->name);
    bufferevent_setcb(socket, on_read, on_written, on_event, c);
    bufferevent_enable(socket, EV_READ | EV_WRITE);
}

/* accept() failed for lack of something: not again at once. */
static void on_error(struct evconnlistener *listener, void *argument)
{
    const struct timeval a_while = {.tv_usec = 100000};

    (void)argument;
    evconnlistener_disable(listener);
    evtimer_add(after_a_while, &a_while);
}

static void on_time(evutil_socket_t none, short what, void *listener)
{
    (void)none;
    (void)what;
    evconnlistener_enable(listener);
}

static void on_signal(evutil_socket_t number, short what, void *base)
{
    (void)number;
    (void)what;
    event_base_loopbreak(base);
}

int main(int argc, char *argv[])
{
    struct event_base *base = event_base_new();

    signal(SIGPIPE, SIG_IGN);
    evsignal_add(evsignal_new(base, SIGINT, on_signal, base), NULL);
    evsignal_add(evsignal_new(base, SIGTERM, on_signal, base), NULL);
    int fd = peer_listen(argc, argv, "libevent expects [HOST [PORT]]");
    evutil_make_socket_nonblocking(fd);
    struct evconnlistener *listener = evconnlistener_new(
        base, on_client, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
        fd);
    after_a_while = evtimer_new(base, on_time, listener);
    evconnlistener_set_error_cb(listener, on_error);
    event_base_dispatch(base);
    evconnlistener_free(listener);
    return 0;
}
