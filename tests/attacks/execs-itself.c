/*
 * Becomes itself for ever, with as many words as fit.
 *
 * Earns: nothing
 */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char word[100000];
    static char *words[16];
    (void)argc, (void)argv;
    memset(word, 'x', sizeof word - 1);
    for (int i = 0; i < 15; i++)
        words[i] = word;
    execv("/proc/self/exe", words);
    return 1;
}
