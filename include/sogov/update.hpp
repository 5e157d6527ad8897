/* update.hpp - hot update: what is asked of a new version, and how far it has come. engine::update() does it. */
#ifndef SOGOV_UPDATE_HPP
#define SOGOV_UPDATE_HPP

#include "result.hpp"

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sogov {

/// The steps of an update, and where in a step a report comes from.
using update_step = sogov_update_step;
using update_phase = sogov_update_phase;
/// What becomes of the state, and what a step comes to that ends with fewer calls than it asks for.
using update_state = sogov_update_state;
using update_no_data = sogov_update_no_data;
/// A time of observation of the new version: {share of 10,000, hold_ms, calls}.
using gray_step = sogov_update_gray;
/// A copy of a request that two versions answered differently: sizes and digests, no content.
using update_mismatch = sogov_update_mismatch;

/// How far an update has come. Valid during the callback.
struct update_progress {
    update_step step;
    update_phase phase;
    /// The new version's share of the requests, in 10,000.
    std::uint32_t share;
    /// Milliseconds since the step began; calls of the new version since then, and those that failed.
    std::uint64_t elapsed_ms;
    std::uint64_t calls;
    std::uint64_t failures;
    /// Copies of requests: compared, answered otherwise, and without room.
    std::uint64_t compared;
    std::uint64_t mismatched;
    std::uint64_t dropped;
    /// One of the first mismatches, or NULL.
    const update_mismatch *mismatch;
    /// With SOGOV_UPDATE_STEP_ROLLED_BACK why; else empty.
    std::string_view message;
};

/// Takes the progress on the thread that called engine::update(), at least every 50 ms where the update waits. `false`
/// cancels the update, until the version is promoted. So does an exception, which update() throws again when the library
/// has ended the update.
using progress_listener = std::function<bool(const update_progress &)>;

/// How a version is to take over. The defaults load, test and promote it at once.
struct update_options {
    /// Who asks, and why: both go into the log.
    std::string actor = {};
    std::string reason = {};
    /// The signature file; empty: the plugin's path with ".sogsig" behind it, if there is one.
    std::string signature_path = {};
    progress_listener progress = {};
    /// Growing shares, one after the other; none with SOGOV_UPDATE_STATE_HANDOVER. At most 64.
    std::vector<gray_step> gray = {};
    /// How many requests to send to the new version as copies, and how many of them may be answered otherwise.
    std::uint64_t shadow_requests = 0;
    std::uint64_t shadow_mismatches = 0;
    /// For how many calls, and milliseconds, the new version serves everybody before it is promoted.
    std::uint64_t probation_calls = 0;
    std::uint32_t probation_ms = 0;
    /// How many milliseconds to wait for the requests to copy; 0: 10,000.
    std::uint32_t shadow_ms = 0;
    update_state state = SOGOV_UPDATE_STATE_NONE;
    /// For how many milliseconds requests may wait in a handover, at most 60,000; 0: 1,000.
    std::uint32_t handover_ms = 0;
    /// How many of 10,000 calls of the new version may fail in a gray step or in the probation; 0: 100.
    std::uint32_t tolerated_failures = 0;
    update_no_data on_no_data = SOGOV_UPDATE_NO_DATA_FAIL;
    /// A version that failed stays loaded.
    bool keep_failed = false;
    /// For how many milliseconds unloading a version that failed waits for leases; 0: 5,000.
    std::uint32_t drain_ms = 0;
    /// Return only when the new state is on the disk.
    bool wait_durable = false;
    /// The new version gets a namespace of its own.
    bool isolated = false;
    /// The bill of materials that the statement binds; empty: the plugin's path with ".sbom.json" behind it.
    std::string sbom_path = {};
};

namespace detail {

/// Hands the progress to the listener, and keeps what it throws for after the update.
class follower {
public:
    explicit follower(const progress_listener &listener) noexcept : listener_(listener) {}

    static std::int32_t tell(void *context, const sogov_update_progress *progress) noexcept
    {
        auto &self = *static_cast<follower *>(context);
#if SOGOV_HPP_EXCEPTIONS
        try {
            return self.listener_(told(*progress)) ? 0 : 1;
        } catch (...) {
            if (!self.thrown_)
                self.thrown_ = std::current_exception();
            return 1;
        }
#else
        return self.listener_(told(*progress)) ? 0 : 1;
#endif
    }

    void rethrow() const
    {
#if SOGOV_HPP_EXCEPTIONS
        if (thrown_)
            std::rethrow_exception(thrown_);
#endif
    }

private:
    static update_progress told(const sogov_update_progress &from) noexcept
    {
        return {from.step,     from.phase,      from.share,   from.elapsed_ms, from.calls,
                from.failures, from.compared,   from.mismatched, from.dropped, from.mismatch,
                {from.message, from.message_len}};
    }

    const progress_listener &listener_;
    std::exception_ptr thrown_;
};

inline sogov_update_options native(const update_options &from, follower &follows)
{
    sogov_update_options made = {};
    made.size = sizeof made;
    made.actor = from.actor.data();
    made.actor_len = from.actor.size();
    made.reason = from.reason.data();
    made.reason_len = from.reason.size();
    made.signature_path = from.signature_path.data();
    made.signature_path_len = from.signature_path.size();
    made.progress = from.progress ? follower::tell : nullptr;
    made.progress_context = &follows;
    made.gray = from.gray.data();
    made.gray_count = from.gray.size();
    made.shadow_requests = from.shadow_requests;
    made.shadow_mismatches = from.shadow_mismatches;
    made.probation_calls = from.probation_calls;
    made.probation_ms = from.probation_ms;
    made.shadow_ms = from.shadow_ms;
    made.state = static_cast<std::uint32_t>(from.state);
    made.handover_ms = from.handover_ms;
    made.tolerated_failures = from.tolerated_failures;
    made.on_no_data = static_cast<std::uint32_t>(from.on_no_data);
    made.keep_failed = from.keep_failed;
    made.drain_ms = from.drain_ms;
    made.wait_durable = from.wait_durable;
    made.isolated = from.isolated;
    made.sbom_path = from.sbom_path.data();
    made.sbom_path_len = from.sbom_path.size();
    return made;
}

} // namespace detail
} // namespace sogov

#endif /* SOGOV_UPDATE_HPP */
