//! Bytes that can be read only while they are shown.

use crate::error::{Error, Result};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Some bytes in a page of their own, which is not readable but inside of [`show`](Self::show). Keeps them from code
/// that reads, copies or overwrites too much; not from code that looks for them.
#[derive(Debug)]
pub struct HiddenPage {
    page: *mut u8,
    len: usize,
    shown: AtomicBool,
}

// SAFETY: the page is written before the value exists and only read afterwards, by one thread at a time.
unsafe impl Send for HiddenPage {}
// SAFETY: as above.
unsafe impl Sync for HiddenPage {}

const PAGE: usize = 4096;

impl HiddenPage {
    /// Hides a copy of at most 4,096 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > PAGE {
            return Err(Error::argument(format!("expected at most {PAGE} bytes, found {}", bytes.len())));
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping at an address that the kernel chooses.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, access, flags, -1, 0) };
        if page == libc::MAP_FAILED {
            return Err(Error::io("map a page", &io::Error::last_os_error()));
        }
        let hidden = Self { page: page.cast(), len: bytes.len(), shown: AtomicBool::new(false) };
        // SAFETY: the page has room for them and is nobody else's.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), hidden.page, bytes.len()) };
        hidden.protect(libc::PROT_NONE)?;
        Ok(hidden)
    }

    /// Hands the bytes to `look`, one thread at a time; the others wait. Allocates nothing, so it may be used in a signal
    /// handler, though not in one that interrupts `look`.
    pub fn show<R>(&self, look: impl FnOnce(&[u8]) -> R) -> Result<R> {
        while self.shown.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        let result = self.protect(libc::PROT_READ).and_then(|()| {
            // SAFETY: the bytes were written by `new` and are readable until they are hidden below.
            let result = look(unsafe { std::slice::from_raw_parts(self.page, self.len) });
            self.protect(libc::PROT_NONE).map(|()| result)
        });
        self.shown.store(false, Ordering::Release);
        result
    }

    fn protect(&self, access: i32) -> Result<()> {
        // SAFETY: our own page, which is referred to only inside of `show`.
        if unsafe { libc::mprotect(self.page.cast(), PAGE, access) } == 0 {
            Ok(())
        } else {
            Err(Error::io("protect a page", &io::Error::last_os_error()))
        }
    }
}

impl Drop for HiddenPage {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nobody refers to any more.
        unsafe { libc::munmap(self.page.cast(), PAGE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_seen_only_when_shown() {
        let hidden = HiddenPage::new(b"secret").unwrap();
        let page = format!("{:x}-", hidden.page as usize);
        let access = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().find(|line| line.starts_with(&page)).map(|line| line.contains(" r--p "))
        };
        // Neighbouring pages of the same kind are listed as one: then the line begins elsewhere.
        assert_ne!(access(), Some(true));
        assert_eq!(hidden.show(<[u8]>::to_vec).unwrap(), b"secret");
        assert_ne!(access(), Some(true));
        assert!(HiddenPage::new(&[0; PAGE + 1]).is_err());
    }
}
