/* engine.hpp - engines: what may run, what serves, and who changes it. */
#ifndef SOGOV_ENGINE_HPP
#define SOGOV_ENGINE_HPP

#include "key.hpp"
#include "package.hpp"
#include "result.hpp"
#include "service.hpp"
#include "update.hpp"
#include "view.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sogov {

/// How much a line of the log matters; what happened to a version; where it stands, and where its breaker does.
using log_level = sogov_log_level;
using event_kind = sogov_event_kind;
using standing = sogov_standing;
using breaker = sogov_breaker;
/// Whether versions are tried in a child process first.
using preflight = sogov_preflight;
using symbol_collisions = sogov_symbol_collisions;

/// What happened to a version without anybody having asked for it. Texts are borrowed for the callback.
struct event {
    event_kind kind;
    std::string_view service;
    std::string_view version;
    /// The reason, for people.
    std::string_view detail;
};

/// Takes a line of the log, UTF-8, borrowed for the callback. Called on any thread, also on several at once; it may call
/// any function of the library, but not destroy its own engine. What it throws is dropped.
using log_listener = std::function<void(log_level, std::string_view)>;

/// Takes an event. The same rules hold; it should be quick, as a request may be waiting for it.
using event_listener = std::function<void(const event &)>;

/// A place in an audit trail: everything up to it is fixed by the hash.
struct audit_position {
    /// The number of a record; 0 for none.
    std::uint64_t record = 0;
    sogov::digest hash = {};
};

/// How an engine records what it does, in the audit trail of its state directory, which it needs then; docs/audit.md.
struct audit_options {
    /// A change is refused, before it happens, when it cannot be recorded; otherwise that is logged.
    bool required = false;
    /// Signs checkpoints; needed until the engine is open. nullptr: there are none.
    const private_key *checkpoint_key = nullptr;
    /// After how many records a checkpoint is signed; 0: 256.
    std::uint32_t checkpoint_every = 0;
    /// Bytes after which a new file begins, and bytes of all files together; 0: 4 MiB, and 64 times as many.
    std::uint64_t segment_size = 0;
    std::uint64_t total_size = 0;
    /// Actors and reasons are recorded as codes under this key of 16 to 1,024 bytes; empty: in clear.
    std::vector<std::uint8_t> pseudonym_key = {};
};

/// What was found in an audit trail that is as it was written.
struct audit_report {
    /// The number of the first record that is kept, and the last record.
    std::uint64_t first = 0;
    audit_position head = {};
    std::uint64_t segments = 0;
    std::uint64_t checkpoints = 0;
    /// The number of the last checkpoint; 0 where there is none, or no key was given.
    std::uint64_t signed_up_to = 0;
    /// How many times the rest of a torn record was taken away.
    std::uint64_t recovered = 0;
};

/// What an engine needs to know. The defaults make one that can load nothing.
struct engine_options {
    /// The trust directory. Without one no plugin can be loaded.
    std::string trust_directory = {};
    /// One of these keys must have signed the trust document; none: the development mode.
    std::vector<key_id> root_keys = {};
    /// The state directory, made where it is missing. Without one nothing outlives the process.
    std::string state_directory = {};
    log_listener log = {};
    event_listener event = {};
    /// How many retired versions of each service stay mapped for a way back, and how many bytes of address space they may
    /// take together; 0: 2, and 256 MiB.
    std::size_t parked_versions = 0;
    std::size_t parked_bytes = 0;
    sogov::preflight preflight = SOGOV_PREFLIGHT_REQUIRED;
    /// How long a preflight may last, how much memory and how much processor time it may use; 0: 5,000 ms, 512 MiB, and as
    /// long as it may last.
    std::uint32_t preflight_ms = 0;
    std::uint32_t preflight_memory_mib = 0;
    std::uint32_t preflight_cpu_ms = 0;
    /// What becomes of a plugin that uses symbols of its own which the program defines too.
    sogov::symbol_collisions symbol_collisions = SOGOV_SYMBOL_COLLISIONS_REFUSE;
    /// A crash of a plugin ends its call, not the process: see sogov_engine_options before you use it.
    bool contain_crashes = false;
    /// A key of hmac-sha256 that codes the receipts of installed packages; without it none is installed. It must not lie in the
    /// state directory. Borrowed until the engine is open.
    const private_key *receipt_key = nullptr;
    /// How what is done is recorded; without it nothing is.
    std::optional<audit_options> audit = {};
    /// How many of the root keys must have signed the trust document; 0: 1.
    std::uint32_t root_threshold = 0;
    /// How often a background thread looks at the trust directory for what is revoked; see sogov_engine_options.
    std::uint32_t trust_check_ms = 0;
    /// The number of the set of root keys that root_keys are; 0: 1. Later sets stand in the trust directory.
    std::uint64_t root_set = 0;
};

/// Who asks for a change, and why (both go into the log); and what a change may be told beside that.
struct change_options {
    std::string actor = {};
    std::string reason = {};
    /// Return only when the new state is on the disk.
    bool wait_durable = false;
    /// load_versioned(): the signature file; empty: the plugin's path with ".sogsig" behind it, if there is one.
    std::string signature_path = {};
    /// load_versioned(): the version gets a namespace of its own.
    bool isolated = false;
    /// unload(): for how many milliseconds to wait for leases; 0: 5,000.
    std::uint32_t drain_ms = 0;
    /// unload(): give up a version on which leases are left. It stays mapped for ever.
    bool force = false;
    /// load_versioned(): the bill of materials that the statement binds; empty: the plugin's path with ".sbom.json" behind it.
    std::string sbom_path = {};
};

/// A version as it stood at one moment.
struct version_info {
    std::string service = {};
    std::string version = {};
    sogov::standing standing = SOGOV_STANDING_LOADED;
    /// The engine takes the trust document without a signature by root keys.
    bool development = false;
    /// The artifact's digest, and the epoch of its statement.
    sogov::digest digest = {};
    std::uint64_t epoch = 0;
    /// Leases that are out; those released with success or failure; those released with failure.
    std::uint64_t in_flight = 0;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
    /// Why it is pinned: a word such as tls, thread or go, a colon and the evidence. Empty otherwise.
    std::string pin_reason = {};
    sogov::breaker breaker = SOGOV_BREAKER_CLOSED;
    /// For how many milliseconds the breaker stays open, and how often it opened.
    std::uint64_t breaker_open_ms = 0;
    std::uint64_t breaker_opened = 0;
    /// It has a namespace of its own.
    bool isolated = false;
};

namespace detail {
inline audit_position copied(const sogov_audit_position &from)
{
    audit_position to;
    to.record = from.record;
    std::copy(std::begin(from.hash), std::end(from.hash), to.hash.begin());
    return to;
}
} // namespace detail

/// Looks whether an audit trail is as it was written. Engines may be writing it meanwhile.
///
/// @param directory the state directory, or that of a trail
/// @param keys one of them must have signed each checkpoint, of which there must be one then; none: signatures are not
///        looked at
/// @param expected a record that must be there
/// @return SOGOV_STATUS_AUDIT_BROKEN with the place; SOGOV_STATUS_NOT_FOUND where there is no trail
inline result<audit_report> audit_verify(std::string_view directory, const std::vector<const key *> &keys = {},
                                         std::optional<audit_position> expected = {})
{
    std::vector<const sogov_key *> handles;
    for (const key *one : keys)
        handles.push_back(one->native());
    sogov_audit_position place = {};
    if (expected) {
        place.record = expected->record;
        std::copy(expected->hash.begin(), expected->hash.end(), std::begin(place.hash));
    }
    sogov_audit_report found = SOGOV_AUDIT_REPORT_INIT;
    return detail::run(
        [&](sogov_error **error) {
            return sogov_audit_verify(directory.data(), directory.size(), handles.data(), handles.size(),
                                      expected ? &place : nullptr, &found, error);
        },
        [&] {
            return audit_report{found.first,       detail::copied(found.head), found.segments,
                                found.checkpoints, found.signed_up_to,         found.recovered};
        });
}

/// How trust stands; sogov_trust_info says more.
struct trust_info {
    /// The epoch of trust.json, the number of denylist.json (0: there is none) and of the set of root keys.
    std::uint64_t document_epoch = 0;
    std::uint64_t denylist_number = 0;
    std::uint64_t root_set = 0;
    /// Loaded versions that are revoked, and those among them that serve.
    std::uint64_t revoked = 0;
    std::uint64_t revoked_serving = 0;
    /// The time that decisions go by, in seconds since 1970.
    std::uint64_t time = 0;
    /// 0: the clock is believed; 1: it was set back; 2: it jumped ahead.
    std::uint32_t clock = 0;
    /// What was accepted is remembered in the state directory.
    bool durable = false;
};

/// Trust, services and versions of one program; usually there is one a process. Any number of threads may use it at once.
///
/// Destroying it ends its services; what is on its way to the disk gets there, and versions without leases are stopped and
/// unmapped. Leases stay good. Afterwards the listeners are not called any more. Do not destroy it inside of a plugin, or
/// of one of its listeners.
class engine {
public:
    /// Opens an engine. With a state directory, the last stable version of every service serves again.
    ///
    /// @return SOGOV_STATUS_TRUST_INVALID, SOGOV_STATUS_EXPIRED for an unsound trust directory; SOGOV_STATUS_IO,
    ///         SOGOV_STATUS_NOT_FOUND for directories that cannot be opened
    static result<engine> open(engine_options options = {});

    /// The last record of the audit trail, to be kept where nobody who can write the state directory can write.
    ///
    /// @param checkpoint sign and make durable first what was recorded
    /// @return SOGOV_STATUS_NOT_FOUND when the engine records nothing
    result<audit_position> audit_head(bool checkpoint = false) const
    {
        sogov_audit_position place = {};
        return detail::run(
            [&](sogov_error **error) { return sogov_audit_head(native(), checkpoint ? 1 : 0, &place, error); },
            [&] { return detail::copied(place); });
    }

    /// Looks a service up. One that has no version yet comes into being.
    ///
    /// @param name 1 to 64 characters out of A-Z a-z 0-9 . _ -, no dot in front
    result<sogov::service> service(std::string_view name) const
    {
        sogov_service *made = nullptr;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_service_open(native(), name.data(), name.size(), &made, error);
            },
            [&] { return sogov::service(made); });
    }

    /// Loads a plugin file: its signatures must meet the trust policy, and exactly the verified bytes are mapped. It
    /// serves nobody until promote() or a route policy names it.
    ///
    /// @param version the label, which must be the statement's; empty takes the statement's
    /// @return SOGOV_STATUS_BUSY when the label is in use; the codes of trust (4xx), loading (5xx) and plugins (7xx)
    result<version_info> load_versioned(std::string_view service, std::string_view version, std::string_view path,
                                        const change_options &options = {}) const
    {
        const auto with = native(options);
        return informed([&](sogov_version_info *info, sogov_error **error) {
            return sogov_load_versioned(native(), service.data(), service.size(), version.data(), version.size(),
                                        path.data(), path.size(), &with, info, error);
        });
    }

    /// Replaces the stable version by a plugin file, step by step, on this thread. Each step can fail, and leaves the old
    /// version serving everybody.
    ///
    /// @param version as for load_versioned()
    /// @return what is known of the new stable version; SOGOV_STATUS_UPDATE_FAILED when a step was not passed,
    ///         SOGOV_STATUS_CANCELLED by the listener: the message names the step; see sogov_update() for the rest
    result<version_info> update(std::string_view service, std::string_view version, std::string_view path,
                                const update_options &options = {}) const
    {
        detail::follower follower(options.progress);
        const auto with = detail::native(options, follower);
        auto done = informed([&](sogov_version_info *info, sogov_error **error) {
            return sogov_update(native(), service.data(), service.size(), version.data(), version.size(), path.data(),
                                path.size(), &with, info, error);
        });
        follower.rethrow();
        return done;
    }

    /// Decrypts an update package, verifies all of it, and installs it into the state directory: its files appear together, or
    /// not at all. The engine needs a receipt key.
    ///
    /// @param audience the name of this host
    /// @return the directory with the package's files; SOGOV_STATUS_PACKAGE_INVALID, SOGOV_STATUS_WRONG_AUDIENCE,
    ///         SOGOV_STATUS_REPLAYED and others: see sogov_install()
    result<std::string> install(std::string_view path, const recipient_key &key, std::string_view audience,
                                std::string_view actor = {}, std::string_view reason = {}) const
    {
        sogov_install_options with = {};
        with.size = sizeof with;
        with.audience = audience.data();
        with.audience_len = audience.size();
        with.actor = actor.data();
        with.actor_len = actor.size();
        with.reason = reason.data();
        with.reason_len = reason.size();
        buffer directory;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_install(native(), path.data(), path.size(), key.native(), &with, directory.native(), error);
            },
            [&] { return std::string(directory.bytes().text()); });
    }

    /// Whether an installed file is the one that was installed.
    ///
    /// @return SOGOV_STATUS_NOT_FOUND for a file that no package brought; SOGOV_STATUS_MODIFIED when the receipt was altered
    result<package_standing> check_package(std::string_view path) const
    {
        package_standing found = SOGOV_PACKAGE_STANDING_UNTOUCHED;
        return detail::run(
            [&](sogov_error **error) { return sogov_package_check(native(), path.data(), path.size(), &found, error); },
            [&] { return found; });
    }

    /// Puts a route policy in force, whole, or refuses it and changes nothing.
    ///
    /// @param document JSON, at most 1 MiB; docs/conventions.md has its fields
    /// @return SOGOV_STATUS_ROUTE_POLICY_INVALID with the place and the reason in the message
    result<void> apply_route_policy(std::string_view service, std::string_view document,
                                    const change_options &options = {}) const
    {
        const auto with = native(options);
        const byte_view bytes(document);
        return detail::run([&](sogov_error **error) {
            return sogov_route_policy_apply(native(), service.data(), service.size(), bytes.data(), bytes.size(), &with,
                                            error);
        });
    }

    /// Makes a loaded, gray or retired version the stable one, for everybody. Calls in flight end where they began.
    ///
    /// @return SOGOV_STATUS_NOT_FOUND when no such version is loaded; SOGOV_STATUS_PINNED when it was stopped already
    result<version_info> promote(std::string_view service, std::string_view version,
                                 const change_options &options = {}) const
    {
        const auto with = native(options);
        return informed([&](sogov_version_info *info, sogov_error **error) {
            return sogov_promote(native(), service.data(), service.size(), version.data(), version.size(), &with, info,
                                 error);
        });
    }

    /// Takes back the newest exposure: gray versions while there are any, else the stable one. No call is lost.
    ///
    /// @return what is known of the version that serves now; SOGOV_STATUS_NOT_FOUND when there is nothing to go back to
    result<version_info> rollback(std::string_view service, const change_options &options = {}) const
    {
        const auto with = native(options);
        return informed([&](sogov_version_info *info, sogov_error **error) {
            return sogov_rollback(native(), service.data(), service.size(), &with, info, error);
        });
    }

    /// Waits until no lease is on a loaded or retired version, stops it, unmaps it and proves that it is gone.
    ///
    /// @return SOGOV_STATUS_BUSY while it is stable or gray, or when leases were left; SOGOV_STATUS_DEADLOCK from inside a
    ///         call of it; SOGOV_STATUS_PINNED when it has to stay mapped, with the reason in the message
    result<void> unload(std::string_view service, std::string_view version, const change_options &options = {}) const
    {
        const auto with = native(options);
        return detail::run([&](sogov_error **error) {
            return sogov_unload(native(), service.data(), service.size(), version.data(), version.size(), &with, error);
        });
    }

    /// Lists versions in the order in which they were loaded.
    ///
    /// @param service one service; empty: all
    /// @return SOGOV_STATUS_NOT_FOUND for a service that is not known
    result<std::vector<version_info>> versions(std::string_view service = {}) const;

    /// Decides over a plugin file as load_versioned() would, and loads nothing.
    ///
    /// @param version an empty one takes any
    /// @return the artifact's digest; the codes of trust and loading (4xx, 5xx) where the engine would not load it
    result<digest> verify_file(std::string_view service, std::string_view version, std::string_view path) const
    {
        digest found = {};
        return detail::run(
            [&](sogov_error **error) {
                return sogov_file_verify(native(), service.data(), service.size(), version.data(), version.size(),
                                         path.data(), path.size(), found.data(), error);
            },
            [&] { return found; });
    }

    /// Looks at the trust directory now, and takes out of service what it revokes.
    ///
    /// @return how trust stands; SOGOV_STATUS_TRUST_INVALID, SOGOV_STATUS_EXPIRED, SOGOV_STATUS_BELOW_FLOOR for something older
    ///         than what was accepted before, SOGOV_STATUS_CLOCK_REFUSED
    result<trust_info> refresh_trust(const change_options &options = {}) const
    {
        const auto with = native(options);
        sogov_trust_info found = SOGOV_TRUST_INFO_INIT;
        return detail::run(
            [&](sogov_error **error) { return sogov_trust_refresh(native(), &with, &found, error); },
            [&] {
                return trust_info{found.document_epoch,  found.denylist_number, found.root_set, found.revoked,
                                  found.revoked_serving, found.time,            found.clock,    found.durable != 0};
            });
    }

    /// Takes the machine's clock for right after it jumped ahead, on the word of the options' actor, who gives a reason.
    ///
    /// @return the time in seconds since 1970; SOGOV_STATUS_INVALID_ARGUMENT without actor or reason,
    ///         SOGOV_STATUS_CLOCK_REFUSED for a clock that is behind
    result<std::uint64_t> confirm_time(const change_options &options) const
    {
        const auto with = native(options);
        std::uint64_t time = 0;
        return detail::run(
            [&](sogov_error **error) { return sogov_trust_confirm_time(native(), &with, &time, error); },
            [&] { return time; });
    }

    /// Does at once what destroying does. Later uses answer an error.
    void close() noexcept { handle_.reset(); }

    /// For calls of sogov.h; borrowed.
    const sogov_engine *native() const noexcept { return handle_.get(); }

private:
    /// What the library calls. Its address stays while the engine is moved.
    struct listeners {
        log_listener log;
        event_listener event;

        static void take_log(void *context, log_level level, const char *message, std::size_t len) noexcept
        {
            detail::contain([&] { static_cast<listeners *>(context)->log(level, {message, len}); });
        }
        static void take_event(void *context, const sogov_event *told) noexcept
        {
            detail::contain([&] {
                static_cast<listeners *>(context)->event({told->kind,
                                                          {told->service, told->service_len},
                                                          {told->version, told->version_len},
                                                          {told->detail, told->detail_len}});
            });
        }
    };

    /// Frees the engine first, then what it may have been calling until then; in assignments too.
    struct release {
        std::unique_ptr<listeners> kept;
        void operator()(sogov_engine *handle) noexcept
        {
            sogov_engine_free(handle);
            kept.reset();
        }
    };

    engine(sogov_engine *owned, std::unique_ptr<listeners> kept) noexcept : handle_(owned, release{std::move(kept)}) {}

    static sogov_change_options native(const change_options &from) noexcept;
    static version_info copied(const sogov_version_info &from);

    /// Makes a call that tells of a version.
    template <class Call> static result<version_info> informed(Call &&call)
    {
        sogov_version_info info = SOGOV_VERSION_INFO_INIT;
        return detail::run([&](sogov_error **error) { return call(&info, error); }, [&] { return copied(info); });
    }

    std::unique_ptr<sogov_engine, release> handle_;
};

inline result<engine> engine::open(engine_options options)
{
    auto kept = std::make_unique<listeners>(listeners{std::move(options.log), std::move(options.event)});
    std::vector<std::uint8_t> ids;
    for (const key_id &id : options.root_keys)
        ids.insert(ids.end(), id.bytes.begin(), id.bytes.end());
    sogov_engine_options with = {};
    with.size = sizeof with;
    with.trust_directory = options.trust_directory.data();
    with.trust_directory_len = options.trust_directory.size();
    with.root_key_ids = ids.data();
    with.root_key_count = options.root_keys.size();
    with.state_directory = options.state_directory.data();
    with.state_directory_len = options.state_directory.size();
    with.log = kept->log ? listeners::take_log : nullptr;
    with.log_context = kept.get();
    with.event = kept->event ? listeners::take_event : nullptr;
    with.event_context = kept.get();
    with.parked_versions = options.parked_versions;
    with.parked_bytes = options.parked_bytes;
    with.preflight = static_cast<std::uint32_t>(options.preflight);
    with.preflight_ms = options.preflight_ms;
    with.preflight_memory_mib = options.preflight_memory_mib;
    with.preflight_cpu_ms = options.preflight_cpu_ms;
    with.symbol_collisions = static_cast<std::uint32_t>(options.symbol_collisions);
    with.contain_crashes = options.contain_crashes;
    with.receipt_key = options.receipt_key == nullptr ? nullptr : options.receipt_key->native();
    sogov_audit_options audit = {};
    if (options.audit) {
        audit.size = sizeof audit;
        audit.required = options.audit->required;
        audit.checkpoint_every = options.audit->checkpoint_every;
        audit.checkpoint_key = options.audit->checkpoint_key ? options.audit->checkpoint_key->native() : nullptr;
        audit.segment_size = options.audit->segment_size;
        audit.total_size = options.audit->total_size;
        audit.pseudonym_key = options.audit->pseudonym_key.data();
        audit.pseudonym_key_len = options.audit->pseudonym_key.size();
        with.audit = &audit;
    }
    with.root_threshold = options.root_threshold;
    with.trust_check_ms = options.trust_check_ms;
    with.root_set = options.root_set;
    sogov_engine *made = nullptr;
    auto done = detail::run([&](sogov_error **error) { return sogov_engine_open(&with, &made, error); });
    if (!done)
        return std::move(done).error();
    return engine(made, std::move(kept));
}

inline result<std::vector<version_info>> engine::versions(std::string_view service) const
{
    std::vector<sogov_version_info> infos;
    for (std::size_t count = 0;;) {
        auto done = detail::run([&](sogov_error **error) {
            return sogov_version_list(native(), service.data(), service.size(), infos.data(), infos.size(), &count,
                                      error);
        });
        if (!done)
            return std::move(done).error();
        if (count <= infos.size()) {
            infos.resize(count);
            break;
        }
        // Others may have been loaded since.
        infos.assign(count, SOGOV_VERSION_INFO_INIT);
    }
    std::vector<version_info> found;
    found.reserve(infos.size());
    for (const sogov_version_info &info : infos)
        found.push_back(copied(info));
    return found;
}

inline sogov_change_options engine::native(const change_options &from) noexcept
{
    sogov_change_options made = {};
    made.size = sizeof made;
    made.actor = from.actor.data();
    made.actor_len = from.actor.size();
    made.reason = from.reason.data();
    made.reason_len = from.reason.size();
    made.wait_durable = from.wait_durable;
    made.drain_ms = from.drain_ms;
    made.signature_path = from.signature_path.data();
    made.signature_path_len = from.signature_path.size();
    made.force = from.force;
    made.isolated = from.isolated;
    made.sbom_path = from.sbom_path.data();
    made.sbom_path_len = from.sbom_path.size();
    return made;
}

inline version_info engine::copied(const sogov_version_info &from)
{
    version_info made;
    made.service = from.service;
    made.version = from.version;
    made.standing = from.standing;
    made.development = from.development != 0;
    std::copy_n(from.digest, made.digest.size(), made.digest.begin());
    made.epoch = from.epoch;
    made.in_flight = from.in_flight;
    made.calls = from.calls;
    made.failures = from.failures;
    made.pin_reason = from.pin_reason;
    made.breaker = from.breaker;
    made.breaker_open_ms = from.breaker_open_ms;
    made.breaker_opened = from.breaker_opened;
    made.isolated = from.isolated != 0;
    return made;
}

} // namespace sogov

#endif /* SOGOV_ENGINE_HPP */
