/* A descriptor of ABI 99, whose start must never run: refused from the file's data; it ends the process if it runs. */
#include "zoo.h"

#include <stdlib.h>

static int32_t start(const sogov_plugin_host *host, void **self)
{
    (void)host;
    (void)self;
    abort();
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = 99,
    .name = "bad_abi",
    .start = start,
};
