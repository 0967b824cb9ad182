/*
 * cflags: -lm
 * A tour of instructions that programs use: SSE to 4.2, x87, string, bit, wide multiplication.
 */
#include "observe.h"
#include <math.h>
#include <x86intrin.h>

__attribute__((target("sse4.2"))) static void vectors(void)
{
	__m128i a = _mm_setr_epi8(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), b = _mm_set1_epi8(7);
	unsigned char out[16];

	_mm_storeu_si128((void *)out, _mm_shuffle_epi8(a, _mm_xor_si128(b, a)));
	for (int i = 0; i < 16; i++)
		printf("%d ", out[i]);
	printf("\nmovemask %#x crc %#x popcount %d\n", _mm_movemask_epi8(_mm_cmpgt_epi8(a, b)),
	       _mm_crc32_u32(0xffffffff, 0x12345678), _mm_popcnt_u32(0xf0f0f0f1));
	printf("string compare %d\n", _mm_cmpistri(_mm_setr_epi8('x', 'y', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	       _mm_setr_epi8('a', 'b', 'x', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0));
	__m128d d = _mm_sqrt_pd(_mm_setr_pd(2.0, 3.0));
	printf("sqrt %.17g %.17g round %.1f\n", _mm_cvtsd_f64(d), _mm_cvtsd_f64(_mm_unpackhi_pd(d, d)),
	       _mm_cvtsd_f64(_mm_round_sd(d, d, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)));
}

int main(void)
{
	volatile double x = 0.5, big = 1e300;
	volatile long double l = 1.0L;
	volatile unsigned long u = 0xfedcba9876543210UL;
	unsigned long high, low, flags;

	vectors();
	printf("x87: %.20Lg %.20Lg %.20Lg\n", sqrtl(l + 1), l / 3, floorl(l * 10 / 4));
	printf("doubles: %.12g %.12g %.12g %.12g\n", sin(x), exp(x), pow(x, 3.3), x / 3);
	printf("infinity %g, nan %d, denormal %g\n", big * big, isnan(big * big - big * big), 4.9e-324 * x * 2);
	printf("conversion: %d %ld %d\n", (int)(x * 7), (long)(big > 1 ? -2.9 * x : 0), (int)(float)16777217);
	asm("mulq %3" : "=a"(low), "=d"(high) : "a"(u), "r"(u) : "cc");
	printf("wide: %#lx %#lx, remainder %lu\n", high, low, (unsigned long)(((unsigned __int128)high << 64 | low) % 1000003));
	printf("bits: %d %d %d %#lx %#llx\n", __builtin_clzl(u), __builtin_ctzl(u), __builtin_popcountl(u), (long)__builtin_bswap64(u),
	       _lrotl(u, 13));
	asm("add %2, %1\n\tpushfq\n\tpop %0" : "=r"(flags), "+r"(low) : "r"(u) : "cc");
	printf("flags after add: %#lx\n", flags & 0x8d5);
	char text[40] = "the quick brown fox";
	size_t length;
	char *p = text;
	asm("mov $-1, %%rcx\n\txor %%eax, %%eax\n\trepne scasb\n\tnot %%rcx\n\tdec %%rcx" : "=c"(length), "+D"(p) : : "rax", "cc", "memory");
	printf("scasb length %zu\n", length);
	char *from = text + 19, *to = text + 29;
	long bytes = 20;
	asm volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	printf("moved: %s\n", text + 10);
	long counter = 0;
	asm("mov $1000, %%ecx\n1:\tinc %0\n\tloop 1b" : "+r"(counter) : : "rcx", "cc");
	printf("loop %ld\n", counter);
	return 0;
}
