/* async_operation.h - for those who write Begin and End functions.
 *
 * An operation is written in three steps, and every async_*.c shows them:
 *   1. the try: one call that does not wait. If it is through, the operation is
 *      over; if it would have to wait, it is made again when the descriptor is
 *      ready (readiness).
 *   2. Begin: async_result_create(), a look at the arguments, and
 *      async_result_start(), or async_result_refuse() if they make no sense.
 *   3. End: async_result_take(), and what the operation has brought
 *      (completion).
 *
 * One call goes straight down, and its outcome comes back the same way:
 *
 *   async_receive.c      Begin                       End      callback
 *         |                |                          ^           ^
 *   async_result.c     start()                     take()     complete()
 *         |                |                                      ^
 *   the engine         begin()  ---> the try ---> over  --------> |
 *         |                |           ^                 (phase 3 of a round)
 *   the loop           loop_watch()    |
 *                          `---> it is ready (phase 2)
 *
 * The engine is a table of functions, and nothing above it knows how it makes
 * an operation go on. */

#ifndef ASYNC_OPERATION_H
#define ASYNC_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "async_result.h"
#include "async_socket.h"
#include "list.h"
#include "loop_extension.h"

/* =========================== a kind of operation ========================= */

/* The two directions of a socket do not wait for each other. */
enum async_direction { ASYNC_READING, ASYNC_WRITING, ASYNC_DIRECTIONS };

/* What a try says. OVER: it is done, or has failed with ar->error. WAIT: again,
 * when the descriptor is ready. LATER: again, when the loop has closed a
 * descriptor, or in 100 ms. */
enum async_attempt { ASYNC_OVER, ASYNC_WAIT, ASYNC_LATER };

struct async_operation {
    enum async_direction direction;
    /* For the engine on readiness. */
    enum async_attempt (*attempt)(struct async_result *ar);
};

/* ================================ a result =============================== */

/* The life of a result:
 *
 *     Begin       the loop         End         nobody else inside End
 *       |             |             |             |
 *       v             v             v             v
 *    PENDING ---> COMPLETE ----> ENDED -------> FREE
 *                     |
 *                 callback           given back in the next round */
enum async_life { ASYNC_PENDING, ASYNC_COMPLETE, ASYNC_ENDED, ASYNC_FREE };

struct async_result {
    struct list_node node; /* in one list at a time */
    enum async_life life;
    int users; /* calls of End that are inside */
    /* what was asked for */
    const struct async_operation *operation;
    struct async_socket *socket;
    struct async_loop *home; /* which outlives the socket */
    async_callback *callback;
    void *state;
    char *buffer; /* send, receive */
    size_t length;
    /* how far it is */
    bool started;                    /* connect(): was it called? */
    size_t done;                     /* bytes so far */
    int error;                       /* errno of the operation; 0: none */
    int accepted;                    /* a descriptor; -1: none */
    struct sockaddr_storage address; /* of the peer: accept, connect */
    socklen_t address_length;
    /* Called when it is COMPLETE, before the callback, and when it is FREE, at
     * the very end. NULL: nobody else wants to know. */
    async_callback *watcher;
    void *watcher_state;
};

/* If SOCKET can be used, true; then loop_leave() is the caller's. Else false,
 * with EINVAL (there is none) or EBADF (it is closed). */
bool async_enter(struct async_socket *socket);

/* A new result of an operation on SOCKET; NULL with EINVAL (no socket), EBADF
 * (it is closed) or ENOMEM. What may be in the way of it is looked at next, and
 * then comes one of the two functions below, on every path: until then nobody
 * else can use this loop. */
struct async_result *
async_result_create(struct async_socket *socket,
                    const struct async_operation *operation,
                    async_callback *callback, void *state);

/* It makes no sense, because of ERROR: takes AR back. Returns NULL, with errno
 * set, as a Begin that fails. */
struct async_result *async_result_refuse(struct async_result *ar, int error);

/* It goes on by itself from now on. Returns AR. */
struct async_result *async_result_start(struct async_result *ar);

/* The beginning of every End: looks at AR, waits for it if another thread runs
 * the loop, and claims it. Returns 0, and *OUTCOME is AR as it was, or -1 with
 * errno; the errors and their order stand in async_result.h. */
int async_result_take(struct async_result *ar, struct async_socket *socket,
                      const struct async_operation *operation,
                      struct async_result *outcome);

/* ================================ a socket =============================== */

enum async_role {
    ASYNC_NEW,
    ASYNC_LISTENING,
    ASYNC_CONNECTING,
    ASYNC_CONNECTED,
    ASYNC_CLOSED
};

struct async_socket {
    struct list_node node; /* in one list of its loop */
    struct async_loop *home;
    int fd; /* -1: it has been given back */
    enum async_role role;
    bool shut;        /* no more sends: FIN follows the last one */
    unsigned results; /* that are not FREE yet */
    struct list queues[ASYNC_DIRECTIONS]; /* what is pending */
    struct sockaddr_storage peer;
    socklen_t peer_length;
    /* for the engine on readiness */
    unsigned watched; /* events that the loop watches */
    bool drained;     /* the last receive has left nothing behind */
};

/* 0 if SOCKET is connected; -1 with EINVAL, EBADF or ENOTCONN. */
int async_check_connected(struct async_socket *socket);

/* FD as a new socket of HOME; inside. NULL with EMFILE (the back end of the
 * loop has no room for it), ECANCELED (loop_destroy() has begun) or ENOMEM;
 * then FD is still the caller's. */
struct async_socket *async_socket_wrap(struct async_loop *home, int fd);

/* ============================= under the table =========================== */

/* What a loop has of all this: an extension of it. */
struct async_loop {
    struct loop_extension extension;
    struct loop *loop;
    const struct async_engine *engine;
    struct list over;     /* results that phase 3 will complete */
    struct list complete; /* those that may be ended */
    struct list sockets;  /* those with nothing special, also closed ones */
    struct list changed;  /* those that the engine has to settle */
    struct list starved;  /* those that wait for a descriptor */
    struct list unused;   /* results and sockets that nobody needs any more */
    long long retry_at;   /* when the starved ones are fed; see loop_now() */
    bool ending;          /* loop_destroy() has begun */
};

/* How operations are made to go on. All of it happens inside. */
struct async_engine {
    /* AR is the engine's, until that says async_result_over(). */
    void (*begin)(struct async_result *ar);
    /* What is pending on SOCKET has to be over soon, with ERROR. */
    void (*cancel)(struct async_socket *socket, int error);
    /* At the end of a round, for each changed socket: takes it out of that
     * list. If it is closed, gives its descriptor back. */
    void (*settle)(struct async_socket *socket);
};

extern const struct async_engine async_readiness;

/* For the engine: AR is over, with ar->error. */
void async_result_over(struct async_result *ar);

/* For the loop: completes AR, which is over; gives it back. */
void async_result_complete(struct async_result *ar);
void async_result_free(struct async_result *ar);

#endif
