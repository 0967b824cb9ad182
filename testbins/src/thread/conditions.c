/*
 * cflags: -pthread
 * Waiting and waking: condition variables, barriers, semaphores, timeouts, once, and thread-specific destructors.
 */
#include "observe.h"
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t semaphore;
static int turn, destroyed, serial, made;

static void make(void)
{
	made++;
}

static void destroy(void *value)
{
	__sync_fetch_and_add(&destroyed, (int)(long)value);
}

static void *player(void *argument)
{
	int me = (int)(long)argument;

	pthread_once(&once, make);
	pthread_setspecific(key, (void *)(long)(me + 1));
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % 3 != me)
			pthread_cond_wait(&changed, &mutex);
		turn++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&mutex);
	}
	if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
		__sync_fetch_and_add(&serial, 1);
	sem_post(&semaphore);
	return NULL;
}

int main(void)
{
	pthread_t threads[3];
	struct timespec soon;

	pthread_barrier_init(&barrier, NULL, 3);
	pthread_key_create(&key, destroy);
	sem_init(&semaphore, 0, 0);
	for (long i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, player, (void *)i);
	for (int i = 0; i < 3; i++)
		sem_wait(&semaphore);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	printf("turns %d, serial %d, once %d, destroyed %d\n", turn, serial, made, destroyed);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 2000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_sec++;
		soon.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&mutex);
	printf("nobody signals: %s\n", strerrorname_np(pthread_cond_timedwait(&changed, &mutex, &soon)));
	printf("locked already: %s\n", strerrorname_np(pthread_mutex_trylock(&mutex)));
	printf("semaphore: %s\n", outcome(sem_trywait(&semaphore)));
	return 0;
}
