/*
 * Is what a neighbour has handed in, whose folder it has guessed.
 *
 * Earns: nothing
 * Says: server.c does not compile
 * Open: user
 */
#include "@SUBMISSIONS@/neighbour/server.c"
int main(int argc, char **argv);
