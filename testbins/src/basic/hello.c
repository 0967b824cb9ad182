/* The least a C library needs: exec, write to a stdout that is no terminal, exit_group. */
#include <stdio.h>

int main(void)
{
	puts("hello, world");
	return 0;
}
