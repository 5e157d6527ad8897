/* start answers 7: the load fails and names the status; neither invoke nor stop is called (both end the process). */
#include "zoo.h"

#include <stdlib.h>

static int32_t start(const sogov_plugin_host *host, void **self)
{
    (void)host;
    (void)self;
    return 7;
}

static int32_t stop(void *self)
{
    (void)self;
    abort();
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    (void)request;
    (void)request_len;
    (void)answer;
    abort();
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "start_fails",
    .start = start,
    .stop = stop,
    .invoke = invoke,
};
