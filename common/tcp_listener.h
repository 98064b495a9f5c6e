/* tcp_listener.h - listens at an address, and gives a client for each
 * connection: what lesson 6 adds. .NET: TcpListener.
 *
 * A listener can be stopped and started again; what async_accept.h says of one
 * socket holds from each Start to the next Stop.
 *
 * The life of a listener: tcp_listener_stop() ends the listening,
 * tcp_listener_destroy() gives the memory back. An accept that is not yet ended
 * keeps the listener: so a callback may always call End, also after Stop and
 * after destroy. An accept that nobody ends keeps it for ever.
 *
 * Threads: every function may be called on any thread; callbacks run on the
 * loop's thread. */

#ifndef TCP_LISTENER_H
#define TCP_LISTENER_H

#include <sys/socket.h>

#include "async_result.h"
#include "loop.h"
#include "tcp_client.h"

struct tcp_listener;

/* Makes a listener of LOOP for ADDRESS, which is copied; its port may be 0: the
 * kernel chooses. No socket is made before tcp_listener_start(). The caller
 * ends the listener with tcp_listener_destroy(), before loop_destroy(), or in a
 * callback that loop_destroy() runs.
 * Returns NULL with EINVAL (no address, or none of that length) or ENOMEM.
 * .NET: new TcpListener(endpoint). */
struct tcp_listener *tcp_listener_create(struct loop *loop,
                                         const struct sockaddr *address,
                                         socklen_t length);

/* Listens, with room for BACKLOG connections in the accept queue. If it does
 * already, nothing happens. After Stop it listens again, at the same address:
 * also the same port, if the kernel chose it.
 * Returns 0, or -1 with EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT,
 * ECANCELED (the loop is being destroyed), EMFILE, ENFILE, ENOMEM: then it does
 * not listen. .NET: Start. */
int tcp_listener_start(struct tcp_listener *listener, int backlog);

/* Listens no more: the address is free again, connections in the accept queue
 * are reset, and accepts that are pending complete with ECANCELED; their
 * callbacks follow from the loop, never from here. If it does not listen,
 * nothing happens; NULL is fine. .NET: Stop. */
void tcp_listener_stop(struct tcp_listener *listener);

/* Where it listens: the address given to create, but once it was started with
 * the port that the kernel chose. *LENGTH holds the room at ADDRESS, and then
 * what was used of it. Returns 0. .NET: LocalEndpoint. */
int tcp_listener_local_address(struct tcp_listener *listener,
                               struct sockaddr *address, socklen_t *length);

/* Begins to accept one connection. Several may be pending; each gets a
 * connection of its own, in the order of their Begins.
 * Returns the result, or NULL with EINVAL (not started, or stopped) or ENOMEM.
 * .NET: BeginAcceptTcpClient. */
struct async_result *tcp_listener_begin_accept(struct tcp_listener *listener,
                                               async_callback *callback,
                                               void *state);

/* Ends it. Returns the new client, connected, which the caller ends with
 * tcp_client_destroy(); or NULL with errno (async_result.h, where for "closed"
 * read "stopped", whether or not it was started again since), of the operation
 * itself EMFILE or ENOMEM: that client was turned away, and others may be
 * accepted. .NET: EndAcceptTcpClient. */
struct tcp_client *tcp_listener_end_accept(struct tcp_listener *listener,
                                           struct async_result *ar);

/* Stops the listener, and gives its memory back as soon as every accept that
 * was begun on it is ended. Call it once; after that only End may still be
 * called. The clients live on. NULL is fine.
 * .NET: none; there the garbage collector does it. */
void tcp_listener_destroy(struct tcp_listener *listener);

#endif
