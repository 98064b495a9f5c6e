/*
 * Makes the compiler print the environment that the grader was started in.
 *
 * Earns: nothing
 * Says: server.c does not compile
 */
#include "/proc/1/environ"
#include "/proc/2/environ"
#include "/proc/self/environ"
int main(int argc, char **argv);
