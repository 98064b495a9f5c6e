/*
 * A few lines that become a million million.
 *
 * Earns: nothing
 * Says: server.c does not compile
 */
#define A "ha", "ha", "ha", "ha", "ha", "ha", "ha", "ha", "ha", "ha",
#define B A A A A A A A A A A
#define C B B B B B B B B B B
#define D C C C C C C C C C C
#define E D D D D D D D D D D
#define F E E E E E E E E E E
#define G F F F F F F F F F F
const char *laughs[] = {G G G G G G G G G G};
int main(int argc, char **argv);
