/* A file is written to or executed, never both: ETXTBSY, whoever comes second. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char program[64];

static const char *result(long r)
{
    return r >= 0 ? "ok" : errno == ETXTBSY ? "ETXTBSY" : strerror(errno);
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void copy_self(const char *to)
{
    int in = open("/proc/self/exe", O_RDONLY);
    int out = open(to, O_CREAT | O_WRONLY | O_TRUNC, 0700);
    struct stat st;
    fstat(in, &st);
    while (sendfile(out, in, NULL, st.st_size) > 0)
        ;
    close(in);
    close(out);
}

/* Runs the copy; it reads its standard input to the end and ends with 7. Returns execve's errno, or 0. */
static pid_t start(int *hold, const char *how)
{
    int wait_for[2], started[2];
    if (pipe(wait_for) || pipe(started))
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        dup2(wait_for[0], 0);
        dup2(started[1], 1);
        close(wait_for[1]);
        close(started[0]);
        execl(how, "text_busy", "hold", NULL);
        char failed = (char)errno;
        (void)!write(1, &failed, 1);
        _exit(0);
    }
    close(wait_for[0]);
    close(started[1]);
    char first = 0;
    (void)!read(started[0], &first, 1);
    close(started[0]);
    *hold = wait_for[1];
    if (first) {
        printf("  execve: %s\n", first == ETXTBSY ? "ETXTBSY" : strerror(first));
    } else {
        printf("  execve: ok\n");
    }
    return child;
}

static void finish(pid_t child, int hold)
{
    int status;
    close(hold);
    waitpid(child, &status, 0);
    printf("  status %d\n", WEXITSTATUS(status));
}

static void writers_while_it_runs(void)
{
    int hold, fd;
    printf("while it runs\n");
    pid_t child = start(&hold, program);
    static const struct { const char *name; int flags; } how[] = {
        {"O_WRONLY", O_WRONLY}, {"O_RDWR", O_RDWR}, {"O_RDONLY", O_RDONLY}, {"O_WRONLY|O_TRUNC", O_WRONLY | O_TRUNC},
        {"O_RDONLY|O_TRUNC", O_RDONLY | O_TRUNC}, {"O_WRONLY|O_CREAT|O_TRUNC", O_WRONLY | O_CREAT | O_TRUNC},
        {"O_PATH", O_PATH}, {"O_WRONLY|O_CREAT|O_EXCL", O_WRONLY | O_CREAT | O_EXCL}};
    for (unsigned i = 0; i < sizeof how / sizeof *how; i++) {
        fd = open(program, how[i].flags, 0700);
        printf("  open %s: %s\n", how[i].name, result(fd));
        close_if_open(fd);
    }
    printf("  truncate: %s\n", result(truncate(program, 0)));
    struct stat st;
    stat(program, &st);
    printf("  %s\n", st.st_size > 1000 ? "as long as before" : "emptied");
    char link_path[80];
    snprintf(link_path, sizeof link_path, "%s.link", program);
    (void)!link(program, link_path);
    fd = open(link_path, O_WRONLY);
    printf("  by another name: %s\n", result(fd));
    close_if_open(fd);
    unlink(link_path);
    char exe[64];
    snprintf(exe, sizeof exe, "/proc/%d/exe", child);
    fd = open(exe, O_WRONLY);
    printf("  by /proc/PID/exe: %s\n", result(fd));
    close_if_open(fd);
    printf("  chmod: %s\n", result(chmod(program, 0755)));
    finish(child, hold);
    fd = open(program, O_WRONLY);
    printf("  afterwards: %s\n", result(fd));
    close_if_open(fd);
}

static void forked_while_it_runs(void)
{
    int hold;
    printf("a child that shares the program\n");
    char own[64];
    snprintf(own, sizeof own, "/proc/self/exe");
    int fd = open(own, O_WRONLY);
    printf("  one's own: %s\n", result(fd));
    close_if_open(fd);
    pid_t child = start(&hold, program);
    finish(child, hold);
}

static void executed_while_written(void)
{
    int hold;
    printf("while it is open for writing\n");
    int fd = open(program, O_WRONLY);
    int copy = dup(fd);
    close(fd);
    pid_t child = start(&hold, program);
    finish(child, hold);
    printf("mapped from a closed descriptor\n");
    fd = open(program, O_RDWR);
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    close(copy);
    child = start(&hold, program);
    finish(child, hold);
    printf("unmapped\n");
    munmap(map, 4096);
    child = start(&hold, program);
    finish(child, hold);
}

static void script(void)
{
    char path[80];
    int hold;
    snprintf(path, sizeof path, "%s.sh", program);
    int fd = open(path, O_CREAT | O_WRONLY, 0700);
    dprintf(fd, "#!%s hold\n", program);
    printf("a script that is open for writing\n");
    pid_t child = start(&hold, path);
    finish(child, hold);
    close(fd);
    printf("a script that runs\n");
    child = start(&hold, path);
    fd = open(path, O_WRONLY);
    printf("  the script: %s\n", result(fd));
    close_if_open(fd);
    fd = open(program, O_WRONLY);
    printf("  its interpreter: %s\n", result(fd));
    close_if_open(fd);
    finish(child, hold);
    unlink(path);
}

static void memory_file(void)
{
    int hold;
    printf("a memfd\n");
    int fd = memfd_create("program", 0);
    int in = open("/proc/self/exe", O_RDONLY);
    while (sendfile(fd, in, NULL, 1 << 24) > 0)
        ;
    close(in);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    pid_t child = start(&hold, path);
    finish(child, hold);
    int again = open(path, O_RDWR);
    printf("opened again: %s\n", result(again));
    child = start(&hold, path);
    finish(child, hold);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "hold")) {
        char c = 0;
        (void)!write(1, &c, 1);
        while (read(0, &c, 1) > 0)
            ;
        return 7;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    snprintf(program, sizeof program, "/tmp/text_busy.%d", getpid());
    copy_self(program);
    writers_while_it_runs();
    forked_while_it_runs();
    executed_while_written();
    script();
    memory_file();
    unlink(program);
    return 0;
}
