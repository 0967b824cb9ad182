/*
 * cflags: -pthread
 * Everything at a time, by dice, for as long as one likes: processes whose threads map, move, protect and unmap memory, fork,
 * execute this program again, send each other queued signals, and pass a token round a ring of futexes. All of it is
 * checked: memory by patterns, children by counting, signals by their numbers, the ring by a token that must come round.
 *
 * soak [SECONDS [SEED]]: a fifth of a second by default. Prints the same for every length; how much was done goes to
 * standard error when a length is given.
 */
#include "observe.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define WORKERS 3
#define MAPPERS 2
#define STATIONS (2 * WORKERS)
/* Seconds without any hand-over after which a wake-up was lost. */
#define PATIENCE 20
#define COPIED_PAGES 32
#define FILE_PAGES 32
#define NUMBERED (SIGRTMIN + 1)
#define COUNTED_SIGNAL (SIGRTMIN + 2)
#define LAST_NUMBER (-1)

static struct {
	atomic_int ring[STATIONS];
	atomic_int over, stuck, started;
	double deadline;
	pid_t worker[WORKERS];
	atomic_long sent[WORKERS], handled[WORKERS];
	atomic_long hand_overs, forked, reaped, executed, signals, mappings, threads, wrong;
} *board;

static const char *self;
static double seconds = 0.2;
static int told;
static uint64_t seed = 1;
static int me;
static sigset_t numbered;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whether each thing was done once at least; a busy machine may need more than its time for it. */
static int had_its_turn(void)
{
	return board->hand_overs > STATIONS && board->mappings && board->executed;
}

static int is_over(void)
{
	double late = now() - board->deadline;

	return board->over || (late >= 0 && had_its_turn()) || late > PATIENCE;
}

static void expect(int holds, const char *what)
{
	if (!holds && board->wrong++ < 20)
		dprintf(2, "soak: wrong: %s, errno %s\n", what, strerrorname_np(errno));
}

/* xorshift64*: each thread has its own. */
static uint64_t dice(uint64_t *state, uint64_t sides)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 2685821657736338717ULL >> 33) % sides;
}

static uint64_t dice_of_thread(int thread)
{
	return (seed + 1) * 0x9e3779b97f4a7c15ULL ^ (uint64_t)(me * 64 + thread + 1) << 20;
}

/* ---- memory ---- */

static void fill(uint64_t *words, size_t from, size_t to, uint64_t key)
{
	for (size_t page = from; page < to; page++)
		words[page * 512] = words[page * 512 + 511] = key + page;
}

/* The pages from..to of a mapping hold their pattern, or with key 0 nothing. */
static void verify(const uint64_t *words, size_t from, size_t to, uint64_t key, const char *what)
{
	for (size_t page = from; page < to; page++) {
		uint64_t expected = key ? key + page : 0;
		expect(words[page * 512] == expected && words[page * 512 + 511] == expected, what);
	}
}

/* One change of a mapping; what the change empties is filled again. Returns where the mapping is now. */
static uint64_t *change(uint64_t *at, size_t *pages, uint64_t key, uint64_t *state)
{
	size_t from = dice(state, *pages), to = from + 1 + dice(state, *pages - from);
	char *part = (char *)at + from * PAGE;

	switch (dice(state, 6)) {
	case 0:
		expect(mprotect(part, (to - from) * PAGE, PROT_READ) == 0, "mprotect");
		verify(at, from, to, key, "memory after mprotect");
		expect(mprotect(part, (to - from) * PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect back");
		break;
	case 1:
		expect(madvise(part, (to - from) * PAGE, MADV_DONTNEED) == 0, "madvise");
		verify(at, from, to, 0, "memory after MADV_DONTNEED");
		fill(at, from, to, key);
		break;
	case 2:
		expect(mmap(part, (to - from) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
			       == part,
		       "mmap over a part");
		verify(at, from, to, 0, "memory after MAP_FIXED");
		fill(at, from, to, key);
		break;
	case 3: {
		size_t grown = *pages + 1 + dice(state, 40);
		uint64_t *moved = mremap(at, *pages * PAGE, grown * PAGE, MREMAP_MAYMOVE);
		expect(moved != MAP_FAILED || errno == EFAULT, "mremap to grow");
		if (moved == MAP_FAILED)
			break; /* pieces with properties of their own do not grow together */
		verify(moved, *pages, grown, 0, "memory behind what grew");
		fill(moved, *pages, grown, key);
		*pages = grown;
		at = moved;
		break;
	}
	case 4:
		expect(mremap(at, *pages * PAGE, to * PAGE, 0) == at, "mremap to shrink");
		*pages = to;
		break;
	default:
		madvise(at, *pages * PAGE, dice(state, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	}
	return at;
}

/* What is written through a shared mapping of a file can be read from it, and the other way round. */
static void share_file(int fd, uint64_t *state)
{
	uint64_t key = dice(state, 1 << 30) + 1, word;
	size_t page = dice(state, FILE_PAGES);
	uint64_t *at = mmap(NULL, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	expect(at != MAP_FAILED, "mmap of a file");
	at[page * 512] = key;
	expect(pread(fd, &word, sizeof word, page * PAGE) == sizeof word && word == key, "read of what was mapped");
	word = key + 1;
	expect(pwrite(fd, &word, sizeof word, page * PAGE + 8) == sizeof word && at[page * 512 + 1] == key + 1,
	       "mapping of what was written");
	expect(munmap(at, FILE_PAGES * PAGE) == 0, "munmap of a file");
}

static void *mapper(void *number)
{
	uint64_t state = dice_of_thread((int)(intptr_t)number);
	int fd = temporary_file(FILE_PAGES * PAGE);

	while (!is_over()) {
		size_t pages = dice(&state, 20) == 0 ? 1024 : 1 + dice(&state, 60);
		uint64_t key = (dice(&state, 1 << 30) + 1) << 20;
		uint64_t *at = (uint64_t *)map_private(pages * PAGE);

		fill(at, 0, pages, key);
		for (uint64_t left = dice(&state, 6); left > 0; left--) {
			at = change(at, &pages, key, &state);
			verify(at, 0, pages, key, "memory after a change");
		}
		size_t first = dice(&state, pages);
		expect(munmap((char *)at + first * PAGE, (pages - first) * PAGE) == 0, "munmap of the end");
		verify(at, 0, first, key, "memory before what was unmapped");
		expect(first == 0 || munmap(at, first * PAGE) == 0, "munmap of the rest");
		share_file(fd, &state);
		board->mappings++;
	}
	close(fd);
	return NULL;
}

/* ---- processes and threads ---- */

static void reap(pid_t pid, int expected)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	expect(status == expected, "status of a child");
	board->reaped++;
}

/* The child has the parent's memory as it was, and a copy of its own. */
static void fork_copy(uint64_t *copied, uint64_t *state)
{
	uint64_t key = dice(state, 1 << 30) << 20;

	fill(copied, 0, COPIED_PAGES, key);
	pid_t pid = fork();
	if (pid == 0) {
		verify(copied, 0, COPIED_PAGES, key, "memory of a child");
		fill(copied, 0, COPIED_PAGES, ~key);
		verify(copied, 0, COPIED_PAGES, ~key, "what a child wrote");
		_exit(17);
	}
	board->forked++;
	size_t half = dice(state, COPIED_PAGES);
	fill(copied, 0, half, key + 1);
	reap(pid, 17 << 8);
	verify(copied, 0, half, key + 1, "what a parent wrote");
	verify(copied, half, COPIED_PAGES, key, "memory of a parent");
}

/* A grandchild outlives its parent and is ours to wait for. */
static void fork_orphan(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (fork() == 0)
			usleep(300);
		_exit(0);
	}
	board->forked += 2;
	reap(pid, 0);
	reap(-1, 0);
}

static void fork_and_kill(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	board->forked++;
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
}

static void execute(uint64_t *state)
{
	char status[4];
	char *arguments[] = { (char *)self, "execute", status, NULL };
	pid_t pid;

	snprintf(status, sizeof status, "%d", (int)dice(state, 100));
	expect(posix_spawn(&pid, self, NULL, NULL, arguments, environ) == 0, "posix_spawn");
	board->forked++;
	reap(pid, atoi(status) << 8);
	board->executed++;
}

/* All that a child writes to a pipe arrives, in order, and then the end. */
static void send_through_pipe(uint64_t *state)
{
	unsigned char block[1000], next = 0;
	uint64_t blocks = dice(state, 100), total = 0;
	int ends[2];
	ssize_t n;

	expect(pipe2(ends, O_CLOEXEC) == 0, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		for (uint64_t i = 0; i < blocks; i++) {
			for (size_t b = 0; b < sizeof block; b++)
				block[b] = next++;
			for (size_t done = 0; done < sizeof block; done += n)
				if ((n = write(ends[1], block + done, sizeof block - done)) < 0)
					_exit(1);
		}
		_exit(0);
	}
	board->forked++;
	close(ends[1]);
	for (; (n = read(ends[0], block, sizeof block)) > 0; total += n)
		for (ssize_t b = 0; b < n; b++)
			expect(block[b] == next++, "bytes of a pipe");
	expect(n == 0 && total == blocks * sizeof block, "length of what a pipe carried");
	close(ends[0]);
	reap(pid, 0);
}

static void *answer(void *question)
{
	return (void *)((uintptr_t)question * 3);
}

static void run_threads(uint64_t *state)
{
	pthread_t thread[3];
	uintptr_t question = dice(state, 1000), result;

	for (int i = 0; i < 3; i++)
		expect(pthread_create(&thread[i], NULL, answer, (void *)(question + i)) == 0, "pthread_create");
	for (int i = 0; i < 3; i++)
		expect(pthread_join(thread[i], (void **)&result) == 0 && result == (question + i) * 3, "pthread_join");
	board->threads += 3;
}

static void have_children(void)
{
	uint64_t state = dice_of_thread(MAPPERS);
	uint64_t *copied = (uint64_t *)map_private(COPIED_PAGES * PAGE);

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	do {
		switch (dice(&state, 6)) {
		case 0: fork_copy(copied, &state); break;
		case 1: fork_orphan(); break;
		case 2: fork_and_kill(); break;
		case 3: execute(&state); break;
		case 4: send_through_pipe(&state); break;
		case 5: run_threads(&state); break;
		}
	} while (!is_over());
	execute(&state);
}

/* ---- signals ---- */

static void count(int signal)
{
	(void)signal;
	board->handled[me]++;
}

static void queue(pid_t to, int signal, int value)
{
	while (sigqueue(to, signal, (union sigval){ .sival_int = value }) < 0) {
		expect(errno == EAGAIN, "sigqueue");
		usleep(100);
	}
	board->signals++;
}

/* Sends the next worker numbered signals, which one thread there waits for, and others, which any thread handles. */
static void *sender(void *unused)
{
	int next = (me + 1) % WORKERS;
	uint64_t state = dice_of_thread(MAPPERS + 1);

	for (int number = 1; !is_over(); number++) {
		queue(board->worker[next], NUMBERED, number);
		if (dice(&state, 3) == 0) {
			board->sent[next]++;
			queue(board->worker[next], COUNTED_SIGNAL, 0);
		}
		usleep(dice(&state, 500));
	}
	queue(board->worker[next], NUMBERED, LAST_NUMBER);
	return unused;
}

/* Every number arrives once, in order. */
static void *receiver(void *unused)
{
	siginfo_t info;

	for (int expected = 1;; expected++) {
		while (sigwaitinfo(&numbered, &info) < 0)
			expect(errno == EINTR, "sigwaitinfo");
		if (info.si_value.sival_int == LAST_NUMBER)
			return unused;
		expect(info.si_value.sival_int == expected, "number of a signal");
	}
}

/* ---- the ring ---- */

static long futex(atomic_int *word, int operation, int value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* Waits for the token and hands it on to a task of another process: a wake-up that is lost stops the ring. */
static void *station(void *number)
{
	int own = (int)(intptr_t)number, next = (own + 1) % STATIONS, token;

	do {
		while ((token = atomic_exchange(&board->ring[own], 0)) == 0)
			futex(&board->ring[own], FUTEX_WAIT, 0);
		if (token > 0)
			board->hand_overs++;
		if (own == 0)
			token = token < 0 ? 0 : is_over() ? LAST_NUMBER : token % 1000000 + 1;
		if (token == 0)
			return NULL;
		expect(atomic_exchange(&board->ring[next], token) == 0, "only one token");
		futex(&board->ring[next], FUTEX_WAKE, 1);
	} while (token > 0 || own == 0);
	return NULL;
}

static void work(int worker)
{
	pthread_t thread[MAPPERS + 4];
	struct sigaction action = { .sa_handler = count, .sa_flags = SA_RESTART };
	int n = 0;

	me = worker;
	sigaddset(&numbered, NUMBERED);
	sigprocmask(SIG_BLOCK, &numbered, NULL);
	sigaction(COUNTED_SIGNAL, &action, NULL);
	board->started++;
	while (board->started <= WORKERS)
		usleep(100);
	for (intptr_t i = 0; i < MAPPERS; i++)
		pthread_create(&thread[n++], NULL, mapper, (void *)i);
	for (intptr_t i = 0; i < 2; i++)
		pthread_create(&thread[n++], NULL, station, (void *)(i * WORKERS + worker));
	pthread_create(&thread[n++], NULL, receiver, NULL);
	pthread_create(&thread[n++], NULL, sender, NULL);
	have_children();
	while (n > 0)
		pthread_join(thread[--n], NULL);
	while (board->handled[me] < board->sent[me])
		usleep(100);
	_exit(0);
}

/* ---- the first process ---- */

/* Looks once in a while whether the token moves. */
static void watch(void)
{
	long before = -1;
	double since = now();

	for (; !is_over(); usleep(10000)) {
		if (board->hand_overs != before) {
			before = board->hand_overs;
			since = now();
		} else if (now() - since > PATIENCE) {
			dprintf(2, "soak: no hand-over after %ld of them\n", before);
			board->stuck = 1;
			for (int worker = 0; worker < WORKERS; worker++)
				kill(board->worker[worker], SIGKILL);
			return;
		}
	}
}

static void report(int failed, int descriptor)
{
	int counted = 1;

	for (int worker = 0; worker < WORKERS; worker++)
		counted &= board->handled[worker] == board->sent[worker];
	printf("wrong %ld, failed workers %d, left %d, stuck %d\n", board->wrong, failed, wait(NULL), board->stuck);
	printf("children %s, signals %s, descriptors %s\n", board->forked == board->reaped ? "all" : "LOST",
	       counted ? "all" : "LOST", dup(0) == descriptor ? "as before" : "LEAKED");
	printf("the token went %s, memory was mapped %s, programs executed %s\n", board->hand_overs > STATIONS ? "round" : "NOWHERE",
	       board->mappings ? "often" : "NEVER", board->executed ? "often" : "NEVER");
	if (told)
		dprintf(2, "soak: %ld hand-overs, %ld children, %ld of them executed, %ld signals, %ld mappings, %ld threads\n",
			board->hand_overs, board->forked, board->executed, board->signals, board->mappings, board->threads);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc > 2 && strcmp(argv[1], "execute") == 0)
		return atoi(argv[2]);
	self = argv[0];
	if (argc > 1 && (told = atof(argv[1]) > 0))
		seconds = atof(argv[1]);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	board = map(sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	board->deadline = now() + seconds;
	int descriptor = dup(0);
	close(descriptor);
	for (int worker = 0; worker < WORKERS; worker++) {
		pid_t pid = fork();
		if (pid == 0)
			work(worker);
		board->worker[worker] = pid;
	}
	board->started++;
	board->ring[0] = 1;
	watch();
	for (int worker = 0; worker < WORKERS; worker++) {
		int status;
		if (wait(&status) < 0 || status != 0)
			failed++;
	}
	report(failed, descriptor);
	return board->wrong != 0 || failed != 0;
}
