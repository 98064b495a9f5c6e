/* async_wait.h - wait for an operation as for any other event: what lesson 7
 * adds. */

#ifndef ASYNC_WAIT_H
#define ASYNC_WAIT_H

#include "async_result.h"
#include "event.h"

/* The event that is set when the operation of AR is complete. It is made at the
 * first call; if the operation is complete by then, it is set already. It
 * belongs to the library, and is good until AR is ended: do not use it
 * afterwards, and do not set, reset or destroy it. Any thread. Returns NULL
 * with EINVAL (no AR) or ENOMEM. .NET: ar.AsyncWaitHandle.
 *
 * A wait for it that would sleep on the thread of the operation's own loop, as
 * in a callback, fails with EDEADLK: that thread is the one that would have to
 * complete the operation. loop_destroy() lets those who wait go with 1, since
 * it completes every operation, or with ECANCELED. */
struct event *async_wait_handle(struct async_result *ar);

#endif
