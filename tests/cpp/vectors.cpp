/* vectors.cpp - the shared vectors, which vectors.py has written as lines. */
#include "fixture.hpp"
#include "test.hpp"

#include <deque>
#include <map>
#include <sstream>
#include <vector>

namespace {

using words = std::vector<std::string>;

std::string bytes(const std::string &hex)
{
    std::string made;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        made += static_cast<char>(std::stoi(hex.substr(at, 2), nullptr, 16));
    return made;
}

std::string text(const sogov::digest &digest)
{
    // The text form of an identifier is "sm3:" and the digest.
    return sogov::key_id{digest}.text().substr(4);
}

bool verifies(const words &line)
{
    sogov::signature_options options;
    const std::string user = bytes(line[2]);
    options.user_id = user;
    options.encoding = line[5] == "der" ? SOGOV_SIGNATURE_ENCODING_DER : SOGOV_SIGNATURE_ENCODING_RAW;
    const auto key = sogov::public_key::load(bytes(line[1])).value();
    const auto expected = line[6] == "valid" ? SOGOV_STATUS_OK : SOGOV_STATUS_SIGNATURE_INVALID;
    return key.verify(bytes(line[3]), bytes(line[4]), options).status() == expected;
}

bool digests(const words &line)
{
    if (line[0] == "sm3")
        return text(sogov::digest_of(bytes(line[1])).value()) == line[2];
    std::vector<std::uint8_t> data(std::stoul(line[1]));
    for (std::size_t i = 0; i < data.size(); i++)
        data[i] = static_cast<std::uint8_t>(i % 251);
    return text(sogov::digest_of(data, SOGOV_DIGEST_ALGORITHM_SM3_TREE).value()) == line[2];
}

/// A service of which every version answers any payment.
class routed {
public:
    void engine(const words &line)
    {
        auto options = release_.options();
        options.preflight = SOGOV_PREFLIGHT_OFF;
        name_ = line[1];
        engine_ = sogov::engine::open(std::move(options)).value();
        for (std::size_t i = 3; i < line.size(); i++)
            engine_->load_versioned(name_, line[i], release_.signed_fee("v1", name_, line[i])).value();
        engine_->promote(name_, line[2]).value();
        service_ = engine_->service(name_).value();
    }

    void policy(const words &line) { engine_->apply_route_policy(name_, bytes(line[1])).value(); }

    bool goes_where_it_must(const words &line)
    {
        std::deque<std::string> kept;
        const auto keep = [&](const std::string &hex) -> const std::string & { return kept.emplace_back(bytes(hex)); };
        std::vector<sogov::header> headers;
        for (std::size_t i = 4; i + 1 < line.size(); i += 2) {
            const std::string &name = keep(line[i]);
            headers.push_back(sogov::make_header(name, keep(line[i + 1])));
        }
        const sogov::byte_view user = line[1] == "?" ? sogov::byte_view() : sogov::byte_view(keep(line[1]));
        const auto answer = service_->call(fixture::payment, {user, headers}).value();
        const auto lease = service_->route({user, headers}).value();
        return answer.version() == line[2] && lease.version().value() == line[2] &&
               (line[3] == "*" || reason(answer.reason()) == line[3]);
    }

private:
    static std::string_view reason(sogov::route_reason reason)
    {
        static const std::map<sogov::route_reason, std::string_view> names = {
            {SOGOV_ROUTE_REASON_KILL_SWITCH, "kill_switch"}, {SOGOV_ROUTE_REASON_PIN, "pin"},
            {SOGOV_ROUTE_REASON_RULE, "rule"},               {SOGOV_ROUTE_REASON_FRACTION, "fraction"},
            {SOGOV_ROUTE_REASON_STABLE, "stable"},           {SOGOV_ROUTE_REASON_MISSING_KEY, "missing_key"},
            {SOGOV_ROUTE_REASON_RANDOM, "random"},
        };
        return names.at(reason);
    }

    fixture::release release_;
    std::string name_;
    std::optional<sogov::engine> engine_;
    std::optional<sogov::service> service_;
};

} // namespace

TEST(the_shared_vectors_hold)
{
    routed routed;
    std::map<std::string, int> counts;
    std::ifstream lines(fixture::vectors);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream parts(line);
        words words{std::istream_iterator<std::string>(parts), {}};
        for (auto &word : words)
            if (word == "-")
                word.clear();
        const std::string &kind = words.at(0);
        bool holds = true;
        if (kind == "engine")
            routed.engine(words);
        else if (kind == "policy")
            routed.policy(words);
        else if (kind == "request")
            holds = routed.goes_where_it_must(words);
        else
            holds = kind == "verify" ? verifies(words) : digests(words);
        if (!CHECK(holds))
            std::fprintf(stderr, "  %.200s\n", line.c_str());
        counts[kind]++;
    }
    CHECK(counts["sm3"] > 100 && counts["tree"] > 10 && counts["verify"] > 300);
    CHECK(counts["engine"] > 25 && counts["request"] > 200);
}
