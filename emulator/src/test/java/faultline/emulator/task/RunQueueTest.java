package faultline.emulator.task;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Who gets the virtual CPU next, and who need not wait for the end of a slice. */
class RunQueueTest {
    private static final long SLICE = VirtualCpu.SLICE_NANOS;

    private final RunQueue queue = new RunQueue();

    @Test
    void whoHasHadLeastIsNext() {
        SchedEntity much = ran(placed(0), 50, 0);
        SchedEntity little = ran(placed(0), 10, 0);
        queue.add(much, null);
        queue.add(little, null);
        assertThat(queue.first()).isSameAs(little);
    }

    @Test
    void amongEqualsTheFirstToComeIsNext() {
        SchedEntity one = new SchedEntity(null);
        queue.add(one, null);
        queue.add(new SchedEntity(null), null);
        assertThat(queue.first()).isSameAs(one);
    }

    @Test
    void aTaskThatSleptInterruptsOneThatRan() {
        SchedEntity sleeper = placed(0);
        SchedEntity busy = ran(placed(0), 100, 0);
        assertThat(queue.add(sleeper, busy)).isTrue();
    }

    @Test
    void aSleeperIsOwedNoMoreThanASlice() {
        SchedEntity sleeper = placed(0);
        SchedEntity busy = ran(placed(0), 1000, 0);
        queue.add(sleeper, busy);
        assertThat(busy.vruntime() - sleeper.vruntime()).isEqualTo(SLICE);
    }

    @Test
    void aNewTaskWaitsForTheEndOfTheSlice() {
        SchedEntity busy = ran(placed(0), 100, 0);
        assertThat(queue.add(new SchedEntity(null), busy)).isFalse();
    }

    @Test
    void aRowOfShortLivedTasksDoesNotKeepABusyOneOut() {
        SchedEntity busy = placed(0);
        queue.add(busy, null);
        int before = 0;
        while (true) {
            SchedEntity child = new SchedEntity(null);
            queue.add(child, null);
            if (queue.first() == busy) {
                break;
            }
            queue.removeFirst();
            before++;
        }
        assertThat(before).isZero();
    }

    @Test
    void whoYieldsComesBehindTheFirst() {
        SchedEntity waiting = ran(placed(0), 20, 0);
        SchedEntity yielding = ran(placed(0), 10, 0);
        queue.add(waiting, null);
        queue.yield(yielding);
        queue.add(yielding, null);
        assertThat(queue.first()).isSameAs(waiting);
    }

    @Test
    void aNewTaskIsNotKeptOutByOthersThatYield() {
        for (int i = 0; i < 32; i++) {
            queue.add(placed(0), null);
        }
        SchedEntity fresh = new SchedEntity(null);
        queue.add(fresh, null);
        int turns = 0;
        while (queue.first() != fresh) {
            SchedEntity looking = queue.first();
            queue.removeFirst();
            queue.yield(looking);
            queue.add(looking, null);
            turns++;
        }
        assertThat(turns).isLessThanOrEqualTo(64);
    }

    @Test
    void aNicerTaskIsChargedMore() {
        assertThat(ran(new SchedEntity(null), 100, 10).vruntime())
                .isGreaterThan(9 * ran(new SchedEntity(null), 100, 0).vruntime());
        assertThat(ran(new SchedEntity(null), 100, -20).vruntime()).isPositive();
        assertThat(ran(new SchedEntity(null), 100, 19).vruntime())
                .isGreaterThan(ran(new SchedEntity(null), 100, 18).vruntime());
    }

    /** A task that has waited for the CPU before. */
    private static SchedEntity placed(long least) {
        SchedEntity entity = new SchedEntity(null);
        entity.place(least - SLICE, 0);
        return entity;
    }

    private static SchedEntity ran(SchedEntity entity, long millis, int nice) {
        entity.charge(millis * 1_000_000, nice);
        return entity;
    }
}
