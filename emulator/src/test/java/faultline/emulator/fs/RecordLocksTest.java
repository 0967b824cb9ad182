package faultline.emulator.fs;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.fs.RecordLocks.Inode;
import faultline.emulator.fs.RecordLocks.Lock;
import faultline.emulator.fs.RecordLocks.Type;
import faultline.emulator.fs.RecordLocks.Wait;
import org.junit.jupiter.api.Test;

/** Who keeps whom from a range, and when a wait would be one for oneself. */
class RecordLocksTest {
    private static final Inode INODE = new Inode(0x1234, 7);

    private final RecordLocks locks = new RecordLocks();
    private final OpenFile file = new VirtualFile("/f", "/f", 0, () -> "", null);
    private final FdTable mine = new FdTable();
    private final FdTable others = new FdTable();

    private Lock posix(FdTable owner, Type type, long start, long end) {
        return new Lock(owner, file, 1, type, start, end);
    }

    private Lock ofFile(Type type, long start, long end) {
        return new Lock(file, file, 1, type, start, end);
    }

    @Test
    void locksOfAnOpenFileAndOfAProcessKeepEachOtherAway() {
        locks.set(INODE, ofFile(Type.READ, 0, 9));
        assertThat(locks.set(INODE, posix(mine, Type.WRITE, 9, 9))).isEqualTo(ofFile(Type.READ, 0, 9));
        assertThat(locks.set(INODE, posix(mine, Type.READ, 9, 9))).isNull();
    }

    @Test
    void theLastReferenceOfAnOpenFileGivesItsLocksUp() {
        locks.set(INODE, ofFile(Type.WRITE, 0, RecordLocks.TO_THE_END));
        file.put();
        assertThat(locks.table()).isEmpty();
    }

    @Test
    void aCircleOfProcessesIsNoWait() {
        Lock first = posix(mine, Type.WRITE, 0, 0);
        Lock second = posix(others, Type.WRITE, 1, 1);
        locks.set(INODE, first);
        locks.set(INODE, second);
        assertThat(locks.beginWait(new Wait(INODE, posix(others, Type.WRITE, 0, 0), first, () -> {})))
                .isTrue();
        assertThat(locks.beginWait(new Wait(INODE, posix(mine, Type.WRITE, 1, 1), second, () -> {})))
                .isFalse();
    }

    @Test
    void twoThreadsOfOneProcessMayWaitAndOneStop() {
        Lock theirs = posix(others, Type.WRITE, 0, 1);
        locks.set(INODE, theirs);
        Wait one = new Wait(INODE, posix(mine, Type.WRITE, 0, 0), theirs, () -> {});
        Wait two = new Wait(INODE, posix(mine, Type.WRITE, 0, 0), theirs, () -> {});
        locks.beginWait(one);
        locks.beginWait(two);
        locks.endWait(one);
        assertThat(locks.table())
                .isEqualTo("1: POSIX  ADVISORY  WRITE 1 12:34:7 0 1\n1: -> POSIX  ADVISORY  WRITE 1 12:34:7 0 0\n");
    }

    @Test
    void aChangeWakesWhoWaits() {
        boolean[] woken = new boolean[1];
        Lock theirs = posix(others, Type.WRITE, 0, 1);
        locks.set(INODE, theirs);
        locks.beginWait(new Wait(INODE, posix(mine, Type.WRITE, 0, 0), theirs, () -> woken[0] = true));
        locks.clear(INODE, others, 1, 1);
        assertThat(woken[0]).isTrue();
    }
}
