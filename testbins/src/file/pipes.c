/* A pipe within one process: order, partial reads, end of file, EPIPE and SIGPIPE, O_NONBLOCK, poll. */
#include "observe.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

int main(void)
{
	int p[2], bytes = -1;
	char buffer[128] = { 0 };
	static char big[70000];

	if (pipe2(p, O_NONBLOCK))
		return 1;
	struct pollfd polled[2] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 } };
	printf("read of an empty pipe: %s\n", outcome(read(p[0], buffer, 10)));
	printf("poll: %d", poll(polled, 2, 0));
	printf(" %#x %#x\n", polled[0].revents, polled[1].revents);
	printf("written %zd\n", write(p[1], "0123456789", 10));
	ioctl(p[0], FIONREAD, &bytes);
	printf("waiting %d\n", bytes);
	printf("read %zd: %.4s\n", read(p[0], buffer, 4), buffer);
	printf("poll: %d", poll(polled, 2, 0));
	printf(" %#x %#x\n", polled[0].revents, polled[1].revents);
	printf("read %zd\n", read(p[0], buffer, 100));
	printf("%.6s\n", buffer);
	printf("big write %zd\n", write(p[1], big, sizeof(big)));
	printf("and again: %s\n", outcome(write(p[1], big, sizeof(big))));
	printf("lseek: %s\n", outcome(lseek(p[0], 0, SEEK_SET)));
	printf("pread: %s\n", outcome(pread(p[0], buffer, 1, 0)));
	while (read(p[0], big, sizeof(big)) > 0)
		;
	close(p[1]);
	printf("at the end: %zd\n", read(p[0], buffer, 10));
	pipe(p);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	printf("nobody reads: %s\n", outcome(write(p[1], "x", 1)));
	signal(SIGPIPE, SIG_DFL);
	puts("and with SIGPIPE:");
	fflush(stdout);
	return (int)write(p[1], "x", 1);
}
