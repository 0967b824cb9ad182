package faultline.plugins.sample;

import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.plugins.weave.ShapesApi;
import java.util.List;

/** One method a shape: results of every kind, several returns, loops at the start, handlers, reused parameter slots. */
public class Shapes implements ShapesApi {
    private int calls;

    @Override
    @KernelFunction("sample_add")
    public int add(int a, long b) {
        return (int) (a + b);
    }

    @Override
    @KernelFunction("sample_branches")
    public long branches(long a) {
        if (a < 0) {
            return -1;
        }
        if (a == 0) {
            return 0;
        }
        return a * 2;
    }

    @Override
    @KernelFunction("sample_count")
    public void count() {
        calls++;
    }

    @Override
    public int calls() {
        return calls;
    }

    @Override
    @KernelFunction("sample_fail")
    public String fail(String message) {
        if (message == null) {
            return "none";
        }
        throw new IllegalStateException(message);
    }

    /** Starts with a loop, so that its first frame stands at offset 0, and writes to its parameters. */
    @Override
    @KernelFunction("sample_loop")
    @Injectable(value = "sample/loop", error = -12)
    public long loop(long n, Object o) {
        while (n > 10) {
            n -= 3;
        }
        o = n;
        return (Long) o;
    }

    @Override
    @KernelFunction("sample_handlers")
    public int handlers(int mode) {
        try {
            if (mode == 1) {
                throw new IllegalArgumentException();
            }
            synchronized (this) {
                if (mode == 2) {
                    throw new UnsupportedOperationException();
                }
                return mode;
            }
        } catch (IllegalArgumentException e) {
            return 100;
        } finally {
            calls += 10;
        }
    }

    @Override
    @Injectable("sample/object")
    public List<String> object(String... names) {
        return List.of(names);
    }

    @Override
    @Injectable("sample/flag")
    public boolean flag() {
        return true;
    }

    @Override
    @Injectable(value = "sample/int", error = -14)
    public int small(int a) {
        return a + 1;
    }

    @Override
    @KernelFunction("sample_double")
    public double real(double a, float b, short c, char d, byte e, boolean f) {
        return a + b + c + d + e + (f ? 1 : 0);
    }

    /** As an allocator is: it may wait, and has an address and an order. */
    @Override
    @KernelFunction("sample_alloc")
    @Injectable(value = "sample/alloc", error = -12, mayWait = true)
    public long alloc(long address, int order) {
        return address << order;
    }

    @Override
    @KernelFunction("sample_caller")
    public long allocFor(long address, int order) {
        return alloc(address, order);
    }

    @Override
    public int callStatic(int a) {
        return twice(a);
    }

    @KernelFunction("sample_static")
    static int twice(int a) {
        return a * 2;
    }
}
