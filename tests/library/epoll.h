/* A back end on epoll that counts. */

#ifndef EPOLL_H
#define EPOLL_H

/* Watches that were added, changed or removed so far. */
extern unsigned long epoll_changes;

#endif
