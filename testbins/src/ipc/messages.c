/* cflags: -pthread
 * System V message queues: which message is received, what does not fit, who waits and is woken, msgctl, and the errors.
 */
#include "asleep.h"
#include "observe.h"
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>

struct text {
	long type;
	char bytes[9000];
};

static struct text buffer;

static long send_text(int queue, long type, const char *text, int flags)
{
	struct text message = {.type = type};

	strcpy(message.bytes, text);
	return msgsnd(queue, &message, strlen(text), flags);
}

static void receive(int queue, const char *label, long type, size_t room, int flags)
{
	memset(&buffer, 0, sizeof(buffer));
	ssize_t n = msgrcv(queue, &buffer, room, type, flags | IPC_NOWAIT);

	if (n < 0)
		printf("%-28s %s\n", label, outcome(n));
	else
		printf("%-28s %zd bytes, type %ld, %.*s\n", label, n, buffer.type, (int)n, buffer.bytes);
}

static void show(int queue, const char *label)
{
	struct msqid_ds ds;

	if (msgctl(queue, IPC_STAT, &ds)) {
		printf("%-28s %s\n", label, outcome(-1));
		return;
	}
	printf("%-28s %lu messages, %lu bytes, sent by %s, received by %s", label, ds.msg_qnum, ds.__msg_cbytes,
	       ds.msg_lspid == 0 ? "nobody" : ds.msg_lspid == getpid() ? "us" : "another",
	       ds.msg_lrpid == 0 ? "nobody" : ds.msg_lrpid == getpid() ? "us" : "another");
	printf(", times %d %d %d, mode %o\n", !!ds.msg_stime, !!ds.msg_rtime, !!ds.msg_ctime, ds.msg_perm.mode);
}

static void choices(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);

	show(queue, "new");
	send_text(queue, 5, "five", 0);
	send_text(queue, 2, "two", 0);
	send_text(queue, 7, "seven", 0);
	send_text(queue, 2, "another two", 0);
	send_text(queue, 1, "one", 0);
	send_text(queue, 9, "", 0);
	show(queue, "six sent");
	receive(queue, "copy of the third", 2, 100, MSG_COPY);
	receive(queue, "copy behind the last", 6, 100, MSG_COPY);
	receive(queue, "copy, no room", 2, 3, MSG_COPY);
	receive(queue, "copy, cut", 2, 3, MSG_COPY | MSG_NOERROR);
	receive(queue, "copy, but not of a type", 2, 3, MSG_COPY | MSG_EXCEPT);
	receive(queue, "at most 2", -2, 100, 0);
	receive(queue, "at most 4", -4, 100, 0);
	receive(queue, "not 5", 5, 100, MSG_EXCEPT);
	receive(queue, "no such type", 77, 100, 0);
	receive(queue, "no room", 5, 3, 0);
	receive(queue, "cut", 5, 3, MSG_NOERROR);
	receive(queue, "at most 1", -1, 100, 0);
	receive(queue, "at most LONG_MAX", LONG_MIN, 100, 0);
	receive(queue, "any", 0, 100, 0);
	receive(queue, "none left", 0, 100, 0);
	show(queue, "all received");
	msgctl(queue, IPC_RMID, NULL);
}

static void errors(void)
{
	struct text message = {.type = 0};
	int queue = msgget(IPC_PRIVATE, 0600), fd;
	key_t key = 0x5f4d5347 ^ getpid();
	struct msqid_ds ds;

	printf("type 0: %s\n", outcome(msgsnd(queue, &message, 1, 0)));
	message.type = 1;
	printf("too long: %s\n", outcome(msgsnd(queue, &message, 1UL << 31, 0)));
	printf("negative length: %s\n", outcome(msgsnd(queue, &message, -1, 0)));
	printf("negative queue: %s\n", outcome(msgsnd(-1, &message, 1, 0)));
	printf("from nowhere: %s\n", outcome(msgsnd(queue, NULL, 1, 0)));
	printf("receive negative length: %s\n", outcome(msgrcv(queue, &message, -1, 0, IPC_NOWAIT)));
	printf("copy that would wait: %s\n", outcome(msgrcv(queue, &message, 1, 0, MSG_COPY)));
	send_text(queue, 1, "lost", 0);
	printf("to nowhere: %s\n", outcome(msgrcv(queue, NULL, 100, 0, IPC_NOWAIT)));
	show(queue, "after that");
	printf("unknown command: %s\n", outcome(msgctl(queue, 99, &ds)));
	printf("stat to nowhere: %s\n", outcome(msgctl(queue, IPC_STAT, NULL)));
	printf("set from nowhere: %s\n", outcome(msgctl(queue, IPC_SET, NULL)));
	printf("missing key: %s\n", outcome(msgget(key, 0)));
	fd = msgget(key, IPC_CREAT | 0600);
	printf("made: %s", outcome(fd));
	printf(", again: %d", msgget(key, IPC_CREAT | 0600) == fd);
	printf(", only new: %s", outcome(msgget(key, IPC_CREAT | IPC_EXCL)));
	printf(", removed: %s", outcome(msgctl(fd, IPC_RMID, NULL)));
	printf(", gone: %s\n", outcome(msgctl(fd, IPC_RMID, NULL)));
	msgctl(queue, IPC_RMID, NULL);
	printf("send to one that is gone: %s\n", outcome(send_text(queue, 1, "x", 0)));
	printf("receive from it: %s\n", outcome(msgrcv(queue, &message, 1, 0, 0)));
}

static void settings(void)
{
	int queue = msgget(IPC_PRIVATE, 0600), sent = 0;
	struct msginfo info, usage;
	struct msqid_ds ds;
	char line[200];

	msgctl(queue, IPC_STAT, &ds);
	ds.msg_qbytes = 100;
	ds.msg_perm.mode = 0640;
	printf("less room: %s\n", outcome(msgctl(queue, IPC_SET, &ds)));
	while (send_text(queue, 3, "0123456789abcdef", IPC_NOWAIT) == 0)
		sent++;
	printf("sent %d, then %s\n", sent, outcome(-1));
	show(queue, "full");
	printf("an empty one: %s\n", outcome(send_text(queue, 1, "", IPC_NOWAIT)));
	ds.msg_qbytes = 2;
	msgctl(queue, IPC_SET, &ds);
	printf("two at most: %s\n", outcome(send_text(queue, 1, "", IPC_NOWAIT)));
	int highest = msgctl(0, MSG_INFO, (struct msqid_ds *)&usage);
	msgctl(0, IPC_INFO, (struct msqid_ds *)&info);
	printf("info: %d %d %d %d %d, usage at least: %d %d %d\n", info.msgpool, info.msgmap, info.msgssz, info.msgtql,
	       info.msgseg, usage.msgpool >= 1, usage.msgmap >= sent, usage.msgtql >= 16 * sent);
	int found = 0;
	for (int i = 0; i <= highest; i++)
		found += msgctl(i, MSG_STAT, &ds) == queue && ds.msg_perm.mode == 0640;
	printf("found by index: %d\n", found);
	FILE *list = fopen("/proc/sysvipc/msg", "r");
	while (list && fgets(line, sizeof(line), list)) {
		int id = 0, mode = 0, bytes = 0, count = 0;

		if (strstr(line, "msqid"))
			printf("%s", line);
		sscanf(line, "%*d %d %o %d %d", &id, &mode, &bytes, &count);
		if (id == queue)
			printf("listed: mode %o, %d bytes, %d messages\n", mode, bytes, count);
	}
	if (list)
		fclose(list);
	msgctl(queue, IPC_RMID, NULL);
}

static void rights(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	struct msqid_ds ds;

	send_text(queue, 1, "x", 0);
	if (fork() == 0) {
		if (getuid() == 0 && setresuid(65534, 65534, 65534))
			_exit(1);
		if (getuid() == 65534) {
			printf("nobody: send %s", outcome(send_text(queue, 1, "y", 0)));
			printf(", receive %s", outcome(msgrcv(queue, &buffer, 10, 0, IPC_NOWAIT)));
			printf(", stat %s", outcome(msgctl(queue, IPC_STAT, &ds)));
			printf(", remove %s\n", outcome(msgctl(queue, IPC_RMID, NULL)));
		}
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	msgctl(queue, IPC_RMID, NULL);
}

struct call {
	pid_t task;
	int queue;
	long type, result;
	size_t room;
	int error, sends;
	struct text text;
};

static void *waiting_call(void *argument)
{
	struct call *call = argument;

	__atomic_store_n(&call->task, gettid(), __ATOMIC_SEQ_CST);
	call->result = call->sends ? msgsnd(call->queue, &call->text, 10, 0)
				   : msgrcv(call->queue, &call->text, call->room, call->type, 0);
	call->error = errno;
	return NULL;
}

/* Starts a call; returns when it waits. */
static pthread_t start(struct call *call)
{
	pthread_t thread;

	call->task = 0;
	pthread_create(&thread, NULL, waiting_call, call);
	while (!__atomic_load_n(&call->task, __ATOMIC_SEQ_CST))
		sched_yield();
	until_asleep_in(call->task, call->sends ? SYS_msgsnd : SYS_msgrcv);
	return thread;
}

static void end(pthread_t thread, struct call *call, const char *label)
{
	pthread_join(thread, NULL);
	errno = call->error;
	printf("%s: %s", label, outcome(call->result));
	if (call->result >= 0 && !call->sends)
		printf(", %ld bytes of type %ld", call->result, call->text.type);
	printf("\n");
}

static void waits(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	struct call first = {.queue = queue, .type = 4, .room = 100}, small = {.queue = queue, .type = 0, .room = 1};
	struct call full = {.queue = queue, .sends = 1, .text.type = 6}, removed = first;
	struct msqid_ds ds;

	pthread_t thread = start(&first);
	send_text(queue, 3, "not for it", 0);
	send_text(queue, 4, "for it", 0);
	end(thread, &first, "waits for type 4");
	receive(queue, "left", 0, 100, 0);
	thread = start(&small);
	send_text(queue, 3, "long", 0);
	end(thread, &small, "waits without room");
	receive(queue, "stays", 0, 100, 0);
	msgctl(queue, IPC_STAT, &ds);
	ds.msg_qbytes = 15;
	msgctl(queue, IPC_SET, &ds);
	send_text(queue, 1, "0123456789", 0);
	thread = start(&full);
	receive(queue, "makes room", 0, 100, 0);
	end(thread, &full, "waits for room");
	thread = start(&full);
	ds.msg_qbytes = 50;
	msgctl(queue, IPC_SET, &ds);
	end(thread, &full, "waits for a larger queue");
	ds.msg_qbytes = 15;
	msgctl(queue, IPC_SET, &ds);
	thread = start(&full);
	pthread_t other = start(&removed);
	msgctl(queue, IPC_RMID, NULL);
	end(thread, &full, "sends until it is gone");
	end(other, &removed, "receives until it is gone");
}

static void on_signal(int signal)
{
	(void)signal;
}

/* A handler ends the wait, also one with SA_RESTART. */
static void signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int queue = msgget(IPC_PRIVATE, 0600);

	sigaction(SIGUSR1, &action, NULL);
	for (int sends = 0; sends < 2; sends++) {
		struct call call = {.queue = queue, .sends = sends, .room = 100, .text.type = 1};
		struct msqid_ds ds;

		msgctl(queue, IPC_STAT, &ds);
		ds.msg_qbytes = 5;
		msgctl(queue, IPC_SET, &ds);
		pthread_t thread = start(&call);
		pthread_kill(thread, SIGUSR1);
		end(thread, &call, sends ? "signal while it sends" : "signal while it receives");
	}
	msgctl(queue, IPC_RMID, NULL);
}

/* Many messages between processes: all arrive, in order. */
static void transfer(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	long wrong = 0, expected = 0;

	if (fork() == 0) {
		struct text message = {.type = 1};

		for (long i = 0; i < 3000; i++) {
			memcpy(message.bytes, &i, sizeof(i));
			if (msgsnd(queue, &message, 500, 0))
				_exit(1);
		}
		_exit(0);
	}
	for (; expected < 3000; expected++) {
		long got = -1;

		if (msgrcv(queue, &buffer, 500, 0, 0) == 500)
			memcpy(&got, buffer.bytes, sizeof(got));
		wrong += got != expected;
	}
	wait(NULL);
	printf("3000 messages, %ld wrong\n", wrong);
	msgctl(queue, IPC_RMID, NULL);
}

int main(void)
{
	choices();
	errors();
	settings();
	fflush(stdout);
	rights();
	waits();
	signals();
	transfer();
	return 0;
}
