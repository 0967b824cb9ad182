/* abort: SIGABRT even when blocked and handled (the handler returns): status 134. */
#include "observe.h"
#include <signal.h>

static void handler(int signal)
{
	static const char text[] = "handler ran\n";

	(void)signal;
	if (write(1, text, sizeof(text) - 1) < 0)
		_exit(1);
}

int main(void)
{
	sigset_t set;

	signal(SIGABRT, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGABRT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("aborting");
	fflush(stdout);
	abort();
}
