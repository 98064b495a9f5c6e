/*
 * Says to the linker what is none of a program's business.
 *
 * Earns: nothing
 */
__asm__(".section .drectve\n .ascii \"-include:main\"\n .text");
__asm__(".section .note.GNU-stack,\"x\"\n .text");
__asm__(".globl net_listen\n net_listen = 0");
__asm__(".symver main,main@@GLIBC_2.2.5");
int main(void)
{
    return 0;
}
