/*
 * The same, on the way from the folder of the headers.
 *
 * Earns: nothing
 * Says: server.c does not compile
 */
#include <../lessons/02-send-receive/server.c>
int main(int argc, char **argv);
