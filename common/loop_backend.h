/* loop_backend.h - the ways to wait for many descriptors, as one table each.
 *
 * Every back end is one file with the same functions in the same order, so that
 * two of them can be read side by side. */

#ifndef LOOP_BACKEND_H
#define LOOP_BACKEND_H

/* FD is ready for EVENTS (LOOP_READ, LOOP_WRITE). */
struct loop_event {
    int fd;
    unsigned events;
};

struct loop_backend {
    const char *name;
    /* The back end's own data, or NULL with errno. */
    void *(*create)(void);
    void (*destroy)(void *data);
    /* FD is new, has other events now, or is gone. 0, or -1 with errno. */
    int (*add)(void *data, int fd, unsigned events);
    int (*modify)(void *data, int fd, unsigned events);
    void (*remove)(void *data, int fd);
    /* Waits at most MILLISECONDS (-1: for ever) and fills in up to COUNT
     * events. Returns how many, or -1 with errno. */
    int (*wait)(void *data, struct loop_event *events, int count,
                int milliseconds);
    /* A descriptor must be smaller than this; -1: any will do. */
    int (*limit)(void *data);
};

extern const struct loop_backend loop_select_backend;

#endif
