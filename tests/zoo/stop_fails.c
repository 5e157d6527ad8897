/* stop answers 9: the unload reports it, stop is not called again (it ends the process), the version stays mapped. */
#include "zoo.h"

#include <stdlib.h>

static int stops;

static int32_t stop(void *self)
{
    (void)self;
    if (++stops > 1)
        abort();
    return 9;
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    return answer->write(answer->context, request, request_len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "stop_fails",
    .stop = stop,
    .invoke = invoke,
};
