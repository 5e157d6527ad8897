/* invoke fails when it is told to: by the request "fail", or by "<version> fails" when it was loaded as that version.
 * It answers nothing. */
#include "zoo.h"

#include <string.h>

static int32_t start(const sogov_plugin_host *host, void **self)
{
    *self = (void *)host;
    return SOGOV_PLUGIN_OK;
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    const sogov_plugin_host *host = self;
    size_t label = strlen(host->version);

    (void)answer;
    if (request_len == 4 && memcmp(request, "fail", 4) == 0)
        return SOGOV_PLUGIN_FAILED;
    if (request_len == label + 6 && memcmp(request, host->version, label) == 0)
        return SOGOV_PLUGIN_FAILED;
    return SOGOV_PLUGIN_OK;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "moody",
    .start = start,
    .invoke = invoke,
};
