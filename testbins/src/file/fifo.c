/* FIFOs: open(2) waits for the other end, and a signal ends that; poll(2); reads into bad addresses, which take nothing out. */
#include "asleep.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static volatile int *caught;

static void on_alarm(int signal)
{
    (void)signal;
    ++*caught;
}

static const char *name(long result)
{
    return result >= 0 ? "ok" : strerror(errno);
}

/* A signal for this process once it waits in open. */
static pthread_t alarm_in_open(int flags)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
    return interrupt_in(SYS_openat, SIGALRM);
}

static void pause_for(int milliseconds)
{
    poll(NULL, 0, milliseconds);
}

static void meet(int mine, int theirs, const char *what)
{
    pid_t child = fork();
    if (child == 0) {
        pause_for(20);
        int fd = open(path, theirs);
        if (theirs == O_WRONLY)
            (void)!write(fd, "hello", 5);
        else {
            char text[8] = "";
            ssize_t n = read(fd, text, sizeof text);
            _exit(n == 3 ? 3 : 1);
        }
        _exit(0);
    }
    int fd = open(path, mine);
    char text[8] = "";
    ssize_t n = mine == O_RDONLY ? read(fd, text, sizeof text - 1) : write(fd, "bye", 3);
    int status;
    waitpid(child, &status, 0);
    printf("%s: %s %zd '%s', status %d\n", what, name(fd), n, text, WEXITSTATUS(status));
    close(fd);
}

static void interrupted(int flags, const char *what)
{
    *caught = 0;
    pthread_t alarm = alarm_in_open(0);
    int fd = open(path, flags);
    pthread_join(alarm, NULL);
    printf("%s interrupted: %s, %d signals\n", what, name(fd), *caught);
    *caught = 0;
    pid_t child = fork();
    if (child == 0) {
        while (!*caught)
            pause_for(1);
        _exit(open(path, flags == O_RDONLY ? O_WRONLY : O_RDONLY) < 0);
    }
    alarm = alarm_in_open(SA_RESTART);
    fd = open(path, flags);
    pthread_join(alarm, NULL);
    printf("%s restarted: %s, %d signals\n", what, name(fd), *caught);
    close(fd);
    waitpid(child, NULL, 0);
}

static void killed(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(open(path, O_RDONLY));
    pause_for(20);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    printf("a child that waits: signal %d\n", WTERMSIG(status));
    int fd = open(path, O_WRONLY | O_NONBLOCK);
    printf("and is no reader any more: %s\n", name(fd));
}

static void polled(void)
{
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    struct pollfd p = {reader, POLLIN, 0};
    printf("poll, nobody: %d %x\n", poll(&p, 1, 0), p.revents);
    int writer = open(path, O_WRONLY);
    printf("poll, a writer: %d %x\n", poll(&p, 1, 0), p.revents);
    (void)!write(writer, "x", 1);
    printf("poll, data: %d %x\n", poll(&p, 1, 0), p.revents);
    close(writer);
    printf("poll, data and no writer: %d %x\n", poll(&p, 1, 0), p.revents);
    char c;
    printf("read: %zd", read(reader, &c, 1));
    printf(" %zd\n", read(reader, &c, 1));
    printf("poll, no writer: %d %x\n", poll(&p, 1, 0), p.revents);
    close(reader);
    int both = open(path, O_RDWR);
    p.fd = both;
    p.events = POLLIN | POLLOUT;
    printf("both ends: %s, poll %d %x\n", name(both), poll(&p, 1, 0), p.revents);
    close(both);
}

static void bad_addresses(void)
{
    int ends[2];
    char text[16] = "";
    (void)!pipe(ends);
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    (void)!write(ends[1], "0123456789", 10);
    char *volatile nowhere = (char *)16;
    printf("read to nowhere: %s\n", name(read(ends[0], nowhere, 4)));
    printf("read to the end of a page: %s\n", name(read(ends[0], pages + 4092, 10)));
    printf("read of what fits: %s\n", name(read(ends[0], pages + 4092, 4)));
    struct iovec vector[2] = {{text, 2}, {pages + 4096, 4}};
    printf("readv to nowhere: %s\n", name(readv(ends[0], vector, 2)));
    mprotect(pages, 4096, PROT_READ);
    printf("read to a read-only page: %s\n", name(read(ends[0], pages, 3)));
    memset(text, 0, sizeof text);
    printf("left: %zd", read(ends[0], text, 10));
    printf(" '%s'\n", text);
    mprotect(pages, 4096, PROT_READ | PROT_WRITE);
    (void)!write(ends[1], "ab", 2);
    printf("less than asked for, and it fits: %zd\n", read(ends[0], pages + 4092, 10));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    printf("nothing: %s\n", name(read(ends[0], pages + 4092, 10)));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    caught = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof path, "/tmp/fifo.%d", getpid());
    mkfifo(path, 0600);
    printf("write, not waiting, nobody reads: %s\n", name(open(path, O_WRONLY | O_NONBLOCK)));
    meet(O_RDONLY, O_WRONLY, "reader first");
    meet(O_WRONLY, O_RDONLY, "writer first");
    interrupted(O_RDONLY, "reader");
    interrupted(O_WRONLY, "writer");
    killed();
    polled();
    bad_addresses();
    unlink(path);
    return 0;
}
