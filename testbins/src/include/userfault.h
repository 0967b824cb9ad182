/* What the programs about userfaultfd share: descriptors, requests, and what is missing from older headers. */
#ifndef USERFAULT_H
#define USERFAULT_H

#include "observe.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

struct move_request {
	uint64_t dst, src, len, mode;
	int64_t move;
};

struct range_request {
	uint64_t start, len, mode;
	int64_t done;
};

#define REQUEST_MOVE _IOWR(UFFDIO, 0x05, struct move_request)
#define REQUEST_CONTINUE _IOWR(UFFDIO, 0x07, struct range_request)
#define REQUEST_POISON _IOWR(UFFDIO, 0x08, struct range_request)
#define MOVE_HOLES 2
#define MODE_MISSING 1
#define MODE_WP 2
#define MODE_MINOR 4
#define FEATURE_EXACT_ADDRESS (1 << 11)
#define FEATURE_WP_UNPOPULATED (1 << 13)
#define FEATURE_WP_ASYNC (1 << 15)

__attribute__((unused)) static void show(const char *label, long result)
{
	printf("%-52s %s\n", label, outcome(result));
	fflush(stdout);
}

/* A descriptor with these features; ends the program where there is none to be had. */
__attribute__((unused)) static int userfault(int flags, uint64_t features)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | flags);
	struct uffdio_api api = { .api = UFFD_API, .features = features };

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api)) {
		printf("userfaultfd: %s\n", strerrorname_np(errno));
		exit(0);
	}
	return fd;
}

__attribute__((unused)) static long enroll(int fd, void *p, size_t n, int mode)
{
	struct uffdio_register r = { .range = { (unsigned long)p, n }, .mode = mode };

	return ioctl(fd, UFFDIO_REGISTER, &r);
}

__attribute__((unused)) static long leave(int fd, void *p, size_t n)
{
	struct uffdio_range r = { (unsigned long)p, n };

	return ioctl(fd, UFFDIO_UNREGISTER, &r);
}

__attribute__((unused)) static long copy_mode(int fd, void *to, const void *from, size_t n, int mode)
{
	struct uffdio_copy c = { .dst = (unsigned long)to, .src = (unsigned long)from, .len = n, .mode = mode };

	return ioctl(fd, UFFDIO_COPY, &c);
}

__attribute__((unused)) static long copy(int fd, void *to, const void *from, size_t n)
{
	return copy_mode(fd, to, from, n, 0);
}

__attribute__((unused)) static long protect(int fd, void *p, size_t n, int on)
{
	struct uffdio_writeprotect w = { .range = { (unsigned long)p, n }, .mode = on };

	return ioctl(fd, UFFDIO_WRITEPROTECT, &w);
}

__attribute__((unused)) static long ranged(int fd, unsigned long request, void *p, size_t n, int mode)
{
	struct range_request r = { (unsigned long)p, n, mode, 0 };

	return ioctl(fd, request, &r);
}

__attribute__((unused)) static long move(int fd, void *to, void *from, size_t n, int mode)
{
	struct move_request m = { (unsigned long)to, (unsigned long)from, n, mode, 0 };

	return ioctl(fd, REQUEST_MOVE, &m);
}

__attribute__((unused)) static int in_core(void *p)
{
	unsigned char vec = 0;

	return mincore(p, PAGE, &vec) ? -1 : vec & 1;
}

/* Whether the page's entry has the bit: 57 for write protection, 63 for a page that is mapped. */
__attribute__((unused)) static int pagemap_bit(const void *p, int bit)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)p / PAGE * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry >> bit & 1;
}

#endif
