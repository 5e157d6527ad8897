/* The plugin of the runtime bench: answers with the bytes of its request. -DPADDING=n makes it n bytes longer. */
#include "sogov_plugin.h"

#define EXPORT __attribute__((visibility("default")))

#ifdef PADDING
EXPORT const unsigned char padding[PADDING] = {1};
#endif

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    (void)self;
    return answer->write(answer->context, request, request_len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "copy",
    .invoke = invoke,
};
