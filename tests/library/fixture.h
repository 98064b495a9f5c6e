/* What the unit tests of the Begin/End library share.
 *
 * A test is named after the rules that it proves: rule_17_18_... proves 17 and
 * 18. */

#ifndef FIXTURE_H
#define FIXTURE_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/types.h>

#include "async_result.h"
#include "async_socket.h"
#include "suite.h"

/* ---- the other end: plain sockets that know nothing of the library ---- */

/* A connection to ADDRESS. */
int plain_connect(const struct sockaddr_in *address);
/* A socket that is bound on loopback; *ADDRESS says where. It listens with
 * BACKLOG, or not at all if that is negative: then a connect is refused. */
int plain_bind(struct sockaddr_in *address, int backlog);
/* Closes FD with RST. */
void plain_reset(int fd);

/* ---- by the library ---- */

/* A loop that counts who enters and leaves it, until a thread runs it. */
struct loop *counted_loop(void);
/* Destroys it. Every function must have left it as often as it has entered: on
 * another loop, with threads, nobody could use it any more. */
void end_counted_loop(struct loop *loop);

struct async_socket *listen_somewhere(struct loop *loop,
                                      struct sockaddr_in *address, int backlog);

/* The results that callbacks were called with, in order. */
extern struct async_result *called[4096];
extern int calls;
/* A callback that notes its result there, and does not end it. */
void note(struct async_result *ar);

/* Runs LOOP until *COUNT has come to WANTED. The place in the test is marked,
 * so that a test that hangs can say how far it came. */
#define run_until(loop, count, wanted)                                         \
    (mark_point(), run_until_count((loop), (count), (wanted)))
void run_until_count(struct loop *loop, const int *count, int wanted);
/* Runs LOOP for some rounds without waiting: what can happen, happens. */
void run_rounds(struct loop *loop);

/* ---- the rest ---- */

int count_descriptors(void);
/* LENGTH bytes, of which every place looks different. The caller frees it. */
char *pattern(size_t length);

/* CALL must fail with errno ERROR; WORDS say what was tried, and begin with the
 * number of the rule. */
#define ASSERT_FAILS(call, error, words)                                       \
    (suite_wait_for(words), mark_point(),                                      \
     assert_failure(((errno = 0), (call)), (error), (words)))
void assert_failure(bool succeeded, int error, const char *words);

#endif
