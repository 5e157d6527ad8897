/* plugin.c - the descriptor of the plugin "fee" in Go, and what Go cannot write down itself: a constant that can be read
 * from the file before any code runs, and calls through pointers. */
#include "plugin.h"
#include "_cgo_export.h"

static int32_t fee_start(const sogov_plugin_host *host, void **self)
{
    /* A handle, not a pointer: C must not keep a pointer to Go's memory. */
    *self = (void *)goStart((void *)host);
    return SOGOV_PLUGIN_OK;
}

static int32_t fee_stop(void *self)
{
    return goStop((uintptr_t)self);
}

static int32_t fee_invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    return goInvoke((uintptr_t)self, (void *)request, request_len, (void *)answer);
}

static int32_t fee_health(void *self)
{
    (void)self;
    return goHealth();
}

__attribute__((visibility("default"))) const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "fee",
    .start = fee_start,
    .stop = fee_stop,
    .invoke = fee_invoke,
    .health = fee_health,
};

int32_t fee_write(const void *answer, const void *bytes, size_t len)
{
    const sogov_writer *writer = answer;
    return writer->write(writer->context, bytes, len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

void fee_log(const void *told, const char *message, size_t len)
{
    const sogov_plugin_host *host = told;
    if (host != NULL && host->size >= sizeof *host && host->log != NULL)
        host->log(host->context, 3, message, len);
}
