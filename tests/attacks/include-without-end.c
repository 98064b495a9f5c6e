/*
 * Includes a file that has no end.
 *
 * Earns: nothing
 * Says: without an end
 */
#include "/dev/zero"
int main(int argc, char **argv);
