/*
 * Includes itself.
 *
 * Earns: nothing
 * Says: server.c does not compile
 */
#include __FILE__
int main(int argc, char **argv);
