/* calls.cpp - versions, calls, leases, policies. */
#include "fixture.hpp"
#include "test.hpp"

#include <sogov_plugin.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

constexpr std::string_view policy = R"({"version": "try-v2", "stable": "v1", "weight": {"v1": 50, "v2": 50},
    "rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]})";

} // namespace

TEST(the_library_is_that_of_the_header)
{
    CHECK(sogov::version_number() == SOGOV_VERSION_NUMBER);
    CHECK(std::string_view(sogov::version_text()) == SOGOV_VERSION_TEXT);
}

TEST(a_call_says_which_version_answered_and_why)
{
    const fixture::release release;
    const auto engine = release.engine();
    const auto service = engine.service("fee").value();
    CHECK(service.call(fixture::payment).value().text() == "fee=6.17 currency=CNY tariff=v1");

    engine.apply_route_policy("fee", policy, {"tests", "half"}).value();
    const sogov::header headers[] = {sogov::make_header("X-Env", "gray")};
    sogov::answer answer;
    service.call(fixture::payment, {"alice", headers}, answer).value();
    CHECK(answer.version() == "v2" && answer.reason() == SOGOV_ROUTE_REASON_RULE);
    CHECK(answer.text() == "fee=5.56 currency=CNY tariff=v2");

    const auto malformed = service.call("no payment", {"alice", headers}, answer);
    CHECK(malformed.status() == SOGOV_STATUS_PLUGIN_FAILED);
    CHECK(answer.plugin_status() == 2 && answer.version() == "v2" && answer.text().empty());
    CHECK(engine.apply_route_policy("fee", "{}").status() == SOGOV_STATUS_ROUTE_POLICY_INVALID);
}

TEST(an_answer_keeps_its_memory)
{
    const fixture::release release;
    const auto engine = release.engine();
    const auto service = engine.service("fee").value();
    sogov::answer answer;
    service.call(fixture::payment, {"alice"}, answer).value();
    const auto *where = answer.bytes().data();
    for (int i = 0; i < 100; i++) {
        service.call(fixture::payment, {"alice"}, answer).value();
        CHECK(answer.bytes().data() == where);
    }
}

TEST(leases_give_symbols_and_count)
{
    const fixture::release release;
    const auto engine = release.engine();
    const auto service = engine.service("fee").value();
    auto lease = service.route({"alice"}).value();
    CHECK(lease.version().value() == "v1");
    const auto plugin = lease.plugin().value();
    CHECK(lease.symbol<const sogov_plugin>("sogov_plugin_descriptor").value() == plugin.descriptor);
    CHECK(plugin.descriptor->health(plugin.self) == SOGOV_PLUGIN_OK);
    CHECK(lease.symbol<void()>("no_such_symbol").status() == SOGOV_STATUS_NOT_FOUND);
    CHECK(engine.versions("fee").value()[0].in_flight == 1);
    CHECK(lease.release(SOGOV_OUTCOME_FAILURE).has_value());
    CHECK(lease.version().status() == SOGOV_STATUS_LEASE_GONE);
    {
        const auto unused = service.route({"alice"}).value();
        CHECK(static_cast<bool>(unused));
    }
    const auto v1 = engine.versions("fee").value()[0];
    CHECK(v1.in_flight == 0 && v1.calls == 1 && v1.failures == 1);
}

TEST(a_lease_that_is_assigned_over_is_released)
{
    const fixture::release release;
    const auto engine = release.engine();
    const auto service = engine.service("fee").value();
    auto lease = service.route({"alice"}).value();
    lease = service.route({"bob"}).value();
    CHECK(engine.versions("fee").value()[0].in_flight == 1);
    lease = sogov::lease();
    CHECK(engine.versions("fee").value()[0].in_flight == 0);
}

TEST(versions_come_and_go)
{
    const fixture::release release;
    const auto engine = release.engine();
    const std::uint64_t mapped = sogov::process_status().value().versions_mapped;
    CHECK(engine.load_versioned("fee", "v1", release.signed_fee("v1", "fee", "v1")).status() == SOGOV_STATUS_BUSY);
    CHECK(engine.unload("fee", "v1").status() == SOGOV_STATUS_BUSY);
    CHECK(engine.promote("fee", "v9").status() == SOGOV_STATUS_NOT_FOUND);
    CHECK(engine.promote("fee", "v2", {"tests", "a day without failures"}).value().standing == SOGOV_STANDING_STABLE);
    const auto restored = engine.rollback("fee", {"tests", "looks wrong"}).value();
    CHECK(restored.version == "v1" && restored.service == "fee" && restored.development);
    const auto infos = engine.versions().value();
    CHECK(infos.size() == 2 && infos[1].version == "v2" && infos[1].standing == SOGOV_STANDING_RETIRED);
    CHECK(infos[1].breaker == SOGOV_BREAKER_CLOSED && infos[1].pin_reason.empty());
    CHECK(engine.versions("nothing").status() == SOGOV_STATUS_NOT_FOUND);
    CHECK(engine.unload("fee", "v2").has_value());
    CHECK(sogov::process_status().value().versions_mapped == mapped - 1);
}

TEST(what_is_revoked_leaves_service_and_the_clock_is_confirmed)
{
    const fixture::release release;
    auto options = release.options();
    std::atomic<int> revoked{0};
    options.event = [&](const sogov::event &event) {
        if (event.kind == SOGOV_EVENT_KIND_REVOKED && event.version == "v2")
            ++revoked;
    };
    const auto engine = release.engine(std::move(options));
    const auto second = engine.promote("fee", "v2").value();
    CHECK(engine.refresh_trust().value().denylist_number == 0);
    static const char digits[] = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : second.digest)
        hex += {digits[byte >> 4], digits[byte & 15]};
    fixture::write(release.place / "trust/denylist.json",
                   R"({"schema": 1, "number": 3, "artifacts": [{"digest": "sm3:)" + hex + R"(", "reason": "CVE"}]})");
    const auto info = engine.refresh_trust({"tests", "a finding"}).value();
    CHECK(info.denylist_number == 3 && info.revoked_serving == 0 && info.clock == 0 && !info.durable);
    CHECK(revoked == 1 && engine.versions("fee").value()[0].standing == SOGOV_STANDING_STABLE);
    /* NOT_FOUND where the housekeeping has unloaded it meanwhile. */
    const auto again = engine.promote("fee", "v2").status();
    CHECK(again == SOGOV_STATUS_REVOKED || again == SOGOV_STATUS_NOT_FOUND);
    CHECK(engine.confirm_time({}).status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(engine.confirm_time({"tests", "to see"}).value() >= info.time);
    auto two = release.options();
    two.root_keys = {release.key.id().value()};
    two.root_threshold = 2;
    CHECK(sogov::engine::open(std::move(two)).status() == SOGOV_STATUS_INVALID_ARGUMENT);
}

TEST(the_stable_version_outlives_the_engine_on_the_disk)
{
    const fixture::release release;
    auto options = release.options();
    options.state_directory = release.place / "state";
    {
        const auto engine = release.engine(options);
        sogov::change_options durable;
        durable.wait_durable = true;
        engine.promote("fee", "v2", durable).value();
    }
    const auto engine = sogov::engine::open(options).value();
    CHECK(engine.service("fee").value().call(fixture::payment).value().version() == "v2");
}

TEST(eight_threads_call_while_the_policy_changes)
{
    constexpr int threads = 8, calls = 4000, changes = 200;
    const fixture::release release;
    const auto engine = release.engine();
    const auto service = engine.service("fee").value();
    std::atomic<int> wrong = 0;
    std::vector<std::thread> callers;
    for (int thread = 0; thread < threads; thread++)
        callers.emplace_back([&, thread] {
            sogov::answer answer;
            for (int i = 0; i < calls; i++) {
                const std::string user = std::to_string(thread) + "-" + std::to_string(i);
                const auto done = service.call(fixture::payment, {user}, answer);
                const bool right = done && (answer.version() == "v1" ? answer.text() == "fee=6.17 currency=CNY tariff=v1"
                                                                     : answer.text() == "fee=5.56 currency=CNY tariff=v2");
                wrong += !right;
            }
        });
    for (int i = 0; i < changes; i++) {
        engine.apply_route_policy("fee", policy).value();
        engine.rollback("fee").value();
    }
    for (auto &caller : callers)
        caller.join();
    CHECK(wrong == 0);
    std::uint64_t counted = 0;
    for (const auto &info : engine.versions("fee").value()) {
        CHECK(info.failures == 0 && info.in_flight == 0);
        counted += info.calls;
    }
    CHECK(counted == threads * calls);
}
