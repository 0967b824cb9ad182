/*
 * Files as swap areas. Without arguments: who may not use swapon(2), and with which flags nobody may; the machine is
 * left as it is.
 *
 * With "check DIRECTORY", as root: makes areas of files there, uses them and takes them off, prints each result with
 * the one that was expected, if another, and exits with the number of those. On a host whose swap is nobody else's it
 * finds nothing wrong either.
 */
#include "observe.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define AREA_PAGES 2048
#define PAGES 600

static int wrong;

static void expect(const char *what, const char *result, const char *expected)
{
	bool same = strcmp(result, expected) == 0;

	wrong += !same;
	printf("%-40s %s%s%s\n", what, result, same ? "" : ", not ", same ? "" : expected);
}

#define EXPECT(call, expected) expect(#call, outcome(call), expected)

static void expect_true(const char *what, bool holds)
{
	expect(what, holds ? "yes" : "no", "yes");
}

/* ---- refusals */

static int refusals(void)
{
	printf("unknown flags: %s\n", outcome(swapon("/nowhere", 0x80000)));
	printf("negative flags: %s\n", outcome(swapon(NULL, (int)0x80000000)));
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return 1;
	printf("swapon by a user: %s\n", outcome(swapon("/nowhere", 0)));
	printf("swapon of nothing by a user: %s\n", outcome(swapon(NULL, SWAP_FLAG_PREFER | 5)));
	printf("unknown flags by a user: %s\n", outcome(swapon("/nowhere", 0x100000)));
	printf("swapoff by a user: %s\n", outcome(swapoff("/nowhere")));
	printf("swapoff of nothing by a user: %s\n", outcome(swapoff(NULL)));
	return 0;
}

/* ---- files */

static void make(const char *path, int pages, int last, int version, int bad, const char *signature)
{
	static char page[PAGE];
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	int header[] = {version, last, bad};

	memset(page, 0, PAGE);
	for (int i = 0; i < pages; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			perror(path);
	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + PAGE - 10, signature, 10);
	if (pwrite(fd, page, PAGE, 0) != (ssize_t)PAGE || fsync(fd) != 0)
		perror(path);
	close(fd);
}

static void make_area(const char *path, int pages)
{
	make(path, pages, pages - 1, 1, 0, "SWAPSPACE2");
}

/* One number of the line that a file has in /proc/swaps: 0 size, 1 used, 2 priority; -99 when there is no line. */
static long in_swaps(const char *path, int column)
{
	char line[4500], name[4100];
	long numbers[3], found = -99;
	FILE *swaps = fopen("/proc/swaps", "r");

	while (fgets(line, sizeof(line), swaps) != NULL)
		if (sscanf(line, "%4099s file %ld %ld %ld", name, numbers, numbers + 1, numbers + 2) == 4 && strcmp(name, path) == 0)
			found = numbers[column];
	fclose(swaps);
	return found;
}

static long swapped_kib(void)
{
	char line[200];
	long kib = -1;
	FILE *status = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), status) != NULL)
		sscanf(line, "VmSwap: %ld", &kib);
	fclose(status);
	return kib;
}

static void arguments(const char *path)
{
	make(path, 10, 9, 2, 0, "SWAPSPACE2");
	EXPECT(swapon(path, 0), "EINVAL");
	make(path, 10, 9, 1, 0, "SWAPSPACE1");
	EXPECT(swapon(path, 0), "EINVAL");
	make(path, 10, 0, 1, 0, "SWAPSPACE2");
	EXPECT(swapon(path, 0), "EINVAL");
	make(path, 10, 10, 1, 0, "SWAPSPACE2");
	EXPECT(swapon(path, 0), "EINVAL");
	make(path, 10, 9, 1, 1, "SWAPSPACE2");
	EXPECT(swapon(path, 0), "EINVAL");
	make_area(path, 10);
	EXPECT(truncate(path, 20 * PAGE), "ok");
	EXPECT(swapon(path, 0), "EINVAL");
	EXPECT(truncate(path, 10 * PAGE + 100), "ok");
	EXPECT(swapon(path, 0), "ok");
	EXPECT(swapoff(path), "ok");
	EXPECT(swapoff(path), "EINVAL");
	EXPECT(swapon("", 0), "ENOENT");
	EXPECT(swapon("/", 0), "EISDIR");
	EXPECT(swapon("/dev/null", 0), "EINVAL");
	EXPECT(swapon(NULL, 0), "EFAULT");
	EXPECT(swapoff("/"), "EISDIR");
	EXPECT(swapoff(""), "ENOENT");
}

static sigjmp_buf back;

static void on_sigbus(int signo)
{
	siglongjmp(back, signo);
}

/* The signal that a write by an older mapping ends in. */
static const char *store(volatile char *at)
{
	struct sigaction action = {.sa_handler = on_sigbus};
	int signo;

	sigaction(SIGBUS, &action, NULL);
	signo = sigsetjmp(back, 1);
	if (signo == 0)
		*at = 1;
	return signo == SIGBUS ? "SIGBUS" : "ok";
}

static const char *map_shared(int fd)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? strerrorname_np(errno) : "ok";
}

static void nobody_writes_to_an_area(const char *path, const char *other)
{
	make_area(path, 100);
	int fd = open(path, O_RDWR);
	char *old = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	old[100] = 1;
	EXPECT(swapon(path, 0), "ok");
	EXPECT(swapon(path, 0), "EBUSY");
	EXPECT(write(fd, "x", 1), "ETXTBSY");
	EXPECT(pwrite(fd, "x", 1, PAGE), "ETXTBSY");
	EXPECT(ftruncate(fd, PAGE), "ETXTBSY");
	EXPECT(truncate(path, 100 * PAGE), "ETXTBSY");
	EXPECT(fallocate(fd, 0, 0, PAGE), "ETXTBSY");
	EXPECT(open(path, O_WRONLY | O_TRUNC), "ETXTBSY");
	EXPECT(copy_file_range(fd, NULL, open(other, O_CREAT | O_RDWR, 0600), NULL, PAGE, 0), "ETXTBSY");
	expect("shared mapping", map_shared(fd), "ETXTBSY");
	expect("store to an older mapping", store(old), "SIGBUS");
	EXPECT(pread(fd, (char[1]){0}, 1, 0), "ok");
	EXPECT(unlink(path), "EPERM");
	EXPECT(rename(path, other), "EPERM");
	EXPECT(rename(other, path), "EPERM");
	EXPECT(chmod(path, 0400), "ok");
	EXPECT(swapoff(path), "ok");
	expect("store afterwards", store(old), "ok");
	EXPECT(write(fd, "x", 1), "ok");
	EXPECT(unlink(other), "ok");
	munmap(old, PAGE);
	close(fd);
	EXPECT(unlink(path), "ok");
}

/* ---- use */

static unsigned char value(int page)
{
	return (unsigned char)(page * 37 + 1);
}

static bool is_whole(const unsigned char *p, int pages)
{
	for (int i = 0; i < pages; i++)
		if (p[i * PAGE] != value(i))
			return false;
	return true;
}

static unsigned char *filled(int pages, int flags)
{
	unsigned char *p = map(pages * PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS);

	for (int i = 0; i < pages; i++)
		p[i * PAGE] = value(i);
	return p;
}

static void pages_go_and_come_back(const char *path)
{
	struct sysinfo before, during, after;
	unsigned char *private = filled(PAGES, MAP_PRIVATE), *shared = filled(PAGES, MAP_SHARED);
	int status;

	make_area(path, AREA_PAGES);
	sysinfo(&before);
	EXPECT(swapon(path, SWAP_FLAG_PREFER | 77), "ok");
	sysinfo(&during);
	expect_true("more swap", during.totalswap - before.totalswap == (AREA_PAGES - 1) * PAGE);
	expect_true("size in /proc/swaps", in_swaps(path, 0) == (AREA_PAGES - 1) * 4);
	expect_true("priority in /proc/swaps", in_swaps(path, 2) == 77);
	EXPECT(madvise(private, PAGES * PAGE, MADV_PAGEOUT), "ok");
	EXPECT(madvise(shared, PAGES * PAGE, MADV_PAGEOUT), "ok");
	expect_true("most pages are in the area", in_swaps(path, 1) > 2 * PAGES * 4 * 9 / 10);
	expect_true("VmSwap", swapped_kib() > PAGES * 4 * 9 / 10);
	pid_t child = fork();
	if (child == 0) {
		private[0]++;
		pause();
	}
	EXPECT(swapoff(path), "ok");
	expect_true("VmSwap is 0", swapped_kib() == 0);
	expect_true("private pages", is_whole(private, PAGES));
	expect_true("shared pages", is_whole(shared, PAGES));
	sysinfo(&after);
	expect_true("as much swap as before", after.totalswap == before.totalswap);
	expect_true("not in /proc/swaps", in_swaps(path, 0) == -99);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	munmap(private, PAGES * PAGE);
	munmap(shared, PAGES * PAGE);
	EXPECT(unlink(path), "ok");
}

/* A child uses memory and sends it to swap all the time, forking now and then, while areas come and go. */
static void areas_come_and_go_while_memory_is_used(const char *path, const char *other)
{
	int status, failed = 0;
	pid_t child = fork();

	if (child == 0) {
		unsigned char *p = filled(PAGES, MAP_PRIVATE);
		unsigned char counts[PAGES];

		for (int i = 0; i < PAGES; i++)
			counts[i] = value(i);
		for (unsigned round = 0; getppid() != 1; round++) {
			madvise(p, PAGES * PAGE, MADV_PAGEOUT);
			for (int i = round % 3; i < PAGES; i += 3) {
				if (p[i * PAGE] != counts[i])
					_exit(1);
				p[i * PAGE] = ++counts[i];
			}
			pid_t grandchild = round % 4 == 0 ? fork() : -1;
			if (grandchild == 0)
				_exit(p[0] != counts[0]);
			if (grandchild > 0 && (waitpid(grandchild, &status, 0) != grandchild || status != 0))
				_exit(2);
		}
	}
	make_area(path, AREA_PAGES);
	make_area(other, AREA_PAGES);
	failed += swapon(path, 0) != 0;
	for (int i = 0; i < 20; i++) {
		usleep(2000);
		failed += swapon(i % 2 == 0 ? other : path, 0) != 0;
		failed += swapoff(i % 2 == 0 ? path : other) != 0;
	}
	failed += swapoff(path) != 0;
	expect_true("areas came and went", failed == 0);
	expect_true("the child lives", waitpid(child, &status, WNOHANG) == 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	EXPECT(unlink(path), "ok");
	EXPECT(unlink(other), "ok");
}

int main(int argc, char **argv)
{
	char path[4000], other[4000];

	if (argc < 3 || strcmp(argv[1], "check") != 0)
		return refusals();
	setbuf(stdout, NULL);
	snprintf(path, sizeof(path), "%s/area", argv[2]);
	snprintf(other, sizeof(other), "%s/other", argv[2]);
	arguments(path);
	nobody_writes_to_an_area(path, other);
	pages_go_and_come_back(path);
	areas_come_and_go_while_memory_is_used(path, other);
	return wrong;
}
