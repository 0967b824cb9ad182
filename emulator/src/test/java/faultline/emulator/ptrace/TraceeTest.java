package faultline.emulator.ptrace;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.Signals;
import org.junit.jupiter.api.Test;

/** The states of a traced task: what begins and ends a stop, and what is told of it. */
class TraceeTest {
    private static final int EVENT_STOP = Signals.SIGTRAP | PtraceStops.EVENT_STOP << 8;

    private final Tracee seized = new Tracee(null, true, 0);
    private final Tracee attached = new Tracee(null, false, 0);

    private static void stop(Tracee tracee, int code) {
        tracee.beginStop(code, SigInfo.kernel(code & 0x7f), 0);
    }

    @Test
    void takesRequestsInAStopAlone() {
        assertThat(seized.takesRequests()).isFalse();
        stop(seized, Signals.SIGUSR1);
        assertThat(seized.takesRequests()).isTrue();
        assertThat(seized.stopIsOver()).isFalse();
        seized.resume(0, Tracee.Resume.CONT);
        assertThat(seized.takesRequests()).isFalse();
        assertThat(seized.stopIsOver()).isTrue();
    }

    @Test
    void aStopIsToldOnce() {
        stop(seized, Signals.SIGUSR1);
        assertThat(seized.unreportedStop()).isEqualTo(Signals.SIGUSR1);
        seized.reported();
        assertThat(seized.unreportedStop()).isZero();
        assertThat(seized.isStopped()).isTrue();
    }

    @Test
    void aStopThatIsOverIsNotTold() {
        stop(seized, Signals.SIGUSR1);
        seized.resume(0, Tracee.Resume.CONT);
        assertThat(seized.unreportedStop()).isZero();
    }

    @Test
    void itsOwnSignalIsDeliveredWhereTheStopEndsWithoutTheTracer() {
        stop(seized, Signals.SIGUSR1);
        seized.endStop();
        assertThat(seized.injected()).isEqualTo(Signals.SIGUSR1);
        stop(seized, Signals.SIGUSR1);
        seized.resume(Signals.SIGUSR2, Tracee.Resume.CONT);
        assertThat(seized.injected()).isEqualTo(Signals.SIGUSR2);
    }

    @Test
    void anyStopIsWhatAnInterruptWanted() {
        seized.interrupt();
        assertThat(seized.trapDue()).isTrue();
        stop(seized, Signals.SIGUSR1);
        assertThat(seized.trapDue()).isFalse();
    }

    @Test
    void anInterruptInAStopIsDueAfterIt() {
        stop(seized, EVENT_STOP);
        seized.interrupt();
        assertThat(seized.stopIsOver()).isFalse();
        seized.resume(0, Tracee.Resume.CONT);
        assertThat(seized.trapDue()).isTrue();
    }

    @Test
    void whoListensTakesNoRequestsAndComesBackWithNews() {
        stop(seized, EVENT_STOP);
        seized.listen();
        assertThat(seized.takesRequests()).isFalse();
        assertThat(seized.stopIsOver()).isFalse();
        seized.groupChanges();
        assertThat(seized.stopIsOver()).isTrue();
        seized.endStop();
        seized.takeTraps(false);
        stop(seized, EVENT_STOP);
        assertThat(seized.takesRequests()).isTrue();
    }

    @Test
    void whoListensComesBackForAnInterrupt() {
        stop(seized, EVENT_STOP);
        seized.listen();
        seized.interrupt();
        assertThat(seized.stopIsOver()).isTrue();
    }

    @Test
    void aChangeOfTheGroupIsATrapOfASeizedTaskAlone() {
        seized.groupChanges();
        attached.groupChanges();
        assertThat(seized.trapDue()).isTrue();
        assertThat(attached.trapDue()).isFalse();
    }

    @Test
    void aGroupStopThatWasToldIsPassedUntilTheNext() {
        attached.takeTraps(true);
        assertThat(attached.passedGroupStop()).isTrue();
        attached.groupChanges();
        assertThat(attached.passedGroupStop()).isFalse();
    }

    @Test
    void aThreadHoldsItsProcessBeforeItIsAZombie() {
        assertThat(seized.holdsProcess()).isFalse();
        seized.holdProcess();
        assertThat(seized.holdsProcess()).isTrue();
        assertThat(seized.ended()).isFalse();
        seized.end();
        assertThat(seized.ended()).isTrue();
    }
}
