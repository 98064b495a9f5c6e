/*
 * Is the reference server, which the compiler is to fetch.
 *
 * Earns: nothing
 * Says: server.c does not compile
 * Open: user
 */
#include "@KIT@/lessons/02-send-receive/server.c"
int main(int argc, char **argv);
