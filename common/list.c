/* list.c - things in a row, each of which can leave in one step: what lesson 4
 * adds. */

#include "list.h"

#include <stddef.h>

void list_append(struct list *list, struct list_node *node)
{
    list_remove(node);
    node->list = list;
    node->next = NULL;
    node->previous = list->last;
    if (list->last != NULL)
        list->last->next = node;
    else
        list->first = node;
    list->last = node;
}

void list_remove(struct list_node *node)
{
    struct list *list = node->list;

    if (list == NULL)
        return;
    if (node->previous != NULL)
        node->previous->next = node->next;
    else
        list->first = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
    else
        list->last = node->previous;
    node->list = NULL;
}

struct list_node *list_take(struct list *list)
{
    struct list_node *node = list->first;

    if (node != NULL)
        list_remove(node);
    return node;
}

void list_join(struct list *list, struct list *more)
{
    while (more->first != NULL)
        list_append(list, more->first);
}
