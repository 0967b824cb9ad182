package faultline.plugins.weave;

import java.util.List;

/** By this interface a test calls the plain and the woven copy alike: this package is shared by both worlds. */
public interface ShapesApi {
    int add(int a, long b);

    long branches(long a);

    void count();

    int calls();

    String fail(String message);

    long loop(long n, Object o);

    int handlers(int mode);

    List<String> object(String... names);

    boolean flag();

    int small(int a);

    double real(double a, float b, short c, char d, byte e, boolean f);

    int callStatic(int a);

    long alloc(long address, int order);

    long allocFor(long address, int order);
}
