/*
 * cflags: -pthread
 * exit in any thread ends the process with that status, whatever the others wait for.
 */
#include "observe.h"
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *waiting(void *argument)
{
	(void)argument;
	pthread_mutex_lock(&mutex);
	return NULL;
}

static void *ending(void *argument)
{
	(void)argument;
	puts("the process ends here");
	exit(33);
}

int main(void)
{
	pthread_t threads[3];

	pthread_mutex_lock(&mutex);
	pthread_create(&threads[0], NULL, waiting, NULL);
	pthread_create(&threads[1], NULL, waiting, NULL);
	pthread_create(&threads[2], NULL, ending, NULL);
	pthread_join(threads[0], NULL);
	return 0;
}
