/* Does nothing. The proof of the grader: it must not earn a grade. */
int main(void)
{
    return 0;
}
