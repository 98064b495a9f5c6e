/*
 * Makes the compiler print a file of the machine's.
 *
 * Earns: nothing
 * Says: server.c does not compile
 * Never: root:
 */
#include "/etc/passwd"
#include "/etc/shadow"
int main(int argc, char **argv);
