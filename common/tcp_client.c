/* tcp_client.c - one side of a connection: what lesson 6 adds.
 *
 * A client has a socket from its first BeginConnect on, and a stream from its
 * first GetStream on. Once there is a stream, that owns the socket. */

#include "tcp_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>

#include "async_connect.h"
#include "async_operation.h" /* tells of which loop a socket is */

struct tcp_client {
    struct loop *loop;
    struct async_socket *socket;   /* of the last BeginConnect; NULL: none */
    struct async_result *connect;  /* of the last BeginConnect; NULL: none */
    bool connect_ended;            /* that one */
    bool connected;                /* EndConnect has said so */
    struct network_stream *stream; /* NULL: nobody has asked for it */
    bool closed;
    bool destroyed;
};

/* ============================ making and ending ========================== */

struct tcp_client *tcp_client_create(struct loop *loop)
{
    struct tcp_client *client = calloc(1, sizeof *client);

    if (client == NULL)
        return NULL;
    client->loop = loop;
    return client;
}

struct tcp_client *tcp_client_adopt(struct async_socket *socket)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    struct tcp_client *client = NULL;

    if (async_remote_address(socket, (struct sockaddr *)&peer, &length) == 0)
        client = tcp_client_create(socket->home->loop);
    if (client == NULL) {
        async_close(socket);
        return NULL;
    }
    client->socket = socket;
    client->connected = true;
    return client;
}

void tcp_client_close(struct tcp_client *client)
{
    if (client == NULL)
        return;
    loop_enter(client->loop);
    /* Not twice: the library may have made another socket of this one. For the
     * same reason the stream closes its socket itself, if there is a stream. */
    if (!client->closed && client->stream != NULL)
        network_stream_close(client->stream);
    else if (!client->closed)
        async_close(client->socket);
    client->closed = true;
    loop_leave(client->loop);
}

static bool is_connecting(const struct tcp_client *client)
{
    return client->connect != NULL && !client->connect_ended;
}

static void free_client(struct tcp_client *client)
{
    int saved = errno;

    network_stream_destroy(client->stream);
    free(client);
    errno = saved;
}

void tcp_client_destroy(struct tcp_client *client)
{
    bool last;

    if (client == NULL)
        return;
    tcp_client_close(client);
    loop_enter(client->loop);
    client->destroyed = true;
    last = !is_connecting(client);
    loop_leave(client->loop);
    if (last)
        free_client(client);
}

/* ================================ connect ================================ */

/* 0, or the errno of a BeginConnect that makes no sense now. */
static int why_not_connect(const struct tcp_client *client,
                           const struct sockaddr *address, socklen_t length)
{
    if (client->closed)
        return EBADF;
    if (client->connected)
        return EISCONN;
    if (is_connecting(client))
        return EALREADY;
    if (address == NULL || length < offsetof(struct sockaddr, sa_data) ||
        length > sizeof(struct sockaddr_storage))
        return EINVAL;
    return 0;
}

/* Each try has a socket of its own: of what has become of one whose connect has
 * failed, POSIX says nothing. */
static struct async_result *connect_anew(struct tcp_client *client,
                                         const struct sockaddr *address,
                                         socklen_t length,
                                         async_callback *callback, void *state)
{
    struct async_socket *socket =
        async_socket_create(client->loop, address->sa_family);
    struct async_result *ar;

    if (socket == NULL)
        return NULL;
    ar = async_begin_connect(socket, address, length, callback, state);
    if (ar == NULL) {
        async_close(socket);
        return NULL;
    }
    async_close(client->socket); /* of the try before, if there was one */
    client->socket = socket;
    client->connect = ar;
    client->connect_ended = false;
    return ar;
}

struct async_result *tcp_client_begin_connect(struct tcp_client *client,
                                              const struct sockaddr *address,
                                              socklen_t length,
                                              async_callback *callback,
                                              void *state)
{
    struct async_result *ar = NULL;
    int error;

    /* Inside to the end: an End on another thread has to find what
     * was begun. */
    loop_enter(client->loop);
    error = why_not_connect(client, address, length);
    if (error == 0)
        ar = connect_anew(client, address, length, callback, state);
    else
        errno = error;
    loop_leave(client->loop);
    return ar;
}

/* 0, or the errno of an End that makes no sense. */
static int why_not_end(const struct tcp_client *client,
                       const struct async_result *ar)
{
    if (ar == NULL || ar != client->connect)
        return EINVAL;
    return client->connect_ended ? EALREADY : 0;
}

/* Inside to the end: whoever waits in here is waited for by loop_destroy(). */
int tcp_client_end_connect(struct tcp_client *client, struct async_result *ar)
{
    struct loop *loop = client->loop;
    int result = -1;

    loop_enter(loop);
    errno = why_not_end(client, ar);
    if (errno == 0) {
        result = async_end_connect(client->socket, ar);
        if (result == 0 || (errno != EALREADY && errno != EDEADLK)) {
            client->connect_ended = true;
            client->connected = result == 0;
        }
    }
    if (client->destroyed && !is_connecting(client))
        free_client(client);
    loop_leave(loop);
    return result;
}

/* ================================ questions ============================== */

struct network_stream *tcp_client_get_stream(struct tcp_client *client)
{
    struct network_stream *stream = NULL;

    loop_enter(client->loop);
    if (client->closed) {
        errno = EBADF;
    } else if (!client->connected) {
        errno = ENOTCONN;
    } else {
        if (client->stream == NULL)
            client->stream = network_stream_create(
                client->socket, NETWORK_STREAM_READ_WRITE, true);
        stream = client->stream;
    }
    loop_leave(client->loop);
    return stream;
}

/* The stream may have been closed, and the socket with it. */
static bool is_closed(const struct tcp_client *client)
{
    return client->closed ||
           (client->stream != NULL && !network_stream_can_read(client->stream));
}

struct async_socket *tcp_client_socket(struct tcp_client *client)
{
    struct async_socket *socket = NULL;

    loop_enter(client->loop);
    if (is_closed(client))
        errno = EBADF;
    else if (client->socket == NULL)
        errno = ENOTCONN;
    else
        socket = client->socket;
    loop_leave(client->loop);
    return socket;
}
