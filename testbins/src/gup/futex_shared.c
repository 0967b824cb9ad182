/* cflags: -pthread
 * Futexes of shared memory meet by the page, wherever it is mapped; those of private memory by process and address.
 */
#include "observe.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define WAIT_SHARED FUTEX_WAIT
#define WAIT_PRIVATE (FUTEX_WAIT | FUTEX_PRIVATE_FLAG)
#define WAKE_SHARED FUTEX_WAKE
#define WAKE_PRIVATE (FUTEX_WAKE | FUTEX_PRIVATE_FLAG)

static long futex(int *word, int op, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static int *waits_at;
static int wait_op;
static long waited;

static void *waiter(void *unused)
{
	struct timespec limit = {10, 0};

	(void)unused;
	waited = futex(waits_at, wait_op, 0, &limit);
	return NULL;
}

/* Wakes until somebody was woken: the waiter may not be there yet. Gives up where nobody can be. */
static long wake(int *word, int op, int tries)
{
	long woken = 0;

	for (int i = 0; i < tries && woken == 0; i++) {
		woken = futex(word, op, 1, NULL);
		if (woken == 0)
			usleep(1000);
	}
	return woken;
}

static void threads(const char *label, int *at, int op, int *wakes_at, int wake_op)
{
	pthread_t thread;

	waits_at = at;
	wait_op = op;
	pthread_create(&thread, NULL, waiter, NULL);
	long woken = wake(wakes_at, wake_op, 5000);
	pthread_join(thread, NULL);
	printf("%-44s woke %ld, waited %s\n", label, woken, outcome(waited));
}

static void apart(const char *label, int *at, int op, int *wakes_at, int wake_op)
{
	pthread_t thread;

	waits_at = at;
	wait_op = op;
	pthread_create(&thread, NULL, waiter, NULL);
	long woken = wake(wakes_at, wake_op, 20);
	long late = wake(at, op == WAIT_SHARED ? WAKE_SHARED : WAKE_PRIVATE, 5000);
	pthread_join(thread, NULL);
	printf("%-44s woke %ld, then %ld\n", label, woken, late);
}

static void processes(const char *label, int *word, int tries)
{
	int status;
	struct timespec limit = {10, 0};
	pid_t pid = fork();

	if (!pid)
		_exit(futex(word, WAIT_SHARED, 0, &limit) ? 1 : 0);
	long woken = wake(word, WAKE_SHARED, tries);
	if (woken == 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("%-44s woke %ld, status %x\n", label, woken, status);
}

/* The last mapping of a file goes while somebody waits there, its descriptor too: who maps it anew wakes them all the same. */
static void mapped_anew(void)
{
	char path[512];
	const char *dir = getenv("TMPDIR");
	pthread_t thread;

	snprintf(path, sizeof(path), "%s/futex.XXXXXX", dir ? dir : "/tmp");
	int fd = mkstemp(path);
	ftruncate(fd, PAGE);
	int *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	waits_at = word;
	wait_op = WAIT_SHARED;
	pthread_create(&thread, NULL, waiter, NULL);
	while (syscall(SYS_futex, word, FUTEX_REQUEUE, 0, 1, word + 1, 0) != 1)
		usleep(100);
	munmap(word, PAGE);
	fd = open(path, O_RDWR);
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	long woken = wake(word + 1, WAKE_SHARED, 20);
	pthread_join(thread, NULL);
	printf("%-44s woke %ld, waited %ld\n", "a file that was mapped anew", woken, waited);
	close(fd);
	unlink(path);
}

int main(void)
{
	struct timespec soon = {0, 1000000};
	int fd = temporary_file(4 * PAGE);

	setvbuf(stdout, NULL, _IOLBF, 0);
	char *a = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *b = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	char *c = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *r = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	char *anon = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	char *own = map_private(PAGE);

	threads("two mappings of one file", (int *)(a + PAGE + 64), WAIT_SHARED, (int *)(b + 64), WAKE_SHARED);
	threads("a read-only mapping of it", (int *)(r + PAGE + 8), WAIT_SHARED, (int *)(a + PAGE + 8), WAKE_SHARED);
	threads("shared words of private memory", (int *)own, WAIT_SHARED, (int *)own, WAKE_SHARED);
	threads("private words of private memory", (int *)own, WAIT_PRIVATE, (int *)own, WAKE_PRIVATE);
	threads("private words of a file", (int *)(a + 4), WAIT_PRIVATE, (int *)(a + 4), WAKE_PRIVATE);
	apart("another word", (int *)(a + PAGE), WAIT_SHARED, (int *)(b + 4), WAKE_SHARED);
	apart("private words, two mappings", (int *)(a + PAGE), WAIT_PRIVATE, (int *)b, WAKE_PRIVATE);
	apart("a shared and a private word", (int *)own, WAIT_SHARED, (int *)(c), WAKE_PRIVATE);
	apart("a private copy of the page", (int *)(a + 2 * PAGE), WAIT_SHARED, (int *)(c + 2 * PAGE), WAKE_SHARED);
	processes("two processes, anonymous memory", (int *)anon, 5000);
	processes("two processes, a file", (int *)(a + 128), 5000);
	processes("two processes, private memory", (int *)own, 20);

	mapped_anew();

	munmap(anon, PAGE);
	printf("%-44s %s\n", "not mapped, shared", outcome(futex((int *)anon, WAKE_SHARED, 1, NULL)));
	printf("%-44s %s\n", "not mapped, private", outcome(futex((int *)anon, WAKE_PRIVATE, 1, NULL)));
	printf("%-44s %s\n", "not aligned", outcome(futex((int *)(a + 2), WAKE_SHARED, 1, NULL)));
	char *ro = map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	printf("%-44s %s\n", "read-only private memory", outcome(futex((int *)ro, WAKE_SHARED, 1, NULL)));
	printf("%-44s %s\n", "a kernel address", outcome(futex((int *)0xffff800000000000, WAKE_SHARED, 1, NULL)));
	printf("%-44s %s\n", "another value", outcome(futex((int *)a, WAIT_SHARED, 1, NULL)));
	printf("%-44s %s\n", "nobody wakes", outcome(futex((int *)a, WAIT_SHARED, 0, &soon)));
	ftruncate(fd, 0);
	printf("%-44s %s\n", "behind the file's end", outcome(futex((int *)a, WAKE_SHARED, 1, NULL)));
	return 0;
}
