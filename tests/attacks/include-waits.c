/*
 * Includes what never comes: what somebody may type.
 *
 * Earns: nothing
 * Says: server.c does not compile
 */
#include "/dev/stdin"
#include "/dev/tty"
int main(int argc, char **argv);
