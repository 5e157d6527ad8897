/* A background thread that stop leaves running in the plugin's code: PINNED(thread), never unmapped, no crash. */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static atomic_uint beats;

static void *beat(void *unused)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    (void)unused;
    for (;;) {
        atomic_fetch_add(&beats, 1);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static int32_t start(const sogov_plugin_host *host, void **self)
{
    pthread_t thread;
    (void)host;
    (void)self;
    if (pthread_create(&thread, NULL, beat, NULL) != 0)
        return SOGOV_PLUGIN_FAILED;
    pthread_detach(thread);
    return SOGOV_PLUGIN_OK;
}

EXPORT int count(void)
{
    return (int)atomic_load(&beats);
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "thread",
    .start = start,
};
