//! Images that were closed and that the dynamic linker still holds.

use super::link_map;
use super::soname::Claim;
use super::sweep;
use std::ffi::CString;

/// An image after a `dlclose` that did not unmap it: destructors of thread-local storage are due on some threads, or
/// another image is bound to it. The linker looks at such images again only when something else is closed.
#[derive(Debug)]
pub struct Remnant {
    pub(super) load_name: CString,
    /// Held as long as the image is mapped.
    pub(super) claim: Option<Claim>,
}

impl Remnant {
    /// Has the linker look again. Answers whether the image is gone. Destructors of its globals run here when it goes.
    pub fn try_unmap(&self) -> bool {
        if link_map::extent(&self.load_name).is_none() {
            return true;
        }
        // Without memory or descriptors for it there will be a next time.
        let _ = sweep::sweep();
        link_map::extent(&self.load_name).is_none()
    }
}

impl Drop for Remnant {
    fn drop(&mut self) {
        if link_map::extent(&self.load_name).is_some() {
            super::instance::keep_for_ever(self.claim.take());
        }
    }
}
