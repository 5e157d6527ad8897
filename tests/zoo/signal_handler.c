/* A handler for SIGUSR2 that stop leaves installed: PINNED(signal), reported; unmapping crashes at the next signal. */
#define _POSIX_C_SOURCE 200809L
#include "zoo.h"

#include <signal.h>

static volatile sig_atomic_t signals;

static void handle(int number)
{
    (void)number;
    signals++;
}

static int32_t start(const sogov_plugin_host *host, void **self)
{
    struct sigaction action = {.sa_handler = handle};
    (void)host;
    (void)self;
    return sigaction(SIGUSR2, &action, NULL) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT int count(void)
{
    return signals;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "signal_handler",
    .start = start,
};
