/* A descriptor whose size ends before invoke: refused from the file's data; its start ends the process if it runs. */
#include "zoo.h"

#include <stdlib.h>

static int32_t start(const sogov_plugin_host *host, void **self)
{
    (void)host;
    (void)self;
    abort();
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = offsetof(sogov_plugin, invoke),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "short_descriptor",
    .start = start,
};
