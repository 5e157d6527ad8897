/* plugin.c - the plugin "fee" as its host sees it. The pricing is in tariff.c, the numbers are in fee_v*.c. */
#include "fee.h"
#include "sogov_plugin.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct fee_self {
    const fee_tariff *tariff;
    const sogov_plugin_host *host;
    /* Counted by all threads, read once they are gone: relaxed order is enough. */
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t not_priced;
} fee_self;

static int32_t fee_start(const sogov_plugin_host *host, void **self);
static int32_t fee_stop(void *self);
static int32_t fee_invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer);
static int32_t fee_health(void *self);

__attribute__((visibility("default"))) const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    .size = sizeof(sogov_plugin),
    .abi = SOGOV_PLUGIN_ABI,
    .name = "fee",
    .start = fee_start,
    .stop = fee_stop,
    .invoke = fee_invoke,
    .health = fee_health,
};

static int32_t fee_start(const sogov_plugin_host *host, void **self)
{
    if (!fee_tariff_is_sound(&fee_current_tariff))
        return SOGOV_PLUGIN_FAILED;
    fee_self *fee = malloc(sizeof *fee);
    if (fee == NULL)
        return SOGOV_PLUGIN_FAILED;
    fee->tariff = &fee_current_tariff;
    fee->host = host;
    atomic_init(&fee->requests, 0);
    atomic_init(&fee->not_priced, 0);
    *self = fee;
    return SOGOV_PLUGIN_OK;
}

static void log_totals(fee_self *fee)
{
    const sogov_plugin_host *host = fee->host;
    if (host == NULL || host->size < sizeof *host || host->log == NULL)
        return;
    fee_line line = {0};
    fee_line_number(&line, atomic_load_explicit(&fee->requests, memory_order_relaxed));
    fee_line_text(&line, " requests, ");
    fee_line_number(&line, atomic_load_explicit(&fee->not_priced, memory_order_relaxed));
    fee_line_text(&line, " not priced");
    host->log(host->context, 3, line.bytes, line.len);
}

static int32_t fee_stop(void *self)
{
    log_totals(self);
    free(self);
    return SOGOV_PLUGIN_OK;
}

static int32_t fee_invoke(void *self, const void *request, size_t request_len, const sogov_writer *answer)
{
    fee_self *fee = self;
    fee_line line = {0};

    atomic_fetch_add_explicit(&fee->requests, 1, memory_order_relaxed);
    int32_t status = fee_price(fee->tariff, request, request_len, &line);
    if (status != SOGOV_PLUGIN_OK) {
        atomic_fetch_add_explicit(&fee->not_priced, 1, memory_order_relaxed);
        return status;
    }
    return answer->write(answer->context, line.bytes, line.len) == 0 ? SOGOV_PLUGIN_OK : SOGOV_PLUGIN_FAILED;
}

/* Prices a request that every tariff must serve. */
static int32_t fee_health(void *self)
{
    static const char probe[] = "amount=1.00 currency=CNY";
    const fee_self *fee = self;
    fee_line line = {0};

    return fee_price(fee->tariff, probe, sizeof probe - 1, &line) == SOGOV_PLUGIN_OK ? SOGOV_PLUGIN_OK
                                                                                      : SOGOV_PLUGIN_FAILED;
}
