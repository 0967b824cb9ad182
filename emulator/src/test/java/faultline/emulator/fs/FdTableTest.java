package faultline.emulator.fs;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FdTableTest {
    private final AtomicInteger released = new AtomicInteger();
    private final FdTable table = new FdTable();

    @Test
    void newDescriptorsAreTheLowestFree() {
        assertThat(List.of(add(), add(), add())).containsExactly(0, 1, 2);
        table.close(1);
        assertThat(add()).isEqualTo(1);
        assertThat(add()).isEqualTo(3);
    }

    @Test
    void aLowerBoundIsKeptAndDoesNotHideLowerFreeNumbers() {
        assertThat(table.install(file(), 10, false, 100)).isEqualTo(10);
        assertThat(table.install(file(), 10, false, 100)).isEqualTo(11);
        assertThat(add()).isZero();
    }

    @Test
    void theLimitIsEmfileForInstallAndEbadfForReplace() {
        OpenFile file = file();
        assertThat(table.install(file, 0, false, 0)).isEqualTo(-Errno.EMFILE);
        assertThat(table.install(file, 7, false, 7)).isEqualTo(-Errno.EMFILE);
        assertThat(table.replace(7, file, false, 7)).isEqualTo(-Errno.EBADF);
        assertThat(table.replace(-1, file, false, 7)).isEqualTo(-Errno.EBADF);
    }

    @Test
    void theTableGrowsToTheDescriptorAsked() {
        assertThat(table.replace(1000, file(), false, 1024)).isEqualTo(1000);
        assertThat(table.open()).containsExactly(1000);
    }

    @Test
    void closingReleasesTheFileOnceNobodyUsesIt() {
        int fd = add();
        OpenFile used = table.get(fd);
        assertThat(table.close(fd)).isZero();
        assertThat(released).hasValue(0);
        used.put();
        assertThat(released).hasValue(1);
        assertThat(table.close(fd)).isEqualTo(-Errno.EBADF);
        assertThat(table.get(fd)).isNull();
    }

    @Test
    void replacingClosesWhatWasThere() {
        int fd = add();
        table.replace(fd, file(), true, 100);
        assertThat(released).hasValue(1);
        assertThat(table.isCloseOnExec(fd)).isTrue();
    }

    @Test
    void aCopySharesFilesButNotLaterChanges() {
        int fd = add();
        FdTable child = table.copy();
        table.close(fd);
        assertThat(released).hasValue(0);
        assertThat(child.open()).containsExactly(fd);
        child.put();
        assertThat(released).hasValue(1);
    }

    @Test
    void execClosesWhatIsMarkedOnly() {
        add();
        table.install(file(), 0, true, 100);
        add();
        table.closeOnExec();
        assertThat(table.open()).containsExactly(0, 2);
        assertThat(add()).isEqualTo(1);
        assertThat(table.isCloseOnExec(1)).isFalse();
    }

    @Test
    void aRangeIsClosedOrMarked() {
        for (int i = 0; i < 6; i++) {
            add();
        }
        table.setCloseOnExecRange(4, Integer.MAX_VALUE);
        assertThat(table.isCloseOnExec(5)).isTrue();
        table.closeRange(1, 3);
        assertThat(table.open()).containsExactly(0, 4, 5);
    }

    @Test
    void theLastSharerClosesEverything() {
        add();
        table.share();
        table.put();
        assertThat(released).hasValue(0);
        table.put();
        assertThat(released).hasValue(1);
    }

    @Test
    void usersNeverSeeAFileThatWasReleased() throws InterruptedException {
        int rounds = Integer.getInteger("faultline.test.rounds", 20_000);
        AtomicInteger bad = new AtomicInteger();
        table.install(new CountingFile(), 0, false, 10);
        Thread user = new Thread(() -> {
            for (int i = 0; i < rounds; i++) {
                OpenFile file = table.get(0);
                if (file instanceof CountingFile counting) {
                    if (counting.gone) {
                        bad.incrementAndGet();
                    }
                    file.put();
                }
            }
        });
        user.start();
        for (int i = 0; i < rounds; i++) {
            table.replace(0, new CountingFile(), false, 10);
        }
        user.join();
        assertThat(bad).hasValue(0);
    }

    private int add() {
        return table.install(file(), 0, false, 1024);
    }

    private OpenFile file() {
        return new CountingFile();
    }

    private final class CountingFile extends TestFile {
        private volatile boolean gone;

        @Override
        protected void release() {
            gone = true;
            released.incrementAndGet();
        }
    }
}
