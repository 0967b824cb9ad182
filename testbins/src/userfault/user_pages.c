/* cflags: -pthread
 *
 * userfaultfd: a thread provides the pages that another one touches, by loads and stores and through system calls. */
#include "asleep.h"
#include "observe.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static int uffd;
static char *area;
static char *source;

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static long add(void *p, size_t n, int mode)
{
	struct uffdio_register r = { .range = { (unsigned long)p, n }, .mode = mode };

	return ioctl(uffd, UFFDIO_REGISTER, &r);
}

static long copy(char *to, const char *from, size_t n, int mode, long *done)
{
	struct uffdio_copy c = { .dst = (unsigned long)to, .src = (unsigned long)from, .len = n, .mode = mode };
	long result = ioctl(uffd, UFFDIO_COPY, &c);

	*done = c.copy;
	return result;
}

static long protect(void *p, size_t n, int mode)
{
	struct uffdio_writeprotect w = { .range = { (unsigned long)p, n }, .mode = mode };

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &w);
}

/* Serves: page 7 with zeros, page 8 not before it has been asked again, others with a letter. Ends at page 15. */
static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		struct pollfd pollfd = { .fd = uffd, .events = POLLIN };
		struct uffd_msg msg;
		long done;

		poll(&pollfd, 1, -1);
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		long page = (msg.arg.pagefault.address - (unsigned long)area) / PAGE;
		printf("   event %x page %ld flags %llx\n", msg.event, page, (unsigned long long)msg.arg.pagefault.flags);
		if (msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
			protect(area + page * PAGE, PAGE, 0);
			continue;
		}
		if (page == 7) {
			struct uffdio_zeropage z = { .range = { msg.arg.pagefault.address, PAGE } };

			ioctl(uffd, UFFDIO_ZEROPAGE, &z);
			continue;
		}
		if (page == 8) {
			struct uffdio_range r = { msg.arg.pagefault.address, PAGE };
			static int asked;

			if (!asked++) {
				ioctl(uffd, UFFDIO_WAKE, &r);
				continue;
			}
		}
		memset(source, 'a' + page, PAGE);
		copy(area + page * PAGE, source, PAGE, 0, &done);
		if (page == 15)
			return NULL;
	}
}

static void on_alarm(int signal)
{
	(void)signal;
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct sigaction action = { .sa_handler = on_alarm };
	struct uffd_msg msg;
	pthread_t server;
	int pipes[2];
	long done;

	show("unknown flags", syscall(SYS_userfaultfd, 0x40));
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0) {
		show("userfaultfd", -1);
		return 0;
	}
	area = map_private(16 * PAGE);
	source = map_private(2 * PAGE);
	show("register before the handshake", add(area, PAGE, UFFDIO_REGISTER_MODE_MISSING));
	show("read before the handshake", read(uffd, &msg, sizeof(msg)));
	api.api = 1;
	show("wrong version", ioctl(uffd, UFFDIO_API, &api));
	api = (struct uffdio_api){ .api = UFFD_API, .features = 1ULL << 60 };
	show("unknown feature", ioctl(uffd, UFFDIO_API, &api));
	api = (struct uffdio_api){ .api = UFFD_API };
	show("handshake", ioctl(uffd, UFFDIO_API, &api));
	show("handshake again", ioctl(uffd, UFFDIO_API, &api));
	show("read nothing", read(uffd, &msg, sizeof(msg)));
	show("no mode", add(area, PAGE, 0));
	show("unknown mode", add(area, PAGE, 64));
	show("not on a page", add(area + 1, PAGE, 1));
	show("length 0", add(area, 0, 1));
	show("nothing mapped", add((void *)(1UL << 40), PAGE, 1));
	show("copy to what is not registered", copy(area, source, PAGE, 0, &done));
	show("register", add(area, 16 * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP));
	show("register again", add(area, 16 * PAGE, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP));
	int second = syscall(SYS_userfaultfd, O_CLOEXEC), first = uffd;
	api = (struct uffdio_api){ .api = UFFD_API };
	ioctl(second, UFFDIO_API, &api);
	uffd = second;
	show("register what is another's", add(area, PAGE, UFFDIO_REGISTER_MODE_MISSING));
	uffd = first;
	close(second);
	memset(source, 'x', 2 * PAGE);
	show("copy two pages", copy(area, source, 2 * PAGE, 0, &done));
	printf("%-44s %ld %c%c\n", "copied", done, area[0], area[2 * PAGE - 1]);
	show("copy again", copy(area, source, PAGE, 0, &done));
	show("copy, second page is there", copy(area - 0 + PAGE, source, PAGE, 0, &done));
	munmap(source + PAGE, PAGE);
	show("copy, second source page is not there", copy(area + 2 * PAGE, source, 2 * PAGE, 0, &done));
	printf("%-44s %ld\n", "copied", done);
	show("copy across the end", copy(area + 15 * PAGE, source, 2 * PAGE, 0, &done));

	printing = 1;
	pthread_create(&server, NULL, serve, NULL);
	printf("%-44s %c\n", "load", ((volatile char *)area)[3 * PAGE + 5]);
	((volatile char *)area)[4 * PAGE] = 'S';
	printf("%-44s %c%c\n", "store", area[4 * PAGE], area[4 * PAGE + 1]);
	((volatile char *)area)[5 * PAGE]++;
	printf("%-44s %c%c\n", "load and store", area[5 * PAGE], area[5 * PAGE + 1]);
	if (pipe(pipes) == 0) {
		show("write(2) from a missing page", write(pipes[1], area + 6 * PAGE, 3));
		show("read(2) into one of zeros", read(pipes[0], area + 7 * PAGE, 3));
	}
	printf("%-44s %c%c%d\n", "there", area[7 * PAGE], area[7 * PAGE + 2], area[7 * PAGE + 3]);
	printf("%-44s %c\n", "woken without a page, asks again", ((volatile char *)area)[8 * PAGE]);
	show("protect", protect(area, 16 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP));
	printf("%-44s %c\n", "load of a protected page", ((volatile char *)area)[3 * PAGE]);
	((volatile char *)area)[3 * PAGE] = 'W';
	printf("%-44s %c\n", "store", area[3 * PAGE]);
	((volatile char *)area)[3 * PAGE] = 'X';
	printf("%-44s %c\n", "store again", area[3 * PAGE]);
	show("read(2) into a protected page", read(pipes[0], area + 4 * PAGE, 0));
	show("write one byte for it", write(pipes[1], "q", 1));
	show("read(2) into a protected page", read(pipes[0], area + 4 * PAGE, 1));
	show("madvise: away with page 3", madvise(area + 3 * PAGE, PAGE, MADV_DONTNEED));
	printf("%-44s %c\n", "load", ((volatile char *)area)[3 * PAGE]);
	show("populate", madvise(area + 5 * PAGE, PAGE, MADV_POPULATE_READ));
	char *moved = mremap(area + 9 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + 64 * PAGE);
	printf("%-44s %d\n", "moved: nobody is asked", moved[0]);
	struct uffdio_range r = { (unsigned long)area + 12 * PAGE, PAGE };
	show("unregister page 12", ioctl(uffd, UFFDIO_UNREGISTER, &r));
	printf("%-44s %d\n", "it reads as zero", ((volatile char *)area)[12 * PAGE]);
	sigaction(SIGALRM, &action, NULL);
	printf("%-44s %c\n", "last", ((volatile char *)area)[15 * PAGE]);
	pthread_join(server, NULL);

	sigaction(SIGALRM, &action, NULL);
	fcntl(uffd, F_SETFL, 0);
	pthread_t interrupter = interrupt_in(SYS_read, SIGALRM);
	ssize_t n = read(uffd, &msg, sizeof(msg));
	pthread_join(interrupter, NULL);
	printf("%-44s %s\n", "read with an alarm", n < 0 ? strerrorname_np(errno) : "message");
	close(uffd);
	printf("%-44s %d\n", "closed: page 14 reads as zero", ((volatile char *)area)[14 * PAGE]);

	uffd = syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY | O_NONBLOCK);
	api = (struct uffdio_api){ .api = UFFD_API };
	ioctl(uffd, UFFDIO_API, &api);
	char *own = map_private(4 * PAGE);
	show("register", add(own, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
	show("the kernel's access is refused", write(pipes[1], own, 1));
	char *shared = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	show("register shared memory", add(shared, 4 * PAGE, UFFDIO_REGISTER_MODE_MISSING));
	show("copy there", copy(shared + PAGE, source, PAGE, 0, &done));
	show("copy there again", copy(shared + PAGE, source, PAGE, 0, &done));
	printf("%-44s %d\n", "it is there", shared[PAGE] == source[0]);
	show("a file", add(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, temporary_file(PAGE), 0), PAGE, 1));
	return 0;
}
