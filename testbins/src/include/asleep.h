/*
 * For a program that does something to a task that waits: how to know that it does, however slow the machine is.
 */
#ifndef ASLEEP_H
#define ASLEEP_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A file that /proc has of a thread of this process, or of another process; empty when there is none. */
static void file_of_task(pid_t id, const char *name, char *text, size_t room)
{
	char path[64];
	ssize_t length = -1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", id, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/%s", id, name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0) {
		length = read(fd, text, room - 1);
		close(fd);
	}
	text[length < 0 ? 0 : length] = 0;
}

/* Returns when a thread of this process, or a child, sleeps in that system call. */
static void until_asleep_in(pid_t id, long call)
{
	char text[512], *state, *end;

	for (;; usleep(1000)) {
		file_of_task(id, "stat", text, sizeof(text));
		state = strrchr(text, ')');
		if (!state || state[2] != 'S')
			continue;
		file_of_task(id, "syscall", text, sizeof(text));
		if (strtol(text, &end, 10) == call && end != text)
			return;
	}
}

static struct {
	pid_t task;
	long call;
	int signal;
} interruption;

static void *interrupter(void *argument)
{
	until_asleep_in(interruption.task, interruption.call);
	syscall(SYS_tgkill, getpid(), interruption.task, interruption.signal);
	return argument;
}

/* A signal for the calling thread, once it sleeps in that system call; to be ended by pthread_join. */
__attribute__((unused)) static pthread_t interrupt_in(long call, int signal)
{
	pthread_t thread;

	interruption.task = gettid();
	interruption.call = call;
	interruption.signal = signal;
	if (pthread_create(&thread, NULL, interrupter, NULL)) {
		printf("no thread\n");
		exit(1);
	}
	return thread;
}

#endif
