/* No hazard (level 1): echoes each request; no start, stop or health; unmapped at unload. */
#include "zoo.h"

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    return answer->write(answer->context, request, request_len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "plain_level1",
    .invoke = invoke,
};
