/* batch.hpp - many signatures at once: faster than as many calls, and the more so the more there are. */
#ifndef SOGOV_BATCH_HPP
#define SOGOV_BATCH_HPP

#include "key.hpp"

#include <vector>

namespace sogov {

/// A signature to be verified: make_verification() makes it.
using verification = sogov_verification;
/// A message to be signed: make_signing() makes it.
using signing = sogov_signing;

/// A signature to be verified. Borrows all of them, the key included.
///
/// @param user_id the signer's; none: that of the options
inline verification make_verification(const key &key, byte_view message, byte_view signature,
                                      optional_bytes user_id = {}) noexcept
{
    return {key.native(),     message.data(), message.size(), signature.data(),
            signature.size(), user_id.data(), user_id.size()};
}

/// A message to be signed. Borrows all of them, the key included.
inline signing make_signing(const private_key &key, byte_view message, optional_bytes user_id = {}) noexcept
{
    return {key.native(), message.data(), message.size(), user_id.data(), user_id.size()};
}

/// Verifies many signatures, of any keys.
///
/// @param options the encoding of all signatures, and the user id of items that have none
/// @param results receives a status for each item, also on failure; may be NULL. Where the call as a whole is refused,
///                none is SOGOV_STATUS_OK
/// @return success when every signature is valid, and for no items; else SOGOV_STATUS_SIGNATURE_INVALID
inline result<void> verify_batch(span<const verification> items, const signature_options &options = {},
                                 std::vector<status> *results = nullptr)
{
    const sogov_signature_options with = options.native();
    if (results != nullptr)
        results->assign(items.size(), SOGOV_STATUS_INTERNAL);
    return detail::run([&](sogov_error **error) {
        return sogov_verify_batch(items.data(), items.size(), &with, results == nullptr ? nullptr : results->data(),
                                  error);
    });
}

/// Signs many messages, all of them or none.
///
/// @param options the encoding of all signatures, and the user id of items that have none
/// @return a signature for each item, in their order; else what signing the first item that is refused would answer
inline result<std::vector<signature>> sign_batch(span<const signing> items, const signature_options &options)
{
    const sogov_signature_options with = options.native();
    std::vector<signature> made(items.size());
    std::vector<std::size_t> sizes(items.size());
    auto done = detail::run([&](sogov_error **error) {
        return sogov_sign_batch(items.data(), items.size(), &with,
                                made.empty() ? nullptr : made.front().bytes_.data(), sizeof(signature),
                                sizes.data(), error);
    });
    if (!done)
        return std::move(done).error();
    for (std::size_t i = 0; i < made.size(); i++)
        made[i].size_ = sizes[i];
    return made;
}

} // namespace sogov

#endif /* SOGOV_BATCH_HPP */
