/* Endless recursion runs into the stack's limit; without a stack to run a handler on, SIGSEGV kills (status 139). */
#include "observe.h"

__attribute__((noinline)) static long recurse(long depth)
{
	volatile char frame[1000];

	frame[0] = (char)depth;
	return depth < 0 ? 0 : recurse(depth + 1) + frame[0];
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	puts("going down");
	printf("came back from %ld\n", recurse(1));
	return 0;
}
