/* Asynchronous input and output: what io_submit refuses, what events say, eventfds, cancelling, and queues of a child. */
#include "asleep.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static aio_context_t ctx;

static const char *name(long result)
{
    return result >= 0 ? "ok" : strerror(errno);
}

static long setup(unsigned n, aio_context_t *to)
{
    return syscall(SYS_io_setup, n, to);
}

static long submit(struct iocb *request)
{
    return syscall(SYS_io_submit, ctx, 1, &request);
}

static void one(const char *what, struct iocb *request)
{
    struct io_event event = {0};
    struct timespec soon = {1, 0};
    long r = submit(request);
    printf("%s: %ld %s", what, r, name(r));
    if (r == 1 && syscall(SYS_io_getevents, ctx, 1, 1, &event, &soon) == 1) {
        printf(", event %llu of %s: %lld", (unsigned long long)event.data,
            event.obj == (uint64_t)(uintptr_t)request ? "it" : "another", (long long)event.res);
    }
    printf("\n");
}

static struct iocb of(int op, int fd, void *buffer, uint64_t bytes, int64_t offset)
{
    return (struct iocb){.aio_data = 77, .aio_lio_opcode = (uint16_t)op, .aio_fildes = (uint32_t)fd,
        .aio_buf = (uint64_t)(uintptr_t)buffer, .aio_nbytes = bytes, .aio_offset = offset};
}

static void queues(void)
{
    aio_context_t other = 1;
    printf("setup, not zero: %s\n", name(setup(1, &other)));
    other = 0;
    printf("setup of 0: %s\n", name(setup(0, &other)));
    printf("setup of too many: %s\n", name(setup(100000000, &other)));
    printf("setup of more than there may be: %s\n", name(setup(1000000, &other)));
    printf("setup nowhere: %s\n", name(syscall(SYS_io_setup, 1, 16)));
    printf("setup: %s\n", name(setup(8, &ctx)));
    printf("destroy of nothing: %s\n", name(syscall(SYS_io_destroy, 4711)));
    printf("submit to nothing: %s\n", name(syscall(SYS_io_submit, 4711, 0, 0)));
    printf("submit of none: %s\n", name(syscall(SYS_io_submit, ctx, 0, 0)));
    printf("submit of less: %s\n", name(syscall(SYS_io_submit, ctx, -1L, 0)));
    printf("submit from nowhere: %s\n", name(syscall(SYS_io_submit, ctx, 1, 16)));
    struct io_event events[2];
    struct timespec now = {0, 0}, soon = {0, 5000000};
    printf("events: %s\n", name(syscall(SYS_io_getevents, ctx, 0, 2, events, &now)));
    printf("more than wanted: %s\n", name(syscall(SYS_io_getevents, ctx, 3, 2, events, &now)));
    printf("in time: %ld\n", syscall(SYS_io_getevents, ctx, 1, 2, events, &soon));
}

static void transfers(const char *path)
{
    char text[64] = "0123456789";
    char more[8] = "";
    struct iovec vector[2] = {{more, 2}, {more + 4, 2}};
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    struct iocb request = of(IOCB_CMD_PWRITE, fd, text, 10, 3);
    one("pwrite", &request);
    request = of(IOCB_CMD_PREAD, fd, text, 64, 5);
    one("pread", &request);
    request = of(IOCB_CMD_PREADV, fd, vector, 2, 4);
    one("preadv", &request);
    printf("  '%.2s' '%.2s', position %ld\n", more, more + 4, (long)lseek(fd, 0, SEEK_CUR));
    request = of(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    one("fsync", &request);
    request = of(IOCB_CMD_FDSYNC, fd, text, 0, 0);
    one("fdsync with a buffer", &request);
    request = of(IOCB_CMD_PREAD, fd, (void *)16, 4, 3);
    one("to a bad address", &request);
    request = of(IOCB_CMD_PREAD, fd, text, 4, -3);
    one("before the file", &request);
    request = of(IOCB_CMD_PREAD, 99, text, 4, 0);
    one("no file", &request);
    request = of(IOCB_CMD_NOOP, fd, text, 4, 0);
    one("no operation", &request);
    request = of(IOCB_CMD_PREAD, fd, text, 4, 0);
    request.aio_reserved2 = 1;
    one("reserved", &request);
    int other = open(path, O_WRONLY);
    request = of(IOCB_CMD_PREAD, other, text, 4, 0);
    one("only to write", &request);
    close(other);
    other = open("/", O_RDONLY);
    request = of(IOCB_CMD_PREAD, other, text, 4, 0);
    one("a directory", &request);
    close(other);
    request = of(IOCB_CMD_PREAD, fd, text, 4, 0);
    request.aio_flags = IOCB_FLAG_RESFD;
    request.aio_resfd = (uint32_t)fd;
    one("told by no eventfd", &request);
    int told = eventfd(0, EFD_NONBLOCK);
    request.aio_resfd = (uint32_t)told;
    one("told by an eventfd", &request);
    uint64_t count = 0;
    (void)!read(told, &count, 8);
    printf("  count %llu\n", (unsigned long long)count);
    count = UINT64_MAX - 1;
    (void)!write(told, &count, 8);
    one("told by a full one", &request);
    struct pollfd p = {told, POLLIN, 0};
    int ready = poll(&p, 1, 0);
    (void)!read(told, &count, 8);
    printf("  poll %d %x, count %llx\n", ready, p.revents, (unsigned long long)count);
    close(told);
    close(fd);
}

static void full(void)
{
    char c;
    int ends[2], accepted = 0;
    (void)!pipe(ends);
    struct iocb request = of(IOCB_CMD_POLL, ends[0], (void *)POLLIN, 0, 0);
    struct io_event event = {0};
    struct timespec now = {0, 0}, soon = {20, 0};
    printf("poll: %ld\n", submit(&request));
    printf("not ready: %ld\n", syscall(SYS_io_getevents, ctx, 0, 1, &event, &now));
    (void)!write(ends[1], "x", 1);
    long n = syscall(SYS_io_getevents, ctx, 1, 1, &event, &soon);
    printf("ready: %ld, %llx\n", n, (unsigned long long)event.res & POLLIN);
    printf("poll of what is ready: %ld\n", submit(&request));
    n = syscall(SYS_io_getevents, ctx, 0, 1, &event, &now);
    printf("ready at once: %ld, %llx\n", n, (unsigned long long)event.res & POLLIN);
    (void)!read(ends[0], &c, 1);
    printf("poll again: %ld\n", submit(&request));
    printf("cancel: %s\n", name(syscall(SYS_io_cancel, ctx, &request, &event)));
    n = syscall(SYS_io_getevents, ctx, 1, 1, &event, &soon);
    printf("cancelled: %ld, %lld\n", n, (long long)event.res);
    printf("cancel what is not there: %s\n", name(syscall(SYS_io_cancel, ctx, &request, &event)));
    int fd = open("/dev/null", O_WRONLY);
    struct iocb nothing = of(IOCB_CMD_PWRITE, fd, &c, 1, 0);
    while (accepted < 100000 && submit(&nothing) == 1)
        accepted++;
    printf("full: %s, %s\n", name(-1), accepted >= 8 ? "enough" : "too few");
    printf("one at a time: %ld\n", syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL));
    printf("again: %ld\n", submit(&nothing));
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

static void on_alarm(int signal)
{
    (void)signal;
}

static void waits(void)
{
    struct io_event event;
    aio_context_t mine = 0;
    setup(1, &mine);
    signal(SIGALRM, on_alarm);
    pthread_t interrupter = interrupt_in(SYS_io_getevents, SIGALRM);
    printf("a signal: %s\n", name(syscall(SYS_io_getevents, mine, 1, 1, &event, NULL)));
    pthread_join(interrupter, NULL);
    pid_t child = fork();
    if (child == 0) {
        struct timespec now = {0, 0};
        long r = syscall(SYS_io_getevents, mine, 0, 1, &event, &now);
        _exit(r < 0 ? errno : 0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("a child's: %s\n", strerror(WEXITSTATUS(status)));
    printf("destroy: %s\n", name(syscall(SYS_io_destroy, mine)));
    printf("destroy again: %s\n", name(syscall(SYS_io_destroy, mine)));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    char path[64];
    snprintf(path, sizeof path, "/tmp/aio.%d", getpid());
    queues();
    transfers(path);
    unlink(path);
    full();
    waits();
    return 0;
}
