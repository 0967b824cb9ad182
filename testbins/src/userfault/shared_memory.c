/* cflags: -pthread
 *
 * userfaultfd on shared memory: pages that exist and are not mapped, pages that do not exist, write protection that outlives
 * pages, and private mappings of it. */
#include "userfault.h"

static int fd;
static char *area;
static char *other;

/* Holds the stream while it answers, so that its line comes before those of the task that it lets go on. */
static void *serve(void *unused)
{
	(void)unused;
	for (;;) {
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		struct uffd_msg msg;

		poll(&pollfd, 1, -1);
		if (read(fd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		long page = (msg.arg.pagefault.address - (unsigned long)area) / PAGE;
		int flags = msg.arg.pagefault.flags;
		char *at = area + page * PAGE;

		flockfile(stdout);
		printf("   page %ld flags %x\n", page, flags);
		if (flags & UFFD_PAGEFAULT_FLAG_WP)
			protect(fd, at, PAGE, 0);
		else if (flags & UFFD_PAGEFAULT_FLAG_MINOR) {
			other[page * PAGE + 1] = '!';
			show("   continue", ranged(fd, REQUEST_CONTINUE, at, PAGE, 0));
		} else {
			char source[PAGE] __attribute__((aligned(4096)));

			memset(source, 'a' + page, PAGE);
			show("   copy", copy(fd, at, source, PAGE));
		}
		funlockfile(stdout);
		if (page == 15)
			return NULL;
	}
}

/* Reads before it prints: who answers the fault prints, too, and would wait for the stream that this one holds. */
static void content(const char *label, const char *p)
{
	char seen[3] = { ((volatile const char *)p)[0], ((volatile const char *)p)[1], 0 };

	printf("%-52s %s\n", label, seen);
}

static void requests(int object)
{
	char *source = map_private(PAGE);
	char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
	char *private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, object, 0);
	char *anonymous = map_private(PAGE);

	memset(source, 's', PAGE);
	show("minor faults of anonymous memory", enroll(fd, anonymous, PAGE, MODE_MINOR));
	show("of shared memory", enroll(fd, shared, 4 * PAGE, MODE_MISSING | MODE_MINOR | MODE_WP));
	show("of a private mapping of it", enroll(fd, private, 4 * PAGE, MODE_MISSING | MODE_MINOR | MODE_WP));
	show("continue where there is no page", ranged(fd, REQUEST_CONTINUE, shared, PAGE, 0));
	show("continue, unknown mode", ranged(fd, REQUEST_CONTINUE, shared, PAGE, 4));
	show("pwrite makes one", pwrite(object, "pw", 2, PAGE) == 2 ? 0 : -1);
	show("copy where there is a page", copy(fd, shared + PAGE, source, PAGE));
	show("continue", ranged(fd, REQUEST_CONTINUE, shared + PAGE, PAGE, 0));
	show("continue again", ranged(fd, REQUEST_CONTINUE, shared + PAGE, PAGE, 0));
	content("there", shared + PAGE);
	show("copy into the object", copy(fd, shared, source, PAGE));
	printf("%-52s %d\n", "mapped at once", pagemap_bit(shared, 63));
	char got[3] = "";
	show("pread sees it", pread(object, got, 2, 0) == 2 ? 0 : -1);
	content("as", got);
	show("copy into the private mapping", copy(fd, private + 2 * PAGE, source, PAGE));
	content("private", private + 2 * PAGE);
	show("the object has no page there", ranged(fd, REQUEST_CONTINUE, shared + 2 * PAGE, PAGE, 0));
	show("continue in the private mapping", ranged(fd, REQUEST_CONTINUE, private, PAGE, 0));
	content("private", private);
	show("zeros into the object", ranged(fd, UFFDIO_ZEROPAGE, shared + 2 * PAGE, PAGE, 0));
	printf("%-52s %d\n", "zero", shared[2 * PAGE]);
	show("poison", ranged(fd, REQUEST_POISON, shared + 3 * PAGE, PAGE, 0));
	show("poison again", ranged(fd, REQUEST_POISON, shared + 3 * PAGE, PAGE, 0));
	int pipes[2];
	show("write(2) from poison", pipe(pipes) || write(pipes[1], shared + 3 * PAGE, 1) == 1 ? 0 : -1);
	show("copy over poison", copy(fd, shared + 3 * PAGE, source, PAGE));
	content("healed", shared + 3 * PAGE);
	show("shorten the object", ftruncate(object, 2 * PAGE));
	show("copy beyond the end", copy(fd, shared + 2 * PAGE, source, PAGE));
	show("poison beyond the end", ranged(fd, REQUEST_POISON, shared + 3 * PAGE, PAGE, 0));
	munmap(shared, 4 * PAGE);
	munmap(private, 4 * PAGE);
	ftruncate(object, 16 * PAGE);
	fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 16 * PAGE);
}

static void protection(int object)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
	char *anonymous = map_private(4 * PAGE);
	int waits = userfault(O_NONBLOCK, UFFD_FEATURE_SIGBUS | FEATURE_WP_UNPOPULATED);
	int async = userfault(O_NONBLOCK, FEATURE_WP_ASYNC);

	p[0] = 'x';
	show("register for protection", enroll(waits, p, 8 * PAGE, MODE_WP));
	show("protect pages and holes", protect(waits, p, 8 * PAGE, 1));
	printf("%-52s %d %d\n", "bits", pagemap_bit(p, 57), pagemap_bit(p + PAGE, 57));
	printf("%-52s %d %d\n", "swap bits", pagemap_bit(p, 62), pagemap_bit(p + PAGE, 62));
	show("not registered for it", protect(waits, anonymous, PAGE, 1));
	madvise(p, PAGE, MADV_DONTNEED);
	printf("%-52s %d mapped %d\n", "bit without the page", pagemap_bit(p, 57), pagemap_bit(p, 63));
	printf("%-52s %c\n", "read it", p[0]);
	printf("%-52s %d mapped %d\n", "bit", pagemap_bit(p, 57), pagemap_bit(p, 63));
	int pipes[2];
	show("read(2) into it", pipe(pipes) || write(pipes[1], "aaaaaaaa", 8) != 8 ? 0 : read(pipes[0], p, 1));
	show("end it", protect(waits, p, PAGE, 0));
	show("read(2) into it", read(pipes[0], p, 1));
	printf("%-52s %c\n", "content", p[0]);
	show("read(2) into a protected hole", read(pipes[0], p + PAGE, 1));
	show("punch a hole", fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE));
	printf("%-52s %d\n", "bit after it", pagemap_bit(p + PAGE, 57));
	show("unregister", leave(waits, p, 8 * PAGE));
	printf("%-52s %d\n", "bit", pagemap_bit(p + 2 * PAGE, 57));
	p[2 * PAGE] = 'y';
	show("anonymous memory", enroll(waits, anonymous, 4 * PAGE, MODE_WP));
	show("protect nothing", protect(waits, anonymous, 2 * PAGE, 1));
	printf("%-52s %d %d\n", "bits", pagemap_bit(anonymous, 57), pagemap_bit(anonymous + 2 * PAGE, 57));
	show("read(2) into it", read(pipes[0], anonymous, 1));
	show("read(2) into what is not protected", read(pipes[0], anonymous + 2 * PAGE, 1));
	madvise(anonymous, PAGE, MADV_DONTNEED);
	printf("%-52s %d\n", "bit after MADV_DONTNEED", pagemap_bit(anonymous, 57));
	close(waits);
	show("asynchronous", enroll(async, anonymous, 4 * PAGE, MODE_WP));
	write_pages(anonymous, 2);
	show("protect", protect(async, anonymous, 4 * PAGE, 1));
	anonymous[0] = 'z';
	anonymous[3 * PAGE] = 'z';
	for (int i = 0; i < 4; i++)
		printf("page %d protected %d\n", i, pagemap_bit(anonymous + i * PAGE, 57));
	munmap(p, 8 * PAGE);
	close(async);
}

int main(void)
{
	int object = memfd_create("shared", MFD_CLOEXEC);
	pthread_t server;

	fd = userfault(O_NONBLOCK, 0);
	if (ftruncate(object, 16 * PAGE))
		return 1;
	requests(object);
	protection(object);
	ftruncate(object, 0);
	ftruncate(object, 16 * PAGE);
	area = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
	other = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
	other[0] = other[2 * PAGE] = 'o';
	show("register all", enroll(fd, area, 16 * PAGE, MODE_MISSING | MODE_MINOR | MODE_WP));
	pthread_create(&server, NULL, serve, NULL);
	content("minor", area);
	content("missing", area + PAGE);
	area[2 * PAGE] = 'w';
	content("minor, write", area + 2 * PAGE);
	area[3 * PAGE] = 'w';
	content("missing, write", area + 3 * PAGE);
	show("protect", protect(fd, area, 4 * PAGE, 1));
	area[PAGE] = 'p';
	content("written", area + PAGE);
	content("the other mapping sees", other + PAGE);
	area[15 * PAGE] = 'e';
	pthread_join(server, NULL);
	content("seen by the other", other + 15 * PAGE);
	return 0;
}
