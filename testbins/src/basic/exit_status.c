/* The low eight bits of exit's argument become the status, after atexit functions ran in reverse order. */
#include "observe.h"

static void first(void)
{
	puts("registered first, runs last");
}

static void second(void)
{
	puts("registered second, runs first");
}

int main(void)
{
	atexit(first);
	atexit(second);
	exit(0x1234);
}
