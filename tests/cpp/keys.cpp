/* keys.cpp - keys, messages, files and batches. */
#include "fixture.hpp"
#include "test.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

TEST(keys_are_written_and_read)
{
    const auto key = sogov::private_key::generate().value();
    const auto id = key.id().value();
    CHECK(sogov::key_id::parse(id.text()).value() == id);
    CHECK(sogov::public_key::load(key.public_key().value().to_pem().value()).value().id().value() == id);
    CHECK(sogov::public_key::load(key.public_key().value().to_der().value()).value().id().value() == id);
    CHECK(sogov::private_key::load(key.to_der().value()).value().id().value() == id);

    auto locked = key.to_pem("password").value();
    CHECK(locked.bytes().text().find("ENCRYPTED") != std::string_view::npos);
    CHECK(sogov::private_key::load(locked, "password").value().id().value() == id);
    CHECK(sogov::private_key::load(locked, "another").status() == SOGOV_STATUS_KEY_INVALID);
    CHECK(sogov::private_key::load(locked).status() == SOGOV_STATUS_KEY_INVALID);
    locked = key.to_pem().value();
    CHECK(sogov::private_key::load(locked).value().id().value() == id);

    CHECK(sogov::private_key::generate("rot13").status() == SOGOV_STATUS_UNSUPPORTED);
    CHECK(sogov::public_key::load("no key").status() == SOGOV_STATUS_KEY_INVALID);
}

TEST(keys_are_opened_by_uris_and_say_where_they_are)
{
    const fixture::directory place;
    const auto key = sogov::private_key::generate().value();
    CHECK(key.custody().value() >= SOGOV_CUSTODY_UNLOCKED && key.custody().value() <= SOGOV_CUSTODY_SECRET);
    CHECK(key.public_key().value().custody().value() == SOGOV_CUSTODY_NONE);

    const std::string file = place / "key.pem", password = place / "password";
    fixture::write(file, key.to_pem("secret").value().bytes());
    fixture::write(password, "secret\n");
    const auto opened = sogov::private_key::open("file:" + file + "?pin-source=file:" + password);
    CHECK(opened.value().id().value() == key.id().value());
    CHECK(sogov::private_key::open("file:" + file).status() == SOGOV_STATUS_KEY_INVALID);
    CHECK(sogov::private_key::open("other:key").status() == SOGOV_STATUS_INVALID_ARGUMENT);
    const std::string token = "pkcs11:object=k?module-path=";
    CHECK(sogov::private_key::open(token + "/no/such/module.so").status() == SOGOV_STATUS_NOT_FOUND);
    CHECK(sogov::private_key::open(token + file).status() == SOGOV_STATUS_CUSTODY_FAILED);
    CHECK(sogov::private_key::open("sdf:library=/no/such/library.so;index=1").status() == SOGOV_STATUS_NOT_FOUND);

    CHECK(sogov::key_memory_policy(SOGOV_KEY_MEMORY_REQUIRE).has_value());
    CHECK(sogov::key_memory_policy(SOGOV_KEY_MEMORY_DEGRADE).has_value());
}

TEST(messages_are_signed_and_verified)
{
    const auto key = sogov::private_key::generate().value();
    const auto verifies = key.public_key().value();
    CHECK(verifies.prepare().has_value());

    const auto raw = key.sign("payment").value();
    CHECK(raw.size() == 64 && verifies.verify("payment", raw).has_value());
    CHECK(verifies.verify("Payment", raw).status() == SOGOV_STATUS_SIGNATURE_INVALID);

    sogov::signature_options der;
    der.encoding = SOGOV_SIGNATURE_ENCODING_DER;
    der.user_id = "alice";
    const auto by_alice = key.sign("payment", der).value();
    CHECK(key.verify("payment", by_alice, der).has_value());
    der.user_id = "bob";
    CHECK(key.verify("payment", by_alice, der).status() == SOGOV_STATUS_SIGNATURE_INVALID);

    // The empty user id is another one than the default, however it is given.
    sogov::signature_options empty;
    empty.user_id = sogov::byte_view();
    const auto by_nobody = key.sign("payment", empty).value();
    empty.user_id = "";
    CHECK(key.verify("payment", by_nobody, empty).has_value());
    CHECK(key.verify("payment", by_nobody).status() == SOGOV_STATUS_SIGNATURE_INVALID);
}

TEST(files_are_signed_and_verified)
{
    const fixture::release release;
    const auto engine = sogov::engine::open(release.options()).value();
    const std::string path = release.signed_fee("v1", "fee", "v1");
    const auto digest = engine.verify_file("fee", "v1", path).value();
    CHECK(engine.load_versioned("fee", "v1", path).value().digest == digest);
    CHECK(engine.verify_file("other", "v1", path).status() == SOGOV_STATUS_WRONG_SERVICE);
    CHECK(engine.verify_file("fee", "v1", fixture::plugins + "/libfee_v1.so").status() == SOGOV_STATUS_UNSIGNED);

    const auto second = sogov::private_key::generate().value();
    CHECK(second.add_signature(path).has_value());
    CHECK(engine.verify_file("fee", "v1", path).value() == digest);
    CHECK(second.add_signature(fixture::plugins + "/libfee_v1.so").status() == SOGOV_STATUS_UNSIGNED);
}

TEST(a_bill_of_materials_is_bound_and_asked_for)
{
    const fixture::release release;
    const auto engine = sogov::engine::open(release.options()).value();
    const std::string sbom = release.place / "fee.cdx.json";
    fixture::write(sbom, R"({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []})");
    const auto signed_fee = [&](const std::string &label) {
        sogov::file_facts facts;
        facts.service = "fee";
        facts.version = label;
        facts.sbom_path = sbom;
        const std::string target = release.place / ("fee-" + label + ".so");
        release.key.sign_file(fixture::plugins + "/libfee_" + label + ".so", target, facts).value();
        return target;
    };
    const std::string first = signed_fee("v1");
    CHECK(engine.load_versioned("fee", "v1", first).status() == SOGOV_STATUS_SBOM_INVALID);
    sogov::change_options load;
    load.sbom_path = sbom;
    CHECK(engine.load_versioned("fee", "v1", first, load).has_value());
    CHECK(engine.promote("fee", "v1").has_value());
    const std::string second = signed_fee("v2");
    CHECK(engine.update("fee", "v2", second).status() == SOGOV_STATUS_SBOM_INVALID);
    sogov::update_options update;
    update.sbom_path = sbom;
    CHECK(engine.update("fee", "v2", second, update).has_value());
    fixture::write(sbom, "{}");
    sogov::file_facts facts;
    facts.service = "fee";
    facts.version = "v3";
    facts.sbom_path = sbom;
    CHECK(release.key.sign_file(fixture::plugins + "/libfee_v2.so", release.place / "x.so", facts).status() ==
          SOGOV_STATUS_SBOM_INVALID);
}

TEST(batches_tell_of_each_signature)
{
    const auto key = sogov::private_key::generate().value();
    std::vector<std::string> messages;
    for (int i = 0; i < 40; i++)
        messages.push_back("message " + std::to_string(i));
    std::vector<sogov::signing> to_sign;
    for (const auto &message : messages)
        to_sign.push_back(sogov::make_signing(key, message));
    for (const auto encoding : {SOGOV_SIGNATURE_ENCODING_RAW, SOGOV_SIGNATURE_ENCODING_DER}) {
        sogov::signature_options options;
        options.encoding = encoding;
        const auto signatures = sogov::sign_batch(to_sign, options).value();
        std::vector<sogov::verification> items;
        for (std::size_t i = 0; i < messages.size(); i++) {
            CHECK(key.verify(messages[i], signatures[i], options).has_value());
            items.push_back(sogov::make_verification(key, messages[i], signatures[i]));
        }
        std::vector<sogov::status> results;
        CHECK(sogov::verify_batch(items, options, &results).has_value());
        items[7] = sogov::make_verification(key, "another", signatures[7]);
        CHECK(sogov::verify_batch(items, options).status() == SOGOV_STATUS_SIGNATURE_INVALID);
        CHECK(!sogov::verify_batch(items, options, &results) && results.size() == items.size());
        for (std::size_t i = 0; i < results.size(); i++)
            CHECK(results[i] == (i == 7 ? SOGOV_STATUS_SIGNATURE_INVALID : SOGOV_STATUS_OK));
    }
    CHECK(sogov::sign_batch({}).value().empty() && sogov::verify_batch({}).has_value());
}

TEST(a_scheme_of_the_hosts_signs_and_verifies)
{
    auto alive = std::make_shared<int>(0);
    sogov::scheme scheme;
    scheme.number = 210;
    scheme.verify = [alive](sogov::byte_view key, sogov::byte_view message, sogov::byte_view signature) {
        if (message.text() == "throw")
            throw std::runtime_error("no signature");
        return key.text() == "public" && message.text() == "payment" && signature.text() == "signed";
    };
    scheme.sign = [alive](sogov::byte_view key, sogov::byte_view) -> std::optional<std::vector<std::uint8_t>> {
        if (key.text() != "private")
            return std::nullopt;
        return std::vector<std::uint8_t>{'s', 'i', 'g', 'n', 'e', 'd'};
    };
    CHECK(sogov::register_scheme("x-cpp", scheme).has_value());
    scheme = {};
    CHECK(alive.use_count() == 3);

    const auto key = sogov::private_key::from_raw("x-cpp", "public", "private").value();
    const auto verifies = sogov::public_key::from_raw("x-cpp", "public").value();
    CHECK(key.id().value() == verifies.id().value());
    const auto made = key.sign("payment").value();
    CHECK(verifies.verify("payment", made).has_value());
    CHECK(verifies.verify("Payment", made).status() == SOGOV_STATUS_SIGNATURE_INVALID);
    CHECK(verifies.verify("throw", made).status() == SOGOV_STATUS_SIGNATURE_INVALID);
    CHECK(sogov::private_key::from_raw("x-cpp", "public", "other").value().sign("payment").status() ==
          SOGOV_STATUS_CUSTODY_FAILED);

    CHECK(sogov::unregister_scheme("x-cpp").has_value());
    CHECK(alive.use_count() == 1);
    CHECK(sogov::unregister_scheme("x-cpp").status() == SOGOV_STATUS_NOT_FOUND);
    CHECK(verifies.verify("payment", made).status() == SOGOV_STATUS_UNSUPPORTED);
    CHECK(sogov::register_scheme("sm2-sm3", {}).status() == SOGOV_STATUS_INVALID_ARGUMENT);
}

TEST(keys_of_other_schemes_sign_and_verify)
{
    const auto p256 = sogov::private_key::generate("ecdsa-p256").value();
    const auto mac = sogov::private_key::from_raw("hmac-sha256", {}, "0123456789abcdef").value();
    CHECK(p256.public_key().value().verify("payment", p256.sign("payment").value()).has_value());
    CHECK(mac.sign("payment").value().size() == 32);
    CHECK(mac.verify("payment", mac.sign("payment").value()).has_value());
    CHECK(mac.verify("payment", p256.sign("payment").value()).status() == SOGOV_STATUS_SIGNATURE_INVALID);
    CHECK(mac.public_key().status() == SOGOV_STATUS_INVALID_ARGUMENT);
}
