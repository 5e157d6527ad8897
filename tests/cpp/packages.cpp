/* packages.cpp - update packages, from who makes them to who installs them. */
#include "fixture.hpp"
#include "test.hpp"

#include <string>

TEST(a_package_goes_from_its_packer_to_its_host)
{
    const fixture::release release;
    const auto host = sogov::private_key::generate().value();
    const auto to = sogov::recipient::load(host.public_key().value().to_pem().value()).value();
    const auto key = sogov::recipient_key::load(host.to_pem().value()).value();
    const std::string plugin = release.signed_fee("v1", "fee", "v1"), package = release.place / "fee.sogpkg";
    const std::string note = release.place / "note.json";
    fixture::write(note, "{}");

    sogov::package_facts facts;
    facts.plugins = {plugin};
    facts.files = {note};
    facts.audiences = {"host-1"};
    facts.keys = {&release.key};
    CHECK(sogov::pack(package, facts).status() == SOGOV_STATUS_INVALID_ARGUMENT);
    facts.recipients = {&to};
    facts.epoch = 2;
    const auto id = sogov::pack(package, facts).value();
    CHECK(id != sogov::package_id());

    auto options = release.options();
    options.state_directory = release.place / "state";
    CHECK(sogov::engine::open(options).value().install(package, key, "host-1").status() ==
          SOGOV_STATUS_INVALID_ARGUMENT);
    const auto receipts = sogov::private_key::generate("hmac-sha256").value();
    options.receipt_key = &receipts;
    const auto engine = sogov::engine::open(options).value();
    CHECK(engine.install(package, key, "host-2").status() == SOGOV_STATUS_WRONG_AUDIENCE);
    const std::string directory = engine.install(package, key, "host-1", "tests", "first").value();
    CHECK(engine.install(package, key, "host-1").status() == SOGOV_STATUS_REPLAYED);
    CHECK(engine.check_package(directory + "/fee-v1.so").value() == SOGOV_PACKAGE_STANDING_UNTOUCHED);
    CHECK(engine.load_versioned("fee", "", directory + "/fee-v1.so").value().version == "v1");
    CHECK(engine.check_package(plugin).status() == SOGOV_STATUS_NOT_FOUND);
    fixture::write(directory + "/note.json", "[]");
    CHECK(engine.check_package(directory + "/note.json").value() == SOGOV_PACKAGE_STANDING_REPLACED);
    CHECK(sogov::recipient::load("no key").status() == SOGOV_STATUS_KEY_INVALID);
    CHECK(sogov::recipient_key::load("no key").status() == SOGOV_STATUS_KEY_INVALID);
}
