/*
 * cflags: -pthread
 * Restartable sequences: registration by the C library and its refusals, counters that threads count up without atomic
 * instructions, and a sequence that a signal aborts.
 */
#include "observe.h"
#include <pthread.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#define THREADS 4
#define ROUNDS 20000
#define CPUS 1024
#define SIZE 32

static long counter[CPUS][8];
static volatile int signalled;
static void *interrupted_at;

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* The descriptor of the sequence from 1 to 2 with its handler 4, and the instruction that makes it the current one. */
#define SEQUENCE                                      \
	".pushsection __rseq_cs, \"aw\"\n"            \
	".balign 32\n"                                \
	"3:\n"                                        \
	".long 0, 0\n"                                \
	".quad 1f, 2f - 1f, 4f\n"                     \
	".popsection\n"                               \
	"leaq 3b(%%rip), %%rax\n"                     \
	"movq %%rax, 8(%[area])\n"                    \
	"1:\n"

/* The end of the sequence, and its handler behind a signature. */
#define END(signature)                                \
	"2:\n"                                        \
	".pushsection __rseq_failure, \"ax\"\n"       \
	".byte 0x0f, 0xb9, 0x3d\n"                    \
	".long " signature "\n"                       \
	"4:\n"                                        \
	"jmp %l[aborted]\n"                           \
	".popsection\n"

static int add(unsigned cpu)
{
	__asm__ goto(SEQUENCE
			"cmpl %[cpu], 4(%[area])\n"
			"jnz %l[aborted]\n"
			"movq (%[v]), %%rax\n"
			"movl $50, %%ecx\n"
			"5: decl %%ecx\n"
			"jnz 5b\n"
			"addq $1, %%rax\n"
			"movq %%rax, (%[v])\n"
			END("0x53053053")
			:
			: [area] "r"(area()), [v] "r"(&counter[cpu][0]), [cpu] "r"(cpu)
			: "memory", "cc", "rax", "rcx"
			: aborted);
	return 0;
aborted:
	return 1;
}

static void *count(void *argument)
{
	for (int i = 0; i < ROUNDS; i++)
		while (add(*(volatile uint32_t *)&area()->cpu_id_start))
			;
	return argument;
}

/* Spins in a sequence until a signal comes. */
static int spin(void)
{
	__asm__ goto(SEQUENCE "5: jmp 5b\n" END("0x53053053") : : [area] "r"(area()) : "memory", "cc", "rax" : aborted);
	return 0;
aborted:
	return 1;
}

static int spin_without_signature(void)
{
	__asm__ goto(SEQUENCE "5: jmp 5b\n" END("0x12345678") : : [area] "r"(area()) : "memory", "cc", "rax" : aborted);
	return 0;
aborted:
	return 1;
}

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	signalled++;
	interrupted_at = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

/* Again and again, for the first one may come before the sequence has begun; 0 for no more. */
static void alarm_every(int microseconds)
{
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static long rseq_call(void *at, unsigned size, int flags, unsigned signature)
{
	return syscall(SYS_rseq, at, size, flags, signature);
}

int main(void)
{
	static struct rseq other __attribute__((aligned(32)));
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	pthread_t threads[THREADS];
	long sum = 0;
	int status, result;

	printf("registered by the C library: %d\n", __rseq_size != 0 && (int)area()->cpu_id >= 0);
	printf("again: %s", outcome(rseq_call(area(), SIZE, 0, RSEQ_SIG)));
	printf(", by another signature: %s", outcome(rseq_call(area(), SIZE, 0, 1)));
	printf(", elsewhere: %s", outcome(rseq_call(&other, SIZE, 0, RSEQ_SIG)));
	printf(", unknown flag: %s\n", outcome(rseq_call(&other, SIZE, 4, RSEQ_SIG)));

	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < CPUS; i++)
		sum += counter[i][0];
	printf("counted %ld of %d\n", sum, THREADS * ROUNDS);

	sigaction(SIGALRM, &action, NULL);
	alarm_every(5000);
	/* another task's turn aborts it, too */
	do
		result = spin();
	while (!signalled);
	alarm_every(0);
	printf("aborted by a signal: %d", result);
	printf(", handler ran: %d, saw the sequence: %d, descriptor cleared: %d\n", signalled > 0,
			interrupted_at == NULL, area()->rseq_cs == 0);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		alarm_every(5000);
		_exit(spin_without_signature());
	}
	waitpid(child, &status, 0);
	printf("handler without a signature: killed by %d\n", WTERMSIG(status));
	child = fork();
	if (child == 0) {
		signalled = 0;
		alarm_every(5000);
		do
			result = spin();
		while (!signalled);
		_exit(result + 40);
	}
	waitpid(child, &status, 0);
	printf("inherited by fork: %d\n", WEXITSTATUS(status));

	printf("unregister by another signature: %s", outcome(rseq_call(area(), SIZE, 1, 1)));
	printf(", another: %s", outcome(rseq_call(&other, SIZE, 1, RSEQ_SIG)));
	printf(", itself: %s", outcome(rseq_call(area(), SIZE, 1, RSEQ_SIG)));
	printf(", processor then %d\n", (int)area()->cpu_id);
	printf("too short: %s", outcome(rseq_call(&other, 16, 0, RSEQ_SIG)));
	printf(", unaligned: %s", outcome(rseq_call((char *)&other + 4, SIZE, 0, RSEQ_SIG)));
	printf(", in the kernel's half: %s", outcome(rseq_call((void *)-PAGE, SIZE, 0, RSEQ_SIG)));
	printf(", elsewhere: %s", outcome(rseq_call(&other, SIZE, 0, RSEQ_SIG)));
	printf(", processor known: %d\n", (int)other.cpu_id >= 0);
	return 0;
}
