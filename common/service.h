/* service.h - how a server begins and ends, from lesson 4 on: what lesson 4
 * adds.
 *
 * It is the same in every server, and its end has to be in the right order. */

#ifndef SERVICE_H
#define SERVICE_H

#include "async_socket.h"

struct addrinfo;

/* From now on SIGINT and SIGTERM end the loop_run() of LOOP: the program goes
 * on behind it, and ends with service_end(). One loop of a program can have
 * this. Call it on the main thread. .NET: Console.CancelKeyPress. */
void service_stop_on_signals(struct loop *loop);

/* Listens on the first of ADDRESSES that lets it, with room for BACKLOG
 * connections, and prints the line "Listening on ADDRESS:PORT". The caller
 * closes the socket, or leaves that to loop_destroy(). Returns NULL with the
 * errno of the last address. .NET: new Socket, Bind, Listen. */
struct async_socket *service_listen(struct loop *loop,
                                    const struct addrinfo *addresses,
                                    int backlog);

/* Prints that line, for a server that listens in another way. */
void service_print_listening(const struct sockaddr *address, socklen_t length);

/* loop_destroy(), after it was made sure that no signal reaches LOOP any more:
 * a user may press Ctrl-C twice. On the main thread. */
void service_end(struct loop *loop);

#endif
