/* Level 1 with an accident in one of its stages. */
#define _GNU_SOURCE
#include "zoo.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void happen(void)
{
#if defined(FAULTS)
    raise(SIGSEGV);
#elif defined(HANGS)
    for (;;)
        pause();
#elif defined(EXITS)
    _exit(0);
#elif defined(STOPS)
    raise(SIGSTOP);
#elif defined(TRAPS)
    __builtin_trap();
#else
#error "build.sh chooses the accident"
#endif
}

static int32_t start(const sogov_plugin_host *host, void **self)
{
    (void)self;
    static const char line[] = "about to start";
    host->log(host->context, 3, line, sizeof line - 1);
    if (strcmp(STAGE, "start") == 0)
        happen();
    return SOGOV_PLUGIN_OK;
}

static int32_t health(void *self)
{
    (void)self;
    if (strcmp(STAGE, "health") == 0)
        happen();
    return SOGOV_PLUGIN_OK;
}

static int32_t stop(void *self)
{
    (void)self;
    if (strcmp(STAGE, "stop") == 0)
        happen();
    return SOGOV_PLUGIN_OK;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "stage",
    .start = start,
    .stop = stop,
    .health = health,
};
