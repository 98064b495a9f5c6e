/*
 * Prints 256 MiB.
 *
 * Earns: nothing
 */
#include <string.h>
#include <unistd.h>

int main(void)
{
    static char piece[1 << 20];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 256; i++)
        if (write(1, piece, sizeof piece) < 0)
            return 1;
    return 1;
}
