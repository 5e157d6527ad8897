/* languages.cpp - the plugin fee in C, C++, Rust and Go, side by side as versions of one service. */
#include "fixture.hpp"
#include "test.hpp"

namespace {

/// The labels under which the builds are loaded, what their answers name, and how they end.
constexpr struct {
    const char *build;
    const char *pinned_for;
} languages[] = {{"v1", ""}, {"cpp", ""}, {"rust", "tsd: "}, {"go", "go: "}};

bool is_mapped(const std::string &image)
{
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find("/memfd:" + image + " ") != std::string::npos)
            return true;
    return false;
}

} // namespace

TEST(one_service_in_four_languages)
{
    const fixture::release release;
    auto options = release.options();
    options.parked_versions = 8; // None goes before it is told to.
    const auto engine = sogov::engine::open(std::move(options)).value();
    const auto service = engine.service("mixed").value();
    for (const auto &language : languages)
        engine.load_versioned("mixed", language.build, release.signed_fee(language.build, "mixed", language.build)).value();
    for (const std::string_view amount : {"0.01", "21.00", "23.00", "1234.56", "100001.01"}) {
        const std::string payment = "amount=" + std::string(amount) + " currency=CNY";
        std::string expected;
        for (const auto &language : languages) {
            engine.promote("mixed", language.build).value();
            const auto answer = service.call(payment).value();
            const std::string text(answer.text().substr(0, answer.text().rfind('=') + 1));
            CHECK(answer.text() == text + language.build && answer.version() == language.build);
            CHECK(expected.empty() || text == expected);
            expected = text;
        }
    }

    // A second Go runtime is refused; tests/zoo has what follows when the trust document admits it.
    const std::string second = release.signed_fee("go", "mixed", "go2");
    const auto refused = engine.load_versioned("mixed", "go2", second);
    CHECK(refused.status() == SOGOV_STATUS_IMAGE_REJECTED);
    CHECK(!refused && std::string_view(refused.error().what()).find("Go runtime") != std::string_view::npos);

    engine.load_versioned("mixed", "last", release.signed_fee("v2", "mixed", "last")).value();
    engine.promote("mixed", "last").value();
    for (const auto &language : languages) {
        const std::string_view reason = language.pinned_for;
        const std::string image = std::string("mixed@") + language.build;
        CHECK(is_mapped(image));
        const auto unloaded = engine.unload("mixed", language.build);
        CHECK(unloaded.status() == (reason.empty() ? SOGOV_STATUS_OK : SOGOV_STATUS_PINNED));
        CHECK(is_mapped(image) == !reason.empty());
        for (const auto &info : engine.versions("mixed").value())
            if (info.version == language.build)
                CHECK(info.standing == SOGOV_STANDING_PINNED && info.pin_reason.rfind(reason, 0) == 0 &&
                      !reason.empty());
    }
}
