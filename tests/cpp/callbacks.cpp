/* callbacks.cpp - what the library calls: kept alive, from any thread, and nothing that is thrown gets through. */
#include "fixture.hpp"
#include "test.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {

struct complaint {
    int number;
};

/// Counts how many copies of itself are alive.
struct witness {
    std::shared_ptr<int> alive;
    void operator()(sogov::log_level, std::string_view) const {}
};

} // namespace

TEST(the_log_and_events_arrive)
{
    const fixture::release release;
    std::mutex lock;
    std::string log;
    std::vector<std::string> events;
    auto options = release.options();
    options.log = [&](sogov::log_level, std::string_view line) {
        const std::lock_guard<std::mutex> guard(lock);
        log.append(line) += '\n';
    };
    options.event = [&](const sogov::event &event) {
        const std::lock_guard<std::mutex> guard(lock);
        if (event.kind == SOGOV_EVENT_KIND_UNMAPPED)
            events.push_back(std::string(event.service) + "@" + std::string(event.version));
    };
    // The listeners stay where they are when the engine moves.
    auto opened = release.engine(std::move(options));
    const auto engine = std::move(opened);
    engine.unload("fee", "v2", {"tests", "no longer needed"}).value();
    const std::lock_guard<std::mutex> guard(lock);
    CHECK(log.find("first release") != std::string::npos && log.find("no longer needed") != std::string::npos);
    CHECK(events == std::vector<std::string>{"fee@v2"});
}

TEST(what_listeners_throw_does_not_get_through)
{
    const fixture::release release;
    std::atomic<int> lines = 0;
    auto options = release.options();
    options.log = [&](sogov::log_level, std::string_view) {
        lines++;
        throw complaint{1};
    };
    options.event = [](const sogov::event &) { throw complaint{2}; };
    const auto engine = release.engine(std::move(options));
    CHECK(engine.unload("fee", "v2").has_value());
    CHECK(lines > 0);
}

TEST(listeners_live_as_long_as_their_engine)
{
    const fixture::release release;
    const auto alive = std::make_shared<int>(0);
    auto options = release.options();
    options.log = witness{alive};
    auto engine = release.engine(std::move(options));
    CHECK(alive.use_count() == 2);
    // Assigning frees the engine that was there, and only then its listeners.
    engine = sogov::engine::open(release.options()).value();
    CHECK(alive.use_count() == 1);
}

TEST(an_update_tells_how_far_it_is)
{
    const fixture::release release;
    const auto engine = release.engine();
    const std::string v3 = release.signed_fee("v2", "fee", "v3");
    std::set<sogov::update_step> steps;
    sogov::update_options options;
    options.actor = "tests";
    options.progress = [&](const sogov::update_progress &progress) {
        steps.insert(progress.step);
        return true;
    };
    CHECK(engine.update("fee", "v3", v3, options).value().standing == SOGOV_STANDING_STABLE);
    CHECK(steps.count(SOGOV_UPDATE_STEP_VERIFY) == 1 && steps.count(SOGOV_UPDATE_STEP_DONE) == 1);
}

TEST(a_listener_cancels_an_update)
{
    const fixture::release release;
    const auto engine = release.engine();
    const auto service = engine.service("fee").value();
    const std::string v3 = release.signed_fee("v2", "fee", "v3");
    std::string why;
    sogov::update_options options;
    options.gray = {{1000, 60000, 0}};
    options.progress = [&](const sogov::update_progress &progress) {
        if (progress.step == SOGOV_UPDATE_STEP_ROLLED_BACK)
            why = progress.message;
        return progress.step != SOGOV_UPDATE_STEP_GRAY;
    };
    CHECK(engine.update("fee", "v3", v3, options).status() == SOGOV_STATUS_CANCELLED);
    CHECK(!why.empty());

    options.progress = [](const sogov::update_progress &progress) -> bool {
        if (progress.step == SOGOV_UPDATE_STEP_GRAY)
            throw complaint{3};
        return true;
    };
    try {
        (void)engine.update("fee", "v3", v3, options);
        CHECK(false);
    } catch (const complaint &thrown) {
        CHECK(thrown.number == 3);
    }
    CHECK(service.call(fixture::payment).value().version() == "v1");
    CHECK(engine.versions("fee").value().size() == 2);
}

TEST(a_verifier_is_polled)
{
    const auto key = sogov::private_key::generate().value();
    const auto signature = key.sign("message").value();
    const auto verifier = sogov::verifier::open().value();
    constexpr std::uint64_t tickets = 100;
    for (std::uint64_t ticket = 0; ticket < tickets; ticket++)
        verifier.submit(sogov::make_verification(key, ticket % 2 == 0 ? "message" : "another", signature), ticket).value();
    CHECK(verifier.event_fd().value() >= 0);
    CHECK(verifier.close().has_value());
    CHECK(verifier.submit(sogov::make_verification(key, "message", signature), 0).status() == SOGOV_STATUS_CLOSED);
    std::uint64_t seen = 0, right = 0;
    sogov::verification_result results[16];
    for (;;) {
        const auto count = verifier.poll(results);
        if (!count) {
            CHECK(count.status() == SOGOV_STATUS_CLOSED);
            break;
        }
        seen += *count;
        for (std::size_t i = 0; i < *count; i++)
            right += (results[i].status == SOGOV_STATUS_OK) == (results[i].ticket % 2 == 0);
    }
    CHECK(seen == tickets && right == tickets);
}

TEST(a_verifier_counts_what_nobody_polled)
{
    const auto key = sogov::private_key::generate().value();
    const auto signature = key.sign("message").value();
    auto verifier = sogov::verifier::open().value();
    sogov::verification_result results[1];
    CHECK(verifier.poll(results, std::chrono::microseconds(0)).value() == 0);
    verifier.submit(sogov::make_verification(key, "message", signature), 1).value();
    CHECK(verifier.free() == 1 && verifier.free() == 0);
}

TEST(results_come_by_a_listener_that_may_throw)
{
    const auto key = sogov::private_key::generate().value();
    const auto signature = key.sign("message").value();
    std::atomic<std::uint64_t> sum = 0;
    sogov::verifier_options options;
    options.listener = [&](sogov::span<const sogov::verification_result> results) {
        for (const auto &result : results)
            sum += result.status == SOGOV_STATUS_OK ? result.ticket : 0;
        throw complaint{4};
    };
    auto opened = sogov::verifier::open(std::move(options)).value();
    const auto verifier = std::move(opened);
    for (std::uint64_t ticket = 1; ticket <= 100; ticket++)
        verifier.submit(sogov::make_verification(key, "message", signature), ticket).value();
    CHECK(verifier.close().has_value());
    CHECK(sum == 5050);
}

TEST(a_verifier_may_end_in_its_own_callback)
{
    const auto key = sogov::private_key::generate().value();
    const auto signature = key.sign("message").value();
    constexpr int tickets = 50;
    std::mutex lock;
    std::condition_variable changed;
    std::optional<sogov::verifier> verifier;
    bool submitted = false;
    int results_seen = 0;
    sogov::verifier_options options;
    options.threads = 1;
    // What the listener holds is used after the verifier's end, for the tickets that are left.
    const auto held = std::make_shared<std::string>("still there");
    options.listener = [&, held](sogov::span<const sogov::verification_result> results) {
        std::unique_lock<std::mutex> guard(lock);
        changed.wait(guard, [&] { return submitted; });
        verifier.reset();
        CHECK(*held == "still there");
        results_seen += static_cast<int>(results.size());
        changed.notify_all();
    };
    verifier = sogov::verifier::open(std::move(options)).value();
    for (int i = 0; i < tickets; i++)
        verifier->submit(sogov::make_verification(key, "message", signature), 0).value();
    std::unique_lock<std::mutex> guard(lock);
    submitted = true;
    changed.notify_all();
    changed.wait(guard, [&] { return results_seen == tickets; });
    CHECK(!verifier);
}
