/* list.h - things in a row, each of which can leave in one step: what lesson 4
 * adds.
 *
 * A node is a part of the thing that it stands for, so nothing is allocated,
 * and nothing can fail. Where it is the first part, a pointer to the node is
 * one to the thing. Lists and nodes that are all zero are ready for use: an
 * empty list, and a node that is in none. */

#ifndef LIST_H
#define LIST_H

struct list {
    struct list_node *first, *last; /* NULL: it is empty */
};

struct list_node {
    struct list *list; /* that it is in; NULL: none */
    struct list_node *next, *previous;
};

/* NODE leaves the list that it is in, if any, and takes the last place of LIST.
 */
void list_append(struct list *list, struct list_node *node);

/* NODE leaves the list that it is in, if any. */
void list_remove(struct list_node *node);

/* The first node of LIST leaves it; NULL if there is none. */
struct list_node *list_take(struct list *list);

/* All of MORE take the last places of LIST, in the same order. */
void list_join(struct list *list, struct list *more);

#endif
