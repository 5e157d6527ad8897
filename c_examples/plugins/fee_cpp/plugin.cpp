// plugin.cpp - the plugin "fee" in C++ as its host sees it. The pricing is in tariff.cpp.
#include "tariff.hpp"

#include <sogov_plugin.h>

#include <atomic>
#include <memory>

namespace {

/// One instance. Counted by all threads, read once they are gone: relaxed order is enough.
struct instance {
    const sogov_plugin_host *host;
    std::atomic<std::uint64_t> requests = 0;
    std::atomic<std::uint64_t> not_priced = 0;

    explicit instance(const sogov_plugin_host *its_host) : host(its_host) {}
};

/// No exception may reach the host: std::bad_alloc is one that any of these can meet.
template <class Body> std::int32_t guarded(Body &&body) noexcept
try {
    return body();
} catch (...) {
    return SOGOV_PLUGIN_FAILED;
}

std::int32_t start(const sogov_plugin_host *host, void **self)
{
    return guarded([&] {
        *self = new instance(host);
        return SOGOV_PLUGIN_OK;
    });
}

void log_totals(const instance &fee)
{
    const sogov_plugin_host *host = fee.host;
    if (host == nullptr || host->size < sizeof *host || host->log == nullptr)
        return;
    const std::string line =
        std::to_string(fee.requests.load()) + " requests, " + std::to_string(fee.not_priced.load()) + " not priced";
    host->log(host->context, 3, line.data(), line.size());
}

std::int32_t stop(void *self)
{
    return guarded([&] {
        const std::unique_ptr<instance> fee(static_cast<instance *>(self));
        log_totals(*fee);
        return SOGOV_PLUGIN_OK;
    });
}

std::int32_t invoke(void *self, const void *request, std::size_t request_len, const sogov_writer *answer)
{
    auto &fee = *static_cast<instance *>(self);
    return guarded([&]() -> std::int32_t {
        fee.requests.fetch_add(1, std::memory_order_relaxed);
        try {
            const std::string line = fee::price({static_cast<const char *>(request), request_len});
            return answer->write(answer->context, line.data(), line.size()) == 0 ? SOGOV_PLUGIN_OK
                                                                                 : SOGOV_PLUGIN_FAILED;
        } catch (const fee::refusal &refusal) {
            fee.not_priced.fetch_add(1, std::memory_order_relaxed);
            return static_cast<std::int32_t>(refusal);
        }
    });
}

/// Prices a request that every tariff must serve.
std::int32_t health(void *)
{
    return guarded([] {
        fee::price("amount=1.00 currency=CNY");
        return SOGOV_PLUGIN_OK;
    });
}

} // namespace

extern "C" {
// A constant has no linkage of its own in C++ without this.
extern __attribute__((visibility("default"))) const sogov_plugin SOGOV_PLUGIN_SYMBOL;
const sogov_plugin SOGOV_PLUGIN_SYMBOL = {
    sizeof(sogov_plugin), SOGOV_PLUGIN_ABI, 0, "fee", start, stop, invoke, health,
    0, 0, nullptr, nullptr, nullptr, 0, nullptr, 0,
};
}
