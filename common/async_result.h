/* async_result.h - an operation that is under way: what lesson 4 adds.
 *
 * A Begin function starts an operation and returns its result object at once.
 * The operation goes on by itself; when it is over, the loop calls the callback
 * with that object, and the callback calls the End function, which tells how it
 * went. .NET: IAsyncResult, AsyncCallback.
 *
 * The rules, for every operation:
 *   - A Begin that fails returns NULL with errno; its callback never runs.
 *   - After a Begin that succeeds the callback runs exactly once, on the loop's
 *     thread, never inside a Begin or a Close.
 *   - Each result is ended once. After that it is the library's again, which
 *     gives it back in the loop's next round: do not touch it later.
 *   - A callback may call every function of the library, on any socket.
 *
 * errno of the End functions, in the order in which they look:
 *   - EINVAL: there is no result, or it is that of another operation or of
 *     another socket; that other operation is untouched.
 *   - EALREADY: it was ended before.
 *   - EDEADLK: it is not complete, and it is this thread that runs the loop; to
 *     wait would be for ever. On other threads End waits.
 *   - ECANCELED: the socket was closed before the operation was over.
 *   - EBADF: it was over, but the socket has been closed since: its outcome is
 *     lost, as in .NET.
 *   - Others: what went wrong with the operation itself. */

#ifndef ASYNC_RESULT_H
#define ASYNC_RESULT_H

#include <stdbool.h>

struct async_result;

/* Runs on the loop's thread, one at a time. A callback that waits stalls the
 * whole loop; in .NET, whose callbacks run on a pool of threads, it would only
 * hold up itself. NULL is a legal callback everywhere. */
typedef void async_callback(struct async_result *ar);

/* The pointer that was given to Begin. .NET: ar.AsyncState. Any thread. */
void *async_state(const struct async_result *ar);

/* True once the operation is over, however it went; then End does not wait.
 * Inside the callback it is always true. .NET: ar.IsCompleted. Any thread. */
bool async_is_completed(const struct async_result *ar);

/* Always false: nothing completes inside Begin here, so that a chain of
 * callbacks cannot grow the stack. .NET: ar.CompletedSynchronously. */
bool async_completed_synchronously(const struct async_result *ar);

#endif
