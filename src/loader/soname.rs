//! SONAMEs that must not be taken: glibc answers a later `dlopen("libcrypto.so.3")` of the host, or a DT_NEEDED of
//! any library, with whatever object has that SONAME, and so with the plugin.

use super::{link_map, load_name};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::fork::PerProcess;
use std::ffi::{CStr, CString};
use std::path::Path;

/// Where the dynamic linker finds system libraries without being told.
pub(super) const SYSTEM_DIRECTORIES: [&str; 8] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

/// SONAMEs of the images that sogov has mapped or is mapping, one entry an image. Who has the lock may wait for the
/// dynamic linker, so a `fork` may fall on that: a child begins anew, and knows what it inherited by its load names.
static OURS: PerProcess<Mutex<Vec<String>>> = PerProcess::new();

/// A SONAME that an image of ours has. Held from before the image is mapped until after it is unmapped; dropped only
/// then.
#[derive(Debug)]
pub(super) struct Claim(String);

impl Claim {
    /// Refuses a SONAME that is a system library's, or one that the host has loaded. Another plugin may have it: two
    /// versions share theirs, and the host never asks for it.
    pub(super) fn new(soname: &str, allowed: bool) -> Result<Self> {
        let mut ours = OURS.get().lock();
        if !allowed && is_system_library(soname) {
            return Err(refusal(soname, "a system library's"));
        }
        let name = CString::new(soname)
            .map_err(|_| Error::new(Status::ImageRejected, "SONAME: expected a text, found a NUL byte"))?;
        if !allowed && !ours.iter().any(|ours| ours == soname) && is_of_the_host(&name) {
            return Err(refusal(soname, "one that this process has already loaded"));
        }
        ours.push(soname.to_owned());
        Ok(Self(soname.to_owned()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut ours = OURS.get().lock();
        if let Some(index) = ours.iter().position(|name| *name == self.0) {
            ours.swap_remove(index);
        }
    }
}

/// Whether an object has the name that this loader has not mapped.
fn is_of_the_host(soname: &CStr) -> bool {
    link_map::is_known(soname) && !link_map::path_of(soname).is_some_and(|path| load_name::is_fresh(&path))
}

fn is_system_library(soname: &str) -> bool {
    SYSTEM_DIRECTORIES.iter().any(|directory| Path::new(directory).join(soname).exists())
}

fn refusal(soname: &str, whose: &str) -> Error {
    Error::new(
        Status::ImageRejected,
        format!(
            "SONAME {soname}: expected a name of the plugin's own, found {whose}; a later dlopen of that name would \
             get the plugin. Name it in `allow.sonames` of trust.json if this is wanted"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_names_need_permission() {
        let refused = Claim::new("libc.so.6", false).unwrap_err();
        assert_eq!(refused.status(), Status::ImageRejected);
        assert!(refused.message().contains("libc.so.6"), "{refused}");
        assert!(Claim::new("libc.so.6", true).is_ok());
    }

    #[test]
    fn a_claim_ends_with_its_image() {
        let (first, second) =
            (Claim::new("libshared.so", false).unwrap(), Claim::new("libshared.so", false).unwrap());
        let count = || OURS.get().lock().iter().filter(|name| *name == "libshared.so").count();
        assert_eq!(count(), 2);
        drop(first);
        assert_eq!(count(), 1);
        drop(second);
        assert_eq!(count(), 0);
    }

    #[test]
    fn a_child_does_not_wait_for_a_thread_of_its_parent() {
        let held = OURS.get().lock();
        // SAFETY: the child has a copy of this thread alone; the alarm ends it where it hangs, and it leaves by `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above.
            unsafe {
                libc::alarm(20);
                libc::_exit(i32::from(Claim::new("libinherited.so", true).is_err()));
            }
        }
        drop(held);
        let mut status = 0;
        // SAFETY: waits for the child made above.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
    }
}
