// tariff.hpp - from a request line to an answer line: ../fee/README.md defines both.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fee {

/// Why a request has no fee. The numbers are answers of `invoke`.
enum class refusal : std::int32_t { malformed = 2, unknown_currency = 3, out_of_range = 4 };

/// `amount=1234.56 currency=CNY` to `fee=6.17 currency=CNY tariff=cpp`. Throws a refusal.
std::string price(std::string_view request);

} // namespace fee
