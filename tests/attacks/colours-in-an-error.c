/*
 * Has the compiler print what a terminal obeys to.
 *
 * Earns: nothing
 * Says: \x1b[31m
 */
#error [31m red ]0;a title
#line 1 "[2J.c"
int main(int argc, char **argv);
