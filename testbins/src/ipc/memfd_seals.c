/* memfd_create and its seals, with mappings, read and write of the same memory; and shm_open's file. */
#include "observe.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#define MFD_EXEC 16U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 32
#endif

static void show(const char *label, long result)
{
	printf("%-44s %s\n", label, outcome(result));
}

static void seals(int fd)
{
	printf("%-44s %x\n", "seals", fcntl(fd, F_GET_SEALS));
}

static char *share(int fd, int prot)
{
	return mmap(NULL, 2 * PAGE, prot, MAP_SHARED, fd, 0);
}

int main(void)
{
	char name[300];
	char buffer[8] = { 0 };
	struct stat st;

	memset(name, 'n', sizeof(name));
	name[249] = 0;
	show("longest name", memfd_create(name, 0));
	name[249] = 'n';
	name[250] = 0;
	show("too long a name", memfd_create(name, 0));
	show("unknown flag", memfd_create("x", 0x8000));
	show("both EXEC and NOEXEC_SEAL", memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL));
	int plain = memfd_create("plain", MFD_EXEC);
	seals(plain);
	show("add to one without sealing", fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
	int noexec = memfd_create("noexec", MFD_NOEXEC_SEAL);
	seals(noexec);
	fstat(noexec, &st);
	printf("%-44s %o\n", "mode", st.st_mode & 0777);
	show("chmod", fchmod(noexec, 0755));

	int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_EXEC | MFD_CLOEXEC);
	seals(fd);
	show("ftruncate", ftruncate(fd, 2 * PAGE));
	char *p = share(fd, PROT_READ | PROT_WRITE);
	strcpy(p, "mapped");
	printf("%-44s %zd %s\n", "read what was stored", pread(fd, buffer, 6, 0), buffer);
	printf("%-44s %zd\n", "write", pwrite(fd, "WRITE", 5, PAGE));
	printf("%-44s %s\n", "load what was written", p + PAGE);
	show("seal writes while mapped", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	show("seal future writes", fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	seals(fd);
	show("write(2)", pwrite(fd, "x", 1, 0));
	p[1] = 'A';
	show("write the old mapping back", msync(p, PAGE, MS_SYNC));
	show("another writable mapping", share(fd, PROT_READ | PROT_WRITE) == MAP_FAILED ? -1 : 0);
	char *r = share(fd, PROT_READ);
	show("a readable mapping", r == MAP_FAILED ? -1 : 0);
	show("made writable", mprotect(r, PAGE, PROT_READ | PROT_WRITE));
	printf("%-44s %c\n", "sees what was stored before", r[0]);
	show("unmap the writable one", munmap(p, 2 * PAGE));
	show("seal writes with a readable mapping", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	show("unmap the readable one", munmap(r, 2 * PAGE));
	printf("%-44s %zd %.4s\n", "what the old mapping stored is there", pread(fd, buffer, 4, 0), buffer);
	show("seal writes", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	seals(fd);
	show("map for reading", share(fd, PROT_READ) == MAP_FAILED ? -1 : 0);
	char *c = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	c[0] = 'P';
	printf("%-44s %c%c\n", "a private copy", c[0], c[1]);
	show("shrink", ftruncate(fd, PAGE));
	show("grow", ftruncate(fd, 4 * PAGE));
	show("seal the size", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	show("shrink a sealed one", ftruncate(fd, PAGE));
	show("grow a sealed one", ftruncate(fd, 8 * PAGE));
	show("fallocate beyond", fallocate(fd, 0, 4 * PAGE, PAGE));
	show("punch a hole", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	show("unknown seal", fcntl(fd, F_ADD_SEALS, 0x100));
	show("seal the seals", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	show("one more seal", fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	seals(fd);
	show("seals of a file", fcntl(temporary_file(PAGE), F_GET_SEALS));
	int half = memfd_create("remove", MFD_ALLOW_SEALING);
	ftruncate(half, 2 * PAGE);
	p = share(half, PROT_READ | PROT_WRITE);
	p[PAGE] = 'z';
	show("madvise remove", madvise(p + PAGE, PAGE, MADV_REMOVE));
	printf("%-44s %d\n", "is zero again", p[PAGE]);

	snprintf(name, sizeof(name), "/faultline.%d", getpid());
	int posix = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	show("shm_open", posix);
	show("exclusively again", shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
	ftruncate(posix, 2 * PAGE);
	p = share(posix, PROT_READ | PROT_WRITE);
	fflush(stdout);
	if (fork() == 0) {
		int again = shm_open(name, O_RDWR, 0);
		char *q = share(again, PROT_READ | PROT_WRITE);
		strcpy(q + PAGE, "from the child");
		_exit(0);
	}
	wait(NULL);
	printf("%-44s %s\n", "seen through the other mapping", p + PAGE);
	show("shm_unlink", shm_unlink(name));
	show("gone", shm_open(name, O_RDWR, 0));
	return 0;
}
