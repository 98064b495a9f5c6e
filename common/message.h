/* message.h - texts that end with <EOF>, in a stream: what lesson 2 adds.
 *
 * TCP delivers bytes in order, and nothing else: where one send() ended is not
 * to be seen at the other side. So the protocol marks the end of a text with
 * the five bytes <EOF>, and the receiver collects until it has seen them.
 *
 * A struct message only collects; it knows no sockets and never waits, so a
 * program that must not wait can use it too. The functions with a descriptor,
 * below, do wait. All of them report errors with -1 and errno, and none ends
 * the program. Threads may use different messages at the same time. */

#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

enum {
    MESSAGE_END_SIZE = 5,          /* bytes of "<EOF>" */
    MESSAGE_FIRST_CAPACITY = 4096, /* memory that a message starts with */
    MESSAGE_MAX = 1048576          /* longest text in bytes, <EOF> included */
};

/* The bytes that mark the end of a text: "<EOF>". */
extern const char message_end[MESSAGE_END_SIZE + 1];

/* A text that is being collected. Any byte may occur in it, NUL too: use
 * length, never strlen(). */
struct message {
    char *bytes;     /* the message's own memory; NULL while there is none */
    size_t length;   /* bytes collected; when complete, up to and with <EOF> */
    size_t capacity; /* size of the memory in bytes */
    bool complete;   /* <EOF> has been seen */
};

/* What message_receive() found. */
enum message_outcome {
    MESSAGE_FAILED = -1, /* see errno */
    MESSAGE_CUT = 0,     /* the other side ended before <EOF> */
    MESSAGE_COMPLETE = 1 /* the whole text is there */
};

/* ---- collecting: never waits ---- */

/* Makes MESSAGE an empty one. Takes no memory yet. */
void message_init(struct message *message);

/* Gives back the memory of MESSAGE, which is then an empty one. Leaves errno
 * alone. */
void message_destroy(struct message *message);

/* Adds COUNT bytes that have just arrived, and looks for the end of the text.
 * Only the new bytes are searched, and the last four before them, since <EOF>
 * may arrive in two pieces: the cost is that of the bytes, not of their square.
 * What follows <EOF> is thrown away, also by later calls.
 * Returns 0; or -1 with EMSGSIZE if the text is longer than MESSAGE_MAX, or
 * ENOMEM. After an error the message can only be destroyed. */
int message_append(struct message *message, const char *bytes, size_t count);

/* Whether the text is there in full. */
bool message_is_complete(const struct message *message);

/* Writes COUNT bytes to STREAM for people to read: control bytes and the
 * backslash are escaped as in C (\n, \0 as \x00), so that data can neither fake
 * a line of output nor drive the terminal. Bytes above 0x7F are written as they
 * are: they may be letters in UTF-8. Returns 0, or -1 with errno of the stream.
 */
int message_print(FILE *stream, const char *bytes, size_t count);

/* ---- with a socket: may wait ---- */

/* Receives from FD into MESSAGE until the text is complete. A signal is no
 * reason to stop. What the other side sent behind <EOF>, and came in the same
 * recv(), is thrown away.
 * Returns MESSAGE_COMPLETE; MESSAGE_CUT if the other side sent FIN first; or
 * MESSAGE_FAILED with errno: ECONNRESET, EMSGSIZE, ENOMEM, EAGAIN on a socket
 * that does not wait ... Stands for a loop around Socket.Receive of .NET. */
enum message_outcome message_receive(int fd, struct message *message);

/* Calls send() once: hands the kernel as many of COUNT bytes as it takes now.
 * If the connection is gone, that is the error EPIPE, and not the signal
 * SIGPIPE, which would end the program.
 * Returns how many bytes it took, perhaps fewer than COUNT; or -1 with errno:
 * EPIPE, ECONNRESET, EINTR, EAGAIN ... Stands for Socket.Send of .NET. */
ssize_t message_send_some(int fd, const char *bytes, size_t count);

/* Sends all COUNT bytes, however often it takes. A signal is no reason to stop.
 * Returns 0; or -1 with errno as message_send_some(), when part of the bytes
 * may have been sent. Stands for a loop around Socket.Send of .NET. */
int message_send_all(int fd, const char *bytes, size_t count);

/* Receives and throws away whatever comes, until the other side's FIN. Do it
 * before close(): a socket that is closed with unread bytes in it throws away
 * what it has not sent yet, and sends RST in place of FIN.
 * Returns 0; or -1 with errno: ECONNRESET ... */
int message_drain(int fd);

#endif
