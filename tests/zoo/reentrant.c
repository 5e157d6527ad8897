/* invoke calls back into the host, which may promote, unload or call again: EDEADLK where it would wait for itself.
 * The request is the address of an `int32_t (*)(void *context)`, 8 bytes in native order, or that and a context,
 * 16 bytes. What the function returns is what invoke returns. */
#include "zoo.h"

#include <string.h>

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    struct {
        int32_t (*function)(void *context);
        void *context;
    } callback = {NULL, NULL};

    (void)self;
    (void)answer;
    if (request_len != sizeof callback && request_len != sizeof callback.function)
        return SOGOV_PLUGIN_FAILED;
    memcpy(&callback, request, request_len);
    return callback.function(callback.context);
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "reentrant",
    .invoke = invoke,
};
