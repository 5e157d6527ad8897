/* process.hpp - the library's version, and what is mapped in this process. */
#ifndef SOGOV_PROCESS_HPP
#define SOGOV_PROCESS_HPP

#include "result.hpp"

#include <cstdint>
#include <string>

namespace sogov {

/// The library's version: major * 1,000,000 + minor * 1,000 + patch. SOGOV_VERSION_NUMBER is that of this header.
inline std::uint32_t version_number() noexcept
{
    return sogov_version_number();
}

/// The library's version as text, such as "0.1.0".
inline const char *version_text() noexcept
{
    return sogov_version_text();
}

/// The process as it stood at one moment, all engines together.
struct process_info {
    /// Versions whose images are mapped; those of them that stay by necessity, and those that wait for a way back.
    std::uint64_t versions_mapped = 0;
    std::uint64_t versions_pinned = 0;
    std::uint64_t versions_parked = 0;
    /// Bytes of address space that the images take.
    std::uint64_t bytes_mapped = 0;
    /// Only a restart takes it back: a version was given up by force, or the process is tainted.
    bool restart_wanted = false;
    /// Something may have damaged the process.
    bool tainted = false;
    /// The first reason of each; empty otherwise.
    std::string restart_reason = {};
    std::string taint_reason = {};
};

/// Tells what is mapped, and whether the process should be restarted when there is an occasion.
inline result<process_info> process_status()
{
    sogov_process_info found = SOGOV_PROCESS_INFO_INIT;
    return detail::run([&](sogov_error **error) { return sogov_process_status(&found, error); },
                       [&] {
                           return process_info{found.versions_mapped,     found.versions_pinned,
                                               found.versions_parked,     found.bytes_mapped,
                                               found.restart_wanted != 0, found.tainted != 0,
                                               found.restart_reason,      found.taint_reason};
                       });
}

} // namespace sogov

#endif /* SOGOV_PROCESS_HPP */
