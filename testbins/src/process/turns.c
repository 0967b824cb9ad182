/*
 * Who gets the processor: two processes that compete for one share it as their nice values say, a task that sleeps is served
 * while others are busy, and waits and interruptions are counted.
 */
#include "observe.h"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static volatile long *work;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t compete(int who, int by)
{
	pid_t pid = fork();

	if (pid == 0) {
		errno = 0;
		if (nice(by) == -1 && errno != 0)
			_exit(1);
		for (;;)
			work[who * 64]++;
	}
	return pid;
}

static struct rusage usage_of(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return usage;
}

int main(void)
{
	cpu_set_t one;
	int late = 0;

	work = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	printf("to one processor: %s\n", outcome(sched_setaffinity(0, sizeof one, &one)));
	printf("on processor %d\n", sched_getcpu());
	printf("priorities %d to %d, %d to %d, no policy: %s\n", sched_get_priority_min(SCHED_RR),
	       sched_get_priority_max(SCHED_RR), sched_get_priority_min(SCHED_OTHER), sched_get_priority_max(SCHED_OTHER),
	       outcome(sched_get_priority_max(77)));

	pid_t polite = compete(0, 10), usual = compete(1, 0);
	long before = usage_of(RUSAGE_SELF).ru_nvcsw;
	for (int i = 0; i < 30; i++) {
		double start = now();
		usleep(10000);
		late += now() - start > 0.1;
	}
	printf("sleeps counted: %d\n", usage_of(RUSAGE_SELF).ru_nvcsw - before >= 20);
	printf("served in time: %d\n", late < 5);
	kill(polite, SIGKILL);
	kill(usual, SIGKILL);
	for (int i = 0; i < 2; i++)
		wait(NULL);
	printf("both ran: %d, the polite one less: %d\n", work[0] > 0 && work[64] > 0, work[0] < work[64]);
	printf("interruptions counted: %d\n", usage_of(RUSAGE_CHILDREN).ru_nivcsw > 0);
	return 0;
}
