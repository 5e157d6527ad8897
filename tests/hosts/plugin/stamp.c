/*
 * stamp.c - answers each request with LABEL, a colon and the request's bytes, so that an answer tells which build made
 * it. -DLABEL='"v1"' gives the label.
 *
 * It counts who comes in and who goes out, and `stop` refuses to end while somebody is inside: then the unload is
 * reported as pinned, and the test that asked for it fails. The counters also tell ThreadSanitizer the order of
 * start, calls and stop, which it cannot see in a library that it has not compiled.
 */
#include "sogov_plugin.h"

#include <stdatomic.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

enum { STOPPED_UNDER_A_CALL = 70, CALLED_AFTER_STOP = 71 };

typedef struct stamp {
    atomic_ullong entered, left;
    atomic_int serving;
} stamp;

/* Written by every call: in an unmapped version that would be a fault. */
static atomic_ullong calls;

static int32_t start(const sogov_plugin_host *host, void **self)
{
    (void)host;
    stamp *stamp = calloc(1, sizeof *stamp);
    if (stamp == NULL)
        return SOGOV_PLUGIN_FAILED;
    atomic_store(&stamp->serving, 1);
    *self = stamp;
    return SOGOV_PLUGIN_OK;
}

static int32_t stop(void *self)
{
    stamp *stamp = self;
    atomic_store(&stamp->serving, 0);
    if (atomic_load(&stamp->entered) != atomic_load(&stamp->left))
        return STOPPED_UNDER_A_CALL;
    free(stamp);
    return SOGOV_PLUGIN_OK;
}

static int32_t invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    static const char head[] = LABEL ":";
    stamp *stamp = self;
    int32_t status = SOGOV_PLUGIN_OK;
    atomic_fetch_add(&stamp->entered, 1);
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (!atomic_load(&stamp->serving))
        status = CALLED_AFTER_STOP;
    else if (answer->write(answer->context, head, sizeof head - 1) != 0 ||
             answer->write(answer->context, request, request_len) != 0)
        status = SOGOV_PLUGIN_FAILED;
    atomic_fetch_add(&stamp->left, 1);
    return status;
}

EXPORT const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "stamp",
    .start = start,
    .stop = stop,
    .invoke = invoke,
};
