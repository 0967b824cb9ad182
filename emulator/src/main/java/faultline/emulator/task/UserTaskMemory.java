package faultline.emulator.task;

import faultline.mmu.gup.UserMemory;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** {@link TaskMemory} of a real task: its address space as it is at each call, and its fault context. */
final class UserTaskMemory implements TaskMemory {
    private static final int FIRST_PIECE = 128;
    private static final int PAGE_SIZE = 4096;

    private final Task task;
    private final UserMemory memory;

    UserTaskMemory(Task task, UserMemory memory) {
        this.task = task;
        this.memory = memory;
    }

    private long get(long address, int size) {
        if (memory.get(task.mm(), task.fault(), address, size) != 0) {
            throw UserFault.INSTANCE;
        }
        return task.fault().value;
    }

    private void put(long address, int size, long value) {
        if (memory.put(task.mm(), task.fault(), address, size, value) != 0) {
            throw UserFault.INSTANCE;
        }
    }

    @Override
    public byte getByte(long address) {
        return (byte) get(address, Byte.BYTES);
    }

    @Override
    public short getShort(long address) {
        return (short) get(address, Short.BYTES);
    }

    @Override
    public int getInt(long address) {
        return (int) get(address, Integer.BYTES);
    }

    @Override
    public long getLong(long address) {
        return get(address, Long.BYTES);
    }

    @Override
    public void putByte(long address, byte value) {
        put(address, Byte.BYTES, value);
    }

    @Override
    public void putShort(long address, short value) {
        put(address, Short.BYTES, value);
    }

    @Override
    public void putInt(long address, int value) {
        put(address, Integer.BYTES, value);
    }

    @Override
    public void putLong(long address, long value) {
        put(address, Long.BYTES, value);
    }

    @Override
    public long getIntIfPresent(long address) {
        boolean present = memory.getIntInatomic(task.mm(), task.fault(), address) == 0;
        return present ? task.fault().value : ABSENT;
    }

    @Override
    public long exchangeIntIfPresent(long address, int expect, int update) {
        boolean present = memory.cmpxchgIntInatomic(task.mm(), task.fault(), address, expect, update) == 0;
        return present ? task.fault().value : ABSENT;
    }

    @Override
    public void faultInWritable(long address) {
        if (memory.faultInWritable(task.mm(), task.fault(), address) != 0) {
            throw UserFault.INSTANCE;
        }
    }

    @Override
    public long copyIn(long address, MemorySegment to, long offset, long length) {
        return length - memory.copyFromUser(task.mm(), task.fault(), address, to, offset, length);
    }

    @Override
    public long copyOut(long address, MemorySegment from, long offset, long length) {
        return length - memory.copyToUser(task.mm(), task.fault(), address, from, offset, length);
    }

    @Override
    public void read(long address, byte[] to, int offset, int length) {
        if (memory.copyFromUser(task.mm(), task.fault(), address, to, offset, length) != 0) {
            throw UserFault.INSTANCE;
        }
    }

    @Override
    public void write(long address, byte[] from, int offset, int length) {
        if (memory.copyToUser(task.mm(), task.fault(), address, from, offset, length) != 0) {
            throw UserFault.INSTANCE;
        }
    }

    @Override
    public void clear(long address, long length) {
        if (memory.clearUser(task.mm(), task.fault(), address, length) != 0) {
            throw UserFault.INSTANCE;
        }
    }

    @Override
    public byte[] readBytes(long address, int max) {
        // most strings are short: the buffer grows with the string, a piece a time
        byte[] bytes = new byte[Math.min(max, FIRST_PIECE)];
        int length = 0;
        while (true) {
            int piece = bytes.length - length;
            int found = memory.strncpyFromUser(task.mm(), task.fault(), address + length, bytes, length, piece);
            if (found < 0) {
                throw UserFault.INSTANCE;
            }
            length += found;
            if (found < piece) {
                return Arrays.copyOf(bytes, length);
            }
            if (length == max) {
                return null;
            }
            bytes = Arrays.copyOf(bytes, (int) Math.min(max, (long) length + PAGE_SIZE));
        }
    }
}
