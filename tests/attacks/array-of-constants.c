/*
 * A program of 40 MiB, from one line.
 *
 * Earns: nothing
 * Says: 32 MiB
 */
char giant[40 << 20] = {1};
int main(int argc, char **argv);
