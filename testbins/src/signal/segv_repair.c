/*
 * A handler that repairs the fault and returns: the access is done again and succeeds. 10,000 times with mprotect, then
 * by mapping the page, and by changing a register of the interrupted code.
 */
#include "observe.h"
#include <signal.h>
#include <ucontext.h>

static char *area;
static volatile long faults, wrong;
static int mode;

static void handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	char *page = (char *)((uintptr_t)info->si_addr & -PAGE);

	faults++;
	wrong += signal != SIGSEGV || page < area || page >= area + 64 * PAGE;
	if (mode == 0)
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	else if (mode == 1)
		mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		u->uc_mcontext.gregs[REG_RBX] = (greg_t)(area + 100);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	long sum = 0;

	area = map_private(64 * PAGE);
	sigaction(SIGSEGV, &action, NULL);
	for (int i = 0; i < 10000; i++) {
		volatile int *p = (int *)(area + (i % 64) * PAGE + i % 1000 * 4);

		mprotect((void *)((uintptr_t)p & -PAGE), PAGE, i % 3 ? PROT_READ : PROT_NONE);
		if (i % 2)
			*p = i;
		else
			asm volatile("addl %1, %0" : "+m"(*p) : "r"(i) : "cc");
		sum += *p;
	}
	printf("repaired with mprotect: %ld faults, %ld wrong, sum %ld\n", faults, wrong, sum);

	faults = 0;
	mode = 1;
	munmap(area, 64 * PAGE);
	for (int i = 0; i < 64; i++)
		*(volatile int *)(area + i * PAGE) = i;
	printf("repaired with mmap: %ld faults, %ld wrong\n", faults, wrong);

	faults = 0;
	mode = 2;
	*(int *)(area + 100) = 4711;
	int value;
	asm volatile("xor %%ebx, %%ebx\n\tmovl (%%rbx), %0" : "=r"(value) : : "rbx", "memory");
	printf("repaired in the register: %ld fault, value %d\n", faults, value);
	return 0;
}
