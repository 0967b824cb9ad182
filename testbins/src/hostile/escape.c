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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
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
    races();
    printf("%d of %d ways out\n", escaped, tried);
    return escaped != 0;
}
