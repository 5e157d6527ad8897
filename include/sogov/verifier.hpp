/* verifier.hpp - verifying in the background: a pool of threads, tickets and results. */
#ifndef SOGOV_VERIFIER_HPP
#define SOGOV_VERIFIER_HPP

#include "batch.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace sogov {

/// What became of a ticket: its number and a status, which is SOGOV_STATUS_OK when the signature is valid.
using verification_result = sogov_verification_result;

/// Takes the results of some tickets. Called on the threads of the pool, on several of them at once. It may call any
/// function but verifier::close(), and must not wait for room in the verifier. What it throws is dropped.
using results_listener = std::function<void(span<const verification_result>)>;

/// How a verifier works.
struct verifier_options {
    /// Threads, at most 1,024; 0: one for each processor that the process may use.
    std::uint32_t threads = 0;
    /// How long a ticket waits for others to share the processor's lanes with, in microseconds; 0: 50.
    std::uint32_t max_wait_us = 0;
    /// Tickets in flight, at most 1,048,576; 0: 4,096.
    std::size_t capacity = 0;
    /// Takes the results; without it they are polled.
    results_listener listener = {};
};

/// A pool of threads that verifies signatures. Tickets go in from any number of threads, and each comes back once.
///
/// Destroying it waits until every accepted ticket has its result and the threads have ended, and drops what was not
/// polled: free() tells how many those are. Inside of a callback of any verifier it cannot wait; the listener then
/// stays, for the callbacks that are still to come, as long as the process.
class verifier {
public:
    /// Opens a verifier and starts its threads, on which all signals are blocked.
    ///
    /// @return SOGOV_STATUS_INVALID_ARGUMENT for a number beyond its limit; SOGOV_STATUS_IO when a thread cannot be started
    static result<verifier> open(verifier_options options = {})
    {
        auto kept = std::make_unique<context>(context{std::move(options.listener), nullptr});
        sogov_verifier_options with = {};
        with.size = sizeof with;
        with.threads = options.threads;
        with.max_wait_us = options.max_wait_us;
        with.capacity = options.capacity;
        with.callback = kept->listener ? tell : nullptr;
        with.callback_context = kept.get();
        sogov_verifier *made = nullptr;
        auto done = detail::run([&](sogov_error **error) { return sogov_verifier_open(&with, &made, error); });
        if (!done)
            return std::move(done).error();
        return verifier(made, std::move(kept));
    }

    verifier(verifier &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), context_(std::move(other.context_))
    {
    }
    verifier &operator=(verifier &&other) noexcept
    {
        verifier taken(std::move(other));
        std::swap(handle_, taken.handle_);
        std::swap(context_, taken.context_);
        return *this;
    }
    ~verifier() { free(); }

    /// Hands in a signature to be verified; never waits. All that is given is copied, the key included.
    ///
    /// @param ticket comes back with the result; any number
    /// @return SOGOV_STATUS_BUSY when as many are in flight as may be; SOGOV_STATUS_CLOSED after close();
    ///         SOGOV_STATUS_LIMIT_EXCEEDED for a message of more than 16 MiB; SOGOV_STATUS_UNSUPPORTED in the child of a fork
    result<void> submit(const verification &item, std::uint64_t ticket, const signature_options &options = {}) const
    {
        const sogov_signature_options with = options.native();
        return detail::run([&](sogov_error **error) {
            return sogov_verifier_submit(handle_, &item, &with, ticket, error);
        });
    }

    /// Takes results of a verifier without a listener.
    ///
    /// @param results room for at least one
    /// @param timeout how long to wait for a first result; none: without a bound
    /// @return how many there were, 0 when none came in time; SOGOV_STATUS_CLOSED when the verifier was closed and every
    ///         result was polled
    result<std::size_t> poll(span<verification_result> results,
                             std::optional<std::chrono::microseconds> timeout = {}) const
    {
        std::size_t count = 0;
        const std::int64_t wait = timeout ? std::max<std::int64_t>(timeout->count(), 0) : -1;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_verifier_poll(handle_, results.data(), results.size(), wait, &count, error);
            },
            [&] { return count; });
    }

    /// A descriptor for event loops: readable while results wait, and for good when none will come any more. Neither read
    /// nor close it.
    result<int> event_fd() const
    {
        std::int32_t fd = -1;
        return detail::run([&](sogov_error **error) { return sogov_verifier_event_fd(handle_, &fd, error); },
                           [&] { return static_cast<int>(fd); });
    }

    /// Takes no more tickets, and waits until every ticket that was accepted has its result. Polling goes on.
    ///
    /// @return SOGOV_STATUS_DEADLOCK from inside a callback of any verifier
    result<void> close() const
    {
        return detail::run([&](sogov_error **error) { return sogov_verifier_close(handle_, error); });
    }

    /// Does at once what destroying does, and returns how many results were dropped because nobody had polled them.
    std::size_t free() noexcept
    {
        sogov_verifier *handle = std::exchange(handle_, nullptr);
        if (handle == nullptr)
            return 0;
        // Inside of a callback nothing is waited for: the pool's threads use the listener after this.
        if (sogov_verifier_close(handle, nullptr) == SOGOV_STATUS_DEADLOCK)
            leave_behind(context_.release());
        const std::size_t dropped = sogov_verifier_free(handle);
        context_.reset();
        return dropped;
    }

    /// For calls of sogov.h; borrowed.
    const sogov_verifier *native() const noexcept { return handle_; }

private:
    /// What the library calls. Its address stays while the verifier is moved.
    struct context {
        results_listener listener;
        context *next;
    };

    verifier(sogov_verifier *owned, std::unique_ptr<context> kept) noexcept : handle_(owned), context_(std::move(kept)) {}

    static void tell(void *given, const sogov_verification_result *results, std::size_t count) noexcept
    {
        detail::contain([&] { static_cast<context *>(given)->listener({results, count}); });
    }

    /// Keeps it for ever: the library does not say when the last callback has returned.
    static void leave_behind(context *left) noexcept
    {
        left->next = left_behind.load();
        while (!left_behind.compare_exchange_weak(left->next, left)) {
        }
    }

    /// A list that is never walked; by it tools that look for leaks find what is still in use.
    inline static std::atomic<context *> left_behind = nullptr;

    sogov_verifier *handle_ = nullptr;
    std::unique_ptr<context> context_;
};

} // namespace sogov

#endif /* SOGOV_VERIFIER_HPP */
