#include "explain.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *word, *text;
} words[] = {
    {"accept queue",
     "Connections that the kernel has set up already and that wait for the\n"
     "program to call accept(). A client in this queue is connected, and may\n"
     "have sent data, though the program does not know of it yet."},
    {"advice",
     "A rule that says should was not kept. It costs nothing; the report says\n"
     "what would be better."},
    {"backlog",
     "The length of the accept queue that a program asks for with listen().\n"
     "Where the queue is full, further clients wait for an answer to their\n"
     "SYN."},
    {"baseline",
     "How many descriptors, threads and children the program had when it was\n"
     "at rest, before the clients came. After them it must have as many."},
    {"blocked",
     "The program is inside a system call that returns only when something\n"
     "happens: recv() when bytes come, accept() when a client comes. The\n"
     "report names the call and the descriptor."},
    {"consumed",
     "The program has taken everything that was sent to it: the kernel has\n"
     "delivered all bytes, and the program's receive queue is empty."},
    {"descriptor",
     "The small number that stands for an open file or socket in a program.\n"
     "What is not closed stays open until the program ends: a leak."},
    {"eof",
     "The end of the stream: the other side has sent FIN and will send no\n"
     "more. recv() returns 0."},
    {"fake server",
     "A socket of the harness that plays the server, so that your client can\n"
     "be checked against a server that misbehaves."},
    {"fault",
     "What happens once in a year, and what the harness makes happen now\n"
     "(inject): a call is interrupted (EINTR), takes less than it could, or\n"
     "fails with an error that passes. Each may happen on any machine. It\n"
     "stands in the ladder; the same command brings the same faults again."},
    {"FIN",
     "The segment that says: I send no more. It ends one direction of a\n"
     "connection. shutdown(fd, SHUT_WR) sends it, and so does close()."},
    {"freeze",
     "The harness stops your program for a moment (SIGSTOP). What is sent\n"
     "meanwhile lies in its receive queue in one piece when it goes on, so\n"
     "one recv() may return several messages at once."},
    {"half-close",
     "One side has sent FIN and still receives. A server must answer a client\n"
     "that has ended its sending side already."},
    {"hold back",
     "The harness lets the first thread of your program run only while the\n"
     "others sleep. What it asks of another thread is then done before it\n"
     "goes on itself: a race that is lost once in a thousand runs is lost\n"
     "in each one."},
    {"journal",
     "The list of everything that happened in a check, one JSON object a\n"
     "line. All reports are made from it."},
    {"ladder",
     "The picture of a connection: two life lines, time runs downwards, each\n"
     "arrow is something that went over the wire."},
    {"last calls",
     "What your program asked of the kernel last, on its connections, and "
     "what\n"
     "it got: connect(3) = ECONNREFUSED failed, recv(4) = 5 \"hello\" brought\n"
     "5 bytes. The first number is the descriptor. They come from a second\n"
     "run of the check, on other ports, in which each call is looked at;\n"
     "\"made to fail\" and \"cut short\" say what the check has done."},
    {"not run",
     "A check that this one needs has failed. Mend that one first; then this\n"
     "one is run."},
    {"peer", "The program at the other end of a connection."},
    {"quiet",
     "Your program is at rest: every thread waits in a system call, twice\n"
     "looked at and unchanged, and nothing is under way on any socket. It\n"
     "will do nothing more until something comes from outside."},
    {"receive queue",
     "Bytes that have arrived at the program's socket and that it has not\n"
     "read yet."},
    {"refused",
     "Nobody listens at that address: the kernel answers the SYN with RST,\n"
     "and connect() fails with ECONNREFUSED."},
    {"reset",
     "RST: the connection is broken off at once, and data under way is lost.\n"
     "A program causes it by closing a socket with unread bytes in its\n"
     "receive queue. recv() at the other side fails with ECONNRESET."},
    {"RST", "See reset."},
    {"sanitizer",
     "A build of your program that checks every access to memory while it\n"
     "runs (-fsanitize=address,undefined). It stops at the first wrong one."},
    {"skip", "This machine cannot run the check; the reason stands beside it."},
    {"stage",
     "A part of the exercise. make gradeN STAGE=a grades only that part."},
    {"TIME_WAIT",
     "The state of a connection that this side has closed first. For a minute\n"
     "its address stays taken, unless the next listener sets SO_REUSEADDR."},
    {"CLOSE_WAIT",
     "The other side has ended the connection, and this program has not\n"
     "closed its socket. It stays in this state until the program does."},
    {"undecided",
     "The harness could not tell. That never counts against you, and never\n"
     "as a pass."},
};

#define WORDS (sizeof words / sizeof *words)

bool explain(const char *word, struct bytes *out)
{
    for (size_t i = 0; i < WORDS; i++)
        if (strcasecmp(words[i].word, word) == 0) {
            bytes_printf(out, "%s\n\n%s\n", words[i].word, words[i].text);
            return true;
        }
    bytes_printf(out, "No word \"%s\" is explained. These are:\n", word);
    for (size_t i = 0; i < WORDS; i++)
        bytes_printf(out, "  %s\n", words[i].word);
    return false;
}
