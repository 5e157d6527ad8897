/* Writes as many MiB as the request says (decimal): past the limit of the host its write fails, and so the call. */
#include "zoo.h"

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    static const char mebibyte[1 << 20];
    const char *digits = request;
    unsigned count = 0;

    (void)self;
    if (request_len == 0 || request_len > 6)
        return SOGOV_PLUGIN_FAILED;
    for (size_t i = 0; i < request_len; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return SOGOV_PLUGIN_FAILED;
        count = count * 10 + (unsigned)(digits[i] - '0');
    }
    for (; count > 0; count--)
        if (answer->write(answer->context, mebibyte, sizeof mebibyte) != 0)
            return SOGOV_PLUGIN_FAILED;
    return SOGOV_PLUGIN_OK;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "big_answer",
    .invoke = invoke,
};
