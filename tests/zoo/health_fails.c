/* health answers 1 after a good start: the load fails, and stop is called once (it logs "stopped"); invoke is not. */
#include "zoo.h"

#include <stdlib.h>
#include <string.h>

static int32_t start(const sogov_plugin_host *host, void **self)
{
    *self = (void *)host;
    return SOGOV_PLUGIN_OK;
}

static int32_t stop(void *self)
{
    static const char message[] = "stopped";
    const sogov_plugin_host *host = self;
    host->log(host->context, 3, message, strlen(message));
    return SOGOV_PLUGIN_OK;
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    (void)request;
    (void)request_len;
    (void)answer;
    abort();
}

static int32_t health(void *self)
{
    (void)self;
    return SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "health_fails",
    .start = start,
    .stop = stop,
    .invoke = invoke,
    .health = health,
};
