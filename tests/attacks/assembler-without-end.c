/*
 * Keeps the assembler busy.
 *
 * Earns: nothing
 * Says: server.c does not compile
 */
__asm__(".rept 4000000000\n .byte 1\n .endr");
int main(int argc, char **argv);
