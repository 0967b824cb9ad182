/* O_DIRECT: the host moves bytes between the file and the pinned pages of the program's buffer. */
#include "observe.h"
#include <fcntl.h>
#include <sys/uio.h>

static char *buffer;

static void show(const char *label, ssize_t n)
{
	printf("%-44s %s %zd\n", label, outcome(n), n);
}

int main(void)
{
	int plain = temporary_file(0);
	char path[64];
	char check[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", plain);
	int fd = open(path, O_RDWR | O_DIRECT);
	if (fd < 0) {
		printf("no O_DIRECT here: %s\n", strerrorname_np(errno));
		return 0;
	}
	buffer = map_private(64 * PAGE);
	for (int i = 0; i < 16; i++)
		snprintf(buffer + i * PAGE, 32, "page %d of the buffer", i);
	show("writes 16 pages", pwrite(fd, buffer, 16 * PAGE, 0));
	pread(plain, check, 32, 5 * PAGE);
	printf("  '%s'\n", check);
	show("reads into pages never touched", pread(fd, buffer + 32 * PAGE, 8 * PAGE, 4 * PAGE));
	printf("  '%s' '%s'\n", buffer + 32 * PAGE, buffer + 39 * PAGE);
	show("reads up to the end", pread(fd, buffer + 32 * PAGE, 16 * PAGE, 12 * PAGE));
	printf("  '%s' '%s'\n", buffer + 35 * PAGE, buffer + 36 * PAGE);
	show("reads at the end", pread(fd, buffer + 32 * PAGE, PAGE, 16 * PAGE));
	show("writes from pages never touched", pwrite(fd, buffer + 48 * PAGE, PAGE, 0));
	pread(plain, check, 32, 0);
	printf("  '%s'\n", check);

	mprotect(buffer + 41 * PAGE, PAGE, PROT_READ);
	show("reads into a read-only page", pread(fd, buffer + 41 * PAGE, PAGE, PAGE));
	show("writes from a read-only page", pwrite(fd, buffer + 41 * PAGE, PAGE, PAGE));
	mprotect(buffer + 42 * PAGE, PAGE, PROT_NONE);
	show("writes without rights", pwrite(fd, buffer + 42 * PAGE, PAGE, PAGE));
	munmap(buffer + 43 * PAGE, PAGE);
	show("writes what is not mapped", pwrite(fd, buffer + 43 * PAGE, PAGE, PAGE));

	show("at the file position", lseek(fd, 2 * PAGE, SEEK_SET));
	show("reads there", read(fd, buffer, 2 * PAGE));
	printf("  '%s' then at %ld\n", buffer + PAGE, (long)lseek(fd, 0, SEEK_CUR) / PAGE);
	struct iovec vector[2] = {{buffer + 8 * PAGE, PAGE}, {buffer + 4 * PAGE, 2 * PAGE}};
	show("writes a vector", pwritev(fd, vector, 2, 20 * PAGE));
	pread(plain, check, 32, 21 * PAGE);
	printf("  '%s'\n", check);
	show("reads a vector", preadv(fd, vector, 2, 5 * PAGE));
	printf("  '%s' '%s'\n", buffer + 8 * PAGE, buffer + 5 * PAGE);

	char *mapped = mmap(NULL, 24 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, plain, 0);
	strcpy(mapped + 6 * PAGE, "through the mapping");
	show("reads a page that is mapped", pread(fd, buffer, PAGE, 6 * PAGE));
	printf("  '%s'\n", buffer);
	strcpy(buffer, "direct");
	show("writes a page that is mapped", pwrite(fd, buffer, PAGE, 6 * PAGE));
	printf("  '%s'\n", mapped + 6 * PAGE);
	fcntl(fd, F_SETFL, 0);
	show("unaligned without O_DIRECT", pwrite(fd, buffer + 1, 100, 7));
	return 0;
}
