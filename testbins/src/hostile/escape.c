/* Tries to leave the directory that --root names, in every way it knows: through "..", links, descriptors, /proc, mounts,
 * devices, sockets and racing renames. Outside lies a file "secret" next to the root; its path on the host is the argument.
 * Prints each way that worked, and how many were tried.
 *
 * cflags: -pthread
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static const char *secret;
static int tried, escaped;

static void outcome(const char *way, int out) {
    tried++;
    if (out) {
        escaped++;
        printf("ESCAPED: %s\n", way);
    }
}

/* Whether a descriptor reads as what lies outside. */
static int is_secret(int fd) {
    char text[16] = "";
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (fd >= 0) close(fd);
    return n > 0 && strncmp(text, "outside", 7) == 0;
}

static void try_path(const char *path) {
    struct stat st;
    char way[5000];
    snprintf(way, sizeof way, "open %s", path);
    outcome(way, is_secret(open(path, O_RDONLY)));
    int fd = open(path, O_PATH);
    char magic[64];
    snprintf(magic, sizeof magic, "/proc/self/fd/%d", fd);
    outcome("reopen of O_PATH", fd >= 0 && is_secret(open(magic, O_RDONLY)));
    if (fd >= 0) close(fd);
    outcome("stat", stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 7);
    outcome("link", link(path, "/stolen") == 0 && is_secret(open("/stolen", O_RDONLY)));
    outcome("linkat", linkat(AT_FDCWD, path, AT_FDCWD, "/stolen", AT_SYMLINK_FOLLOW) == 0
                          && is_secret(open("/stolen", O_RDONLY)));
    unlink("/stolen");
    outcome("rename", rename(path, "/stolen") == 0 && is_secret(open("/stolen", O_RDONLY)));
    outcome("execve", access(path, X_OK) == 0);
    outcome("truncate", truncate(path, 7) == 0);
}

static void try_link(const char *target) {
    unlink("/way");
    if (symlink(target, "/way") == 0) {
        try_path("/way");
        try_path("/dir/../way");
        outcome("openat2 through a link",
                is_secret(syscall(SYS_openat2, AT_FDCWD, "/way", &(struct open_how){.resolve = RESOLVE_IN_ROOT},
                                  sizeof(struct open_how))));
    }
    unlink("/way");
}

static void paths(void) {
    char path[4096];
    for (int up = 1; up <= 12; up++) {
        char *at = path;
        for (int i = 0; i < up; i++) at = stpcpy(at, "../");
        strcpy(at, "secret");
        try_path(path);
        try_link(path);
        strcpy(at, secret + 1);
        try_path(path);
        char slashed[4200];
        snprintf(slashed, sizeof slashed, "/dir/%s", path);
        try_path(slashed);
    }
    try_path(secret);
    try_link(secret);
    const char *roots[] = {"/proc/self/root", "/proc/self/cwd", "/proc/1/root", "/proc/1/cwd", "/proc/thread-self/root",
                           "/proc/self/task/1/root", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2",
                           "/proc/self/exe/.."};
    for (unsigned i = 0; i < sizeof roots / sizeof *roots; i++) {
        snprintf(path, sizeof path, "%s%s", roots[i], secret);
        try_path(path);
        try_link(path);
        snprintf(path, sizeof path, "%s/../secret", roots[i]);
        try_path(path);
        try_link(path);
    }
}

static void descriptors(void) {
    const int flags[] = {0, RESOLVE_IN_ROOT, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV};
    const char *ways[] = {"../secret", "../../secret", "deep/../../../secret", "/../secret", secret};
    for (int dir = -1; dir < 8; dir++) {
        int base = dir < 0 ? open("/dir", O_RDONLY | O_DIRECTORY) : dir;
        for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
            for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++) {
                struct open_how how = {.flags = O_RDONLY, .resolve = flags[f]};
                outcome("openat2", is_secret(syscall(SYS_openat2, base, ways[i], &how, sizeof how)));
            }
            outcome("openat", is_secret(openat(base, ways[i], O_RDONLY)));
        }
        outcome("openat of a name", is_secret(openat(base, "secret", O_RDONLY)));
        outcome("linkat of a descriptor", linkat(base, "", AT_FDCWD, "/stolen", AT_EMPTY_PATH) == 0
                                              && is_secret(open("/stolen", O_RDONLY)));
        if (dir < 0) close(base);
    }
    for (int fd = 3; fd < 4096; fd++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        outcome("a descriptor of the emulator", open(path, O_PATH) >= 0);
    }
    int cwd = open("/dir", O_PATH);
    rename("/dir", "/moved");
    outcome("openat behind a renamed directory", is_secret(openat(cwd, "../../secret", O_RDONLY)));
    rename("/moved", "/dir");
    if (fchdir(cwd) == 0) rmdir("/dir/deep");
    outcome("relative from the working directory", is_secret(open("../../secret", O_RDONLY)));
    outcome("chdir far up", chdir("../../../../..") == 0 && is_secret(open("secret", O_RDONLY)));
    if (chdir("/") != 0) abort();
    close(cwd);
}

static void kernel(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%.90s.sock", secret);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    outcome("connect to a socket outside", connect(fd, (void *)&name, sizeof name) == 0);
    strcpy(name.sun_path, "../../socket");
    outcome("bind above the root", bind(fd, (void *)&name, sizeof name) == 0 && access("/socket", F_OK) != 0);
    outcome("mount --bind", mount(secret, "/dir", NULL, MS_BIND, NULL) == 0);
    outcome("mount --bind /", mount("/", "/dir", NULL, MS_BIND | MS_REC, NULL) == 0);
    outcome("mount proc", mount("proc", "/dir", "proc", 0, NULL) == 0);
    outcome("umount", umount2("/", MNT_DETACH) == 0);
    outcome("chroot", chroot("/dir") == 0);
    outcome("pivot_root", syscall(SYS_pivot_root, "/dir", "/dir") == 0);
    outcome("unshare", unshare(CLONE_NEWNS) == 0);
    outcome("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0) >= 0);
    outcome("mknod", mknod("/disk", S_IFBLK | 0600, makedev(254, 0)) == 0);
    outcome("mknod of a memory device", mknod("/memory", S_IFCHR | 0600, makedev(1, 1)) == 0);
    outcome("open of a device left in the root", open("/node", O_RDWR) >= 0);
    outcome("/dev/vda", open("/dev/vda", O_RDONLY) >= 0);
    outcome("/dev/mem", open("/dev/mem", O_RDONLY) >= 0);
    outcome("/proc/kcore", open("/proc/kcore", O_RDONLY) >= 0);
    outcome("/proc/sys written", open("/proc/sys/kernel/printk", O_WRONLY) >= 0);
    outcome("/proc/sysrq-trigger", open("/proc/sysrq-trigger", O_WRONLY) >= 0);
}

/* The host's tasks and what else is not below the root: 2 is the host's kthreadd, and no process of the guest. */
static void others(void) {
    enum { STRANGER = 2, DETACHED_COPY = 1 };
    struct file_handle *root = calloc(1, sizeof *root + MAX_HANDLE_SZ);
    const char *ways[] = {"/proc/1/root/secret", "/proc/1/cwd/secret", "/proc/1/cwd/../secret", "/proc/2/root/secret",
                          "/proc/self/root/../secret", "/proc/self/task/1/root/secret", "/proc/thread-self/root/../secret"};
    char path[4200];

    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        outcome(ways[i], is_secret(open(ways[i], O_RDONLY)));
        snprintf(path, sizeof path, "%.*s%s", (int)(strlen(ways[i]) - strlen("/secret")), ways[i], secret);
        outcome(path, is_secret(open(path, O_RDONLY)));
    }
    outcome("kill of a stranger", kill(STRANGER, 0) == 0);
    outcome("ptrace of a stranger", ptrace(PTRACE_ATTACH, STRANGER, 0, 0) == 0);
    outcome("pidfd of a stranger", syscall(SYS_pidfd_open, STRANGER, 0) >= 0);
    root->handle_bytes = 8;
    root->handle_type = 1; /* an inode's number and generation: 2 is the root of many file systems */
    root->f_handle[0] = 2;
    outcome("open_by_handle_at", open_by_handle_at(open("/", O_RDONLY), root, O_RDONLY) >= 0);
    outcome("setns", setns(open("/proc/self/ns/mnt", O_RDONLY), 0) == 0 || setns(open("/proc/1/ns/mnt", O_RDONLY), 0) == 0);
    outcome("unshare of users", unshare(CLONE_NEWUSER) == 0);
    outcome("a key of the host", syscall(SYS_add_key, "user", "faultline", "x", 1, -3) >= 0);
    outcome("fsopen", syscall(SYS_fsopen, "tmpfs", 0) >= 0);
    outcome("open_tree of a copy", syscall(SYS_open_tree, AT_FDCWD, "/", DETACHED_COPY) >= 0);
    outcome("a key typed on the terminal", ioctl(0, TIOCSTI, "x") == 0);
    outcome("bpf", syscall(SYS_bpf, 0, NULL, 0) >= 0);
    outcome("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0) >= 0);
    outcome("a program of the host", access("/usr/bin/env", X_OK) == 0 || access("/bin/sh", X_OK) == 0);
    free(root);
}

static volatile int stop;

/* Swaps a directory for a link that leads out, while the main thread goes through it. */
static void *swapper(void *nothing) {
    while (!stop) {
        syscall(SYS_renameat2, AT_FDCWD, "/race", AT_FDCWD, "/trap", RENAME_EXCHANGE);
        sched_yield();
    }
    return nothing;
}

static void races(void) {
    pthread_t thread;
    int out = 0;
    mkdir("/race", 0755);
    close(open("/race/secret", O_CREAT | O_WRONLY, 0644));
    if (symlink("../../../../../..", "/trap") != 0) return;
    char path[4096];
    snprintf(path, sizeof path, "/race%s", secret);
    pthread_create(&thread, NULL, swapper, NULL);
    for (int i = 0; i < 300; i++) {
        out |= is_secret(open("/race/secret", O_RDONLY));
        out |= is_secret(open("/race/../secret", O_RDONLY));
        out |= is_secret(open(path, O_RDONLY));
    }
    stop = 1;
    pthread_join(thread, NULL);
    outcome("race of a rename with a lookup", out);
}

int main(int argc, char **argv) {
    secret = argc > 1 ? argv[1] : "/secret";
    paths();
    descriptors();
    kernel();
    others();
    races();
    printf("%d of %d ways out\n", escaped, tried);
    return escaped != 0;
}
