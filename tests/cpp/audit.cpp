/* audit.cpp - the audit trail of an engine, and what is found when it was edited. */
#include "fixture.hpp"
#include "test.hpp"

#include <sstream>

TEST(a_change_is_recorded_and_an_edited_record_is_found)
{
    const fixture::release release;
    const std::string state = release.place / "state";
    const auto key = sogov::private_key::generate().value();
    sogov::audit_position kept;
    {
        auto options = release.options();
        options.state_directory = state;
        options.audit.emplace();
        options.audit->required = true;
        options.audit->checkpoint_key = &key;
        const auto engine = sogov::engine::open(std::move(options)).value();
        engine.load_versioned("fee", "v1", release.signed_fee("v1", "fee", "v1"), {"tests", "a release"}).value();
        kept = engine.audit_head(true).value();
    }
    const auto report = sogov::audit_verify(state, {&key}, kept).value();
    CHECK(report.first == 1 && kept.record > 0 && report.head.record > kept.record);
    CHECK(report.signed_up_to == report.head.record);
    const auto stranger = sogov::private_key::generate().value();
    CHECK(sogov::audit_verify(state, {&stranger}).error().status() == SOGOV_STATUS_AUDIT_BROKEN);
    const std::string path = state + "/machine/audit/00000000000000000001.ndjson";
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    std::string text = content.str();
    text.replace(text.find("a release"), 9, "a mistake");
    fixture::write(path, text);
    CHECK(sogov::audit_verify(state).error().status() == SOGOV_STATUS_AUDIT_BROKEN);
}
