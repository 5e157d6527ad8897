//! Landlock (landlock(7)): nothing below any directory may be written, made, renamed or removed.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

/// `struct landlock_ruleset_attr`, as far as its first version goes.
#[repr(C)]
struct Ruleset {
    handled: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

const WRITE_FILE: u64 = 1 << 1;
const TRUNCATE: u64 = 1 << 14;
/// Removing directories and files, making what there is to be made: bits 4 to 12.
const REMOVE_AND_MAKE: u64 = 0x1ff << 4;
const REFER: u64 = 1 << 13;
const RULE_PATH_BENEATH: i32 = 1;
const GET_VERSION: u32 = 1;

/// Refuses every change of a file system to this process for ever. `/dev/null` takes what it is given.
pub(super) fn no_writing() -> io::Result<()> {
    let mut handled = WRITE_FILE | REMOVE_AND_MAKE;
    handled |= match version()? {
        1 => 0,
        2 => REFER,
        _ => REFER | TRUNCATE,
    };
    let ruleset = Ruleset { handled };
    // SAFETY: a readable struct with its size.
    let made = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const ruleset, size_of::<Ruleset>(), 0)
    };
    let descriptor = i32::try_from(checked(made)?).map_err(|_| io::ErrorKind::InvalidData)?;
    // SAFETY: a fresh descriptor that nobody else owns.
    let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let null = File::options().read(true).custom_flags(libc::O_PATH).open("/dev/null")?;
    let rule = PathBeneath { allowed: (WRITE_FILE | TRUNCATE) & handled, parent: null.as_raw_fd() };
    // SAFETY: an open ruleset and a readable struct of the type named.
    checked(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            descriptor.as_raw_fd(),
            RULE_PATH_BENEATH,
            &raw const rule,
            0,
        )
    })?;
    // SAFETY: an open ruleset.
    checked(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, descriptor.as_raw_fd(), 0) })?;
    Ok(())
}

fn version() -> io::Result<i64> {
    let none = std::ptr::null::<Ruleset>();
    // SAFETY: asks for the version, which takes no struct.
    checked(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0, GET_VERSION) })
}

fn checked(answer: i64) -> io::Result<i64> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
