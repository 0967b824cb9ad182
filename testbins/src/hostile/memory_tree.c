/* What a tmpfs of one megabyte does that is mounted on the directory given as first argument: type and size, no space left,
 * mappings, links across its border, names that are in use. The second argument is a directory outside of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call)                                                                                                              \
    do {                                                                                                                       \
        errno = 0;                                                                                                             \
        long result = (long)(call);                                                                                            \
        printf("%-60s %s\n", #call, result == -1 ? strerrorname_np(errno) : "done");                                          \
    } while (0)

static char page[4096];

static void size_and_space(void) {
    struct statfs fs;
    statfs(".", &fs);
    printf("type %lx, %ld blocks of %ld, %ld free\n", (long)fs.f_type, (long)fs.f_blocks, (long)fs.f_bsize, (long)fs.f_bfree);
    int fd = open("full", O_CREAT | O_RDWR, 0600);
    long written = 0;
    ssize_t n;
    while ((n = write(fd, page, sizeof page)) > 0) written += n;
    printf("wrote %ld pages, then %s\n", written / 4096, strerrorname_np(errno));
    TRY(fallocate(fd, 0, 4 << 20, 4096));
    TRY(ftruncate(fd, 1 << 30));
    TRY(unlink("full"));
    TRY(open("other", O_CREAT | O_RDWR, 0600));
    statfs(".", &fs);
    printf("unlinked and open: %ld free\n", (long)fs.f_bfree);
    close(fd);
    statfs(".", &fs);
    printf("closed: %ld free\n", (long)fs.f_bfree);
}

static void mappings(void) {
    int fd = open("mapped", O_CREAT | O_RDWR, 0600);
    if (ftruncate(fd, 8192) != 0) return;
    char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    strcpy(a + 4096, "seen by the other mapping");
    printf("%s\n", b + 4096);
    if (fork() == 0) {
        strcpy(a, "written by a child");
        _exit(0);
    }
    wait(NULL);
    printf("%s\n", b);
    unlink("mapped");
    printf("%s after unlink\n", b);
    char text[32] = "";
    pread(fd, text, 18, 0);
    printf("%s, read\n", text);
    close(fd);
}

static void borders(const char *outside) {
    char path[4096], here[4096], link[4096];
    close(open("file", O_CREAT | O_RDWR, 0600));
    snprintf(path, sizeof path, "%s/out", outside);
    unlink(path);
    TRY(rename("file", path));
    TRY(linkat(AT_FDCWD, "file", AT_FDCWD, path, 0));
    TRY(symlink(path, "away"));
    TRY(open("away", O_CREAT | O_RDWR, 0600));
    TRY(access(path, F_OK));
    TRY(unlink(path));
    TRY(mkdir("dir", 0755));
    TRY(chdir("dir"));
    printf("cwd ends in %s\n", strrchr(getcwd(here, sizeof here), '/'));
    TRY(chdir("../.."));
    printf("above: %d\n", strlen(getcwd(here, sizeof here)) > 1);
    TRY(chdir(outside));
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    snprintf(link, sizeof link, "%s/in", outside);
    unlink(link);
    extern const char *tree;
    TRY(symlink(tree, link));
    TRY(access("in/file", F_OK));
    TRY(access("in/dir/../file", F_OK));
    struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_XDEV};
    TRY(syscall(SYS_openat2, dir, "in/file", &how, sizeof how));
    TRY(unlink(link));
    TRY(rmdir(tree));
    TRY(rename(tree, path));
    TRY(mkdir(tree, 0755));
    TRY(chdir(tree));
}

const char *tree;

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    struct stat st;
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
    tree = argv[1];
    umask(022);
    if (chdir(tree) != 0) return 1;
    stat(".", &st);
    printf("mode %o, %d entries\n", st.st_mode, (int)st.st_nlink);
    size_and_space();
    mappings();
    borders(argv[2]);
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    TRY(bind(server, (struct sockaddr *)&name, sizeof name));
    TRY(listen(server, 1));
    TRY(connect(client, (struct sockaddr *)&name, sizeof name));
    TRY(mkfifo("fifo", 0600));
    struct dirent **entries;
    int n = scandir(".", &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) printf("%s ", entries[i]->d_name);
    printf("\n");
    return 0;
}
