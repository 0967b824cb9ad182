/*
 * What mappings of the pool's huge pages allow and refuse, as far as that can be seen with a pool that is empty: a mapping larger than
 * any pool is refused, one without reservation is not, and nothing is touched.
 */
#include "observe.h"
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define HUGE (2UL << 20)
#define TIB (1UL << 40)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB)
#define RW (PROT_READ | PROT_WRITE)

static const struct {
	const char *name;
	int advice;
} advices[] = {
	{ "NORMAL", MADV_NORMAL }, { "RANDOM", MADV_RANDOM }, { "SEQUENTIAL", MADV_SEQUENTIAL },
	{ "WILLNEED", MADV_WILLNEED }, { "DONTNEED", MADV_DONTNEED }, { "DONTNEED_LOCKED", 24 }, { "FREE", MADV_FREE },
	{ "REMOVE", MADV_REMOVE }, { "DONTFORK", MADV_DONTFORK }, { "DOFORK", MADV_DOFORK },
	{ "WIPEONFORK", MADV_WIPEONFORK }, { "KEEPONFORK", MADV_KEEPONFORK }, { "DONTDUMP", MADV_DONTDUMP },
	{ "DODUMP", MADV_DODUMP }, { "COLD", MADV_COLD }, { "PAGEOUT", MADV_PAGEOUT },
	{ "MERGEABLE", MADV_MERGEABLE }, { "UNMERGEABLE", MADV_UNMERGEABLE }, { "HUGEPAGE", MADV_HUGEPAGE },
	{ "NOHUGEPAGE", MADV_NOHUGEPAGE }, { "COLLAPSE", 25 }, { "GUARD_INSTALL", 102 }, { "GUARD_REMOVE", 103 },
};

static void mapping(const char *what, void *at, size_t bytes, int flags, int fd, off_t offset)
{
	void *p = mmap(at, bytes, RW, flags, fd, offset);

	printf("mmap %s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : (uintptr_t)p % HUGE ? "askew" : "ok");
	if (p != MAP_FAILED)
		munmap(p, (bytes + HUGE - 1) & -HUGE);
}

static void arguments(void)
{
	int file = temporary_file(HUGE);

	mapping("private, too large", NULL, TIB, ANON, -1, 0);
	mapping("shared, too large", NULL, TIB, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	mapping("without reservation", NULL, TIB, ANON | MAP_NORESERVE, -1, 0);
	mapping("one byte, without reservation", NULL, 1, ANON | MAP_NORESERVE, -1, 0);
	mapping("of 2 MiB by name", NULL, HUGE, ANON | MAP_NORESERVE | 21 << 26, -1, 0);
	mapping("of 4 MiB by name", NULL, HUGE, ANON | MAP_NORESERVE | 22 << 26, -1, 0);
	mapping("of 4 KiB by name", NULL, HUGE, ANON | MAP_NORESERVE | 12 << 26, -1, 0);
	mapping("nothing", NULL, 0, ANON | MAP_NORESERVE, -1, 0);
	mapping("at an odd page, fixed", (void *)(16 * TIB + PAGE), HUGE, ANON | MAP_NORESERVE | MAP_FIXED, -1, 0);
	mapping("at an odd page, hint", (void *)(16 * TIB + PAGE), HUGE, ANON | MAP_NORESERVE, -1, 0);
	mapping("neither private nor shared", NULL, HUGE, MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	mapping("with an odd offset", NULL, HUGE, ANON | MAP_NORESERVE, -1, PAGE);
	mapping("with an offset", NULL, HUGE, ANON | MAP_NORESERVE, -1, 3 * HUGE);
	mapping("of a file of small pages", NULL, HUGE, MAP_SHARED | MAP_HUGETLB, file, 0);
	mapping("of no file", NULL, HUGE, MAP_SHARED | MAP_HUGETLB, -1, 0);
	mapping("that grows down", NULL, HUGE, ANON | MAP_NORESERVE | MAP_GROWSDOWN, -1, 0);
	mapping("at the end of all addresses", (void *)(0x7fffffe00000), HUGE, ANON | MAP_NORESERVE | MAP_FIXED, -1, 0);
	printf("segment, too large: %s\n", outcome(shmget(IPC_PRIVATE, TIB, SHM_HUGETLB | IPC_CREAT | 0600)));
	close(file);
}

static void pieces(void)
{
	char *p = map(8 * HUGE, RW, ANON | MAP_NORESERVE);
	unsigned char vector[512];

	printf("munmap from an odd page: %s\n", outcome(munmap(p + PAGE, HUGE)));
	printf("munmap to an odd page: %s\n", outcome(munmap(p, PAGE)));
	printf("mprotect to an odd page: %s\n", outcome(mprotect(p, PAGE, PROT_READ)));
	printf("mprotect of all to an odd page: %s\n", outcome(mprotect(p, 8 * HUGE - PAGE, PROT_READ)));
	printf("mprotect one: %s\n", outcome(mprotect(p + HUGE, HUGE, PROT_READ)));
	printf("mprotect back: %s\n", outcome(mprotect(p + HUGE, HUGE, RW)));
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		printf("%s: %s,", advices[i].name, outcome(madvise(p, HUGE, advices[i].advice)));
		printf(" a page %s,", outcome(madvise(p, PAGE, advices[i].advice)));
		printf(" from an odd page %s\n", outcome(madvise(p + PAGE, HUGE, advices[i].advice)));
	}
	madvise(p, 8 * HUGE, MADV_DOFORK);
	printf("msync: %s\n", outcome(msync(p, HUGE, MS_SYNC)));
	printf("munlock: %s\n", outcome(munlock(p, HUGE)));
	printf("mincore: %s", outcome(mincore(p, HUGE, vector)));
	printf(" %d %d\n", vector[0], vector[511]);
	char *q = mremap(p, HUGE, 2 * HUGE, MREMAP_MAYMOVE);
	printf("mremap larger: %s\n", outcome((long)q));
	q = mremap(p + PAGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 7 * HUGE);
	printf("mremap from an odd page: %s\n", outcome((long)q));
	q = mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 7 * HUGE + PAGE);
	printf("mremap to an odd page: %s\n", outcome((long)q));
	q = mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 7 * HUGE);
	printf("mremap onto the last: %s\n", q == p + 7 * HUGE ? "there" : outcome((long)q));
	q = mremap(p + HUGE, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	printf("mremap that leaves the source: %s\n", outcome((long)q));
	q = mremap(p + HUGE, 2 * HUGE, HUGE, 0);
	printf("mremap smaller: %s\n", q == p + HUGE ? "there" : outcome((long)q));
	printf("munmap: %s\n", outcome(munmap(p, 8 * HUGE)));
}

/* The lines of /proc/self/FILE that begin with one of the names, of the mapping at p where it is about mappings. */
static void show(const char *file, const char *p, const char *const *names)
{
	char path[64], line[512];
	unsigned long start, end;
	int inside = !p;

	snprintf(path, sizeof(path), "/proc/self/%s", file);
	FILE *f = fopen(path, "r");
	while (fgets(line, sizeof(line), f)) {
		if (p && sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start == (uintptr_t)p;
		for (const char *const *name = names; inside && *name; name++)
			if (!strncmp(line, *name, strlen(*name)))
				fputs(line, stdout);
		if (inside && p && strstr(line, "/anon_hugepage"))
			fputs(strstr(line, "/anon_hugepage"), stdout);
	}
	fclose(f);
}

static void views(void)
{
	char *p = map(3 * HUGE, RW, ANON | MAP_NORESERVE);
	uint64_t bits = 1;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	show("smaps", p, (const char *const[]){ "Size", "KernelPageSize", "MMUPageSize", "Rss", "Pss:", "Shared_Hugetlb",
		"Private_Hugetlb", "THPeligible", "VmFlags", NULL });
	show("status", NULL, (const char *const[]){ "HugetlbPages", "VmLck", NULL });
	if (pread(fd, &bits, 8, (uintptr_t)p / PAGE * 8) == 8)
		printf("pagemap: %s\n", bits >> 63 ? "present" : "not present");
	close(fd);
	fflush(stdout);
	if (fork() == 0) {
		printf("child: mincore of its copy: %s\n", outcome(mincore(p, PAGE, (unsigned char[1]){ 0 })));
		printf("child: munmap: %s\n", outcome(munmap(p, 3 * HUGE)));
		exit(0);
	}
	wait(NULL);
	munmap(p, 3 * HUGE);
}

int main(void)
{
	arguments();
	pieces();
	views();
	return 0;
}
