/* An echo server on libuv, in C.
 *
 * libuv calls back when something has happened, and never blocks. When no
 * descriptor is left, libuv itself accepts who waits, with one that it keeps
 * for that, and closes the connection: that client is dropped, and the others
 * do not notice. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "peer.h"

struct client {
    uv_tcp_t tcp; /* its data is this client */
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct peer_text text;
    bool decided; /* whether there is a reply; the rest is thrown away */
    bool said_all, heard_all;
    char name[PEER_NAME_MAX];
};

static void on_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;

    peer_text_free(&c->text);
    free(c);
}

static void leave(struct client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct client *c = request->data;

    c->said_all = true;
    if (c->heard_all || status < 0)
        leave(c);
}

static void end_sending(struct client *c)
{
    c->decided = true;
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) < 0)
        leave(c);
}

static void on_written(uv_write_t *request, int status)
{
    struct client *c = request->data;

    if (status == 0)
        peer_say_sent(c->text.length);
    peer_text_free(&c->text);
}

static void reply(struct client *c)
{
    uv_buf_t buffer = uv_buf_init(c->text.bytes, (unsigned)c->text.length);

    peer_say_read(&c->text);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &buffer, 1, on_written) < 0)
        leave(c);
    else
        end_sending(c); /* behind the reply */
}

static void refuse(struct client *c, const char *reason)
{
    peer_say_refused(c->name, reason);
    peer_text_free(&c->text);
    end_sending(c);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct client *c = stream->data;

    if (size == UV_EOF) {
        c->heard_all = true;
        if (!c->decided)
            refuse(c, "the text is cut");
        else if (c->said_all)
            leave(c);
    } else if (size < 0) {
        leave(c);
    } else if (size > 0 && !c->decided) {
        switch (peer_text_add(&c->text, buffer->base, (size_t)size)) {
        case PEER_COMPLETE:
            reply(c);
            break;
        case PEER_REFUSED:
            refuse(c, "the text is too long");
            break;
        case PEER_MORE:
            break;
        }
    }
}

static void on_room(uv_handle_t *handle, size_t proposed, uv_buf_t *buffer)
{
    static char piece[65536]; /* on_read() comes next, and empties it */

    (void)handle;
    (void)proposed;
    *buffer = uv_buf_init(piece, sizeof piece);
}

static void on_client(uv_stream_t *server, int status)
{
    struct client *c;
    uv_os_fd_t fd;

    if (status < 0 || (c = calloc(1, sizeof *c)) == NULL)
        return;
    uv_tcp_init(server->loop, &c->tcp);
    c->tcp.data = c;
    if (uv_accept(server, (uv_stream_t *)&c->tcp) < 0 ||
        uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read) < 0) {
        leave(c);
        return;
    }
    peer_say_accepted(fd, c->name);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

int main(int argc, char *argv[])
{
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t interrupt, terminate;
    uv_tcp_t server;

    signal(SIGPIPE, SIG_IGN);
    uv_signal_init(loop, &interrupt);
    uv_signal_init(loop, &terminate);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    int listener = peer_listen(argc, argv, "synopsis: uv [HOST [PORT]]");
    uv_tcp_init(loop, &server);
    int error = uv_tcp_open(&server, listener);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&server, SOMAXCONN, on_client);
    if (error < 0) {
        fprintf(stderr, "server: listen: %s\n", uv_strerror(error));
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
