package faultline.emulator.signal;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class SignalLayoutTest {
    @Test
    void frameHasLinuxSizes() {
        // struct rt_sigframe is 440 bytes: 8 + ucontext 304 + siginfo 128
        assertThat(SignalFrame.FRAME_SIZE).isEqualTo(440);
        assertThat(SignalFrame.UC_SIGMASK - SignalFrame.UC).isEqualTo(296);
        assertThat(SignalFrame.maximumSize()).isGreaterThanOrEqualTo(440 + 580).isLessThanOrEqualTo(2048);
    }

    @Test
    void siginfoFieldsStandWhereLinuxHasThem() {
        MemorySegment image = MemorySegment.ofArray(new byte[SigInfo.SIZE]);

        SigInfo.fault(Signals.SIGSEGV, SigInfo.SEGV_ACCERR, 0x1234_5678_9abcL).write(image, 0);
        assertThat(image.get(ValueLayout.JAVA_INT_UNALIGNED, 0)).isEqualTo(11);
        assertThat(image.get(ValueLayout.JAVA_INT_UNALIGNED, 8)).isEqualTo(2);
        assertThat(image.get(ValueLayout.JAVA_LONG_UNALIGNED, 16)).isEqualTo(0x1234_5678_9abcL);

        SigInfo.child(Signals.SIGCHLD, SigInfo.CLD_KILLED, 77, 5, 9, 1, 2).write(image, 0);
        assertThat(image.get(ValueLayout.JAVA_INT_UNALIGNED, 16)).isEqualTo(77);
        assertThat(image.get(ValueLayout.JAVA_INT_UNALIGNED, 20)).isEqualTo(5);
        assertThat(image.get(ValueLayout.JAVA_INT_UNALIGNED, 24)).isEqualTo(9);
        assertThat(image.get(ValueLayout.JAVA_LONG_UNALIGNED, 32)).isEqualTo(1);
    }

    @Test
    void standardSignalsMergeAndRealTimeSignalsQueueInOrder() {
        PendingSignals pending = new PendingSignals();

        assertThat(pending.add(SigInfo.user(Signals.SIGUSR1, 0, 1, 0))).isTrue();
        assertThat(pending.add(SigInfo.user(Signals.SIGUSR1, 0, 2, 0))).isFalse();
        assertThat(pending.add(SigInfo.user(40, 0, 1, 0))).isTrue();
        assertThat(pending.add(SigInfo.user(40, 0, 2, 0))).isTrue();
        assertThat(pending.add(SigInfo.fault(Signals.SIGSEGV, 1, 0))).isTrue();

        assertThat(pending.take(0).signal()).isEqualTo(Signals.SIGSEGV);
        assertThat(pending.take(0).signal()).isEqualTo(Signals.SIGUSR1);
        assertThat(pending.take(Signals.mask(40))).isNull();
        assertThat(pending.take(0).pid()).isEqualTo(1);
        assertThat(pending.take(0).pid()).isEqualTo(2);
        assertThat(pending.take(0)).isNull();
        assertThat(pending.set()).isZero();
    }

    @Test
    void alternateStackChecksItsArguments() {
        AltStack stack = new AltStack();

        assertThat(AltStack.change(stack, 0x1000, 0x5000, 0, 100)).isEqualTo(-Errno.ENOMEM);
        assertThat(AltStack.change(stack, 0x1000, 0x5000, 8, 8192)).isEqualTo(-Errno.EINVAL);
        assertThat(AltStack.change(stack, 0x1000, 0x5000, 0, 8192)).isZero();
        assertThat(stack.reportedFlags(0x1000)).isZero();
        assertThat(stack.reportedFlags(0x6000)).isEqualTo(AltStack.SS_ONSTACK);
        assertThat(AltStack.change(stack, 0x6000, 0, AltStack.SS_DISABLE, 0)).isEqualTo(-Errno.EPERM);
        assertThat(AltStack.change(stack, 0x1000, 0, AltStack.SS_DISABLE, 0)).isZero();
        assertThat(stack.reportedFlags(0x6000)).isEqualTo(AltStack.SS_DISABLE);
    }

    @Test
    void actionsLoseUnknownFlagsAndNeverBlockKill() {
        SigAction stored = new SigAction(0x1000, 0x4000_0000L | 0x400, 0, -1L).stored();

        assertThat(stored.flags()).isEqualTo(SigAction.SA_NODEFER);
        assertThat(stored.mask()).isEqualTo(~Signals.UNBLOCKABLE);
    }
}
