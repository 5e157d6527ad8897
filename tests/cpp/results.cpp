/* results.cpp - both ways of errors, views, and handles that were moved from. */
#include "fixture.hpp"
#include "test.hpp"

#include <type_traits>
#include <vector>

namespace {

template <class T>
constexpr bool moves_only = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> &&
                            !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;

static_assert(moves_only<sogov::engine> && moves_only<sogov::service> && moves_only<sogov::lease>);
static_assert(moves_only<sogov::private_key> && moves_only<sogov::public_key> && moves_only<sogov::verifier>);
static_assert(moves_only<sogov::buffer> && moves_only<sogov::secret> && moves_only<sogov::answer>);
static_assert(std::is_nothrow_copy_constructible_v<sogov::error>);
// A view of a temporary container would dangle.
static_assert(!std::is_constructible_v<sogov::span<const int>, std::vector<int>>);
static_assert(!std::is_constructible_v<sogov::span<int>, const std::vector<int> &>);
// One of a temporary view does not.
static_assert(std::is_convertible_v<sogov::span<int>, sogov::span<const int>>);
static_assert(!std::is_constructible_v<sogov::span<int>, sogov::span<const int>>);

template <class Lease, class = void> constexpr bool gives_symbols = false;
template <class Lease>
constexpr bool gives_symbols<Lease, std::void_t<decltype(std::declval<Lease>().template symbol<int>("x"))>> = true;
// A symbol of a temporary lease could never be used.
static_assert(gives_symbols<sogov::lease &> && !gives_symbols<sogov::lease>);

template <class Result, class = void> constexpr bool has_arrow = false;
template <class Result>
constexpr bool has_arrow<Result, std::void_t<decltype(std::declval<Result>().operator->())>> = true;
// Nor that of a lease in a temporary result.
static_assert(has_arrow<sogov::result<sogov::lease> &> && has_arrow<const sogov::result<sogov::lease> &>);
static_assert(!has_arrow<sogov::result<sogov::lease>> && !has_arrow<const sogov::result<sogov::lease>>);

sogov::status thrown_by(const sogov::result<sogov::key_id> &result)
{
    try {
        result.value();
    } catch (const sogov::error &error) {
        return error.status();
    }
    return SOGOV_STATUS_OK;
}

} // namespace

TEST(an_error_is_a_value_or_an_exception)
{
    const auto parsed = sogov::key_id::parse("sm3:12");
    CHECK(!parsed && !parsed.has_value());
    CHECK(parsed.status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(parsed.error().status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(std::string_view(parsed.error().name()) == "SOGOV_STATUS_INVALID_ARGUMENT");
    CHECK(!std::string_view(parsed.error().what()).empty());
    CHECK(thrown_by(parsed) == SOGOV_STATUS_INVALID_ARGUMENT);

    const auto key = sogov::private_key::generate().value();
    const auto wrong = key.verify("message", "no signature");
    CHECK(wrong.status() == SOGOV_STATUS_SIGNATURE_INVALID);
    try {
        wrong.value();
        CHECK(false);
    } catch (const std::runtime_error &error) {
        CHECK(std::string_view(error.what()) == wrong.error().what());
    }
}

TEST(the_value_of_a_temporary_result_lives_on)
{
    const fixture::release release;
    const auto engine = release.engine();
    std::string labels;
    for (const auto &info : engine.versions("fee").value())
        labels += info.version + " ";
    CHECK(labels == "v1 v2 ");
}

TEST(byte_views_take_texts_and_containers)
{
    const std::vector<std::byte> raw = {std::byte{1}, std::byte{0}, std::byte{2}};
    const std::uint8_t array[] = {1, 0, 2};
    const std::string text("a\0b", 3);
    CHECK(sogov::byte_view(raw).size() == 3 && sogov::byte_view(array).size() == 3);
    CHECK(sogov::byte_view(text).size() == 3 && sogov::byte_view(text).text() == text);
    char line[16] = "a text";
    CHECK(sogov::byte_view("literal").size() == 7 && sogov::byte_view(line).size() == 6);
    CHECK(sogov::byte_view().data() == nullptr && sogov::byte_view().empty());
    CHECK(sogov::optional_bytes().data() == nullptr && sogov::optional_bytes(sogov::byte_view()).data() != nullptr);
    CHECK(sogov::optional_bytes(line).size() == 6 && sogov::optional_bytes(text).size() == 3);
}

TEST(a_handle_that_was_moved_from_answers_an_error)
{
    const fixture::release release;
    auto engine = release.engine();
    auto service = engine.service("fee").value();
    auto lease = service.route({"alice"}).value();
    auto key = sogov::private_key::generate().value();
    auto verifier = sogov::verifier::open().value();

    auto other_engine = std::move(engine);
    auto other_service = std::move(service);
    auto other_lease = std::move(lease);
    auto other_key = std::move(key);
    auto other_verifier = std::move(verifier);

    CHECK(engine.versions().status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(service.call(fixture::payment).status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(service.route().status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(!lease && lease.version().status() == SOGOV_STATUS_LEASE_GONE);
    CHECK(lease.release(SOGOV_OUTCOME_SUCCESS).status() == SOGOV_STATUS_LEASE_GONE);
    CHECK(key.sign("x").status() == SOGOV_STATUS_INVALID_ARGUMENT);
    CHECK(verifier.close().status() == SOGOV_STATUS_INVALID_ARGUMENT && verifier.free() == 0);

    CHECK(other_engine.versions().value().size() == 2);
    CHECK(other_service.call(fixture::payment).has_value());
    CHECK(other_lease.version().value() == "v1");
    CHECK(other_lease.release(SOGOV_OUTCOME_SUCCESS).has_value());
    CHECK(other_key.sign("x").has_value());

    // Assigned to, a handle is whole again; to itself, it stays what it is.
    engine = std::move(other_engine);
    auto &same = engine;
    engine = std::move(same);
    CHECK(engine.versions().value().size() == 2);
    auto secret = other_key.to_pem().value();
    auto &same_secret = secret;
    secret = std::move(same_secret);
    CHECK(sogov::private_key::load(secret).has_value());
}

TEST(the_order_of_destruction_does_not_matter)
{
    const fixture::release release;
    auto engine = std::make_unique<sogov::engine>(release.engine());
    const auto service = engine->service("fee").value();
    auto lease = service.route({"alice"}).value();
    engine.reset();
    CHECK(service.call(fixture::payment).status() == SOGOV_STATUS_CLOSED);
    CHECK(lease.version().value() == "v1");
    CHECK(lease.release(SOGOV_OUTCOME_SUCCESS).has_value());
    CHECK(lease.release(SOGOV_OUTCOME_SUCCESS).status() == SOGOV_STATUS_LEASE_GONE);
}
