/*
 * Arguments of the futex calls, of the old one and of its successors, that are refused or that need nobody else.
 */
#include "observe.h"
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#define FUTEX_WAKE_CALL 454
#define FUTEX_WAIT_CALL 455
#define FUTEX_REQUEUE_CALL 456
#define U32 2
#define NUMA 4
#define PRIVATE 128

struct entry {
	uint64_t value, address;
	uint32_t flags, reserved;
};

static unsigned word = 7, second = 3;
static unsigned pair[2] __attribute__((aligned(8)));
static const struct timespec past = {1, 0}, bad = {0, 1000000000};

#define SHOW(label, ...)                                                                  \
	do {                                                                              \
		errno = 0;                                                                \
		long result_ = syscall(__VA_ARGS__);                                      \
		printf("%-44s %ld %s\n", label, result_, result_ < 0 ? outcome(-1) : ""); \
	} while (0)

static void old_call(void)
{
	SHOW("wait by the wall clock", SYS_futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 7, &past);
	SHOW("wait with a bitset by the wall clock", SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 7, &past,
			NULL, -1);
	SHOW("wait without a bit", SYS_futex, &word, FUTEX_WAIT_BITSET, 7, &past, NULL, 0);
	SHOW("wait with a bad time", SYS_futex, &word, FUTEX_WAIT, 8, &bad);
	SHOW("wait at nothing", SYS_futex, NULL, FUTEX_WAIT_PRIVATE, 8, &past);
	SHOW("wake at nothing", SYS_futex, NULL, FUTEX_WAKE, 1);
	SHOW("wake at nothing, private", SYS_futex, NULL, FUTEX_WAKE_PRIVATE, 1);
	SHOW("wake in the kernel's half", SYS_futex, -PAGE, FUTEX_WAKE_PRIVATE, 1);
	SHOW("wake, unaligned", SYS_futex, (char *)&word + 1, FUTEX_WAKE, 1);
	SHOW("no such operation, unaligned", SYS_futex, (char *)&word + 1, 99, 1);
	SHOW("FUTEX_FD", SYS_futex, &word, FUTEX_FD, 1);
	SHOW("requeue of fewer than none", SYS_futex, &word, FUTEX_CMP_REQUEUE, -1, 1, &second, 7);
	SHOW("requeue to itself", SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1, &word, 7);
	SHOW("robust list of another size", SYS_set_robust_list, NULL, 23);
}

static void wake(void)
{
	SHOW("wake", FUTEX_WAKE_CALL, &word, 1UL, 1, U32);
	SHOW("wake none", FUTEX_WAKE_CALL, &word, 1UL, 0, U32);
	SHOW("wake without a bit", FUTEX_WAKE_CALL, &word, 0UL, 1, U32);
	SHOW("wake with bits beyond 32", FUTEX_WAKE_CALL, &word, 0x100000001UL, 1, U32);
	SHOW("wake of a futex of 64 bits", FUTEX_WAKE_CALL, &word, 1UL, 1, 3);
	SHOW("wake with an unknown flag", FUTEX_WAKE_CALL, &word, 1UL, 1, U32 | 256);
	SHOW("wake, unaligned", FUTEX_WAKE_CALL, (char *)&word + 2, 1UL, 1, U32);
	SHOW("wake at nothing", FUTEX_WAKE_CALL, NULL, 1UL, 1, U32);
	SHOW("wake at nothing, private", FUTEX_WAKE_CALL, NULL, 1UL, 1, U32 | PRIVATE);
	pair[1] = -1;
	SHOW("wake on any node", FUTEX_WAKE_CALL, pair, 1UL, 1, U32 | NUMA);
	printf("node %d\n", pair[1]);
	pair[1] = 5000;
	SHOW("wake on a node that is not there", FUTEX_WAKE_CALL, pair, 1UL, 1, U32 | NUMA);
	SHOW("wake on a node, unaligned", FUTEX_WAKE_CALL, (char *)pair + 4, 1UL, 1, U32 | NUMA);
}

static void wait_for(void)
{
	SHOW("wait, other value", FUTEX_WAIT_CALL, &word, 6UL, 1UL, U32, NULL, 0);
	SHOW("wait, value of 33 bits", FUTEX_WAIT_CALL, &word, 0x100000007UL, 1UL, U32, NULL, 0);
	SHOW("wait without a bit", FUTEX_WAIT_CALL, &word, 7UL, 0UL, U32, NULL, 0);
	SHOW("wait, time is over", FUTEX_WAIT_CALL, &word, 7UL, 1UL, U32, &past, CLOCK_REALTIME);
	SHOW("wait by another clock", FUTEX_WAIT_CALL, &word, 7UL, 1UL, U32, &past, CLOCK_BOOTTIME);
	SHOW("wait with a bad time", FUTEX_WAIT_CALL, &word, 7UL, 1UL, U32, &bad, CLOCK_MONOTONIC);
	SHOW("wait, no time, another clock", FUTEX_WAIT_CALL, &word, 6UL, 1UL, U32, NULL, 99);
}

static void requeue(void)
{
	struct entry e[2] = {{7, (uintptr_t)&word, U32, 0}, {0, (uintptr_t)&second, U32, 0}};

	SHOW("requeue", FUTEX_REQUEUE_CALL, e, 0, 1, 1);
	SHOW("requeue with flags", FUTEX_REQUEUE_CALL, e, 1, 1, 1);
	SHOW("requeue of fewer than none", FUTEX_REQUEUE_CALL, e, 0, 1, -1);
	SHOW("requeue of nothing", FUTEX_REQUEUE_CALL, NULL, 0, 1, 1);
	e[0].value = 8;
	SHOW("requeue, other value", FUTEX_REQUEUE_CALL, e, 0, 1, 1);
	e[0].value = 7;
	e[1].flags = U32 | PRIVATE;
	SHOW("requeue from shared to private", FUTEX_REQUEUE_CALL, e, 0, 1, 1);
	e[1].flags = U32;
	e[1].reserved = 1;
	SHOW("requeue with a reserved bit", FUTEX_REQUEUE_CALL, e, 0, 1, 1);
	e[1].reserved = 0;
	e[1].address = 0;
	SHOW("requeue to nothing", FUTEX_REQUEUE_CALL, e, 0, 1, 1);
}

static void vector(void)
{
	struct entry e[2] = {{7, (uintptr_t)&word, U32, 0}, {3, (uintptr_t)&second, U32, 0}};

	SHOW("waitv, time is over", SYS_futex_waitv, e, 2, 0, &past, CLOCK_MONOTONIC);
	SHOW("waitv of none", SYS_futex_waitv, e, 0, 0, &past, CLOCK_MONOTONIC);
	SHOW("waitv of 129", SYS_futex_waitv, e, 129, 0, &past, CLOCK_MONOTONIC);
	SHOW("waitv with flags", SYS_futex_waitv, e, 2, 1, &past, CLOCK_MONOTONIC);
	SHOW("waitv by another clock", SYS_futex_waitv, e, 2, 0, &past, CLOCK_BOOTTIME);
	e[1].value = 4;
	SHOW("waitv, other value", SYS_futex_waitv, e, 2, 0, &past, CLOCK_MONOTONIC);
	e[1].flags = 0;
	SHOW("waitv of a futex of 8 bits", SYS_futex_waitv, e, 2, 0, &past, CLOCK_MONOTONIC);
}

int main(void)
{
	old_call();
	wake();
	wait_for();
	requeue();
	vector();
	return 0;
}
