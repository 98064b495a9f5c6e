/*
 * Makes the compiler print the answers of the lesson's quiz.
 *
 * Earns: nothing
 * Says: server.c does not compile
 * Never: Demo
 * Open: user
 */
#include "@KIT@/lessons/02-send-receive/TEACHING.md"
int main(int argc, char **argv);
