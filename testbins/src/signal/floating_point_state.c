/* A handler starts with clean floating-point control words and may ruin every register: the interrupted code sees nothing. */
#include "observe.h"
#include <signal.h>
#include <ucontext.h>

static volatile unsigned handler_mxcsr;
static volatile unsigned short handler_control;
static volatile double seen;

static void handler(int signal, siginfo_t *info, void *context)
{
	struct _libc_fpstate *fp = ((ucontext_t *)context)->uc_mcontext.fpregs;
	unsigned mxcsr = 0x1fa0;

	(void)signal;
	(void)info;
	asm volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(handler_mxcsr), "=m"(handler_control));
	memcpy((void *)&seen, fp->_xmm[5].element, 8);
	asm volatile("ldmxcsr %0\n\tfninit\n\tfldpi\n\tfldpi\n\tfldpi" : : "m"(mxcsr));
	asm volatile("pxor %%xmm0, %%xmm0\n\tpxor %%xmm5, %%xmm5\n\tpxor %%xmm15, %%xmm15" : : : "memory");
	if (info->si_signo == SIGUSR2) {
		double replaced = 99.5;
		memcpy(fp->_xmm[5].element, &replaced, 8);
	}
}

/* Loads registers, sends itself the signal with a bare system call, stores registers. */
static void round_trip(int number)
{
	double five = 5.25, fifteen = 15.75, out5, out15, x87;
	unsigned set_mxcsr = 0x5f80, out_mxcsr;		/* round up */
	unsigned short set_control = 0x0b7f, out_control;

	asm volatile("ldmxcsr %[mx]\n\tfldcw %[cw]\n\tfldl %[five]\n\tmovsd %[five], %%xmm5\n\tmovsd %[fifteen], %%xmm15\n\t"
		     "mov $62, %%eax\n\tsyscall\n\t"
		     "stmxcsr %[omx]\n\tfnstcw %[ocw]\n\tfstpl %[x87]\n\tmovsd %%xmm5, %[o5]\n\tmovsd %%xmm15, %[o15]"
		     : [omx] "=m"(out_mxcsr), [ocw] "=m"(out_control), [x87] "=m"(x87), [o5] "=m"(out5), [o15] "=m"(out15)
		     : [mx] "m"(set_mxcsr), [cw] "m"(set_control), [five] "m"(five), [fifteen] "m"(fifteen), "D"(getpid()), "S"(number)
		     : "rax", "rcx", "r11", "xmm5", "xmm15", "memory");
	unsigned clean = 0x1f80;
	unsigned short clean_control = 0x37f;
	asm volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(clean), "m"(clean_control));
	printf("handler: mxcsr %#x control %#x xmm5 %g; after: mxcsr %#x control %#x st0 %g xmm5 %g xmm15 %g\n", handler_mxcsr,
	       handler_control, seen, out_mxcsr, out_control, x87, out5, out15);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	round_trip(SIGUSR1);
	round_trip(SIGUSR2);
	return 0;
}
