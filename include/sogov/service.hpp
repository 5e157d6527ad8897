/* service.hpp - requests: calls through the version that the route policy picks, and leases on it. */
#ifndef SOGOV_SERVICE_HPP
#define SOGOV_SERVICE_HPP

#include "result.hpp"
#include "view.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sogov {

/// Why a request went to the version it went to.
using route_reason = sogov_route_reason;
/// How a call under a lease ended, as the caller saw it.
using outcome = sogov_outcome;
/// A header of a request: make_header() makes it.
using header = sogov_header;

/// A header; name and value are borrowed as long as it is used.
inline header make_header(std::string_view name, byte_view value) noexcept
{
    return {name.data(), name.size(), value.data(), value.size()};
}

/// What the route policy may look at. Borrows the user's key and the headers: make it where it is used.
class request {
public:
    /// Nothing is known.
    request() noexcept = default;
    /// @param user_key what identifies the user, any bytes; empty counts as unknown
    /// @param headers at most 64
    request(byte_view user_key, span<const header> headers = {}) noexcept
        : native_{sizeof(sogov_request), user_key.data(), user_key.size(), headers.data(), headers.size()}
    {
    }

    /// For calls of sogov.h.
    const sogov_request *native() const noexcept { return &native_; }

private:
    sogov_request native_ = {sizeof(sogov_request), nullptr, 0, nullptr, 0};
};

/// What a call came to: the answer, the version that gave it, and why it was this one. Hand the same object to one call
/// after the other: its memory is kept. One thread at a time.
class answer {
public:
    /// The answer's bytes; after a failure what the plugin had written. Borrowed until the next call.
    byte_view bytes() const noexcept { return content_.bytes(); }
    /// The same as a text.
    std::string_view text() const noexcept { return content_.text(); }
    operator byte_view() const noexcept { return bytes(); }

    /// The version's label; empty when none was reached. Borrowed until the next call.
    std::string_view version() const noexcept { return info_.version; }
    /// Why it was this version.
    route_reason reason() const noexcept { return info_.reason; }
    /// What the plugin's `invoke` returned; 0 when it was not reached.
    std::int32_t plugin_status() const noexcept { return info_.plugin_status; }

private:
    friend class service;
    buffer content_;
    sogov_call_info info_ = SOGOV_CALL_INFO_INIT;
};

/// The right to call into one version, which stays mapped until the lease is released. Any thread may use and release
/// it; it is good beyond its service and its engine. A lease that is destroyed is released with SOGOV_OUTCOME_NEUTRAL,
/// which counts as no call: say release(SOGOV_OUTCOME_SUCCESS) where something was learned of the version.
class lease {
public:
    lease() noexcept = default;
    lease(lease &&other) noexcept : number_(std::exchange(other.number_, 0)) {}
    lease &operator=(lease &&other) noexcept
    {
        lease taken(std::move(other));
        std::swap(number_, taken.number_);
        return *this;
    }
    ~lease()
    {
        if (number_ != 0)
            sogov_lease_release(number_, SOGOV_OUTCOME_NEUTRAL, nullptr);
    }

    /// The version's label.
    result<std::string> version() const
    {
        char label[SOGOV_LABEL_SIZE] = "";
        return detail::run([&](sogov_error **error) { return sogov_lease_version(number_, label, error); },
                           [&] { return std::string(label); });
    }

    /// A symbol that the version exports, as a pointer to T, which nothing checks:
    ///
    ///     auto rate = lease.symbol<std::int64_t(std::int64_t)>("rate_ppm").value();
    ///
    /// Good until the lease is released; look it up again under each lease. Not for a temporary lease, under which it
    /// could not be used.
    ///
    /// @param symbol_version its symbol version, such as "FEE_1.0"; empty: the default one
    /// @return SOGOV_STATUS_NOT_FOUND when the version exports no such symbol; SOGOV_STATUS_LEASE_GONE
    template <class T> result<T *> symbol(std::string_view name, std::string_view symbol_version = {}) const &
    {
        void *address = nullptr;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_lease_symbol(number_, name.data(), name.size(), symbol_version.data(),
                                          symbol_version.size(), &address, error);
            },
            [&] { return reinterpret_cast<T *>(address); });
    }
    template <class T> result<T *> symbol(std::string_view, std::string_view = {}) const && = delete;

    /// A level-1 plugin's descriptor (sogov_plugin.h), and the pointer that its functions take.
    struct plugin_view {
        const sogov_plugin *descriptor;
        void *self;
    };

    /// The level-1 plugin of the version. Both pointers are good until the lease is released.
    ///
    /// @return SOGOV_STATUS_UNSUPPORTED for a level-0 plugin and an isolated one; SOGOV_STATUS_LEASE_GONE
    result<plugin_view> plugin() const &
    {
        plugin_view found = {nullptr, nullptr};
        return detail::run(
            [&](sogov_error **error) {
                return sogov_lease_plugin(number_, &found.descriptor, &found.self, error);
            },
            [&] { return found; });
    }
    result<plugin_view> plugin() const && = delete;

    /// Gives the lease back: from then on nothing of its version may be used on its account.
    ///
    /// @param how counted for the version
    /// @return SOGOV_STATUS_LEASE_GONE for one that was released before, or was inherited through fork()
    result<void> release(outcome how)
    {
        const sogov_lease number = std::exchange(number_, 0);
        return detail::run([&](sogov_error **error) {
            return sogov_lease_release(number, static_cast<std::uint32_t>(how), error);
        });
    }

    /// Whether there is something to release.
    explicit operator bool() const noexcept { return number_ != 0; }

    /// For calls of sogov.h; 0 after the release.
    sogov_lease native() const noexcept { return number_; }

private:
    friend class service;
    explicit lease(sogov_lease number) noexcept : number_(number) {}
    sogov_lease number_ = 0;
};

/// A service, looked up once (engine::service()) and used for every request. May outlive its engine, and answers
/// SOGOV_STATUS_CLOSED then.
class service {
public:
    /// Sends a request through the version that the route policy picks, in one step: route, lease, invoke, outcome and
    /// release. For level-1 plugins. Takes no lock, and allocates only when the answer outgrows its memory.
    ///
    /// @param input the request's bytes; may not point into `answer`
    /// @param request what the route policy may look at
    /// @param answer receives what became of the call, also when it failed
    /// @return SOGOV_STATUS_PLUGIN_FAILED when `invoke` returned another number than 0; SOGOV_STATUS_NO_VERSION without a
    ///         stable version; SOGOV_STATUS_CLOSED after the engine; SOGOV_STATUS_UNSUPPORTED for a level-0 plugin
    result<void> call(byte_view input, const request &request, answer &answer) const
    {
        answer.info_ = SOGOV_CALL_INFO_INIT;
        return detail::run([&](sogov_error **error) {
            return sogov_call(handle_.get(), request.native(), input.data(), input.size(), answer.content_.native(),
                              &answer.info_, error);
        });
    }

    /// The same with an answer of its own, which a failure leaves nothing of.
    result<answer> call(byte_view input, const request &request = {}) const
    {
        answer made;
        if (auto done = call(input, request, made); !done)
            return std::move(done).error();
        return made;
    }

    /// Picks the version for a request and hands out a lease on it. Takes no lock and allocates nothing.
    ///
    /// @return SOGOV_STATUS_NO_VERSION, SOGOV_STATUS_CLOSED; SOGOV_STATUS_LIMIT_EXCEEDED beyond 65,536 leases in flight
    result<lease> route(const request &request = {}) const
    {
        sogov_lease number = 0;
        return detail::run(
            [&](sogov_error **error) { return sogov_route(handle_.get(), request.native(), &number, error); },
            [&] { return lease(number); });
    }

    /// For calls of sogov.h; borrowed.
    const sogov_service *native() const noexcept { return handle_.get(); }

private:
    friend class engine;
    struct release {
        void operator()(sogov_service *handle) const noexcept { sogov_service_free(handle); }
    };
    explicit service(sogov_service *owned) noexcept : handle_(owned) {}
    std::unique_ptr<sogov_service, release> handle_;
};

} // namespace sogov

#endif /* SOGOV_SERVICE_HPP */
