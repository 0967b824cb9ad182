/* An instruction that reads and writes memory asks for the page once, for writing: one minor fault on a fresh page. */
#include "observe.h"

/* Runs one instruction on the first word of each of 64 fresh pages. */
#define EACH(label, ...)                                                \
	do {                                                            \
		char *p = map_private(64 * PAGE);                       \
		FAULTS(label, for (int i = 0; i < 64; i++) {            \
			volatile long *m = (void *)(p + i * PAGE + 8);  \
			__VA_ARGS__;                                    \
		});                                                     \
		munmap(p, 64 * PAGE);                                   \
	} while (0)

static void measure(void)
{
	EACH("add m, r", asm volatile("addq %1, %0" : "+m"(*m) : "r"(5L)));
	EACH("add m, imm", asm volatile("addl $7, %0" : "+m"(*m)));
	EACH("sub m8, r8", asm volatile("subb %b1, %0" : "+m"(*m) : "q"(1)));
	EACH("or m, r", asm volatile("orq %1, %0" : "+m"(*m) : "r"(0L)));
	EACH("adc m, r", asm volatile("adcq %1, %0" : "+m"(*m) : "r"(0L)));
	EACH("inc m", asm volatile("incl %0" : "+m"(*m)));
	EACH("neg m", asm volatile("negq %0" : "+m"(*m)));
	EACH("not m", asm volatile("notw %0" : "+m"(*m)));
	EACH("shl m, cl", asm volatile("shlq %%cl, %0" : "+m"(*m) : "c"(3)));
	EACH("shl m, cl with cl = 0", asm volatile("shlq %%cl, %0" : "+m"(*m) : "c"(0)));
	EACH("rcl m, 1", asm volatile("rclq $1, %0" : "+m"(*m)));
	EACH("shld m, r, imm", asm volatile("shldq $5, %1, %0" : "+m"(*m) : "r"(9L)));
	EACH("bts m, imm", asm volatile("btsq $3, %0" : "+m"(*m)));
	EACH("btr m, r", asm volatile("btrq %1, %0" : "+m"(*m) : "r"(3L)));
	EACH("bt m, imm (reads only)", asm volatile("btq $3, %0" : : "m"(*m)));
	EACH("xchg m, r", long r = 4; asm volatile("xchgq %1, %0" : "+m"(*m), "+r"(r)));
	EACH("xadd m, r", long r = 4; asm volatile("xaddq %1, %0" : "+m"(*m), "+r"(r)));
	EACH("lock xadd m, r", long r = 4; asm volatile("lock xaddl %k1, %0" : "+m"(*m), "+r"(r)));
	EACH("lock inc m", asm volatile("lock incq %0" : "+m"(*m)));
	EACH("lock cmpxchg that succeeds",
	     long a = 0; asm volatile("lock cmpxchgq %2, %0" : "+m"(*m), "+a"(a) : "r"(1L)));
	EACH("cmpxchg that fails", long a = 9; asm volatile("cmpxchgq %2, %0" : "+m"(*m), "+a"(a) : "r"(1L)));
	EACH("lock cmpxchg16b",
	     long a = 0, d = 0;
	     asm volatile("lock cmpxchg16b %0" : "+m"(*(volatile __int128 *)(m + 1)), "+a"(a), "+d"(d) : "b"(1L), "c"(2L)));
	EACH("test m, r (reads only)", asm volatile("testq %1, %0" : : "m"(*m), "r"(1L)));
	EACH("cmp m, imm (reads only)", asm volatile("cmpq $1, %0" : : "m"(*m)));
	EACH("setz m (writes only)", asm volatile("setz %0" : "=m"(*(volatile char *)m)));
	EACH("and m, r then read", asm volatile("andq %1, %0\n\tmovq %0, %%rax" : "+m"(*m) : "r"(5L) : "rax"));
}

MEASURED_MAIN(measure)
