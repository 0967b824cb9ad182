/* cflags: -pthread
 *
 * Events of userfaultfd: fork, mremap, madvise, munmap; who causes one waits until it has been read. */
#include "userfault.h"
#include <signal.h>
#include <sys/wait.h>

#define EVENTS (UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP)

static int fd;
static char *area;
static char *source;
static int child_fd = -1;
static volatile int read_so_far;

static void *serve(void *count)
{
	for (long i = 0; i < (long)count; i++) {
		struct uffd_msg msg;

		usleep(20000);
		read_so_far++;
		if (read(fd, &msg, sizeof(msg)) != sizeof(msg))
			return NULL;
		long base = (long)area;

		switch (msg.event) {
		case UFFD_EVENT_FORK:
			child_fd = msg.arg.fork.ufd;
			printf("   fork, descriptor %d\n", child_fd >= 0);
			break;
		case UFFD_EVENT_REMAP:
			printf("   remap from page %ld length %lld moved %d\n", ((long)msg.arg.remap.from - base) / (long)PAGE,
			       (long long)msg.arg.remap.len, msg.arg.remap.to != msg.arg.remap.from);
			break;
		case UFFD_EVENT_REMOVE:
		case UFFD_EVENT_UNMAP:
			printf("   %s pages %ld to %ld\n", msg.event == UFFD_EVENT_REMOVE ? "remove" : "unmap",
			       ((long)msg.arg.remove.start - base) / (long)PAGE, ((long)msg.arg.remove.end - base) / (long)PAGE);
			break;
		default:
			printf("   event %x page %ld\n", msg.event, ((long)msg.arg.pagefault.address - base) / (long)PAGE);
			copy(fd, (void *)(msg.arg.pagefault.address & -PAGE), source, PAGE);
		}
		fflush(stdout);
	}
	return NULL;
}

/* The call must have waited for the events to be read. */
static void waited(pthread_t server, const char *label, long result, int events)
{
	const char *when = read_so_far == events ? "after its events" : "too early";

	pthread_join(server, NULL);
	printf("%-52s %s, %s\n", label, outcome(result), when);
	fflush(stdout);
}

static void expect(pthread_t *server, long events)
{
	read_so_far = 0;
	pthread_create(server, NULL, serve, (void *)events);
}

static void forks(void)
{
	pthread_t server;
	struct uffd_msg msg;
	int status;

	expect(&server, 1);
	pid_t child = fork();
	if (child == 0)
		_exit(area[6 * PAGE] == 'q' ? 42 : 1);
	waited(server, "fork", child, 1);
	/* The child's fault comes to its own descriptor. */
	printf("%-52s %zd\n", "read of the child's", read(child_fd, &msg, sizeof(msg)));
	printf("%-52s %x page %ld\n", "event", msg.event, ((long)msg.arg.pagefault.address - (long)area) / (long)PAGE);
	memset(source, 'q', PAGE);
	show("copy to the child", copy(child_fd, area + 6 * PAGE, source, PAGE));
	waitpid(child, &status, 0);
	printf("%-52s %d\n", "child", WEXITSTATUS(status));
	printf("%-52s %d\n", "one's own page is still missing", pagemap_bit(area + 6 * PAGE, 63));
	show("copy when the child is gone", copy(child_fd, area + 7 * PAGE, source, PAGE));
	close(child_fd);
}

static void without_reader(void)
{
	int quiet = userfault(O_NONBLOCK, 0);
	char *p = map_private(4 * PAGE);

	show("register without events", enroll(quiet, p, 4 * PAGE, MODE_MISSING));
	copy(quiet, p, source, PAGE);
	show("remove", madvise(p, PAGE, MADV_DONTNEED));
	char *q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	printf("%-52s %d\n", "moved or grown", q != MAP_FAILED);
	show("unmap", munmap(q, 8 * PAGE));
	fflush(stdout);
	if (fork() == 0)
		_exit(0);
	wait(NULL);
	struct uffd_msg msg;
	show("nothing to read", read(quiet, &msg, sizeof(msg)));
	close(quiet);
}

int main(void)
{
	pthread_t server;

	source = map_private(PAGE);
	memset(source, 's', PAGE);
	without_reader();
	fd = userfault(0, EVENTS);
	char *room = map(64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	area = mmap(room + 16 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	show("register", enroll(fd, area, 16 * PAGE, MODE_MISSING));
	show("copy", copy(fd, area, source, PAGE));
	show("copy", copy(fd, area + 2 * PAGE, source, PAGE));

	expect(&server, 1);
	waited(server, "MADV_DONTNEED", madvise(area, 4 * PAGE, MADV_DONTNEED), 1);
	printf("%-52s %d\n", "page", pagemap_bit(area, 63));
	expect(&server, 1);
	waited(server, "MADV_FREE", madvise(area + PAGE, PAGE, MADV_FREE), 1);
	show("MADV_COLD", madvise(area, PAGE, MADV_COLD));

	forks();

	expect(&server, 1);
	waited(server, "munmap of one page", munmap(area + 15 * PAGE, PAGE), 1);
	expect(&server, 1);
	waited(server, "munmap of a page and a hole", munmap(area + 14 * PAGE, 2 * PAGE), 1);
	expect(&server, 1);
	char *over = mmap(area + 13 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	waited(server, "mmap over a page", over == MAP_FAILED ? -1 : 0, 1);

	expect(&server, 2);
	char *to = mremap(area + 8 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + 40 * PAGE);
	waited(server, "mremap", to == MAP_FAILED ? -1 : 0, 2);
	show("the new place is registered", copy(fd, to, source, PAGE));
	printf("%-52s %c\n", "there", *to);
	expect(&server, 1);
	printf("%-52s %c\n", "fault there", to[PAGE]);
	pthread_join(server, NULL);
	expect(&server, 1);
	waited(server, "shrink", mremap(to, 2 * PAGE, PAGE, 0) == MAP_FAILED ? -1 : 0, 1);
	show("close", close(fd));
	show("munmap when it is closed", munmap(area, 8 * PAGE));
	return 0;
}
