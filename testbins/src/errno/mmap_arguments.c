/* What mmap refuses, and with which errno; the checks come in the kernel's order, so the first that fails decides. */
#include "observe.h"
#include <fcntl.h>

#define TASK_SIZE 0x7ffffffff000UL
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* Prints the outcome; a mapping that came about is removed again. */
static void try(const char *label, void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	char *p = mmap(addr, length, prot, flags, fd, offset);

	if (p == MAP_FAILED) {
		printf("%-44s %s\n", label, strerrorname_np(errno));
		return;
	}
	printf("%-44s ok%s\n", label, addr && p == addr ? ", at the address" : "");
	munmap(p, length);
}

int main(void)
{
	int file = temporary_file(3 * PAGE);
	int pipes[2];
	char link[64], *area = map_private(64 * PAGE);

	if (pipe(pipes))
		return 1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	int reader = open(link, O_RDONLY), writer = open(link, O_WRONLY), directory = open("/", O_RDONLY | O_DIRECTORY);
	char *hole = area + 16 * PAGE;
	munmap(hole, 16 * PAGE);

	puts("-- lengths and offsets");
	try("length 0", NULL, 0, RW, ANON, -1, 0);
	try("length 1", NULL, 1, RW, ANON, -1, 0);
	try("length of the address space", NULL, TASK_SIZE, RW, ANON | MAP_NORESERVE, -1, 0);
	try("length 2^63", NULL, 1UL << 63, RW, ANON, -1, 0);
	try("length -1", NULL, -1UL, RW, ANON, -1, 0);
	try("offset of half a page, anonymous", NULL, PAGE, RW, ANON, -1, 2048);
	try("offset of half a page, file", NULL, PAGE, RW, MAP_PRIVATE, file, 2048);
	try("offset beyond the file", NULL, PAGE, RW, MAP_PRIVATE, file, 100 * PAGE);
	try("offset that overflows with length", NULL, 2 * PAGE, RW, MAP_PRIVATE, file, -PAGE);
	puts("-- kinds of mapping");
	try("neither private nor shared", NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0);
	try("type 0, file", NULL, PAGE, RW, 0, file, 0);
	try("SHARED_VALIDATE, file", NULL, PAGE, RW, MAP_SHARED_VALIDATE, file, 0);
	try("SHARED_VALIDATE, anonymous", NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0);
	try("SHARED_VALIDATE, unknown flag", NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x400000, file, 0);
	try("SHARED, unknown flag", NULL, PAGE, RW, MAP_SHARED | 0x400000, file, 0);
	try("GROWSDOWN, private", NULL, PAGE, RW, ANON | MAP_GROWSDOWN, -1, 0);
	try("GROWSDOWN, shared", NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	try("DENYWRITE, EXECUTABLE, STACK, NORESERVE", NULL, PAGE, RW, ANON | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_STACK | MAP_NORESERVE, -1, 0);
	try("unknown protection bit", NULL, PAGE, RW | 0x100, ANON, -1, 0);
	try("PROT_NONE", NULL, PAGE, PROT_NONE, ANON, -1, 0);
	try("PROT_SEM", NULL, PAGE, RW | 8, ANON, -1, 0);
	try("anonymous with a closed descriptor", NULL, PAGE, RW, ANON, 99, 0);
	puts("-- descriptors and rights");
	try("descriptor -1", NULL, PAGE, RW, MAP_PRIVATE, -1, 0);
	try("descriptor closed", NULL, PAGE, RW, MAP_PRIVATE, 99, 0);
	try("pipe", NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0);
	try("directory", NULL, PAGE, PROT_READ, MAP_PRIVATE, directory, 0);
	try("read-only, shared write", NULL, PAGE, RW, MAP_SHARED, reader, 0);
	try("read-only, shared read", NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
	try("read-only, private write", NULL, PAGE, RW, MAP_PRIVATE, reader, 0);
	try("write-only, private read", NULL, PAGE, PROT_READ, MAP_PRIVATE, writer, 0);
	try("write-only, shared write", NULL, PAGE, PROT_WRITE, MAP_SHARED, writer, 0);
	try("write-only, length 0", NULL, 0, PROT_WRITE, MAP_SHARED, writer, 0);
	puts("-- addresses");
	try("hint in a hole", hole, PAGE, RW, ANON, -1, 0);
	try("hint within a page of a hole", hole + 5, PAGE, RW, ANON, -1, 0);
	try("hint that is taken", area, PAGE, RW, ANON, -1, 0);
	try("hint in kernel space", (void *)0xffff800000000000UL, PAGE, RW, ANON, -1, 0);
	try("FIXED in a hole", hole, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	try("FIXED, not on a page", hole + 8, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	try("FIXED in kernel space", (void *)0xffff800000000000UL, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	try("FIXED, last page", (void *)(TASK_SIZE - PAGE), PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
	try("FIXED beyond the last page", (void *)TASK_SIZE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	try("FIXED, end beyond the last page", (void *)(TASK_SIZE - PAGE), 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	try("FIXED_NOREPLACE in a hole", hole, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	try("FIXED_NOREPLACE, taken", area, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	try("FIXED_NOREPLACE, end is taken", hole + 15 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	try("FIXED over what is mapped", area + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	char *low = mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0);
	printf("32BIT is below 2 GiB: %d\n", low != MAP_FAILED && (uintptr_t)low < 1UL << 31);
	try("32BIT of 2 GiB", NULL, 1UL << 31, RW, ANON | MAP_32BIT | MAP_NORESERVE, -1, 0);
	return 0;
}
