/* tcp_client.h - one side of a connection, from the first try to connect until
 * it is closed: what lesson 6 adds. .NET: TcpClient.
 *
 * A program that connects makes a client, begins to connect it, and in the
 * callback ends that and asks for the stream. A program that listens gets its
 * clients, connected already, from tcp_listener_end_accept().
 *
 * The life of a client: tcp_client_close() ends the connection,
 * tcp_client_destroy() gives the memory back, of the stream too. Operations
 * that are not yet ended keep what they need: so a callback may always call
 * End, also after Close and after destroy. An operation that nobody ends keeps
 * it for ever.
 *
 * Threads: every function may be called on any thread; callbacks run on the
 * loop's thread. */

#ifndef TCP_CLIENT_H
#define TCP_CLIENT_H

#include <sys/socket.h>

#include "async_result.h"
#include "async_socket.h"
#include "loop.h"
#include "network_stream.h"

struct tcp_client;

/* Makes a client of LOOP that is not connected. The caller ends it with
 * tcp_client_destroy(), before loop_destroy(), or in a callback that
 * loop_destroy() runs. Returns NULL with ENOMEM. .NET: new TcpClient(). */
struct tcp_client *tcp_client_create(struct loop *loop);

/* Makes a client of SOCKET, which is connected: for what async_end_accept() has
 * given. The client owns SOCKET from now on; if this fails, SOCKET is closed.
 * Returns NULL with EINVAL (no socket), EBADF (it is closed), ENOTCONN, ENOMEM.
 * .NET: client.Client = socket. */
struct tcp_client *tcp_client_adopt(struct async_socket *socket);

/* Begins to connect to ADDRESS, which is copied and decides about the family of
 * the socket. After a connect that has failed, and was ended, another address
 * may be tried. To give up after a time, close the client from a timer: End
 * then says ECANCELED.
 * Returns the result, or NULL with EBADF (closed), EISCONN, EALREADY (a connect
 * was begun and is not ended), EINVAL (no address, or none of that length),
 * EAFNOSUPPORT, ECANCELED (the loop is being destroyed), EMFILE, ENFILE,
 * ENOMEM. .NET: BeginConnect. */
struct async_result *tcp_client_begin_connect(struct tcp_client *client,
                                              const struct sockaddr *address,
                                              socklen_t length,
                                              async_callback *callback,
                                              void *state);

/* Ends it. Returns 0: the client is connected; or -1 with errno
 * (async_result.h), of the operation itself ECONNREFUSED, ETIMEDOUT,
 * ENETUNREACH and the other errors of connect(). .NET: EndConnect. */
int tcp_client_end_connect(struct tcp_client *client, struct async_result *ar);

/* The stream to read from and write to, the same each time. It belongs to the
 * client, and goes with it. Closing it closes the connection. Keep the pointer
 * with your state: a callback that comes after Close needs it for End, and
 * cannot get it here any more.
 * Returns NULL with EBADF (the client is closed), ENOTCONN (no connect was
 * ended with success), ENOMEM. .NET: GetStream. */
struct network_stream *tcp_client_get_stream(struct tcp_client *client);

/* The socket below: for its addresses, and for async_shutdown(). It belongs to
 * the client: never close it. Returns NULL with EBADF (the client or its stream
 * is closed) or ENOTCONN (no connect was begun). .NET: Client. */
struct async_socket *tcp_client_socket(struct tcp_client *client);

/* Closes the connection and the stream: what is pending completes with
 * ECANCELED, and its callbacks follow from the loop, never from here. The peer
 * sees FIN, or RST if a write is unfinished. Closing again does nothing; NULL
 * is fine. The client is still there, until tcp_client_destroy().
 * .NET: Close. */
void tcp_client_close(struct tcp_client *client);

/* Closes the client, and gives its memory back as soon as every operation that
 * was begun on it and on its stream is ended. Call it once; after that only End
 * may still be called, on both. NULL is fine.
 * .NET: none; there the garbage collector does it. */
void tcp_client_destroy(struct tcp_client *client);

#endif
