/*
 * Mounts of hugetlbfs with limits: hugetlb_limits PAGES, where there is a pool of that many huge pages that nobody
 * uses, 8 at least, and the caller may mount. Prints what is wrong and exits with the number of that. Without a pool
 * there is nothing to look at.
 */
#include "observe.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define HUGE (2UL << 20)
#define RW (PROT_READ | PROT_WRITE)

static long pages;
static int failures;
static char directory[] = "/tmp/hugetlb.XXXXXX";

static void check(int holds, const char *what)
{
	if (!holds) {
		failures++;
		printf("wrong: %s: %s\n", what, strerrorname_np(errno));
	}
}

static void expect(const char *what, long found, long expected)
{
	if (found != expected) {
		failures++;
		printf("wrong: %s: %ld, not %ld\n", what, found, expected);
	}
}

static long meminfo(const char *name)
{
	char line[200];
	long value = -1;
	FILE *file = fopen("/proc/meminfo", "r");

	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name) + 1, "%ld", &value);
	fclose(file);
	return value;
}

static void counts(const char *when, long used, long reserved)
{
	expect(when, meminfo("HugePages_Free"), pages - used);
	expect(when, meminfo("HugePages_Rsvd"), reserved);
}

static void attach(const char *options)
{
	check(mount("none", directory, "hugetlbfs", 0, options) == 0, options);
}

static void detach(void)
{
	check(umount(directory) == 0, "umount");
	counts("unmounted", 0, 0);
}

static void refused(const char *options, int expected)
{
	int r = mount("none", directory, "hugetlbfs", 0, options);

	check(r == -1 && errno == expected, options);
	if (r == 0)
		umount(directory);
	counts(options, 0, 0);
}

static int make(const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, O_CREAT | O_RDWR | flags, 0600);
}

static char *map_file(int fd, int count)
{
	return mmap(NULL, count * HUGE, RW, MAP_SHARED, fd, 0);
}

static void statfs_tells(long blocks, long left, long files, long files_left)
{
	struct statfs s;

	check(statfs(directory, &s) == 0, "statfs");
	expect("blocks", s.f_blocks, blocks);
	expect("blocks left", s.f_bfree, left);
	expect("blocks available", s.f_bavail, left);
	expect("files", s.f_files, files);
	expect("files left", s.f_ffree, files_left);
}

static void size_limits(void)
{
	attach("size=5M");
	statfs_tells(2, 2, -1, -1);
	int fd = make("file", 0);
	check(map_file(fd, 3) == MAP_FAILED && errno == ENOMEM, "more than the size");
	counts("refused", 0, 0);
	char *p = map_file(fd, 2);
	counts("mapped", 0, 2);
	statfs_tells(2, 0, -1, -1);
	p[0] = p[HUGE] = 1;
	counts("touched", 2, 0);
	check(fallocate(fd, 0, 2 * HUGE, HUGE) == -1 && errno == ENOSPC, "no room");
	munmap(p, 2 * HUGE);
	check(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE) == 0, "hole");
	statfs_tells(2, 1, -1, -1);
	check(fallocate(fd, 0, 2 * HUGE, HUGE) == 0, "room again");
	ftruncate(fd, 0);
	statfs_tells(2, 2, -1, -1);
	close(fd);
	detach();
}

static void least_is_assured(void)
{
	attach("min_size=4M,size=8M,nr_inodes=3");
	counts("mounted", 0, 2);
	statfs_tells(4, 4, 3, 2);
	char *others = mmap(NULL, (pages - 1) * HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	check(others == MAP_FAILED && errno == ENOMEM, "what is assured to the mount");
	int fd = make("file", 0);
	char *p = map_file(fd, 3);
	counts("two of three were reserved", 0, 3);
	memset(p, 1, 3 * HUGE);
	counts("touched", 3, 0);
	munmap(p, 3 * HUGE);
	ftruncate(fd, HUGE);
	counts("cut", 1, 1);
	check(make("second", 0) >= 0, "second file");
	check(make("third", 0) == -1 && errno == ENOSPC, "third file");
	statfs_tells(4, 3, 3, 0);
	check(umount2(directory, MNT_DETACH) == 0, "lazily");
	check(pread(fd, p = malloc(1), 1, 0) == 1 && *p == 1, "the file stays");
	close(fd);
	/* The other file is open to the end. */
}

int main(int argc, char **argv)
{
	pages = argc > 1 ? atol(argv[1]) : 0;
	if (pages < 8)
		return 0;
	if (mkdtemp(directory) == NULL)
		return 1;
	refused("size=M", EINVAL);
	refused("size=-1", EINVAL);
	refused("size", EINVAL);
	refused("min_size=", EINVAL);
	refused("nr_inodes=x", EINVAL);
	refused("size=4M,min_size=6M", EINVAL);
	refused("min_size=200%", ENOMEM);
	refused("nr_inodes=0", ENOMEM);
	size_limits();
	attach("size=50%");
	statfs_tells(pages / 2, pages / 2, -1, -1);
	detach();
	attach("nr_inodes=1");
	statfs_tells(0, 0, 0, 0);
	check(make("file", 0) == -1 && errno == ENOSPC, "no inode but the root");
	detach();
	least_is_assured();
	rmdir(directory);
	return failures;
}
