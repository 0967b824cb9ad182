/*
 * The flags survive a fault in the middle of a computation: instructions that use and set flags on memory that faults
 * give the same result as on memory that does not.
 */
#include "observe.h"
#include <signal.h>
#include <ucontext.h>

#define CARRY 0x1UL
#define SHIFT 0xc5UL /* carry, parity, zero, sign */
#define ALL 0x8c5UL

static char *page;
static volatile int faults;

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	faults++;
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

/* Runs an instruction with known flags on *page; protect says whether it has to fault first. */
#define RUN(name, text)                                                                               \
	static unsigned long name(unsigned long value, unsigned long carry, int protect, unsigned long *flags)    \
	{                                                                                             \
		unsigned long *m = (unsigned long *)(page + 256);                                     \
		*m = value;                                                                           \
		if (protect)                                                                          \
			mprotect(page, PAGE, PROT_READ);                                              \
		asm volatile("cmp %3, %2\n\t" text "\n\tpushfq\n\tpop %1"                             \
			     : "+m"(*m), "=&r"(*flags) : "r"(0UL), "r"(carry), "a"(5UL), "d"(6UL), "c"(3UL) : "cc", "memory"); \
		return *m;                                                                            \
	}

RUN(run_rcl, "rclq $1, %0")
RUN(run_rcr, "rcrq $1, %0")
RUN(run_adc, "adcq %%rdx, %0")
RUN(run_sbb, "sbbq %%rdx, %0")
RUN(run_setbe, "setbe %0")
RUN(run_setl, "setl %0")
RUN(run_inc, "incq %0")
RUN(run_neg, "negq %0")
RUN(run_xadd, "lock xaddq %%rdx, %0")
RUN(run_cmpxchg, "lock cmpxchgq %%rdx, %0")
RUN(run_shld, "shldq $5, %%rdx, %0")
RUN(run_bts, "btsq $7, %0")

int main(void)
{
	/* Which flags the instruction leaves in a defined state. */
	static const struct {
		const char *name;
		unsigned long (*run)(unsigned long, unsigned long, int, unsigned long *);
		unsigned long defined;
	} tests[] = {
		{ "rcl", run_rcl, ALL }, { "rcr", run_rcr, ALL }, { "adc", run_adc, ALL }, { "sbb", run_sbb, ALL }, { "setbe", run_setbe, ALL },
		{ "setl", run_setl, ALL }, { "inc", run_inc, ALL }, { "neg", run_neg, ALL }, { "xadd", run_xadd, ALL },
		{ "cmpxchg", run_cmpxchg, ALL }, { "shld", run_shld, SHIFT }, { "bts", run_bts, CARRY },
	};
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	page = map_private(PAGE);
	sigaction(SIGSEGV, &action, NULL);
	for (size_t t = 0; t < sizeof(tests) / sizeof(*tests); t++) {
		int wrong = 0;
		faults = 0;
		for (unsigned long i = 0; i < 64; i++) {
			unsigned long value = i * 0x9e3779b97f4a7c15UL, f1, f2;
			unsigned long a = tests[t].run(value, i & 1, 0, &f1);
			unsigned long b = tests[t].run(value, i & 1, 1, &f2);
			wrong += a != b || ((f1 ^ f2) & tests[t].defined) != 0;
		}
		printf("%-8s faults %d, wrong %d\n", tests[t].name, faults, wrong);
	}
	return 0;
}
