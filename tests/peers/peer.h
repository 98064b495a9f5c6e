/*
 * peer: what the echo programs in C of this folder share, so that each of them
 * shows little more than its shape. It is code of its own: it knows nothing of
 * the kit's library.
 *
 * A server calls peer_listen() once. A server that blocks goes on with
 * peer_accept() and peer_serve(); one that never blocks makes a talk of each
 * connection and calls peer_talk_on() whenever its socket is ready.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define PEER_TEXT_MAX 1048576 /* bytes, <EOF> included */
#define PEER_NAME_MAX 64      /* for ADDRESS:PORT and its NUL */

/* ---- a text that grows until its <EOF> is there ---- */

struct peer_text {
    char *bytes; /* from malloc(), or NULL */
    size_t length;
    size_t capacity;
};

enum peer_state {
    PEER_MORE,     /* the text goes on */
    PEER_COMPLETE, /* <EOF> is there, and the text ends behind it */
    PEER_REFUSED   /* too long, or no memory: there will be no reply */
};

enum peer_state peer_text_add(struct peer_text *text, const char *piece,
                              size_t size);
void peer_text_free(struct peer_text *text);

/* ---- the transcript: each peer_say_ writes at once ---- */

void peer_print_escaped(const char *bytes, size_t size); /* to stdout */
void peer_say_read(const struct peer_text *text);
void peer_say_sent(size_t size);
void peer_say_refused(const char *name, const char *reason);

/* ---- addresses ---- */

bool peer_is_port(const char *word);
void peer_format_address(const struct sockaddr *address, socklen_t size,
                         char name[PEER_NAME_MAX]);

/* Listens where the arguments say so, and prints where that is. Wrong arguments
 * end the program with status 2 and the usage, all else with status 1 and the
 * reason. */
int peer_listen(int argc, char *argv[], const char *usage);

/* Says whom the server has accepted, and writes the address to NAME. */
void peer_say_accepted(int fd, char name[PEER_NAME_MAX]);

/* Accepts a client, and says so as above. -1 with errno:
 * peer_is_full() tells whether that is for lack of something. */
int peer_try_accept(int listener, char name[PEER_NAME_MAX]);
bool peer_is_full(int error);

/* The same for a server that blocks: waits until there is a client, and, where
 * something is lacking, until it is there again. */
int peer_accept(int listener, char name[PEER_NAME_MAX]);

/* No reply for this one: a clean close, without waiting. */
void peer_refuse(int fd, const char *name, const char *reason);

/* SIGINT and SIGTERM end the program with status 0, and nothing else has to be
 * done first. */
void peer_end_on_signals(void);

/* ---- a whole conversation ---- */

/* Blocks until it is over, and closes fd. */
void peer_serve(int fd, const char *name);

/* The same in steps that do not block. */
struct peer_talk;

enum peer_wish {
    PEER_READ,  /* go on when the socket is readable */
    PEER_WRITE, /* go on when the socket is writable */
    PEER_AGAIN, /* go on now, but let the others have their turn first */
    PEER_OVER   /* it is over: peer_talk_free() */
};

/* Takes fd, and makes it non-blocking. NULL: no memory, and fd is closed. */
struct peer_talk *peer_talk_new(int fd, const char *name);
int peer_talk_fd(const struct peer_talk *talk);
enum peer_wish peer_talk_on(struct peer_talk *talk);
void peer_talk_free(struct peer_talk *talk);

#endif
