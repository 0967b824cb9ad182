/* What a guest that runs as root must not be able to do to the host. Each line is a call and its errno; none may succeed.
 * Not to be run natively as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/reboot.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int done;

#define REFUSED(call)                                                                                                          \
    do {                                                                                                                       \
        errno = 0;                                                                                                             \
        long result = (long)(call);                                                                                            \
        done += result != -1;                                                                                                  \
        printf("%-75s %s\n", #call, result == -1 ? strerrorname_np(errno) : "DONE");                                          \
    } while (0)

int main(void) {
    struct timeval epoch = {1, 0};
    struct timespec start = {1, 0};
    struct timex adjust = {.modes = ADJ_FREQUENCY, .freq = 1};
    REFUSED(mount("none", "/mnt", "tmpfs", 0, NULL));
    REFUSED(umount("/proc"));
    REFUSED(umount2("/", MNT_DETACH));
    REFUSED(syscall(SYS_fsopen, "tmpfs", 0));
    REFUSED(syscall(SYS_pivot_root, "/", "/"));
    REFUSED(chroot("/tmp"));
    REFUSED(unshare(CLONE_NEWNS));
    REFUSED(settimeofday(&epoch, NULL));
    REFUSED(clock_settime(CLOCK_REALTIME, &start));
    REFUSED(adjtimex(&adjust));
    REFUSED(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_ON, NULL));
    REFUSED(swapon("/etc/passwd", 0));
    REFUSED(swapoff("/etc/passwd"));
    REFUSED(syscall(SYS_init_module, "", 0, ""));
    REFUSED(syscall(SYS_finit_module, 0, "", 0));
    REFUSED(syscall(SYS_delete_module, "absent", 0));
    REFUSED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
    REFUSED(syscall(SYS_bpf, 0, NULL, 0));
    REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, -1, 0));
    REFUSED(acct("/etc/passwd"));
    REFUSED(iopl(3));
    REFUSED(ioperm(0x80, 1, 1));
    REFUSED(klogctl(5, NULL, 0));
    REFUSED(vhangup());
    REFUSED(open("/proc/sys/kernel/printk", O_WRONLY));
    REFUSED(open("/proc/sys/kernel/sysrq", O_RDWR));
    REFUSED(open("/proc/sys/fs/file-max", O_WRONLY | O_TRUNC));
    REFUSED(open("/proc/sysrq-trigger", O_WRONLY));
    REFUSED(open("/proc/self/uid_map", O_WRONLY));
    REFUSED(open("/sys/power/state", O_WRONLY));
    REFUSED(open("/sys/kernel/rcu_expedited", O_WRONLY));
    REFUSED(open("/sys/kernel/../kernel/rcu_expedited", O_RDWR));
    REFUSED(chmod("/sys/kernel/rcu_expedited", 0600));
    REFUSED(chown("/sys/kernel/rcu_expedited", 1, 1));
    REFUSED(mkdir("/sys/kernel/faultline", 0755));
    int fd = open("/sys/kernel/rcu_expedited", O_RDONLY);
    REFUSED(fchmod(fd, 0600));
    int root = open("/", O_RDONLY);
    REFUSED(ioctl(root, FIFREEZE, 0));
    REFUSED(ioctl(root, FITHAW, 0));
    /* its own machine's name root may change, and the host keeps its */
    char name[65] = "";
    if (!sethostname("other", 5) && !gethostname(name, sizeof(name)))
        printf("called %s\n", name);
    printf("%d done\n", done);
    return done != 0;
}
