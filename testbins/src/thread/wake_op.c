/*
 * cflags: -pthread
 * FUTEX_WAKE_OP changes a word that guest code changes, too: no change is lost, and each operation and comparison does what
 * it says.
 */
#include "observe.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

#define ROUNDS 20000
#define OPERATIONS 2000

static unsigned word, other;
static volatile int stop;
static unsigned stored;

static long wake_op(unsigned *first, unsigned *second, unsigned operation)
{
	return syscall(SYS_futex, first, FUTEX_WAKE_OP_PRIVATE, 1, 1, second, operation);
}

static void *add(void *argument)
{
	for (int i = 0; i < ROUNDS; i++)
		__sync_fetch_and_add(&word, 1);
	return argument;
}

/* Stores that depend on nothing: the word must never be seen to go back. */
static void *store(void *argument)
{
	unsigned lost = 0;

	for (unsigned i = 1; !stop; i++) {
		__atomic_store_n(&stored, i << 1, __ATOMIC_SEQ_CST);
		lost += __atomic_load_n(&stored, __ATOMIC_SEQ_CST) >> 1 != i;
	}
	*(unsigned *)argument = lost;
	return NULL;
}

static void operations(void)
{
	static const struct {
		const char *name;
		unsigned operation;
	} list[] = {
		{"set 5", FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_EQ, 0)},
		{"add -1", FUTEX_OP(FUTEX_OP_ADD, -1, FUTEX_OP_CMP_LT, -5)},
		{"or 0x30", FUTEX_OP(FUTEX_OP_OR, 0x30, FUTEX_OP_CMP_GT, 3)},
		{"andn 0x10", FUTEX_OP(FUTEX_OP_ANDN, 0x10, FUTEX_OP_CMP_GE, 3)},
		{"xor 0xff", FUTEX_OP(FUTEX_OP_XOR, 0xff, FUTEX_OP_CMP_NE, 3)},
		{"or of a bit", FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 10, FUTEX_OP_CMP_LE, 3)},
		{"no such operation", FUTEX_OP(5, 1, FUTEX_OP_CMP_EQ, 0)},
		{"no such comparison", FUTEX_OP(FUTEX_OP_SET, 1, 6, 0)},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		long result = wake_op(&other, &word, list[i].operation);
		printf("%-20s %ld %s, word %#x\n", list[i].name, result, outcome(result), word);
	}
}

int main(void)
{
	pthread_t thread;
	unsigned lost = 0;

	operations();
	word = 0;
	pthread_create(&thread, NULL, add, NULL);
	for (int i = 0; i < OPERATIONS; i++)
		wake_op(&other, &word, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0));
	pthread_join(thread, NULL);
	printf("added %u of %u\n", word, ROUNDS + OPERATIONS);

	pthread_create(&thread, NULL, store, &lost);
	for (int i = 0; i < OPERATIONS; i++)
		wake_op(&other, &stored, FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_EQ, 0));
	stop = 1;
	pthread_join(thread, NULL);
	printf("stores lost %u\n", lost);

	char *page = map(2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	printf("read-only word: %s\n", outcome(wake_op(&other, (unsigned *)page, FUTEX_OP(FUTEX_OP_SET, 1, 0, 0))));
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	printf("fresh word: %s", outcome(wake_op(&other, (unsigned *)page, FUTEX_OP(FUTEX_OP_SET, 1, 0, 0))));
	printf(", now %u\n", *(unsigned *)page);
	munmap(page + PAGE, PAGE);
	printf("unmapped word: %s\n", outcome(wake_op(&other, (unsigned *)(page + PAGE), 0)));
	return 0;
}
