//! A path for `dlopen` that never repeats.
//!
//! glibc compares the path with the names of the objects it holds before it opens the file, and descriptor numbers
//! are reused: `/proc/self/fd/7` could answer with yesterday's plugin. A random spelling of the same path, `/` against
//! `/.`, is a name that nobody has used and that no DT_SONAME can have guessed.

use crate::error::Result;
use crate::sys::random;
use std::ffi::{CStr, CString};

/// A fresh spelling of `/proc/self/fd/<descriptor>`.
pub(super) fn fresh(descriptor: i32) -> Result<CString> {
    let nonce = random::system_u64()?;
    let mut path = String::from("/proc/self/fd");
    for bit in 0..u64::BITS {
        path.push_str(if nonce >> bit & 1 == 0 { "/" } else { "/." });
    }
    path.push('/');
    path.push_str(&descriptor.to_string());
    Ok(CString::new(path).unwrap_or_default())
}

/// Whether a name is one of [`fresh`]: an object that this loader has mapped.
pub(super) fn is_fresh(name: &CStr) -> bool {
    let parts = name.to_bytes().strip_prefix(b"/proc/self/fd").map(|rest| rest.split(|byte| *byte == b'/'));
    parts.is_some_and(|parts| parts.count() == u64::BITS as usize + 2)
}

/// Whether an object of this name was opened by its descriptor, by this loader or by another one. Once it is mapped the
/// number may be any other file's, a pipe's of the host among them, so such a name must not be opened again.
pub(super) fn is_descriptor(name: &CStr) -> bool {
    ["/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/"]
        .iter()
        .any(|directory| name.to_bytes().starts_with(directory.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_differ_and_name_the_same_file() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&file);
        let names: std::collections::HashSet<_> = (0..100).map(|_| fresh(descriptor).unwrap()).collect();
        assert_eq!(names.len(), 100);
        for name in names {
            assert!(is_descriptor(&name) && is_fresh(&name));
            let found = std::fs::metadata(name.to_str().unwrap()).unwrap();
            assert_eq!(found.len(), file.metadata().unwrap().len());
        }
        assert!(!is_descriptor(c"/usr/lib/libfd.so"));
        assert!(is_descriptor(c"/proc/self/fd/7") && !is_fresh(c"/proc/self/fd/7"));
    }
}
