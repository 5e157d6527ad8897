/* package.hpp - update packages: making them, and the keys that they are encrypted by. engine::install() installs them. */
#ifndef SOGOV_PACKAGE_HPP
#define SOGOV_PACKAGE_HPP

#include "key.hpp"
#include "result.hpp"
#include "view.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sogov {

/// How an installed file stands to the receipt of its installation.
using package_standing = sogov_package_standing;

/// The number of a package.
using package_id = std::array<std::uint8_t, 16>;

/// A public key of RSA or SM2 that packages are encrypted for. Any number of threads may use it at once.
class recipient {
public:
    /// Reads a certificate, whose chain and dates are not looked at, or a SubjectPublicKeyInfo, PEM or DER.
    ///
    /// @return SOGOV_STATUS_KEY_INVALID for another format, or another algorithm than RSA (3072 to 8192 bits) and SM2
    static result<recipient> load(byte_view file)
    {
        sogov_recipient *made = nullptr;
        return detail::run(
            [&](sogov_error **error) { return sogov_recipient_read(file.data(), file.size(), &made, error); },
            [&] { return recipient(made); });
    }

    /// For calls of sogov.h; borrowed.
    const sogov_recipient *native() const noexcept { return handle_.get(); }

private:
    struct release {
        void operator()(sogov_recipient *handle) const noexcept { sogov_recipient_free(handle); }
    };
    explicit recipient(sogov_recipient *owned) noexcept : handle_(owned) {}
    std::unique_ptr<sogov_recipient, release> handle_;
};

/// A private key of RSA or SM2 that opens packages; wiped when the last call that uses it has ended.
class recipient_key {
public:
    /// Reads PKCS#8 of RSA (3072 to 8192 bits) or SM2, or SEC1 of SM2, PEM or DER.
    ///
    /// @param certificate the key's, or nothing: then up to eight recipients are tried that a package names by certificates
    /// @return SOGOV_STATUS_KEY_INVALID for another format or algorithm, a wrong or missing password, or the certificate of
    ///         another key
    static result<recipient_key> load(byte_view file, optional_bytes password = {}, byte_view certificate = {})
    {
        sogov_recipient_key *made = nullptr;
        return detail::run(
            [&](sogov_error **error) {
                return sogov_recipient_key_read(file.data(), file.size(), password.data(), password.size(),
                                                certificate.data(), certificate.size(), &made, error);
            },
            [&] { return recipient_key(made); });
    }

    /// For calls of sogov.h; borrowed.
    const sogov_recipient_key *native() const noexcept { return handle_.get(); }

private:
    struct release {
        void operator()(sogov_recipient_key *handle) const noexcept { sogov_recipient_key_free(handle); }
    };
    explicit recipient_key(sogov_recipient_key *owned) noexcept : handle_(owned) {}
    std::unique_ptr<sogov_recipient_key, release> handle_;
};

/// What goes into a package. Keys and recipients are borrowed.
struct package_facts {
    /// Paths of plugins, which are signed already; a signature file beside one, its path with ".sogsig" behind it, goes with
    /// it. Paths of other files that are carried.
    std::vector<std::string> plugins = {};
    std::vector<std::string> files = {};
    /// Names of the hosts that may install it.
    std::vector<std::string> audiences = {};
    /// Sign the manifest; the trust directory of the hosts says how many.
    std::vector<const private_key *> keys = {};
    /// Whom it is encrypted for, all of RSA or all of SM2.
    std::vector<const recipient *> recipients = {};
    /// The service of the plugins; empty: that of the first plugin.
    std::string service = {};
    /// A number that must not fall from one package of the service to the next.
    std::uint64_t epoch = 0;
    /// Until when it can be installed, in seconds since 1970; 0: 30 days from now.
    std::uint64_t not_after = 0;
    /// May be empty.
    std::string issuer = {};
    /// The SM2 user id; none is the default. Borrowed.
    optional_bytes user_id = {};
};

/// Puts signed plugins and other files into an update package. It appears whole or not at all.
///
/// @return the package's number; SOGOV_STATUS_INVALID_ARGUMENT where something is missing, or for a file's name that a package
///         cannot have; SOGOV_STATUS_UNSIGNED, SOGOV_STATUS_WRONG_SERVICE for plugins
inline result<package_id> pack(std::string_view target, const package_facts &facts)
{
    const auto texts = [](const std::vector<std::string> &from) {
        std::vector<sogov_text> made;
        for (const std::string &text : from)
            made.push_back({text.data(), text.size()});
        return made;
    };
    const auto handles = [](const auto &from) {
        std::vector<decltype(from.front()->native())> made;
        for (const auto *one : from)
            made.push_back(one == nullptr ? nullptr : one->native());
        return made;
    };
    const auto plugins = texts(facts.plugins), files = texts(facts.files), audiences = texts(facts.audiences);
    const auto keys = handles(facts.keys);
    const auto recipients = handles(facts.recipients);
    sogov_pack_options with = {};
    with.size = sizeof with;
    with.plugins = plugins.data();
    with.plugin_count = plugins.size();
    with.files = files.data();
    with.file_count = files.size();
    with.audiences = audiences.data();
    with.audience_count = audiences.size();
    with.keys = keys.data();
    with.key_count = keys.size();
    with.recipients = recipients.data();
    with.recipient_count = recipients.size();
    with.service = facts.service.data();
    with.service_len = facts.service.size();
    with.epoch = facts.epoch;
    with.not_after = facts.not_after;
    with.issuer = facts.issuer.data();
    with.issuer_len = facts.issuer.size();
    with.user_id = facts.user_id.data();
    with.user_id_len = facts.user_id.size();
    package_id made = {};
    return detail::run(
        [&](sogov_error **error) { return sogov_pack(&with, target.data(), target.size(), made.data(), error); },
        [&] { return made; });
}

} // namespace sogov

#endif /* SOGOV_PACKAGE_HPP */
