/* Measures plain computing, in milliseconds: a name and a number a line, the best of three rounds. */
#include "observe.h"
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static unsigned char composite[4 << 20];

static long sieve(void)
{
	long primes = 0;

	memset(composite, 0, sizeof(composite));
	for (size_t i = 2; i < sizeof(composite); i++) {
		if (composite[i])
			continue;
		primes++;
		for (size_t j = i * i; j < sizeof(composite); j += i)
			composite[j] = 1;
	}
	return primes;
}

static unsigned long integers(void)
{
	unsigned long x = 88172645463325252UL, sum = 0;

	for (int i = 0; i < 30000000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x;
	}
	return sum;
}

__attribute__((noinline)) static int fibonacci(int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static double floating(void)
{
	double sum = 0;

	for (int i = 1; i < 5000000; i++)
		sum += 1.0 / ((double)i * i);
	return sum;
}

static long copies(void)
{
	static char from[1 << 20], to[1 << 20];
	long sum = 0;

	for (int i = 0; i < 200; i++) {
		from[i] = (char)i;
		memcpy(to, from, sizeof(to));
		asm volatile("" : : "r"(to) : "memory");
		sum += to[i];
	}
	return sum;
}

#define MEASURE(name, call)                                    \
	do {                                                   \
		double best = 1e30;                            \
		for (int round = 0; round < 3; round++) {      \
			double start = now();                  \
			volatile double result = call;         \
			double taken = now() - start;          \
			(void)result;                          \
			best = taken < best ? taken : best;    \
		}                                              \
		printf("%-24s %.2f\n", name, best);            \
		fflush(stdout);                                \
	} while (0)

int main(void)
{
	MEASURE("sieve of 4 MB", (double)sieve());
	MEASURE("integer loop", (double)integers());
	MEASURE("fibonacci(32)", fibonacci(32));
	MEASURE("divisions", floating());
	MEASURE("memcpy 200 MB", (double)copies());
	return 0;
}
