/* peer.c - what the echo servers in C share; see peer.h. */

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char end_mark[] = "<EOF>";
#define END_SIZE (sizeof end_mark - 1)

/* ================================ the text =============================== */

static bool grow(struct peer_text *text, size_t wanted)
{
    size_t capacity = text->capacity > 0 ? text->capacity : 1024;
    char *bytes;

    if (wanted <= text->capacity)
        return true;
    while (capacity < wanted)
        capacity *= 2;
    bytes = realloc(text->bytes, capacity);
    if (bytes == NULL)
        return false;
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

/* Only the new bytes and the four before them can hold an <EOF> that was not
 * there before. */
enum peer_state peer_text_add(struct peer_text *text, const char *piece,
                              size_t size)
{
    size_t from = text->length < END_SIZE ? 0 : text->length - END_SIZE + 1;
    size_t taken = size;
    char *found;

    if (taken > PEER_TEXT_MAX - text->length)
        taken = PEER_TEXT_MAX - text->length;
    if (!grow(text, text->length + taken))
        return PEER_REFUSED;
    memcpy(text->bytes + text->length, piece, taken);
    text->length += taken;
    found = memmem(text->bytes + from, text->length - from, end_mark, END_SIZE);
    if (found != NULL) {
        text->length = (size_t)(found - text->bytes) + END_SIZE;
        return PEER_COMPLETE;
    }
    return text->length < PEER_TEXT_MAX ? PEER_MORE : PEER_REFUSED;
}

void peer_text_free(struct peer_text *text)
{
    free(text->bytes);
    memset(text, 0, sizeof *text);
}

/* ============================== the transcript =========================== */

void peer_print_escaped(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if (byte == '\\')
            fputs("\\\\", stdout);
        else if (byte < ' ' || byte > '~')
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
}

/* Both lines leave in one piece, so that those of other threads and processes
 * do not come between. */
void peer_say_read(const struct peer_text *text)
{
    flockfile(stdout);
    printf("Read %zu bytes from socket.\n Data : ", text->length);
    peer_print_escaped(text->bytes, text->length);
    printf("\n");
    fflush(stdout);
    funlockfile(stdout);
}

void peer_say_sent(size_t size)
{
    flockfile(stdout);
    printf("Sent %zu bytes to client.\n", size);
    fflush(stdout);
    funlockfile(stdout);
}

void peer_say_refused(const char *name, const char *reason)
{
    fprintf(stderr, "server: serve %s: %s\n", name, reason);
}

/* =============================== addresses =============================== */

void peer_format_address(const struct sockaddr *address, socklen_t size,
                         char name[PEER_NAME_MAX])
{
    char host[PEER_NAME_MAX - 8] = "?", port[6] = "?";

    getnameinfo(address, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(name, PEER_NAME_MAX, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
             port);
}

bool peer_is_port(const char *word)
{
    return *word != '\0' && word[strspn(word, "0123456789")] == '\0' &&
           strtol(word, NULL, 10) <= 65535;
}

static int listen_on(const struct addrinfo *a)
{
    const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

int peer_listen(int argc, char *argv[], const char *usage)
{
    const char *host = argc > 1 ? argv[1] : "127.0.0.1";
    const char *port = argc > 2 ? argv[2] : "11000";
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *all;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char name[PEER_NAME_MAX];
    int code, fd = -1;

    if (argc > 3 || !peer_is_port(port)) {
        fprintf(stderr, "%s\n", usage);
        exit(2);
    }
    code = getaddrinfo(host, port, &hints, &all);
    if (code != 0) {
        fprintf(stderr, "server: look up %s: %s\n", host, gai_strerror(code));
        exit(1);
    }
    for (const struct addrinfo *a = all; a != NULL && fd == -1; a = a->ai_next)
        fd = listen_on(a);
    if (fd == -1) {
        fprintf(stderr, "server: listen on %s:%s: %s\n", host, port,
                strerror(errno));
        exit(1);
    }
    freeaddrinfo(all);
    getsockname(fd, (struct sockaddr *)&address, &size);
    peer_format_address((struct sockaddr *)&address, size, name);
    printf("Listening on %s\n", name);
    fflush(stdout);
    return fd;
}

static void say_accepted(const struct sockaddr_storage *address, socklen_t size,
                         char name[PEER_NAME_MAX])
{
    peer_format_address((const struct sockaddr *)address, size, name);
    flockfile(stdout);
    printf("Accepted %s\n", name);
    fflush(stdout);
    funlockfile(stdout);
}

void peer_say_accepted(int fd, char name[PEER_NAME_MAX])
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof address;

    getpeername(fd, (struct sockaddr *)&address, &size);
    say_accepted(&address, size, name);
}

int peer_try_accept(int listener, char name[PEER_NAME_MAX])
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd =
        accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);

    if (fd != -1)
        say_accepted(&address, size, name);
    return fd;
}

bool peer_is_full(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

int peer_accept(int listener, char name[PEER_NAME_MAX])
{
    for (;;) {
        int fd = peer_try_accept(listener, name);

        if (fd != -1)
            return fd;
        if (peer_is_full(errno))
            poll(NULL, 0, 100); /* nobody tells when there is enough again */
    }
}

void peer_refuse(int fd, const char *name, const char *reason)
{
    char ignored[4096];

    peer_say_refused(name, reason);
    shutdown(fd, SHUT_WR);
    while (recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) > 0)
        ;
    close(fd);
}

static void end(int number)
{
    (void)number;
    _exit(0);
}

void peer_end_on_signals(void)
{
    struct sigaction action = {.sa_handler = end};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ============================ the conversation =========================== */

enum phase { COLLECTING, REPLYING, DRAINING };

struct peer_talk {
    int fd;
    enum phase phase;
    struct peer_text text;
    size_t sent;
    char name[PEER_NAME_MAX];
};

/* From here on the client is only heard to its end. */
static void finish(struct peer_talk *talk, const char *reason)
{
    if (reason != NULL)
        peer_say_refused(talk->name, reason);
    peer_text_free(&talk->text);
    shutdown(talk->fd, SHUT_WR);
    talk->phase = DRAINING;
}

/* Both return what to do next, where PEER_AGAIN means: the same again. */
static enum peer_wish receive(struct peer_talk *talk)
{
    char piece[16384];
    ssize_t size = recv(talk->fd, piece, sizeof piece, 0);

    if (size == -1 && errno == EINTR)
        return PEER_AGAIN;
    if (size == -1 && errno == EAGAIN)
        return PEER_READ;
    if (size == -1) {
        if (talk->phase == COLLECTING)
            peer_say_refused(talk->name, strerror(errno));
        return PEER_OVER;
    }
    if (size == 0) {
        if (talk->phase == COLLECTING)
            finish(talk, "the text ended before <EOF>");
        return PEER_OVER;
    }
    if (talk->phase == DRAINING)
        return PEER_AGAIN;
    switch (peer_text_add(&talk->text, piece, (size_t)size)) {
    case PEER_COMPLETE:
        peer_say_read(&talk->text);
        talk->phase = REPLYING;
        break;
    case PEER_REFUSED:
        finish(talk, "the text is too long");
        break;
    case PEER_MORE:
        break;
    }
    return PEER_AGAIN;
}

static enum peer_wish reply(struct peer_talk *talk)
{
    ssize_t size = send(talk->fd, talk->text.bytes + talk->sent,
                        talk->text.length - talk->sent, MSG_NOSIGNAL);

    if (size == -1 && errno == EINTR)
        return PEER_AGAIN;
    if (size == -1 && errno == EAGAIN)
        return PEER_WRITE;
    if (size == -1) {
        peer_say_refused(talk->name, strerror(errno));
        return PEER_OVER;
    }
    talk->sent += (size_t)size;
    if (talk->sent == talk->text.length) {
        peer_say_sent(talk->sent);
        finish(talk, NULL);
    }
    return PEER_AGAIN;
}

static enum peer_wish step(struct peer_talk *talk)
{
    return talk->phase == REPLYING ? reply(talk) : receive(talk);
}

void peer_serve(int fd, const char *name)
{
    struct peer_talk talk = {.fd = fd};

    snprintf(talk.name, sizeof talk.name, "%s", name);
    while (step(&talk) != PEER_OVER)
        ;
    peer_text_free(&talk.text);
    close(fd);
}

struct peer_talk *peer_talk_new(int fd, const char *name)
{
    struct peer_talk *talk = calloc(1, sizeof *talk);

    if (talk == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
        peer_refuse(fd, name, strerror(errno));
        free(talk);
        return NULL;
    }
    talk->fd = fd;
    snprintf(talk->name, sizeof talk->name, "%s", name);
    return talk;
}

int peer_talk_fd(const struct peer_talk *talk)
{
    return talk->fd;
}

/* Sixteen calls at most: who sends for ever must not keep the others waiting.
 */
enum peer_wish peer_talk_on(struct peer_talk *talk)
{
    for (int i = 0; i < 16; i++) {
        enum peer_wish wish = step(talk);

        if (wish != PEER_AGAIN)
            return wish;
    }
    return PEER_AGAIN;
}

void peer_talk_free(struct peer_talk *talk)
{
    peer_text_free(&talk->text);
    close(talk->fd);
    free(talk);
}
