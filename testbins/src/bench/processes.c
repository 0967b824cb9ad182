/*
 * cflags: -pthread
 * Measures what processes, threads and signals cost inside the guest, in nanoseconds: a name and a number a line, best of
 * many, except where the name says otherwise.
 */
#include "observe.h"
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

/* Each row is measured at least so often, and for so long: a compiler that learns from what runs needs its time. */
#define ROUNDS 20
#define NANOSECONDS 2e9

#define RESIDENT_PAGES 4096UL
#define TOUCHED_PAGES 4096UL
#define PING_PONGS 1000
#define COMMANDS 10
#define SIGNALS 1000

struct shared {
	volatile double taken;
};

static struct shared *shared;
static const char *self;
static volatile sig_atomic_t flag;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The best of many calls of a function that measures itself. */
static void measure(const char *name, double (*once)(void), double units)
{
	double best = 1e30, end = now() + NANOSECONDS;

	for (int round = 0; round < ROUNDS || now() < end; round++) {
		double taken = once();
		best = taken < best ? taken : best;
	}
	printf("%-24s %.2f\n", name, best / units);
	fflush(stdout);
}

static double fork_and_wait(void)
{
	double start = now();
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return now() - start;
}

static char *resident;

/* The child writes to each page that it shares with its parent. */
static double touch_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		double start = now();
		write_pages(resident, TOUCHED_PAGES);
		shared->taken = now() - start;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return shared->taken;
}

static void answer(int from, int to)
{
	char token;

	while (read(from, &token, 1) == 1)
		if (write(to, &token, 1) != 1)
			_exit(1);
	_exit(0);
}

static int there[2], back[2];

static double ping_pong(void)
{
	char token = 'x';
	double start = now();

	for (int i = 0; i < PING_PONGS; i++)
		if (write(there[1], &token, 1) != 1 || read(back[0], &token, 1) != 1)
			exit(1);
	return now() - start;
}

static void ping_pongs(void)
{
	if (pipe(there) || pipe(back))
		exit(1);
	pid_t pid = fork();

	if (pid == 0) {
		close(there[1]);
		close(back[0]);
		answer(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	measure("pipe ping-pong", ping_pong, PING_PONGS);
	close(there[1]);
	close(back[0]);
	waitpid(pid, NULL, 0);
}

static void *nothing(void *argument)
{
	return argument;
}

static double thread_and_join(void)
{
	pthread_t thread;
	double start = now();

	pthread_create(&thread, NULL, nothing, NULL);
	pthread_join(thread, NULL);
	return now() - start;
}

/* Runs this program again, told to end at once. */
static double commands(void)
{
	char *arguments[] = { (char *)self, "end", NULL };
	double start = now();

	for (int i = 0; i < COMMANDS; i++) {
		pid_t pid;

		if (posix_spawn(&pid, self, NULL, NULL, arguments, environ))
			exit(1);
		waitpid(pid, NULL, 0);
	}
	return now() - start;
}

static double script(void)
{
	double start = now();

	if (system("i=0; while [ $i -lt 10 ]; do /bin/true; i=$((i+1)); done"))
		exit(1);
	return now() - start;
}

static void raise_flag(int signal)
{
	(void)signal;
	flag++;
}

static double signals(void)
{
	double start = now();

	for (int i = 0; i < SIGNALS; i++)
		raise(SIGUSR1);
	return now() - start;
}

/* How long a loop that makes no system call runs on after another process has sent a signal: the worst of a hundred. */
static void interrupts(void)
{
	double worst = 0;

	for (int i = 0; i < 100; i++) {
		pid_t parent = getpid();

		flag = 0;
		pid_t pid = fork();
		if (pid == 0) {
			usleep(1000);
			shared->taken = now();
			kill(parent, SIGUSR1);
			_exit(0);
		}
		while (!flag)
			;
		double taken = now() - shared->taken;
		worst = taken > worst ? taken : worst;
		waitpid(pid, NULL, 0);
	}
	printf("%-24s %.2f\n", "signal to a loop, worst", worst);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return 0;
	self = argv[0];
	shared = map(sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	struct sigaction action = { .sa_handler = raise_flag, .sa_flags = SA_RESTART };
	sigaction(SIGUSR1, &action, NULL);

	double start = now();
	for (int i = 0; i < 5; i++)
		signals();
	printf("%-24s %.2f\n", "first 5000 signals", (now() - start) / (5 * SIGNALS));
	measure("signal to itself", signals, SIGNALS);
	measure("fork+exit+wait", fork_and_wait, 1);
	measure("thread+join", thread_and_join, 1);
	measure("spawn+exec+wait", commands, COMMANDS);
	measure("command of a script", script, 10);
	ping_pongs();
	interrupts();
	resident = map_private(RESIDENT_PAGES * PAGE);
	write_pages(resident, RESIDENT_PAGES);
	measure("fork+exit+wait, 16 MB", fork_and_wait, 1);
	measure("COW in a child/page", touch_in_child, TOUCHED_PAGES);
	return 0;
}
