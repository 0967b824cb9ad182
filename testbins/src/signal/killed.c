/* Dies of the signal its argument names (default SIGTERM), after output is flushed: the status is 128 + the number. */
#include "observe.h"
#include <signal.h>

int main(int argc, char **argv)
{
	int number = argc > 1 ? atoi(argv[1]) : SIGTERM;

	printf("ignored: ");
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGCHLD);
	raise(SIGURG);
	puts("USR1, CHLD, URG");
	fflush(stdout);
	raise(number);
	puts("still here");
	return 0;
}
