package faultline.emulator.syscall.userfault;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.Userfault;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.op.UserfaultFill;
import faultline.mmu.op.UserfaultRegistration;

/**
 * The requests of a userfaultfd.
 *
 * <pre>
 *   uffdio_api           0 api   8 features  16 ioctls
 *   uffdio_register      0 start 8 len 16 mode 24 ioctls
 *   uffdio_range         0 start 8 len                       (UNREGISTER, WAKE)
 *   uffdio_copy          0 dst   8 src 16 len 24 mode 32 copy
 *   uffdio_zeropage      0 start 8 len 16 mode 24 zeropage   (POISON the same)
 *   uffdio_writeprotect  0 start 8 len 16 mode
 * </pre>
 */
public final class UserfaultIoctl {
    private static final int API = 0xc018aa3f;
    private static final int REGISTER = 0xc020aa00;
    private static final int UNREGISTER = 0x8010aa01;
    private static final int WAKE = 0x8010aa02;
    private static final int COPY = 0xc028aa03;
    private static final int ZEROPAGE = 0xc020aa04;
    private static final int WRITEPROTECT = 0xc018aa06;
    private static final int POISON = 0xc020aa08;

    private static final long MAGIC = 0xaa;
    private static final long FEATURES = Userfault.FEATURE_PAGEFAULT_FLAG_WP
            | Userfault.FEATURE_MISSING_SHMEM
            | Userfault.FEATURE_SIGBUS
            | Userfault.FEATURE_THREAD_ID
            | Userfault.FEATURE_POISON;
    /** Requests of every descriptor: REGISTER, UNREGISTER, API. */
    private static final long API_IOCTLS = 1L | 1L << 1 | 1L << 0x3f;

    private static final long RANGE_IOCTLS = 1L << 2 | 1L << 3 | 1L << 4 | 1L << 8;
    private static final long WRITEPROTECT_IOCTL = 1L << 6;

    private static final long MODE_DONTWAKE = 1;
    private static final long COPY_MODE_WP = 2;
    private static final long WRITEPROTECT_WP = 1;
    private static final long WRITEPROTECT_DONTWAKE = 2;
    private static final long REGISTER_MODES = 7;

    private final Task task;
    private final UserfaultFile file;
    private final Userfault context;
    private final long arg;

    private UserfaultIoctl(Task task, UserfaultFile file, long arg) {
        this.task = task;
        this.file = file;
        this.context = file.context();
        this.arg = arg;
    }

    /** Runs one request. @return 0 or -errno */
    @KernelFunction(value = "userfaultfd_ioctl", file = "fs/userfaultfd.c")
    public static long run(Task task, UserfaultFile file, int request, long arg) {
        UserfaultIoctl call = new UserfaultIoctl(task, file, arg);
        if (request != API && !file.isReady()) {
            return -Errno.EINVAL;
        }
        return switch (request) {
            case API -> call.api();
            case REGISTER -> call.register();
            case UNREGISTER -> call.unregister();
            case WAKE -> call.wake();
            case COPY -> call.copy();
            case ZEROPAGE -> call.fill(false);
            case POISON -> call.fill(true);
            case WRITEPROTECT -> call.writeProtect();
            default -> -Errno.EINVAL;
        };
    }

    private long word(int offset) {
        return task.user().getLong(arg + offset);
    }

    private long validate(long start, long len) {
        return UserfaultRegistration.validate(context.mm(), start, len);
    }

    @KernelFunction(value = "userfaultfd_api", file = "fs/userfaultfd.c")
    private long api() {
        long api = word(0);
        long wanted = word(8);
        if (api != MAGIC || (wanted & ~FEATURES) != 0 || file.isReady()) {
            task.user().clear(arg, 24);
            return -Errno.EINVAL;
        }
        task.user().putLong(arg + 8, FEATURES);
        task.user().putLong(arg + 16, API_IOCTLS);
        context.setFeatures(wanted);
        file.setReady();
        return 0;
    }

    private long register() {
        long start = word(0);
        long len = word(8);
        long mode = word(16);
        long offered = UserfaultRegistration.MODE_MISSING | UserfaultRegistration.MODE_WP;
        if (mode == 0 || (mode & ~REGISTER_MODES) != 0 || (mode & ~offered) != 0) {
            return -Errno.EINVAL;
        }
        long error = validate(start, len);
        if (error == 0) {
            error = file.registration().register(context, start, len, mode);
        }
        if (error != 0) {
            return error;
        }
        boolean wp = (mode & UserfaultRegistration.MODE_WP) != 0;
        task.user().putLong(arg + 24, wp ? RANGE_IOCTLS | WRITEPROTECT_IOCTL : RANGE_IOCTLS);
        return 0;
    }

    private long unregister() {
        long start = word(0);
        long len = word(8);
        long error = validate(start, len);
        return error != 0 ? error : file.registration().unregister(context, start, len);
    }

    private long wake() {
        long start = word(0);
        long len = word(8);
        long error = validate(start, len);
        if (error == 0) {
            context.wake(start, start + len);
        }
        return error;
    }

    @KernelFunction(value = "userfaultfd_copy", file = "fs/userfaultfd.c")
    private long copy() {
        long dst = word(0);
        long src = word(8);
        long len = word(16);
        long mode = word(24);
        if (src < 0 || src + len < src || (mode & ~(MODE_DONTWAKE | COPY_MODE_WP)) != 0) {
            return -Errno.EINVAL;
        }
        long error = validate(dst, len);
        if (error != 0) {
            return error;
        }
        MmStruct mine = task.mm();
        long done = fill().copy(context, mine, task.fault(), dst, src, len, (mode & COPY_MODE_WP) != 0);
        task.user().putLong(arg + 32, done);
        return finish(dst, len, done, (mode & MODE_DONTWAKE) != 0);
    }

    @KernelFunction(value = "userfaultfd_zeropage", file = "fs/userfaultfd.c")
    private long fill(boolean poison) {
        long start = word(0);
        long len = word(8);
        long mode = word(16);
        long error = validate(start, len);
        if (error == 0 && (mode & ~MODE_DONTWAKE) != 0) {
            error = -Errno.EINVAL;
        }
        if (error != 0) {
            return error;
        }
        long done = poison ? fill().poison(context, start, len) : fill().zero(context, start, len);
        task.user().putLong(arg + 24, done);
        return finish(start, len, done, (mode & MODE_DONTWAKE) != 0);
    }

    private long finish(long start, long len, long done, boolean dontWake) {
        if (done < 0) {
            return done;
        }
        if (!dontWake) {
            context.wake(start, start + done);
        }
        return done == len ? 0 : -Errno.EAGAIN;
    }

    @KernelFunction(value = "userfaultfd_writeprotect", file = "fs/userfaultfd.c")
    private long writeProtect() {
        long start = word(0);
        long len = word(8);
        long mode = word(16);
        long error = validate(start, len);
        if (error != 0) {
            return error;
        }
        boolean on = (mode & WRITEPROTECT_WP) != 0;
        boolean dontWake = (mode & WRITEPROTECT_DONTWAKE) != 0;
        if ((mode & ~(WRITEPROTECT_WP | WRITEPROTECT_DONTWAKE)) != 0 || on && dontWake) {
            return -Errno.EINVAL;
        }
        error = fill().writeProtect(context, start, len, on);
        if (error == 0 && !on && !dontWake) {
            context.wake(start, start + len);
        }
        return error;
    }

    private UserfaultFill fill() {
        return task.kernel().memory().userfaultFill();
    }
}
