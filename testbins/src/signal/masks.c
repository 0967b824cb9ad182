/*
 * Blocked signals stay pending, lowest number first when let through; standard ones once, real-time ones as often as
 * sent and with their values. sa_mask and the signal itself are blocked during the handler.
 */
#include "observe.h"
#include <signal.h>

static volatile int order[64], count;

static void note(int signal)
{
	order[count++] = signal;
}

static void note_value(int signal, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %s value %d code %s from me %d\n", signal == SIGRTMIN ? "RTMIN" : "RTMIN+1", info->si_value.sival_int,
	       info->si_code == SI_QUEUE ? "QUEUE" : info->si_code == SI_TKILL ? "TKILL" : "?", info->si_pid == getpid());
}

static void show_mask(int signal)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("in handler of %d blocked:", signal);
	for (int i = 1; i < 32; i++)
		if (sigismember(&now, i))
			printf(" %d", i);
	putchar('\n');
}

int main(void)
{
	sigset_t some, none, pending;
	struct sigaction action = { .sa_handler = note };

	sigemptyset(&none);
	sigemptyset(&some);
	int list[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGHUP, SIGRTMIN, SIGRTMIN + 1, SIGCHLD };
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		sigaddset(&some, list[i]);
		sigaction(list[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &some, NULL);
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR1);
	kill(getpid(), SIGHUP);
	raise(SIGTERM);
	sigpending(&pending);
	printf("pending: HUP %d USR1 %d USR2 %d TERM %d CHLD %d\n", sigismember(&pending, SIGHUP), sigismember(&pending, SIGUSR1),
	       sigismember(&pending, SIGUSR2), sigismember(&pending, SIGTERM), sigismember(&pending, SIGCHLD));
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* All are delivered at once, each handler interrupted by the next: the last set up runs first. */
	printf("delivered %d:", count);
	for (int i = 0; i < count; i++)
		printf(" %d", order[i]);
	putchar('\n');

	action.sa_sigaction = note_value;
	action.sa_flags = SA_SIGINFO;
	sigfillset(&action.sa_mask);
	sigaction(SIGRTMIN, &action, NULL);
	sigaction(SIGRTMIN + 1, &action, NULL);
	sigprocmask(SIG_BLOCK, &some, NULL);
	for (int i = 0; i < 3; i++) {
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 100 + i });
		sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 200 + i });
	}
	raise(SIGRTMIN);
	sigprocmask(SIG_SETMASK, &none, NULL);

	struct sigaction with_mask = { .sa_handler = show_mask };
	sigaddset(&with_mask.sa_mask, SIGINT);
	sigaction(SIGUSR1, &with_mask, NULL);
	raise(SIGUSR1);
	with_mask.sa_flags = SA_NODEFER | SA_RESETHAND;
	sigaction(SIGUSR1, &with_mask, NULL);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &with_mask);
	printf("after RESETHAND: %s\n", with_mask.sa_handler == SIG_DFL ? "default" : "kept");
	printf("SIGKILL's action: %s\n", outcome(sigaction(SIGKILL, &action, NULL)));
	printf("signal 65: %s\n", outcome(kill(getpid(), 65)));
	printf("signal 0: %s\n", outcome(kill(getpid(), 0)));
	raise(SIGCHLD);

	sigemptyset(&some);
	sigaddset(&some, SIGALRM);
	sigprocmask(SIG_BLOCK, &some, NULL);
	raise(SIGALRM);
	siginfo_t info;
	printf("sigwaitinfo: %d\n", sigwaitinfo(&some, &info) == SIGALRM);
	struct timespec zero = { 0, 0 };
	printf("sigtimedwait with none: %s\n", outcome(sigtimedwait(&some, &info, &zero)));
	raise(SIGALRM);
	signal(SIGALRM, SIG_IGN);
	sigpending(&pending);
	printf("ignored while pending: %d\n", sigismember(&pending, SIGALRM));
	return 0;
}
