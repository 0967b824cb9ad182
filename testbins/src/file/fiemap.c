/* FS_IOC_FIEMAP: as many extents as there is room for, and nothing behind them. Where files lie on the disk is not printed. */
#include "observe.h"
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#define ROOM 200

static union {
	struct fiemap map;
	unsigned char bytes[sizeof(struct fiemap) + (ROOM + 1) * sizeof(struct fiemap_extent)];
} request;

/* Asks for up to count extents; true if nothing behind them was written. */
static int ask(int fd, unsigned count, unsigned flags)
{
	unsigned char *behind = request.bytes + sizeof(struct fiemap) + count * sizeof(struct fiemap_extent);
	size_t rest = sizeof(request) - (behind - request.bytes);

	memset(&request, 0x5a, sizeof(request));
	request.map = (struct fiemap){ .fm_length = ~0UL, .fm_extent_count = count, .fm_flags = FIEMAP_FLAG_SYNC | flags };
	int r = ioctl(fd, FS_IOC_FIEMAP, &request);
	for (size_t i = 0; i < rest; i++)
		if (behind[i] != 0x5a)
			printf("written %zu bytes behind\n", i);
	return r;
}

int main(void)
{
	char path[] = "/var/tmp/fiemap-XXXXXX", page[PAGE] = { 1 };
	int fd = mkstemp(path), r;

	unlink(path);
	for (int i = 0; i < 10; i++)
		if (pwrite(fd, page, PAGE, 2L * i * 16 * PAGE) < 0)
			return 1;
	r = ask(fd, ROOM, 0);
	if (r == -1 && errno == EOPNOTSUPP) {
		/* a file system without blocks */
		return 0;
	}
	unsigned mapped = request.map.fm_mapped_extents;
	struct fiemap_extent *last = request.map.fm_extents + mapped - 1;
	fprintf(stderr, "%u extents\n", mapped);
	if (mapped < 1 || (last->fe_flags & FIEMAP_EXTENT_LAST) == 0 || last->fe_logical + last->fe_length < 18 * 16 * PAGE)
		printf("the last extent is not the last\n");
	if (request.map.fm_extents[0].fe_logical != 0 || request.map.fm_extent_count != ROOM)
		printf("the first extent is not the first\n");
	r = ask(fd, 1, 0);
	if (r != 0 || request.map.fm_mapped_extents != 1 || (mapped > 1 && (request.map.fm_extents[0].fe_flags & FIEMAP_EXTENT_LAST)))
		printf("one extent: %s, %u\n", outcome(r), request.map.fm_mapped_extents);
	r = ask(fd, 0, 0);
	if (r != 0 || request.map.fm_mapped_extents != mapped)
		printf("none: %s, %u\n", outcome(r), request.map.fm_mapped_extents);
	r = ask(fd, 1, 0x4000);
	printf("unknown flag %s, left %x\n", outcome(r), request.map.fm_flags & 0x4000);
	request.map.fm_extent_count = ~0U;
	printf("too many extents %s\n", outcome(ioctl(fd, FS_IOC_FIEMAP, &request)));
	printf("nowhere %s\n", outcome(ioctl(fd, FS_IOC_FIEMAP, NULL)));
	return 0;
}
