/*
 * Has the reference's module in place of one of its own.
 *
 * File: message.c
 * Earns: nothing
 * Says: message.c does not compile
 */
#include <message.c>
