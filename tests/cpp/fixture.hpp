/* fixture.hpp - a release team and an engine: a directory of its own with keys, trust and signed plugins. */
#ifndef FIXTURE_HPP
#define FIXTURE_HPP

#include <sogov.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace fixture {

/// Where the built plugins are, and the file that vectors.py wrote.
inline std::string plugins;
inline std::string vectors;

inline constexpr std::string_view payment = "amount=1234.56 currency=CNY";

/// A directory that is removed at the end.
class directory {
public:
    directory()
    {
        std::string made = (std::filesystem::temp_directory_path() / "sogov-cpp-XXXXXX").string();
        if (mkdtemp(made.data()) == nullptr)
            throw std::runtime_error("no temporary directory");
        path_ = made;
    }
    directory(const directory &) = delete;
    directory &operator=(const directory &) = delete;
    ~directory() { std::filesystem::remove_all(path_); }

    std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

private:
    std::string path_;
};

inline void write(const std::string &path, sogov::byte_view content)
{
    std::ofstream(path, std::ios::binary) << content.text();
}

/// Trust in the development mode, with one release key that may sign for every service.
struct release {
    directory place;
    sogov::private_key key = sogov::private_key::generate().value();

    release()
    {
        std::filesystem::create_directories(place / "trust/keys");
        std::filesystem::permissions(place / "trust", std::filesystem::perms::owner_all);
        std::filesystem::permissions(place / "trust/keys", std::filesystem::perms::owner_all);
        write(place / "trust/keys/release.pem", key.public_key().value().to_pem().value());
        write(place / "trust/trust.json", R"({"schema": 1, "epoch": 1, "keys": [{"id": ")" + key.id().value().text() +
                                              R"(", "scheme": "sm2-sm3", "services": ["*"]}]})");
    }

    /// A signed copy of the plugin fee.
    std::string signed_fee(std::string_view build, std::string service, std::string label) const
    {
        const std::string target = place / (service + "-" + label + ".so");
        sogov::file_facts facts;
        facts.service = std::move(service);
        facts.version = std::move(label);
        facts.epoch = 1;
        key.sign_file(plugins + "/libfee_" + std::string(build) + ".so", target, facts).value();
        return target;
    }

    sogov::engine_options options() const
    {
        sogov::engine_options made;
        made.trust_directory = place / "trust";
        return made;
    }

    /// An engine with v1, which is stable, and v2.
    sogov::engine engine(sogov::engine_options with) const
    {
        auto opened = sogov::engine::open(std::move(with)).value();
        opened.load_versioned("fee", "v1", signed_fee("v1", "fee", "v1")).value();
        opened.load_versioned("fee", "v2", signed_fee("v2", "fee", "v2")).value();
        opened.promote("fee", "v1", {"tests", "first release"}).value();
        return opened;
    }
    sogov::engine engine() const { return engine(options()); }
};

} // namespace fixture

#endif /* FIXTURE_HPP */
