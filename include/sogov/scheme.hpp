/* scheme.hpp - signature schemes of the host's. */
#ifndef SOGOV_SCHEME_HPP
#define SOGOV_SCHEME_HPP

#include "key.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace sogov {

/// A signature scheme of the host's. Its functions are called on any thread, on several at once; what they are given is
/// borrowed for the call. What they throw is a signature that is not valid, or that could not be made.
struct scheme {
    /// The number in signed bytes, 128 to 254; it stays the same for as long as signatures are to be valid.
    std::uint32_t number = 0;
    /// Whether the signature is that of the public key over the message.
    std::function<bool(byte_view key, byte_view message, byte_view signature)> verify = {};
    /// The signature of the private key over the message, at most 8,192 bytes; none where it cannot be made. Without this
    /// function the scheme verifies only.
    std::function<std::optional<std::vector<std::uint8_t>>(byte_view key, byte_view message)> sign = {};
};

/// For this header's own use.
namespace detail {

/// What the library calls, and frees when it is done with.
struct scheme_calls {
    static std::int32_t verify(void *payload, const std::uint8_t *key, std::size_t key_len, const std::uint8_t *message,
                               std::size_t message_len, const std::uint8_t *signature,
                               std::size_t signature_len) noexcept
    {
        bool valid = false;
        contain([&] {
            const auto &given = *static_cast<const scheme *>(payload);
            valid = given.verify({key, key_len}, {message, message_len}, {signature, signature_len});
        });
        return valid ? 1 : 0;
    }

    static std::int32_t sign(void *payload, const std::uint8_t *key, std::size_t key_len, const std::uint8_t *message,
                             std::size_t message_len, std::uint8_t *signature, std::size_t *signature_len) noexcept
    {
        bool made = false;
        contain([&] {
            const auto answer = static_cast<const scheme *>(payload)->sign({key, key_len}, {message, message_len});
            if (!answer || answer->size() > *signature_len)
                return;
            std::copy(answer->begin(), answer->end(), signature);
            *signature_len = answer->size();
            made = true;
        });
        return made ? 1 : 0;
    }

    static void release(void *payload) noexcept { delete static_cast<scheme *>(payload); }
};

} // namespace detail

/// Registers a scheme in this process, or replaces one of the same name and number; see sogov_scheme_register(). Its functions
/// are let go of when the last call that uses them has ended.
///
/// @param name "x-" and 1 to 30 of a-z 0-9 . - _
/// @return SOGOV_STATUS_INVALID_ARGUMENT for another name or number, or without `verify`; SOGOV_STATUS_BUSY when the name has
///         another number, or the number another name
inline result<void> register_scheme(std::string_view name, scheme given)
{
    sogov_scheme_options with = {};
    with.size = sizeof with;
    with.number = given.number;
    with.verify = given.verify ? detail::scheme_calls::verify : nullptr;
    with.sign = given.sign ? detail::scheme_calls::sign : nullptr;
    with.release = detail::scheme_calls::release;
    auto kept = std::make_unique<scheme>(std::move(given));
    with.payload = kept.get();
    auto done = detail::run(
        [&](sogov_error **error) { return sogov_scheme_register(name.data(), name.size(), &with, error); });
    if (done)
        kept.release();
    return done;
}

/// Removes a scheme that was registered.
///
/// @return SOGOV_STATUS_NOT_FOUND when it is not registered
inline result<void> unregister_scheme(std::string_view name)
{
    return detail::run([&](sogov_error **error) { return sogov_scheme_unregister(name.data(), name.size(), error); });
}

} // namespace sogov

#endif /* SOGOV_SCHEME_HPP */
