/* cflags: -pthread
 *
 * The descriptor of userfaultfd: poll, blocking, messages with the exact address and the thread, system calls and pinned pages
 * that wait, accesses of the kernel that are refused. */
#include "userfault.h"
#include <sys/uio.h>
#include <sys/wait.h>

static char *area;
static char *source;
static int fd;
static int fork_pipe[2];

static void ask(const char *label, int polled)
{
	struct pollfd p = { .fd = polled, .events = POLLIN | POLLOUT };
	int n = poll(&p, 1, 0);

	printf("%-52s %d %x\n", label, n, p.revents);
}

static void *serve(void *count)
{
	for (long i = 0; i < (long)count; i++) {
		struct uffd_msg msg;

		if (read(fd, &msg, sizeof(msg)) != sizeof(msg))
			return NULL;
		unsigned long at = msg.arg.pagefault.address;

		printf("   offset %lx flags %llx by a thread %d\n", at - (unsigned long)area,
		       (unsigned long long)msg.arg.pagefault.flags, msg.arg.pagefault.feat.ptid == (unsigned)getpid());
		memset(source, 'a' + i, PAGE);
		copy(fd, (void *)(at & -PAGE), source, PAGE);
	}
	return NULL;
}

static void pinned(void)
{
	struct iovec local = { source + PAGE, 10 }, remote = { area + 4 * PAGE + 5, 10 };
	pthread_t server;
	int mem = open("/proc/self/mem", O_RDWR);
	char got[4];

	pthread_create(&server, NULL, serve, (void *)4);
	printf("%-52s %zd\n", "process_vm_readv", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	remote.iov_base = area + 5 * PAGE + 5;
	printf("%-52s %zd\n", "process_vm_writev", process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	printf("%-52s %zd\n", "/proc/self/mem", pread(mem, got, 4, (unsigned long)area + 6 * PAGE));
	show("mlock", mlock(area + 7 * PAGE, PAGE));
	show("populate", madvise(area + 8 * PAGE, PAGE, MADV_POPULATE_WRITE));
	pthread_join(server, NULL);
	close(mem);
}

int main(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffd_msg msg;
	pthread_t server;
	int pipes[2];

	source = map_private(2 * PAGE);
	area = map_private(16 * PAGE);
	source[PAGE] = 1;
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0 || pipe(pipes) || pipe(fork_pipe)) {
		show("userfaultfd", -1);
		return 0;
	}
	ask("poll before the handshake", fd);
	show("handshake", ioctl(fd, UFFDIO_API, &api));
	ask("poll of a blocking one", fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ask("poll of one that does not block", fd);
	printf("%-52s %x\n", "flags", fcntl(fd, F_GETFL));
	show("read nothing", read(fd, &msg, sizeof(msg)));
	show("read too little", read(fd, &msg, sizeof(msg) - 1));
	show("write", write(fd, &msg, sizeof(msg)));
	close(fd);

	fd = userfault(0, UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_THREAD_ID);
	show("register", enroll(fd, area, 16 * PAGE, MODE_MISSING));
	pthread_create(&server, NULL, serve, (void *)4);
	area[123] = 1;
	printf("%-52s %c\n", "load", *(volatile char *)(area + PAGE + 4095));
	printf("%-52s %zd\n", "write(2)", write(pipes[1], area + 2 * PAGE + 7, 3));
	printf("%-52s %zd\n", "read(2)", read(pipes[0], area + 3 * PAGE + 9, 3));
	pthread_join(server, NULL);
	pinned();
	close(fd);

	fd = userfault(O_NONBLOCK, UFFD_FEATURE_SIGBUS);
	madvise(area, 16 * PAGE, MADV_DONTNEED);
	show("register", enroll(fd, area, 16 * PAGE, MODE_MISSING));
	show("write(2) where faults end in SIGBUS", write(pipes[1], area, 1));
	show("populate", madvise(area, PAGE, MADV_POPULATE_READ));
	show("mlock", mlock(area, PAGE));
	close(fd);

	fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
	api = (struct uffdio_api){ .api = UFFD_API };
	ioctl(fd, UFFDIO_API, &api);
	munlock(area, 16 * PAGE);
	madvise(area, 16 * PAGE, MADV_DONTNEED);
	show("register for user mode only", enroll(fd, area, 16 * PAGE, MODE_MISSING));
	show("write(2)", write(pipes[1], area, 1));
	show("read nothing", read(fd, &msg, sizeof(msg)));
	close(fd);
	show("write(2) when it is closed", write(pipes[1], area, 1));
	int device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	int made = ioctl(device, _IO(UFFDIO, 0), O_CLOEXEC | O_NONBLOCK);
	show("the device", made < 0 ? -1 : 0);
	api = (struct uffdio_api){ .api = UFFD_API };
	show("handshake", ioctl(made, UFFDIO_API, &api));
	printf("%-52s %llx %llx\n", "features and requests", (unsigned long long)api.features, (unsigned long long)api.ioctls);
	show("the device, unknown flags", ioctl(device, _IO(UFFDIO, 0), 0x40));
	show("the device, unknown request", ioctl(device, _IO(UFFDIO, 1), 0));
	return 0;
}
