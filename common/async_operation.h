/* async_operation.h - for those who write Begin and End functions.
 *
 * An operation is written in three steps, and every async_*.c shows them:
 *   1. the try: one call that does not wait. If it is through, the operation is
 *      over; if it would have to wait, the loop calls it again when the
 *      descriptor is ready (readiness).
 *   2. Begin: looks at the arguments, makes a result, and starts the try.
 *   3. End: async_result_take(), and what the operation has brought
 *      (completion).
 *
 * The engine does the rest: one queue for each direction of a socket, the watch
 * in the loop, the callbacks, other threads, closing. */

#ifndef ASYNC_OPERATION_H
#define ASYNC_OPERATION_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "async_result.h"
#include "async_socket.h"
#include "loop_extension.h"

enum async_kind {
    ASYNC_ACCEPT,
    ASYNC_CONNECT,
    ASYNC_SEND,
    ASYNC_RECEIVE,
    ASYNC_SHUTDOWN /* has no Begin and no End: async_shutdown() */
};

enum async_attempt {
    ASYNC_OVER, /* done, or failed with ar->error */
    ASYNC_WAIT, /* again, when the descriptor is ready */
    ASYNC_LATER /* again, when the loop has closed a descriptor, or in 100 ms */
};

/* Runs on the loop's thread. Reads and writes the fields of AR below. */
typedef enum async_attempt async_try(struct async_result *ar);

struct async_result {
    /* for the operation */
    enum async_kind kind;
    struct async_socket *socket;
    int fd;        /* of the socket, for the try */
    char *buffer;  /* send, receive */
    size_t length; /* of the buffer */
    size_t done;   /* bytes so far */
    bool started;  /* connect(): was it called? */
    int error;     /* errno of the operation; 0: none */
    struct async_socket *accepted;
    struct sockaddr_storage address; /* connect: of the peer */
    socklen_t address_length;

    /* for the engine */
    async_callback *callback;
    void *state;
    async_try *attempt;
    bool completed; /* visible to everybody */
    bool aborted;   /* by async_close() */
    bool ended;     /* End has claimed it */
    bool returned;  /* the callback has */
    int users;      /* threads that are inside a call on it */
    struct async_core *core;
    struct async_result *next; /* in a queue, or among the free ones */
    struct async_result *all;  /* every result of the loop */
    /* for lesson 7 */
    void (*completion_hook)(struct async_result *ar);
    void *wait_handle; /* stays when the result is used again */
    void (*free_hook)(struct async_result *ar); /* gives the handle back */
};

/* 0 if SOCKET can be used by a Begin; -1 with EBADF if it is closed. */
int async_check_open(struct async_socket *socket);
/* The same, and ENOTCONN unless it is connected. */
int async_check_connected(struct async_socket *socket);

/* A new result, not yet started; NULL with EBADF or ENOMEM. */
struct async_result *async_result_create(struct async_socket *socket,
                                         enum async_kind kind,
                                         async_callback *callback, void *state);

/* Puts AR at the end of its direction's queue and sees to it that ATTEMPT is
 * made: at once if this is the loop's thread and nobody is in front. Returns
 * AR, or NULL with EBADF if the socket was closed meanwhile. */
struct async_result *async_result_start(struct async_result *ar,
                                        async_try *attempt);

/* What an operation has brought. */
struct async_outcome {
    size_t bytes;
    struct async_socket *accepted;
};

/* The beginning of every End: looks at AR, waits for it if this is another
 * thread than the loop's, and claims it. Returns 0 and fills OUTCOME, or -1
 * with errno; the errors and their order stand in async_result.h. */
int async_result_take(struct async_result *ar, struct async_socket *socket,
                      enum async_kind kind, struct async_outcome *outcome);

/* A connection that accept() has given, as a socket of the same loop. Takes FD,
 * also on failure. NULL with EMFILE or ENOMEM. */
struct async_socket *async_socket_adopt(struct async_socket *listener, int fd,
                                        const struct sockaddr *peer,
                                        socklen_t length);

/* errno of accept() that is a lack of something which will pass, and those that
 * are one client's trouble and not the listener's. */
bool async_is_shortage(int error);
bool async_is_transient(int error);

/* What SOCKET is now: for Begin functions that depend on it. */
enum async_socket_role {
    ASYNC_NEW,
    ASYNC_LISTENING,
    ASYNC_CONNECTING,
    ASYNC_CONNECTED
};
enum async_socket_role async_socket_role(struct async_socket *socket);
void async_socket_set_role(struct async_socket *socket,
                           enum async_socket_role role);
/* A connect begins: 0, or -1 with EINVAL (it listens), EALREADY or EISCONN. */
int async_begin_connecting(struct async_socket *socket);
/* A connect is over, with ar->error: the socket is connected, or new again. */
void async_connected(struct async_result *ar);
/* True after async_shutdown() of the sending side. */
bool async_socket_is_shut(struct async_socket *socket);

#endif
