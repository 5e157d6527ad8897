// payment_host.cpp - a payment host that prices transactions through the plugin "fee", from its first version to the
// rollback of a bad one.
//
//     payment_host_cpp [-v] DIRECTORY
//
// DIRECTORY holds what a release team hands over: trust/ (trust.json, its signature, public keys), root.id (the root
// key's identifier as text), the signed plugins fee-v1.so, fee-v2.so and fee-v3.so, and two files that must not run:
// fee-tampered.so and fee-unsigned.so. -v shows the engine's log on stderr.
//
// Exit status 0: every count was as it must be. What a fee must be, and lines with times, come from payment_tariff.c and
// payment_report.c, as in C.
#include <sogov.hpp>

extern "C" {
#include "payment.h"
}

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::uint64_t calls = 100000, users = calls / 2, rule_calls = 1000, calls_after_rollback = 5000;
constexpr unsigned threads = 8;
constexpr double gray_percent = 20;
constexpr std::chrono::seconds patience(10);
constexpr auto fee = "fee";

constexpr auto try_v2 = R"({"version": "try-v2", "epoch": 1, "stable": "v1", "weight": {"v1": 80, "v2": 20},
    "rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]})";
constexpr auto try_v3 = R"({"version": "try-v3", "epoch": 2, "stable": "v2", "weight": {"v2": 80, "v3": 20}})";

unsigned long long shown(std::uint64_t number)
{
    return number;
}

/// Times a call, in milliseconds.
template <class Call> double timed(Call &&call)
{
    const double begin = now_ms();
    call();
    return now_ms() - begin;
}

void add(tally &to, const tally &part)
{
    to.calls += part.calls;
    to.right += part.right;
    to.known_defect += part.known_defect;
    to.lost += part.lost;
    to.after_rollback += part.after_rollback;
    to.too_late += part.too_late;
}

/// Prices a transaction for a user, and checks the answer against the tariff of the version that gave it.
void price(const sogov::service &service, std::uint64_t number, const std::string &user, sogov::answer &answer,
           tally &tally, sogov::span<const sogov::header> headers = {})
{
    const transaction transaction = transaction_of(number);
    char line[LINE_MAX_BYTES], expected[LINE_MAX_BYTES] = "";
    transaction_request(&transaction, line);
    const auto done = service.call(line, {user, headers}, answer);
    const auto expectation = transaction_expected(&transaction, std::string(answer.version()).c_str(), expected);
    tally.calls++;
    if (expectation == EXPECT_ANSWER && done && answer.text() == expected)
        tally.right++;
    else if (expectation == EXPECT_FAILURE && done.status() == SOGOV_STATUS_PLUGIN_FAILED && answer.plugin_status() == 1)
        tally.known_defect++;
    else
        tally.lost++;
}

/// Threads that call without a pause until the rollback, and some thousand times after it.
class traffic_of_threads {
public:
    explicit traffic_of_threads(const sogov::service &service)
    {
        for (std::uint64_t thread = 0; thread < threads; thread++)
            threads_.emplace_back([this, &service, thread] { call_on(service, thread << 32); });
    }

    traffic_of_threads(const traffic_of_threads &) = delete;
    traffic_of_threads &operator=(const traffic_of_threads &) = delete;
    ~traffic_of_threads() { finish(); }

    /// Whether a call failed by the known defect in time.
    bool wait_for_failure()
    {
        std::unique_lock<std::mutex> guard(lock_);
        return failed_.wait_for(guard, patience, [this] { return has_failed_; });
    }

    /// Tells the threads that the rollback has returned, and waits for their ends.
    tally finish()
    {
        rolled_back_ = true;
        for (auto &thread : threads_)
            thread.join();
        threads_.clear();
        return total_;
    }

private:
    void call_on(const sogov::service &service, std::uint64_t number)
    {
        tally tally = {};
        sogov::answer answer;
        for (bool told = false; tally.after_rollback < calls_after_rollback; number++) {
            // Looked at before the call: what begins after the rollback must not meet v3.
            const bool rolled_back = rolled_back_;
            price(service, number, "user-" + std::to_string(number), answer, tally);
            tally.after_rollback += rolled_back;
            tally.too_late += rolled_back && answer.version() == "v3";
            if (!told && tally.known_defect > 0) {
                told = true;
                const std::lock_guard<std::mutex> guard(lock_);
                has_failed_ = true;
                failed_.notify_one();
            }
        }
        const std::lock_guard<std::mutex> guard(lock_);
        add(total_, tally);
    }

    std::atomic<bool> rolled_back_ = false;
    std::mutex lock_;
    std::condition_variable failed_;
    bool has_failed_ = false;
    tally total_ = {};
    std::vector<std::thread> threads_;
};

/// The service "fee" of one engine, and every call that was made through it.
class host {
public:
    host(std::string directory, sogov::engine_options options)
        : directory_(std::move(directory)), engine_(sogov::engine::open(std::move(options)).value()),
          service_(engine_.service(fee).value())
    {
        say("open", "sogov %s; trust.json is signed by the root key", sogov::version_text());
    }

    void refuse(const std::string &file, sogov::status expected)
    {
        const auto loaded = engine_.load_versioned(fee, "v1", directory_ + "/" + file);
        say("refuse", "%s: %s: %s", file.c_str(), sogov_status_name(loaded.status()),
            loaded ? "" : loaded.error().what());
        must(loaded.status() == expected, "%s: expected %s", file.c_str(), sogov_status_name(expected));
    }

    void load(const std::string &version)
    {
        sogov::version_info info;
        const double ms = timed([&] {
            info = engine_.load_versioned(fee, version, directory_ + "/fee-" + version + ".so", {actor, "release"}).value();
        });
        say("load", "%s in %.3f ms: digest %02x%02x%02x%02x..., epoch %llu", version.c_str(), ms, info.digest[0],
            info.digest[1], info.digest[2], info.digest[3], shown(info.epoch));
        must(!info.development, "the engine is in development mode");
    }

    void promote(const char *version, const char *reason)
    {
        const double ms = timed([&] { engine_.promote(fee, version, {actor, reason}).value(); });
        say("promote", "%s in %.3f ms", version, ms);
    }

    void apply_policy(const char *policy, const char *what)
    {
        const double ms = timed([&] { engine_.apply_route_policy(fee, policy, {actor, what}).value(); });
        say("policy", "%s: in force after %.3f ms", what, ms);
    }

    /// The share of v2, and that every user stays where the first call went.
    void check_split()
    {
        std::vector<std::string> first(users);
        std::uint64_t on_v2 = 0, moved = 0;
        sogov::answer answer;
        const double ms = timed([&] {
            for (std::uint64_t i = 0; i < calls; i++) {
                price(service_, i, "user-" + std::to_string(i % users), answer, total_);
                on_v2 += answer.version() == "v2";
                if (i < users)
                    first[i] = answer.version();
                moved += first[i % users] != answer.version();
            }
        });
        const double percent = 100.0 * static_cast<double>(on_v2) / static_cast<double>(calls);
        say("split", "%llu calls by %llu users in %.0f ms: asked %.0f%% on v2, found %.2f%%", shown(calls), shown(users),
            ms, gray_percent, percent);
        say("sticky", "%llu of %llu users changed their version", shown(moved), shown(users));
        must(percent > gray_percent - 1 && percent < gray_percent + 1, "split: expected within one point of %.0f%%",
             gray_percent);
        must(moved == 0, "sticky: expected no user to change");
    }

    /// Testers, who send a header, are on v2 whatever their bucket is.
    void check_header_rule()
    {
        const sogov::header headers[] = {sogov::make_header("x-env", "gray")};
        std::uint64_t by_rule = 0;
        sogov::answer answer;
        for (std::uint64_t i = 0; i < rule_calls; i++) {
            price(service_, i, "user-" + std::to_string(i), answer, total_, headers);
            by_rule += answer.reason() == SOGOV_ROUTE_REASON_RULE && answer.version() == "v2";
        }
        say("header", "%llu calls with x-env: gray: %llu on v2", shown(rule_calls), shown(by_rule));
        must(by_rule == rule_calls, "header: expected all of them on v2");
    }

    /// Eight threads call without a pause while v3 is put into service, fails on large amounts, and is taken back.
    void expose_and_roll_back(const std::function<void()> &expose)
    {
        traffic_of_threads traffic(service_);
        expose();
        const bool has_failed = traffic.wait_for_failure();
        say("failing", "v3 fails; rolling back under load");
        const double begin = now_ms();
        const auto restored = engine_.rollback(fee, {actor, "v3 fails on large amounts"});
        const double ms = now_ms() - begin;
        const tally tally = traffic.finish();
        say("rollback", "%s restored in %.3f ms under the load of %u threads", restored.value().version.c_str(), ms,
            threads);
        say("traffic", "%llu calls: %llu right, %llu failed by v3's defect, %llu lost", shown(tally.calls),
            shown(tally.right), shown(tally.known_defect), shown(tally.lost));
        say("after", "%llu calls began after the rollback: %llu met v3", shown(tally.after_rollback),
            shown(tally.too_late));
        must(has_failed, "v3: expected a failure to be seen");
        must(restored.value().version == "v2", "rollback: expected v2");
        must(tally.too_late == 0, "rollback: expected no later call on v3");
        add(total_, tally);
    }

    /// The engine's own counts must be those of the callers.
    void check_counts()
    {
        std::uint64_t counted = 0, failures = 0, in_flight = 0;
        for (const auto &info : engine_.versions(fee).value()) {
            say("version", "%s: %s, %llu calls, %llu failures", info.version.c_str(),
                info.standing == SOGOV_STANDING_STABLE ? "stable" : "retired", shown(info.calls), shown(info.failures));
            counted += info.calls;
            failures += info.failures;
            in_flight += info.in_flight;
        }
        say("total", "%llu calls, %llu of them right, lost calls: %llu", shown(total_.calls), shown(total_.right),
            shown(total_.lost));
        must(total_.lost == 0, "expected no lost call");
        must(counted == total_.calls && failures == total_.known_defect && in_flight == 0,
             "expected the engine to count %llu calls, %llu failures and none in flight, found %llu, %llu and %llu",
             shown(total_.calls), shown(total_.known_defect), shown(counted), shown(failures), shown(in_flight));
    }

    /// The engine proves that the image is gone; this host looks into its memory map too.
    void unload(const std::string &version)
    {
        const bool was_mapped = is_mapped(version);
        const double ms = timed([&] { engine_.unload(fee, version, {actor, "no longer needed"}).value(); });
        const bool still = is_mapped(version);
        say("unload", "%s in %.3f ms: it was %s, and is %s", version.c_str(), ms, was_mapped ? "mapped" : "not mapped",
            still ? "mapped still" : "mapped no more");
        must(was_mapped && !still, "%s: expected its image to go", version.c_str());
    }

private:
    static constexpr auto actor = "payment_host";

    /// The engine names its mappings service@version.
    static bool is_mapped(const std::string &version)
    {
        std::ifstream maps("/proc/self/maps");
        for (std::string line; std::getline(maps, line);)
            if (line.find("/memfd:fee@" + version + " ") != std::string::npos)
                return true;
        return false;
    }

    std::string directory_;
    sogov::engine engine_;
    sogov::service service_;
    tally total_ = {};
};

/// The root key's identifier comes with the program's own configuration, not from the trust directory: whoever can change
/// the directory must not be able to say whom to trust.
sogov::engine_options options_of(const std::string &directory, bool verbose)
{
    std::string root;
    std::ifstream(directory + "/root.id") >> root;
    sogov::engine_options options;
    options.trust_directory = directory + "/trust";
    options.root_keys = {sogov::key_id::parse(root).value()};
    if (verbose)
        options.log = [](sogov::log_level level, std::string_view line) {
            std::fprintf(stderr, "log %d: %.*s\n", static_cast<int>(level), static_cast<int>(line.size()), line.data());
        };
    return options;
}

void tell_the_story(const std::string &directory, bool verbose)
{
    host host(directory, options_of(directory, verbose));
    host.refuse("fee-tampered.so", SOGOV_STATUS_MODIFIED);
    host.refuse("fee-unsigned.so", SOGOV_STATUS_UNSIGNED);

    host.load("v1");
    host.promote("v1", "first release");
    host.load("v2");
    host.apply_policy(try_v2, "v1 80%, v2 20%; x-env: gray goes to v2");
    host.check_split();
    host.check_header_rule();
    host.promote("v2", "a day without failures");

    host.load("v3");
    host.expose_and_roll_back([&] { host.apply_policy(try_v3, "v2 80%, v3 20%"); });
    host.expose_and_roll_back([&] { host.promote("v3", "somebody insists"); });

    host.check_counts();
    host.unload("v3");
    host.unload("v1");
}

} // namespace

int main(int count, char **arguments)
{
    const bool verbose = count == 3 && std::string(arguments[1]) == "-v";
    if (count != 2 + verbose) {
        std::fprintf(stderr, "usage: %s [-v] DIRECTORY\n", arguments[0]);
        return 2;
    }
    try {
        tell_the_story(arguments[count - 1], verbose);
    } catch (const sogov::error &error) {
        must(0, "%s: %s", error.name(), error.what());
    }
    say("close", "the engine is closed");
    say("end", "%s", everything_held() ? "every count is as it must be" : "something is WRONG, see above");
    return everything_held() ? EXIT_SUCCESS : EXIT_FAILURE;
}
