package faultline.emulator.syscall.userfault;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.Userfault;
import faultline.mmu.fault.UserfaultFeatures;
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
 *   uffdio_zeropage      0 start 8 len 16 mode 24 zeropage   (CONTINUE, POISON the same)
 *   uffdio_move          0 dst   8 src 16 len 24 mode 32 move
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
    private static final int MOVE = 0xc028aa05;
    private static final int WRITEPROTECT = 0xc018aa06;
    private static final int CONTINUE = 0xc020aa07;
    private static final int POISON = 0xc020aa08;

    private static final long MAGIC = 0xaa;
    /** Those of huge pages of the pool are offered, as on Linux, whatever is in the pool. */
    private static final long FEATURES = UserfaultFeatures.PAGEFAULT_FLAG_WP
            | UserfaultFeatures.EVENT_FORK
            | UserfaultFeatures.EVENT_REMAP
            | UserfaultFeatures.EVENT_REMOVE
            | UserfaultFeatures.MISSING_HUGETLBFS
            | UserfaultFeatures.MISSING_SHMEM
            | UserfaultFeatures.EVENT_UNMAP
            | UserfaultFeatures.SIGBUS
            | UserfaultFeatures.THREAD_ID
            | UserfaultFeatures.MINOR_HUGETLBFS
            | UserfaultFeatures.MINOR_SHMEM
            | UserfaultFeatures.EXACT_ADDRESS
            | UserfaultFeatures.WP_HUGETLBFS_SHMEM
            | UserfaultFeatures.WP_UNPOPULATED
            | UserfaultFeatures.POISON
            | UserfaultFeatures.WP_ASYNC
            | UserfaultFeatures.MOVE;
    /** Requests of every descriptor: REGISTER, UNREGISTER, API. */
    private static final long API_IOCTLS = 1L | 1L << 1 | 1L << 0x3f;

    /** Requests of every range: WAKE, COPY, ZEROPAGE, MOVE, POISON. */
    private static final long RANGE_IOCTLS = 1L << 2 | 1L << 3 | 1L << 4 | 1L << 5 | 1L << 8;

    private static final long WRITEPROTECT_IOCTL = 1L << 6;
    private static final long CONTINUE_IOCTL = 1L << 7;

    private static final long MODE_DONTWAKE = 1;
    /** WP with COPY and CONTINUE, ALLOW_SRC_HOLES with MOVE. */
    private static final long MODE_SECOND = 2;

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
            case MOVE -> call.move();
            case ZEROPAGE, CONTINUE, POISON -> call.fill(request);
            case WRITEPROTECT -> call.writeProtect();
            default -> -Errno.EINVAL;
        };
    }

    /** Whether the address space that the descriptor stands for is gone with its last process. */
    @KernelFunction("mmget_not_zero")
    private boolean isGone() {
        return context.mm().isRetired();
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
        if ((wanted & UserfaultFeatures.EVENT_FORK) != 0 && Libc.call(Nr.GETEUID) != 0) {
            task.user().clear(arg, 24);
            return -Errno.EPERM; // CAP_SYS_PTRACE
        }
        task.user().putLong(arg + 8, FEATURES);
        task.user().putLong(arg + 16, API_IOCTLS);
        boolean async = (wanted & UserfaultFeatures.WP_ASYNC) != 0;
        context.setFeatures(async ? wanted | UserfaultFeatures.WP_UNPOPULATED : wanted);
        file.setReady();
        return 0;
    }

    private long register() {
        long start = word(0);
        long len = word(8);
        long mode = word(16);
        if (mode == 0 || (mode & ~REGISTER_MODES) != 0) {
            return -Errno.EINVAL;
        }
        long error = validate(start, len);
        if (error == 0 && isGone()) {
            error = -Errno.ENOMEM;
        }
        if (error == 0) {
            error = file.registration().register(context, start, len, mode);
        }
        if (error != 0) {
            return error;
        }
        long wp = (mode & UserfaultRegistration.MODE_WP) != 0 ? WRITEPROTECT_IOCTL : 0;
        long minor = (mode & UserfaultRegistration.MODE_MINOR) != 0 ? CONTINUE_IOCTL : 0;
        task.user().putLong(arg + 24, RANGE_IOCTLS | wp | minor);
        return 0;
    }

    private long unregister() {
        long start = word(0);
        long len = word(8);
        long error = validate(start, len);
        if (error == 0 && isGone()) {
            error = -Errno.ENOMEM;
        }
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

    /** While an event waits to be read, the caller is told so where the result of the request stands, too. */
    private long changing(int resultOffset) {
        task.user().putLong(arg + resultOffset, -Errno.EAGAIN);
        return -Errno.EAGAIN;
    }

    @KernelFunction(value = "userfaultfd_copy", file = "fs/userfaultfd.c")
    private long copy() {
        if (context.isChanging()) {
            return changing(32);
        }
        long dst = word(0);
        long src = word(8);
        long len = word(16);
        long mode = word(24);
        if (src < 0 || src + len < src || (mode & ~(MODE_DONTWAKE | MODE_SECOND)) != 0) {
            return -Errno.EINVAL;
        }
        long error = validate(dst, len);
        if (error != 0) {
            return error;
        }
        if (isGone()) {
            return -Errno.ESRCH;
        }
        MmStruct mine = task.mm();
        long done = fill().copy(context, mine, task.fault(), dst, src, len, (mode & MODE_SECOND) != 0);
        task.user().putLong(arg + 32, done);
        return finish(dst, len, done, mode);
    }

    @KernelFunction(value = "userfaultfd_move", file = "fs/userfaultfd.c")
    private long move() {
        if (context.isChanging()) {
            return changing(32);
        }
        if (context.mm() != task.mm()) {
            return -Errno.EINVAL;
        }
        long dst = word(0);
        long src = word(8);
        long len = word(16);
        long mode = word(24);
        if (validate(dst, len) != 0 || validate(src, len) != 0 || (mode & ~(MODE_DONTWAKE | MODE_SECOND)) != 0) {
            return -Errno.EINVAL;
        }
        long done = task.kernel().memory().userfaultMove().run(context, dst, src, len, (mode & MODE_SECOND) != 0);
        task.user().putLong(arg + 32, done);
        return finish(dst, len, done, mode);
    }

    /** Pages that need no source. */
    private long fill(int request) {
        if (context.isChanging()) {
            return changing(24);
        }
        long start = word(0);
        long len = word(8);
        long mode = word(16);
        long modes = request == CONTINUE ? MODE_DONTWAKE | MODE_SECOND : MODE_DONTWAKE;
        long error = validate(start, len);
        if (error == 0 && (mode & ~modes) != 0) {
            error = -Errno.EINVAL;
        }
        if (error == 0 && isGone()) {
            error = -Errno.ESRCH;
        }
        if (error != 0) {
            return error;
        }
        long done =
                switch (request) {
                    case POISON -> fill().poison(context, start, len);
                    case CONTINUE -> fill().mapExisting(context, start, len, (mode & MODE_SECOND) != 0);
                    default -> fill().zero(context, start, len);
                };
        task.user().putLong(arg + 24, done);
        return finish(start, len, done, mode);
    }

    private long finish(long start, long len, long done, long mode) {
        if (done < 0) {
            return done;
        }
        if ((mode & MODE_DONTWAKE) == 0) {
            context.wake(start, start + done);
        }
        return done == len ? 0 : -Errno.EAGAIN;
    }

    @KernelFunction(value = "userfaultfd_writeprotect", file = "fs/userfaultfd.c")
    private long writeProtect() {
        if (context.isChanging()) {
            return -Errno.EAGAIN;
        }
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
        if (isGone()) {
            return -Errno.ESRCH;
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
