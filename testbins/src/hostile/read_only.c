/* Calls that would change a file system, in a working directory on a read-only mount: which errno each gives. The
 * directory holds "file", "dir/inner", a link "link" to "file", and "fifo".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#define TRY(call)                                                                                                              \
    do {                                                                                                                       \
        errno = 0;                                                                                                             \
        long result = (long)(call);                                                                                            \
        printf("%-55s %s\n", #call, result == -1 ? strerrorname_np(errno) : "done");                                          \
    } while (0)

static void opening(void) {
    TRY(open("file", O_RDONLY));
    TRY(open("file", O_WRONLY));
    TRY(open("file", O_RDWR));
    TRY(open("file", O_RDONLY | O_TRUNC));
    TRY(open("file", O_WRONLY | O_APPEND));
    TRY(open("file", O_RDONLY | O_CREAT, 0644));
    TRY(open("file", O_RDONLY | O_CREAT | O_EXCL, 0644));
    TRY(open("new", O_RDONLY | O_CREAT, 0644));
    TRY(open("new", O_WRONLY | O_CREAT, 0644));
    TRY(open("absent/new", O_WRONLY | O_CREAT, 0644));
    TRY(open("link", O_WRONLY));
    TRY(open("dir", O_WRONLY));
    TRY(open("dir", O_RDONLY | O_CREAT, 0644));
    TRY(open(".", O_RDWR | O_TMPFILE, 0644));
    TRY(open("file", O_WRONLY | O_PATH));
    TRY(open("fifo", O_RDWR));
    TRY(open("/dev/null", O_WRONLY));
    TRY(open("/proc/self/comm", O_WRONLY));
    TRY(creat("file", 0644));
}

static void names(void) {
    TRY(mkdir("new", 0755));
    TRY(mkdir("dir", 0755));
    TRY(mkdir("absent/new", 0755));
    TRY(rmdir("dir"));
    TRY(rmdir("absent"));
    TRY(unlink("file"));
    TRY(unlink("absent"));
    TRY(unlink("absent/absent"));
    TRY(rename("file", "new"));
    TRY(link("file", "new"));
    TRY(link("file", "dir"));
    TRY(link("absent", "new"));
    TRY(symlink("file", "new"));
    TRY(symlink("file", "link"));
    TRY(mknod("new", S_IFREG | 0644, 0));
    TRY(mkfifo("new", 0644));
    TRY(mkfifo("fifo", 0644));
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "new"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    TRY(bind(fd, (struct sockaddr *)&name, sizeof name));
    strcpy(name.sun_path, "file");
    TRY(bind(fd, (struct sockaddr *)&name, sizeof name));
    close(fd);
}

static void metadata(void) {
    struct timeval now[2] = {{1, 0}, {1, 0}};
    int fd = open("file", O_RDONLY);
    int path = open("file", O_PATH);
    char magic[64];
    snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
    int flags = 0;
    TRY(chmod("file", 0600));
    TRY(chmod("absent", 0600));
    TRY(chmod(magic, 0600));
    TRY(fchmod(fd, 0600));
    TRY(fchmod(path, 0600));
    TRY(chown("file", 0, 0));
    TRY(lchown("link", 0, 0));
    TRY(fchown(fd, 0, 0));
    TRY(fchownat(path, "", 0, 0, AT_EMPTY_PATH));
    TRY(truncate("file", 0));
    TRY(truncate("dir", 0));
    TRY(ftruncate(fd, 0));
    TRY(fallocate(fd, 0, 0, 10));
    TRY(utime("file", NULL));
    TRY(utimes("file", now));
    TRY(futimes(fd, now));
    TRY(utimensat(AT_FDCWD, "link", NULL, AT_SYMLINK_NOFOLLOW));
    TRY(setxattr("file", "user.a", "b", 1, 0));
    TRY(lsetxattr("file", "user.a", "b", 1, 0));
    TRY(fsetxattr(fd, "user.a", "b", 1, 0));
    TRY(removexattr("file", "user.a"));
    TRY(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    TRY(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    TRY(open(magic, O_WRONLY));
    TRY(write(fd, "x", 1));
    TRY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    TRY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    void *shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    TRY(mprotect(shared, 4096, PROT_READ | PROT_WRITE));
    TRY(access("file", R_OK));
    TRY(access("file", W_OK));
    TRY(access("dir", W_OK));
    TRY(access("fifo", W_OK));
    TRY(access("absent", W_OK));
}

/* A descriptor that went through a socket is not more than it was. */
static void passed(void) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return;
    char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    int fd = open("file", O_RDONLY);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    TRY(sendmsg(pair[0], &message, 0));
    TRY(recvmsg(pair[1], &message, 0));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    TRY(fchmod(fd, 0600));
    int memory = memfd_create("memory", 0);
    TRY(ftruncate(memory, 4096));
    TRY(fchmod(memory, 0600));
}

int main(void) {
    struct statvfs vfs;
    setvbuf(stdout, NULL, _IOLBF, 0);
    opening();
    names();
    metadata();
    passed();
    printf("statvfs: %s\n", statvfs("file", &vfs) == 0 && (vfs.f_flag & ST_RDONLY) ? "read-only" : "writable");
    return 0;
}
