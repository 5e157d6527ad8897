/* key.hpp - keys: signing and verifying messages and plugin files; digests. */
#ifndef SOGOV_KEY_HPP
#define SOGOV_KEY_HPP

#include "result.hpp"
#include "view.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sogov {

/// How a signature is written.
using signature_encoding = sogov_signature_encoding;
/// The file formats of keys.
using key_format = sogov_key_format;
/// Where the secret part of a key is kept.
using key_custody = sogov_custody;
/// What happens to private keys where memory cannot be locked.
using key_memory = sogov_key_memory;
/// The digests.
using digest_algorithm = sogov_digest_algorithm;

/// The digest of some data.
inline result<digest> digest_of(byte_view data, digest_algorithm algorithm = SOGOV_DIGEST_ALGORITHM_SM3)
{
    digest found = {};
    return detail::run(
        [&](sogov_error **error) {
            return sogov_digest(static_cast<std::uint32_t>(algorithm), data.data(), data.size(), found.data(), error);
        },
        [&] { return found; });
}

/// A key's identifier: the SM3 digest of its public part. Both halves of a pair have the same.
struct key_id {
    digest bytes = {};

    /// Reads "sm3:" and 64 hexadecimal digits.
    ///
    /// @return SOGOV_STATUS_INVALID_ARGUMENT for another text
    static result<key_id> parse(std::string_view text)
    {
        key_id read;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_key_id_parse(text.data(), text.size(), read.bytes.data(), error);
            },
            [&] { return read; });
    }

    /// "sm3:" and 64 lower-case hexadecimal digits.
    std::string text() const
    {
        static constexpr char digits[] = "0123456789abcdef";
        std::string made = "sm3:";
        for (const unsigned byte : bytes) {
            made += digits[byte >> 4];
            made += digits[byte & 15];
        }
        return made;
    }

    friend bool operator==(const key_id &left, const key_id &right) noexcept { return left.bytes == right.bytes; }
    friend bool operator!=(const key_id &left, const key_id &right) noexcept { return !(left == right); }
};

/// What a signature is made or checked with.
struct signature_options {
    /// The SM2 user id, at most 8,191 bytes; none: "1234567812345678" (GM/T 0009). Borrowed.
    optional_bytes user_id = {};
    signature_encoding encoding = SOGOV_SIGNATURE_ENCODING_RAW;

    /// For calls of sogov.h; borrows the user id.
    sogov_signature_options native() const noexcept
    {
        return {sizeof(sogov_signature_options), user_id.data(), user_id.size(), static_cast<std::uint32_t>(encoding)};
    }
};

class signature;
inline result<std::vector<signature>> sign_batch(span<const sogov_signing> items,
                                                 const signature_options &options = {});

/// A signature by a scheme of the library's, in either encoding: a plain value without memory of its own.
class signature {
public:
    /// The longest one that is made here, in DER.
    static constexpr std::size_t capacity = 72;

    const std::uint8_t *data() const noexcept { return bytes_.data(); }
    std::size_t size() const noexcept { return size_; }
    operator byte_view() const noexcept { return {data(), size()}; }

private:
    friend class private_key;
    friend result<std::vector<signature>> sign_batch(span<const sogov_signing>, const signature_options &);
    std::array<std::uint8_t, capacity> bytes_ = {};
    std::size_t size_ = 0;
};

/// What the two kinds of keys have in common: all that a public key can do. Any number of threads may use a key at once.
class key {
public:
    /// The key's identifier.
    result<key_id> id() const
    {
        key_id found;
        return detail::run(
            [&](sogov_error **error) { return sogov_key_id(native(), found.bytes.data(), error); },
            [&] { return found; });
    }

    /// Verifies the signature of a message by this key's public part.
    ///
    /// @param options the user id must be the signer's
    /// @return success when the signature is valid; SOGOV_STATUS_SIGNATURE_INVALID when it is not, or is malformed
    result<void> verify(byte_view message, byte_view signature, const signature_options &options = {}) const
    {
        const sogov_signature_options with = options.native();
        return detail::run([&](sogov_error **error) {
            return sogov_verify(native(), message.data(), message.size(), signature.data(), signature.size(), &with,
                                error);
        });
    }

    /// Where the secret part is kept.
    result<key_custody> custody() const
    {
        std::uint32_t found = 0;
        return detail::run([&](sogov_error **error) { return sogov_key_custody(native(), &found, error); },
                           [&] { return static_cast<key_custody>(found); });
    }

    /// Makes the table by which verifying is faster now, rather than after some verifications: see sogov_key_prepare().
    result<void> prepare() const
    {
        return detail::run([&](sogov_error **error) { return sogov_key_prepare(native(), error); });
    }

    /// For calls of sogov.h; borrowed.
    const sogov_key *native() const noexcept { return handle_.get(); }

protected:
    struct release {
        void operator()(sogov_key *handle) const noexcept { sogov_key_free(handle); }
    };
    explicit key(sogov_key *owned) noexcept : handle_(owned) {}
    ~key() = default;
    key(key &&) noexcept = default;
    key &operator=(key &&) noexcept = default;

    template <class Content> result<Content> exported(key_format format, optional_bytes password) const
    {
        Content file;
        auto done = detail::run([&](sogov_error **error) {
            return sogov_key_export(native(), static_cast<std::uint32_t>(format), password.data(), password.size(),
                                    file.native(), error);
        });
        if (!done)
            return std::move(done).error();
        return file;
    }

private:
    std::unique_ptr<sogov_key, release> handle_;
};

/// A public key.
class public_key : public key {
public:
    /// Reads SubjectPublicKeyInfo, PEM or DER.
    ///
    /// @return SOGOV_STATUS_KEY_INVALID for another format or curve, or a point off the curve
    static result<public_key> load(byte_view file)
    {
        sogov_key *made = nullptr;
        return detail::run(
            [&](sogov_error **error) { return sogov_key_load_public(file.data(), file.size(), &made, error); },
            [&] { return public_key(made); });
    }

    /// The public key of a scheme of the host's, whose name begins with "x-"; see scheme.hpp.
    ///
    /// @return SOGOV_STATUS_KEY_INVALID for no bytes, or more than 8,192
    static result<public_key> from_raw(std::string_view scheme, byte_view bytes)
    {
        sogov_key *made = nullptr;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_key_load_raw(scheme.data(), scheme.size(), bytes.data(), bytes.size(), nullptr, 0, &made,
                                          error);
            },
            [&] { return public_key(made); });
    }

    /// SubjectPublicKeyInfo in PEM, or in DER.
    result<buffer> to_pem() const { return exported<buffer>(SOGOV_KEY_FORMAT_SPKI_PEM, {}); }
    result<buffer> to_der() const { return exported<buffer>(SOGOV_KEY_FORMAT_SPKI_DER, {}); }

private:
    friend class private_key;
    using key::key;
};

/// What a signer states of a plugin file.
struct file_facts {
    /// The service that may run the plugin, and the label under which it may. Required.
    std::string service = {};
    std::string version = {};
    /// A number that grows with each release, and that a trust policy can demand a minimum of.
    std::uint64_t epoch = 0;
    /// Package URL, semantic version and issuer; each may be empty.
    std::string name = {};
    std::string semver = {};
    std::string issuer = {};
    /// Valid from and until, in seconds since 1970; 0: always, and for ever.
    std::uint64_t not_before = 0;
    std::uint64_t not_after = 0;
    /// The SM2 user id; none is the default. Borrowed.
    optional_bytes user_id = {};
    /// Leave the plugin as it is, and write the signature to a file of its own.
    bool detached = false;
    /// The bill of materials to bind, a file in CycloneDX or SPDX JSON; empty: none.
    std::string sbom_path = {};
};

/// A private key; wiped when the last call that uses it has ended.
class private_key : public key {
public:
    /// A new key from the operating system's randomness.
    ///
    /// @return SOGOV_STATUS_UNSUPPORTED for a scheme that the library does not know
    static result<private_key> generate(std::string_view scheme = "sm2-sm3")
    {
        sogov_key *made = nullptr;
        return detail::run(
            [&](sogov_error **error) { return sogov_key_generate(scheme.data(), scheme.size(), &made, error); },
            [&] { return private_key(made); });
    }

    /// Reads PKCS#8, plain or encrypted, or SEC1, PEM or DER.
    ///
    /// @return SOGOV_STATUS_KEY_INVALID for another format or curve, or a wrong or missing password
    static result<private_key> load(byte_view file, optional_bytes password = {})
    {
        sogov_key *made = nullptr;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_key_load_private(file.data(), file.size(), password.data(), password.size(), &made, error);
            },
            [&] { return private_key(made); });
    }

    /// Opens the key that a URI names: "file:", "pkcs11:" or "sdf:"; see sogov_key_open().
    ///
    /// @return SOGOV_STATUS_CUSTODY_FAILED when the token or the device refused
    static result<private_key> open(std::string_view uri)
    {
        sogov_key *made = nullptr;
        return detail::run([&](sogov_error **error) { return sogov_key_open(uri.data(), uri.size(), &made, error); },
                           [&] { return private_key(made); });
    }

    /// A key of hmac-sha256 (no public part, 16 to 1,024 bytes), or the key pair of a scheme of the host's, whose name begins
    /// with "x-"; see scheme.hpp.
    ///
    /// @return SOGOV_STATUS_KEY_INVALID for other lengths; SOGOV_STATUS_UNSUPPORTED for another scheme
    static result<private_key> from_raw(std::string_view scheme, optional_bytes public_bytes, byte_view private_bytes)
    {
        sogov_key *made = nullptr;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_key_load_raw(scheme.data(), scheme.size(), public_bytes.data(), public_bytes.size(),
                                          private_bytes.data(), private_bytes.size(), &made, error);
            },
            [&] { return private_key(made); });
    }

    /// The public part, as a key of its own.
    ///
    /// @return SOGOV_STATUS_INVALID_ARGUMENT for a key of hmac-sha256, which has none
    result<sogov::public_key> public_key() const
    {
        sogov_key *made = nullptr;
        return detail::run([&](sogov_error **error) { return sogov_key_public(native(), &made, error); },
                           [&] { return sogov::public_key(made); });
    }

    /// Signs a message under the scheme of the key, with a fresh nonce each time.
    ///
    /// @param message must not begin with a tag that is kept for documents of sogov's own, as sogov_sign says
    /// @return SOGOV_STATUS_INVALID_ARGUMENT for such a message; SOGOV_STATUS_LIMIT_EXCEEDED for a signature that is longer
    ///         than signature::capacity, of RSA in a token or a scheme of the host's: see sign_long()
    result<signature> sign(byte_view message, const signature_options &options = {}) const
    {
        auto made = sign_long(message, options);
        if (!made)
            return std::move(made).error();
        signature copy;
        if (made.value().size() > signature::capacity)
            return error(SOGOV_STATUS_LIMIT_EXCEEDED, "signature: expected at most 72 bytes, found more");
        copy.size_ = made.value().size();
        std::copy_n(made.value().data(), copy.size_, copy.bytes_.begin());
        return copy;
    }

    /// The same, for signatures of any length.
    result<buffer> sign_long(byte_view message, const signature_options &options = {}) const
    {
        const sogov_signature_options with = options.native();
        buffer made;
        auto done = detail::run([&](sogov_error **error) {
            return sogov_sign(native(), message.data(), message.size(), &with, made.native(), error);
        });
        if (!done)
            return std::move(done).error();
        return made;
    }

    /// Signs a plugin file. The result appears whole or not at all; strip first, sign last.
    ///
    /// @param source the unsigned plugin
    /// @param target where the signed copy goes, or the signature file with `detached`; empty: `source` itself, or the
    ///               place beside it where loading looks
    /// @return the artifact's digest; SOGOV_STATUS_IMAGE_REJECTED for what is no shared object; SOGOV_STATUS_BUSY when it
    ///         is signed already
    result<digest> sign_file(std::string_view source, std::string_view target, const file_facts &facts) const
    {
        sogov_file_facts stated = {};
        stated.size = sizeof stated;
        stated.service = facts.service.data();
        stated.service_len = facts.service.size();
        stated.version = facts.version.data();
        stated.version_len = facts.version.size();
        stated.epoch = facts.epoch;
        stated.name = facts.name.data();
        stated.name_len = facts.name.size();
        stated.semver = facts.semver.data();
        stated.semver_len = facts.semver.size();
        stated.issuer = facts.issuer.data();
        stated.issuer_len = facts.issuer.size();
        stated.not_before = facts.not_before;
        stated.not_after = facts.not_after;
        stated.user_id = facts.user_id.data();
        stated.user_id_len = facts.user_id.size();
        stated.detached = facts.detached;
        stated.sbom_path = facts.sbom_path.data();
        stated.sbom_path_len = facts.sbom_path.size();
        digest found = {};
        return detail::run(
            [&](sogov_error **error) {
                return sogov_file_sign(native(), source.data(), source.size(), target.data(), target.size(), &stated,
                                       found.data(), error);
            },
            [&] { return found; });
    }

    /// Adds this key's signature over the statement that a signed plugin or a signature file carries.
    ///
    /// @return SOGOV_STATUS_UNSIGNED when there is no statement; SOGOV_STATUS_LIMIT_EXCEEDED without room for another
    result<void> add_signature(std::string_view path, optional_bytes user_id = {}) const
    {
        return detail::run([&](sogov_error **error) {
            return sogov_file_add_signature(native(), path.data(), path.size(), user_id.data(), user_id.size(), error);
        });
    }

    /// PKCS#8 in PEM, encrypted where there is a password, or in DER, plain.
    result<secret> to_pem(optional_bytes password = {}) const
    {
        return exported<secret>(SOGOV_KEY_FORMAT_PKCS8_PEM, password);
    }
    result<secret> to_der() const { return exported<secret>(SOGOV_KEY_FORMAT_PKCS8_DER, {}); }

private:
    using key::key;
};

/// What happens to private keys where memory cannot be locked, for those that are made and read from now on.
inline result<void> key_memory_policy(key_memory policy)
{
    return detail::run(
        [&](sogov_error **error) { return sogov_key_memory_policy(static_cast<std::uint32_t>(policy), error); });
}

/// How much memory the tables of prepared keys may take in this process: 64 MiB unless set; 0: no key is prepared.
inline void prepared_keys_limit(std::size_t bytes) noexcept
{
    sogov_prepared_keys_limit(bytes);
}

} // namespace sogov

#endif /* SOGOV_KEY_HPP */
