// tariff.cpp - integer arithmetic in minor units, with the numbers of tariff v1.
#include "tariff.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace fee {
namespace {

constexpr std::size_t line_max = 64;

/// The largest amount in minor units: 18 digits, as in ISO 20022. Ten times as much fits.
constexpr std::uint64_t amount_max = 999'999'999'999'999'999;

constexpr std::uint64_t million = 1'000'000;

/// Millionths of the amount: 0.5%. At most a million, so that a fee is never larger than its amount.
constexpr std::uint64_t rate_ppm = 5'000;

/// A currency with its bounds on the fee, in minor units.
struct currency {
    std::string_view code;
    /// ISO 4217: how many decimal digits the minor unit has.
    std::size_t exponent;
    std::uint64_t floor;
    std::uint64_t cap;
};

constexpr std::array<currency, 6> tariff = {{
    {"BHD", 3, 10, 25'000},
    {"CNY", 2, 10, 50'000},
    {"EUR", 2, 5, 7'500},
    {"JPY", 0, 10, 10'000},
    {"KWD", 3, 10, 25'000},
    {"USD", 2, 5, 7'500},
}};

/// The parts of a well-formed request.
struct request_parts {
    std::string_view whole;
    std::string_view fraction;
    std::string_view code;
};

std::optional<request_parts> parse(std::string_view line);
std::uint64_t minor_units(const request_parts &parts, std::size_t exponent);
std::uint64_t half_even_share(std::uint64_t amount);
std::string money(std::uint64_t minor, std::size_t exponent);

} // namespace

std::string price(std::string_view request)
{
    const auto parts = parse(request);
    if (!parts)
        throw refusal::malformed;
    const auto *found = std::find_if(tariff.begin(), tariff.end(), [&](auto &each) { return each.code == parts->code; });
    if (found == tariff.end())
        throw refusal::unknown_currency;
    const std::uint64_t share = half_even_share(minor_units(*parts, found->exponent));
    const std::uint64_t fee = std::clamp(share, found->floor, found->cap);
    return "fee=" + money(fee, found->exponent) + " currency=" + std::string(found->code) + " tariff=cpp";
}

namespace {

/// Takes a text off the front of the line, if it begins with that.
bool take(std::string_view &line, std::string_view text)
{
    if (line.substr(0, text.size()) != text)
        return false;
    line.remove_prefix(text.size());
    return true;
}

/// Takes the longest run of characters from `first` to `last`; it may be empty.
std::string_view take_between(std::string_view &line, char first, char last)
{
    const auto end = std::find_if(line.begin(), line.end(), [=](char c) { return c < first || c > last; });
    const auto taken = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    line.remove_prefix(taken.size());
    return taken;
}

/// "amount=" whole [ "." fraction ] " currency=" three capitals, and nothing else.
std::optional<request_parts> parse(std::string_view line)
{
    request_parts parts;
    if (line.size() > line_max || !take(line, "amount="))
        return {};
    parts.whole = take_between(line, '0', '9');
    if (parts.whole.empty() || (parts.whole.size() > 1 && parts.whole.front() == '0'))
        return {};
    if (take(line, ".")) {
        parts.fraction = take_between(line, '0', '9');
        if (parts.fraction.empty())
            return {};
    }
    if (!take(line, " currency="))
        return {};
    parts.code = take_between(line, 'A', 'Z');
    if (parts.code.size() != 3 || !line.empty())
        return {};
    return parts;
}

std::uint64_t minor_units(const request_parts &parts, std::size_t exponent)
{
    if (parts.fraction.size() > exponent)
        throw refusal::malformed;
    std::string digits = std::string(parts.whole) + std::string(parts.fraction);
    digits.append(exponent - parts.fraction.size(), '0');
    std::uint64_t amount = 0;
    for (const char digit : digits) {
        amount = amount * 10 + static_cast<std::uint64_t>(digit - '0');
        if (amount > amount_max)
            throw refusal::out_of_range;
    }
    if (amount == 0)
        throw refusal::out_of_range;
    return amount;
}

/// The rate, rounded half to even. Split at a million, so that no product can overflow.
std::uint64_t half_even_share(std::uint64_t amount)
{
    const std::uint64_t millionths = amount % million * rate_ppm;
    const std::uint64_t fee = amount / million * rate_ppm + millionths / million;
    const std::uint64_t twice_the_rest = millionths % million * 2;
    return fee + (twice_the_rest > million || (twice_the_rest == million && fee % 2 == 1));
}

/// Minor units as a decimal number with all its digits: 617 of CNY is 6.17.
std::string money(std::uint64_t minor, std::size_t exponent)
{
    std::string digits = std::to_string(minor);
    if (exponent == 0)
        return digits;
    if (digits.size() <= exponent)
        digits.insert(0, exponent + 1 - digits.size(), '0');
    return digits.insert(digits.size() - exponent, 1, '.');
}

} // namespace
} // namespace fee
