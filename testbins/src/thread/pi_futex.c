/*
 * cflags: -pthread
 * The futex calls that locks with priority inheritance are made of, without the C library: words, errors, hand-over, circles,
 * and the move from a condition's futex to the lock.
 */
#include "asleep.h"
#include "observe.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#define PRIVATE FUTEX_PRIVATE_FLAG

static unsigned lock, other, condition;
static volatile int step;
static unsigned owner;

static long futex(unsigned *word, int operation, unsigned value, const struct timespec *timeout, unsigned *word2,
		unsigned value3)
{
	return syscall(SYS_futex, word, operation | PRIVATE, value, timeout, word2, value3);
}

#define SHOW(label, ...)                                                                \
	do {                                                                            \
		errno = 0;                                                              \
		long result_ = (__VA_ARGS__);                                           \
		printf("%-46s %ld %s\n", label, result_, result_ < 0 ? outcome(-1) : ""); \
	} while (0)

/* A word in words: the owner's id differs from run to run. */
static const char *state(unsigned word, unsigned me)
{
	static char text[80];
	unsigned id = word & FUTEX_TID_MASK;

	snprintf(text, sizeof(text), "%s%s%s", id == 0 ? "nobody" : id == me ? "me" : "another",
			word & FUTEX_WAITERS ? ", waiters" : "", word & FUTEX_OWNER_DIED ? ", owner died" : "");
	return text;
}

static void uncontended(unsigned me)
{
	static const struct timespec past = {1, 0}, bad = {0, 1000000000};

	SHOW("trylock", futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	printf("word: %s\n", state(lock, me));
	SHOW("lock again", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW("unlock", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	SHOW("unlock again", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	printf("word: %s\n", state(lock, me));
	lock = 0x3ffffff0;
	SHOW("lock of a task that is not there", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	printf("word: %s\n", state(lock, me));
	lock = FUTEX_OWNER_DIED | FUTEX_WAITERS;
	SHOW("lock that lost its owner", futex(&lock, FUTEX_LOCK_PI2, 0, NULL, NULL, 0));
	printf("word: %s\n", state(lock, me));
	SHOW("unlock", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	SHOW("lock with a bad time", futex(&lock, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
	SHOW("FUTEX_LOCK_PI by the other clock", futex(&lock, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, &past, NULL, 0));
	SHOW("unaligned", futex((unsigned *)((char *)&lock + 2), FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW("unmapped", futex(NULL, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW("wait for requeue, other value", futex(&condition, FUTEX_WAIT_REQUEUE_PI, 1, &past, &lock, 0));
	SHOW("wait for requeue, time is over", futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &past, &lock, 0));
	SHOW("wait for requeue to itself", futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, &past, &condition, 0));
	SHOW("requeue of nobody", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)10, &lock, 0));
	SHOW("requeue, other value", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)10, &lock, 5));
	SHOW("requeue that wakes two", futex(&condition, FUTEX_CMP_REQUEUE_PI, 2, (void *)10, &lock, 0));
	SHOW("requeue to itself", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)10, &condition, 0));
}

static void nothing(int signal)
{
	(void)signal;
	step = 2;
}

/* Holds the lock until told; a signal comes while main waits, and does not end its wait. */
static void *holder(void *argument)
{
	owner = gettid();
	futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	step = 1;
	while (!(__atomic_load_n(&lock, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
		usleep(1000);
	if (argument) {
		pthread_kill(*(pthread_t *)argument, SIGUSR1);
		while (step != 2)
			usleep(1000);
	}
	usleep(2000);
	if (futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0))
		printf("holder's unlock: %s\n", outcome(-1));
	return NULL;
}

static void contended(unsigned me)
{
	pthread_t thread, self = pthread_self();
	struct timespec at;

	lock = 0;
	step = 0;
	signal(SIGUSR1, nothing);
	pthread_create(&thread, NULL, holder, &self);
	while (!step)
		usleep(1000);
	SHOW("trylock of another's", futex(&lock, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	SHOW("unlock of another's", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	clock_gettime(CLOCK_MONOTONIC, &at);
	SHOW("FUTEX_LOCK_PI2, time is over", futex(&lock, FUTEX_LOCK_PI2, 0, &at, NULL, 0));
	SHOW("lock", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	printf("word: %s; handler ran: %d\n", state(lock, me), step == 2);
	SHOW("unlock", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	printf("word: %s\n", state(lock, me));
	pthread_join(thread, NULL);
}

static void *closes_circle(void *argument)
{
	futex(&other, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	step = 1;
	*(long *)argument = futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	futex(&other, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return NULL;
}

static void circle(void)
{
	pthread_t thread;
	long result = -1;

	step = 0;
	futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	pthread_create(&thread, NULL, closes_circle, &result);
	while (!(__atomic_load_n(&lock, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
		usleep(1000);
	usleep(5000);
	SHOW("lock that closes a circle", futex(&other, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	pthread_join(thread, NULL);
	printf("the other one: %ld; words %x %x\n", result, lock, other);
}

static volatile pid_t waiting[3];
static volatile int got;

static void *waiter(void *argument)
{
	*(volatile pid_t *)argument = gettid();
	long result = futex(&condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
	if (result == 0 && (lock & FUTEX_TID_MASK) == (unsigned)gettid())
		__atomic_add_fetch(&got, 1, __ATOMIC_SEQ_CST);
	futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	return argument;
}

static void requeue(int hold)
{
	pthread_t threads[3];

	condition = lock = 0;
	got = 0;
	for (int i = 0; i < 3; i++) {
		waiting[i] = 0;
		pthread_create(&threads[i], NULL, waiter, (void *)&waiting[i]);
	}
	for (int i = 0; i < 3; i++) {
		while (!waiting[i])
			usleep(1000);
		until_asleep_in(waiting[i], SYS_futex);
	}
	SHOW("plain wake of those", futex(&condition, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW("plain requeue of those", futex(&condition, FUTEX_CMP_REQUEUE, 1, (void *)1, &other, 0));
	SHOW("requeue to another lock", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &other, 0));
	if (hold)
		futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	SHOW("requeue of one and one more", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
	SHOW("requeue of the rest", futex(&condition, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 0));
	if (hold)
		futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("woke with the lock: %d, word at the end %x\n", got, lock);
}

static void *ends(void *argument)
{
	futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
	step = 1;
	while (!(__atomic_load_n(&lock, __ATOMIC_SEQ_CST) & FUTEX_WAITERS))
		usleep(1000);
	usleep(5000);
	return argument;
}

static void owner_ends(unsigned me)
{
	pthread_t thread;

	lock = 0;
	step = 0;
	pthread_create(&thread, NULL, ends, NULL);
	while (!step)
		usleep(1000);
	SHOW("lock while its owner ends", futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	printf("word: %s\n", state(lock, me));
	pthread_join(thread, NULL);
}

int main(void)
{
	unsigned me = gettid();

	uncontended(me);
	contended(me);
	circle();
	requeue(0);
	requeue(1);
	owner_ends(me);
	return 0;
}
