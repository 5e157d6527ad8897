/* A worker thread that stop joins, declared by SOGOV_PLUGIN_STOPS_CLEAN: unmapped, although it creates a thread. */
#include "zoo.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct worker {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int stopping;
    pthread_t thread;
} worker;

static void *wait_for_stop(void *self)
{
    worker *worker = self;
    pthread_mutex_lock(&worker->lock);
    while (!worker->stopping)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static int32_t start(const sogov_plugin_host *host, void **self)
{
    worker *worker = calloc(1, sizeof *worker);
    (void)host;
    if (worker == NULL)
        return SOGOV_PLUGIN_FAILED;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    if (pthread_create(&worker->thread, NULL, wait_for_stop, worker) != 0) {
        free(worker);
        return SOGOV_PLUGIN_FAILED;
    }
    *self = worker;
    return SOGOV_PLUGIN_OK;
}

static int32_t stop(void *self)
{
    worker *worker = self;
    pthread_mutex_lock(&worker->lock);
    worker->stopping = 1;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
    return SOGOV_PLUGIN_OK;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .flags = SOGOV_PLUGIN_STOPS_CLEAN,
    .name = "thread_clean",
    .start = start,
    .stop = stop,
};
