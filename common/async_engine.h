/* async_engine.h - what the files share that make operations go on and wait for
 * them: async_result.c, async_socket.c, and in lesson 7 async_wait.c and
 * loop_thread.c. Nobody else may see it. */

#ifndef ASYNC_ENGINE_H
#define ASYNC_ENGINE_H

#include "async_operation.h"

/* At least so many ended results and closed sockets are kept back before one is
 * used again, so that a late second End or Close finds out what it is. */
#define ASYNC_KEPT 256

/* First in, first out. */
struct async_queue {
    struct async_result *first, *last;
    size_t count;
};

void async_queue_put(struct async_queue *queue, struct async_result *ar);
struct async_result *async_queue_get(struct async_queue *queue);

enum { READING, WRITING, DIRECTIONS };

struct async_socket {
    struct async_core *core;
    int fd; /* -1 once closed */
    int family;
    bool closed;          /* async_close() was called */
    bool close_wanted;    /* by another thread: the loop has to do it */
    bool shut;            /* no more sends */
    bool wants_attention; /* the loop has to look at its queues */
    bool starved;         /* an accept waits for a descriptor */
    unsigned watched;     /* events that the loop watches */
    unsigned references;  /* its open state, and results not ended */
    enum async_socket_role role;
    struct async_queue queues[DIRECTIONS];
    struct sockaddr_storage peer;
    socklen_t peer_length;
    struct async_socket *next;      /* among the kept ones */
    struct async_socket *attention; /* the next that wants attention */
    struct async_socket *all;       /* every socket of the loop */
};

/* One a loop: what its operations have in common. */
struct async_core {
    struct loop_extension extension;
    struct loop *loop;
    pthread_t owner; /* the thread that runs the loop */
    pthread_mutex_t lock;
    pthread_cond_t completion; /* something was completed */
    struct async_queue over;   /* to be completed in phase 3 */
    struct async_queue kept;   /* ended results */
    struct async_result *all;
    struct async_socket *attention;
    struct async_socket *kept_sockets, *last_kept;
    size_t kept_socket_count;
    struct async_socket *all_sockets;
    int starved;    /* sockets whose accept waits for a descriptor */
    bool closing;   /* loop_destroy() has begun: no new sockets */
    bool retry_set; /* a timer will look after starved accepts */
};

struct async_core *async_core_of(struct loop *loop);

/* With the lock held. */
void async_over(struct async_core *core, struct async_result *ar);
void async_socket_release(struct async_socket *socket);

/* Without the lock, on the loop's thread. */
void async_socket_process(struct async_socket *socket);
void async_core_attend(struct async_core *core);
void async_socket_close_now(struct async_socket *socket);

/* Without the lock, on any thread. False: the socket is closed. */
bool async_socket_submit(struct async_socket *socket, struct async_result *ar);
bool async_on_loop(const struct async_core *core);

#endif
