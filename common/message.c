/* message.c - texts that end with <EOF>, in a stream: what lesson 2 adds.
 *
 * Read it from top to bottom: first a text that grows, byte by byte if need be,
 * then the loops that every program needs around send() and recv(). */

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const char message_end[MESSAGE_END_SIZE + 1] = "<EOF>";

/* =============================== collecting ============================== */

void message_init(struct message *message)
{
    memset(message, 0, sizeof *message);
    message->bytes = NULL;
}

void message_destroy(struct message *message)
{
    int saved = errno;

    free(message->bytes);
    message_init(message);
    errno = saved;
}

bool message_is_complete(const struct message *message)
{
    return message->complete;
}

/* Gives the message memory for COUNT more bytes, or for as many of them as a
 * text may have. Doubling makes the copies cheap: a text of a million bytes is
 * moved eight times, not once for each piece that arrives. */
static int make_room(struct message *message, size_t count)
{
    if (message->bytes == NULL) {
        message->bytes = malloc(MESSAGE_FIRST_CAPACITY);
        if (message->bytes == NULL)
            return -1;
        message->capacity = MESSAGE_FIRST_CAPACITY;
    }
    /* TODO b: if length + count is more than capacity, double capacity until it
     * is enough, but never above MESSAGE_MAX: whoever sits at the other side
     * decides about count. Then realloc() bytes; if that fails, return -1. */
    /* BEGIN SOLUTION b */
    /* slide: grow */
    size_t wanted = message->length + count;
    size_t capacity = message->capacity;

    while (capacity < wanted && capacity < MESSAGE_MAX)
        capacity = capacity <= MESSAGE_MAX / 2 ? 2 * capacity : MESSAGE_MAX;
    if (capacity > message->capacity) {
        char *bytes = realloc(message->bytes, capacity);

        if (bytes == NULL)
            return -1;
        message->bytes = bytes;
        message->capacity = capacity;
    }
    /* end slide */
    /* END SOLUTION b */
    return 0;
}

/* What does not fit is looked at last: the text may end in the part that does,
 * and then the rest is not wanted anyway. */
int message_append(struct message *message, const char *bytes, size_t count)
{
    size_t taken;

    if (message->complete || count == 0)
        return 0;
    if (make_room(message, count) == -1)
        return -1;
    taken = message->capacity - message->length;
    if (taken > count)
        taken = count;

    /* TODO a: memcpy() the first "taken" of the bytes behind what is there, and
     * add to length. Then look for message_end, with memcmp(), at each place
     * where it can have ended just now: 4 bytes before the new ones, or at 0,
     * and on. Where you find it, set complete, cut length behind it, and
     * return 0. */
    /* BEGIN SOLUTION a */
    /* slide: append */
    size_t overlap = MESSAGE_END_SIZE - 1;
    size_t at = message->length > overlap ? message->length - overlap : 0;

    memcpy(message->bytes + message->length, bytes, taken);
    message->length += taken;
    for (; at + MESSAGE_END_SIZE <= message->length; at++) {
        if (memcmp(message->bytes + at, message_end, MESSAGE_END_SIZE) == 0) {
            message->length = at + MESSAGE_END_SIZE;
            message->complete = true;
            return 0;
        }
    }
    /* end slide */
    /* END SOLUTION a */

    if (taken < count) {
        errno = EMSGSIZE;
        return -1;
    }
    return 0;
}

/* ================================ printing =============================== */

static int print_byte(FILE *stream, unsigned char byte)
{
    switch (byte) {
    case '\n':
        return fputs("\\n", stream);
    case '\r':
        return fputs("\\r", stream);
    case '\t':
        return fputs("\\t", stream);
    case '\\':
        return fputs("\\\\", stream);
    default:
        if (byte < 0x20 || byte == 0x7F)
            return fprintf(stream, "\\x%02X", (unsigned)byte);
        return putc(byte, stream);
    }
}

int message_print(FILE *stream, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (print_byte(stream, (unsigned char)bytes[i]) < 0)
            return -1;
    }
    return 0;
}

/* =============================== receiving =============================== */

/* recv() has four answers, and each needs its own: some bytes, which are any
 * number from one to the size of the buffer; 0, which is the other side's FIN;
 * EINTR, which means that a signal came first; and a real error. */

enum message_outcome message_receive(int fd, struct message *message)
{
    errno = ENOSYS;
    /* TODO a: recv() into a buffer on the stack and message_append() what came,
     * until message_is_complete(): MESSAGE_COMPLETE. If recv() returns 0, the
     * result is MESSAGE_CUT. If it fails with EINTR, recv() again; if it fails
     * otherwise, or message_append() fails, the result is MESSAGE_FAILED. */
    /* BEGIN SOLUTION a */
    /* slide: receive */
    while (!message_is_complete(message)) {
        char piece[4096];
        ssize_t count = recv(fd, piece, sizeof piece, 0);

        if (count == 0)
            return MESSAGE_CUT;
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1 || message_append(message, piece, (size_t)count) == -1)
            return MESSAGE_FAILED;
    }
    return MESSAGE_COMPLETE;
    /* end slide */
    /* END SOLUTION a */
    return MESSAGE_FAILED;
}

int message_drain(int fd)
{
    errno = ENOSYS;
    /* TODO b: recv() into a buffer on the stack, and forget what came, until
     * recv() returns 0: then return 0. EINTR is no reason to stop; for any
     * other error return -1. */
    /* BEGIN SOLUTION b */
    /* slide: drain */
    for (;;) {
        char ignored[4096];
        ssize_t count = recv(fd, ignored, sizeof ignored, 0);

        if (count == 0)
            return 0;
        if (count == -1 && errno != EINTR)
            return -1;
    }
    /* end slide */
    /* END SOLUTION b */
    return -1;
}

/* ================================ sending ================================ */

ssize_t message_send_some(int fd, const char *bytes, size_t count)
{
    int flags = 0;

    /* TODO b: the flag of send() that keeps SIGPIPE away. */
    /* BEGIN SOLUTION b */
    flags = MSG_NOSIGNAL;
    /* END SOLUTION b */
    return send(fd, bytes, count, flags);
}

/* The kernel takes what fits into the connection's send buffer. send() then
 * waits for room, but a signal can cut the wait short, and what it returns is
 * the number of bytes that were taken until then. */
int message_send_all(int fd, const char *bytes, size_t count)
{
    errno = ENOSYS;
    /* TODO a: message_send_some() what is left of the bytes, until nothing is.
     * It may take fewer than you offered. If it fails with EINTR, again; for
     * any other error return -1. When all are sent, return 0. */
    /* BEGIN SOLUTION a */
    /* slide: send-all */
    while (count > 0) {
        ssize_t sent = message_send_some(fd, bytes, count);

        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1)
            return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
    /* end slide */
    /* END SOLUTION a */
    return -1;
}
