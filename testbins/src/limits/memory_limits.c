/* Resource limits of memory: the address space, data, stack, locked memory. As a program without rights meets them. */
#include "observe.h"
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static void limit(int resource, long soft)
{
	struct rlimit r;

	getrlimit(resource, &r);
	r.rlim_cur = soft;
	if (setrlimit(resource, &r))
		printf("setrlimit: %s\n", strerrorname_np(errno));
}

static long status(const char *field)
{
	FILE *file = fopen("/proc/self/status", "r");
	long value = -1;

	for (char line[256]; fgets(line, sizeof(line), file);)
		if (!strncmp(line, field, strlen(field)))
			value = atol(line + strlen(field));
	fclose(file);
	return value;
}

/* Maps or not; gives it back. */
static void try_map(const char *label, size_t bytes, int prot, int flags)
{
	void *p = mmap(NULL, bytes, prot, flags | MAP_ANONYMOUS, -1, 0);

	show(label, p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED)
		munmap(p, bytes);
}

static void address_space(void)
{
	limit(RLIMIT_AS, status("VmSize:") * 1024 + 64 * PAGE);
	try_map("AS: within", 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	try_map("AS: beyond", 80 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	try_map("AS: beyond, no access", 80 * PAGE, PROT_NONE, MAP_PRIVATE);
	char *p = map_private(16 * PAGE);
	show("AS: grow within", mremap(p, 16 * PAGE, 24 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	p = map_private(8 * PAGE);
	show("AS: grow beyond", mremap(p, 8 * PAGE, 80 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	show("AS: brk", sbrk(128 * PAGE) == (void *)-1 ? -1 : 0);
	limit(RLIMIT_AS, RLIM_INFINITY);
}

static void data(void)
{
	limit(RLIMIT_DATA, status("VmData:") * 1024 + 16 * PAGE);
	try_map("DATA: within", 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	try_map("DATA: beyond", 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	try_map("DATA: read-only", 32 * PAGE, PROT_READ, MAP_PRIVATE);
	try_map("DATA: shared", 32 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *p = map(32 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	show("DATA: made writable", mprotect(p, 32 * PAGE, PROT_READ | PROT_WRITE));
	show("DATA: made writable in part", mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
	show("DATA: brk", sbrk(64 * PAGE) == (void *)-1 ? -1 : 0);
	limit(RLIMIT_DATA, RLIM_INFINITY);
}

static void locked(void)
{
	char *p = map_private(32 * PAGE);

	limit(RLIMIT_MEMLOCK, 8 * PAGE);
	show("MEMLOCK: within", mlock(p, 8 * PAGE));
	printf("%-44s %ld kB\n", "VmLck", status("VmLck:"));
	show("MEMLOCK: beyond", mlock(p + 8 * PAGE, PAGE));
	show("MEMLOCK: again what is locked", mlock(p, 8 * PAGE));
	show("MEMLOCK: overlapping", mlock(p + 4 * PAGE, 8 * PAGE));
	show("MEMLOCK: on fault", mlock2(p + 8 * PAGE, PAGE, MLOCK_ONFAULT));
	show("MEMLOCK: mmap locked", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0);
	show("MEMLOCK: grow", mremap(p, 8 * PAGE, 12 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	show("MEMLOCK: all", mlockall(MCL_CURRENT));
	show("munlock", munlock(p, 4 * PAGE));
	show("MEMLOCK: room again", mlock(p + 16 * PAGE, 4 * PAGE));
	show("all in future", mlockall(MCL_FUTURE));
	try_map("MEMLOCK: a mapping now", 8 * PAGE, PROT_READ, MAP_PRIVATE);
	show("munlockall", munlockall());
	printf("%-44s %ld kB\n", "VmLck", status("VmLck:"));
	limit(RLIMIT_MEMLOCK, 0);
	show("MEMLOCK 0: mlock", mlock(p, PAGE));
	show("MEMLOCK 0: mlockall", mlockall(MCL_CURRENT));
	show("MEMLOCK 0: mmap locked", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0);
	show("MEMLOCK 0: munlock", munlock(p, PAGE));
}

static volatile char sink;

__attribute__((noinline)) static void deep(size_t bytes)
{
	char *frame = __builtin_alloca(bytes);

	for (size_t i = bytes; i > 0; i -= PAGE)
		frame[i - PAGE] = 1;
	sink = frame[0];
}

static void stack(void)
{
	int result;

	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		pid_t child = fork();
		if (child == 0) {
			limit(RLIMIT_STACK, 64 * PAGE);
			deep((i ? 128 : 32) * PAGE);
			_exit(0);
		}
		waitpid(child, &result, 0);
		printf("%-44s %s %d\n", i ? "STACK: beyond" : "STACK: within", WIFSIGNALED(result) ? "signal" : "exit",
		       WIFSIGNALED(result) ? WTERMSIG(result) : WEXITSTATUS(result));
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 4096);
	fclose(fopen("/proc/self/status", "r"));
	address_space();
	data();
	stack();
	if (geteuid() == 0 && setuid(65534))
		puts("setuid failed");
	locked();
	return 0;
}
