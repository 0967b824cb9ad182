/*
 * cflags: -Wno-stringop-overflow
 * read, write, pread, pwrite, readv, lseek with holes, O_APPEND, ftruncate, and what they refuse.
 */
#include "observe.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

static void show(const char *label, long result)
{
	if (result == -1)
		printf("%-36s %s\n", label, strerrorname_np(errno));
	else
		printf("%-36s %ld\n", label, result);
}

int main(void)
{
	int fd = temporary_file(0);
	char buffer[64] = { 0 }, link[64];
	struct stat st;

	show("write", write(fd, "hello, world", 12));
	show("lseek to 7", lseek(fd, 7, SEEK_SET));
	show("read", read(fd, buffer, 64));
	printf("%s\n", buffer);
	show("read at the end", read(fd, buffer, 64));
	show("pwrite beyond the end", pwrite(fd, "x", 1, 10000));
	show("lseek to the end", lseek(fd, 0, SEEK_END));
	show("pread in the hole", pread(fd, buffer, 4, 5000));
	printf("hole reads %d\n", buffer[0] | buffer[3]);
	show("lseek before the start", lseek(fd, -1, SEEK_SET));
	show("lseek, unknown whence", lseek(fd, 0, 9));
	show("lseek beyond the end", lseek(fd, 100, SEEK_END));
	show("ftruncate to 5", ftruncate(fd, 5));
	fstat(fd, &st);
	printf("size %ld links %ld mode %o\n", (long)st.st_size, (long)st.st_nlink, st.st_mode);
	show("ftruncate to -1", ftruncate(fd, -1));
	char a[4] = { 0 }, b[4] = { 0 };
	struct iovec parts[3] = { { a, 2 }, { NULL, 0 }, { b, 3 } };
	lseek(fd, 0, SEEK_SET);
	show("readv", readv(fd, parts, 3));
	printf("%.2s|%.3s\n", a, b);
	show("readv of -1 parts", readv(fd, parts, -1));
	show("readv of 0 parts", readv(fd, parts, 0));
	lseek(fd, 0, SEEK_SET);
	show("read into a hole", read(fd, (void *)16, 10));
	show("read into kernel space", read(fd, (void *)0xffff900000000000UL, 1));
	show("read of nothing", read(fd, NULL, 0));
	show("write to a closed descriptor", write(77, "x", 1));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	int reader = open(link, O_RDONLY), appender = open(link, O_WRONLY | O_APPEND);
	show("write to a reader", write(reader, "x", 1));
	show("read from a writer", read(appender, buffer, 1));
	lseek(appender, 0, SEEK_SET);
	show("append", write(appender, "END", 3));
	show("its offset", lseek(appender, 0, SEEK_CUR));
	show("size seen by the reader", lseek(reader, 0, SEEK_END));
	int twin = dup(reader);
	lseek(reader, 2, SEEK_SET);
	show("a duplicate shares the offset", lseek(twin, 0, SEEK_CUR));
	show("dup2 onto itself", dup2(twin, twin) - twin);
	show("dup2 of a closed one", dup2(99, 100));
	show("dup3 onto itself", dup3(twin, twin, 0));
	show("F_GETFL", fcntl(appender, F_GETFL) & (O_ACCMODE | O_APPEND));
	show("F_GETFD", fcntl(twin, F_GETFD));
	show("F_SETFD", fcntl(twin, F_SETFD, FD_CLOEXEC));
	show("F_GETFD again", fcntl(twin, F_GETFD));
	show("F_DUPFD from 50", fcntl(fd, F_DUPFD, 50));
	show("close", close(twin));
	show("close again", close(twin));
	show("open of nothing", open("/nonexistent/file", O_RDONLY));
	show("open of a file as directory", open("/proc/self/maps/x", O_RDONLY));
	show("open of a directory for writing", open("/", O_WRONLY));
	show("open with a bad path pointer", open((char *)16, O_RDONLY));
	show("isatty", isatty(fd));
	return 0;
}
