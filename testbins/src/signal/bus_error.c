/* Beyond the last page of a mapped file there is nothing: SIGBUS, BUS_ADRERR, with the address. So too after a truncation. */
#include "observe.h"
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

static sigjmp_buf back;
static char *area;

static void handler(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	long offset = (char *)info->si_addr - area;

	printf("signal %d code %s at page %ld + %ld, error %lld\n", signal, info->si_code == BUS_ADRERR ? "ADRERR" : "?",
	       offset / (long)PAGE, offset % (long)PAGE, u->uc_mcontext.gregs[REG_ERR]);
	siglongjmp(back, 1);
}

#define TRY(label, ...)                        \
	do {                                   \
		printf("%-36s ", label);       \
		if (!sigsetjmp(back, 1)) {     \
			__VA_ARGS__;           \
			puts("fine");          \
		}                              \
	} while (0)

int main(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	int fd = temporary_file(2 * PAGE + 100);

	sigaction(SIGBUS, &action, NULL);
	area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	TRY("last page, within the file", area[2 * PAGE + 99] = 1);
	TRY("last page, beyond the file", area[2 * PAGE + 3000] = 2);
	TRY("read of the next page", (void)*(volatile char *)(area + 3 * PAGE + 17));
	TRY("write of the next page", *(volatile char *)(area + 3 * PAGE + 18) = 1);
	TRY("read that runs into it", (void)*(volatile long *)(area + 3 * PAGE - 1));
	ftruncate(fd, 8 * PAGE);
	TRY("after the file grew", area[3 * PAGE + 17] = 3);
	TRY("its last page", area[7 * PAGE] = 4);
	ftruncate(fd, PAGE);
	TRY("after it was truncated, first page", (void)*(volatile char *)area);
	TRY("second page, touched before", (void)*(volatile char *)(area + PAGE + 5));
	TRY("last page", *(volatile char *)(area + 7 * PAGE + 4095) = 1);
	ftruncate(fd, 2 * PAGE);
	TRY("grown again: reads zero", printf("%d ", area[PAGE + 5]));
	char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	private[PAGE] = 9;
	area = private;
	ftruncate(fd, 0);
	TRY("private copy after truncation", (void)*(volatile char *)(private + PAGE));
	return 0;
}
