//! A descriptor for event loops (eventfd(2)).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A descriptor that is readable or not, as [`ring`](Self::ring) and [`silence`](Self::silence) say.
#[derive(Debug)]
pub struct EventFd(File);

impl EventFd {
    /// A descriptor that is not readable. It does not block, and is closed by `exec`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Makes it readable, and wakes those who wait for that.
    pub fn ring(&self) {
        // It is refused only where the counter is full, and readable then.
        let _ = (&self.0).write(&1_u64.to_ne_bytes());
    }

    /// Makes it not readable.
    pub fn silence(&self) {
        // It is refused only where it is silent already.
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_readable(event: &EventFd) -> bool {
        let mut polled = libc::pollfd { fd: event.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one struct, and no waiting.
        unsafe { libc::poll(&raw mut polled, 1, 0) == 1 }
    }

    #[test]
    fn it_is_readable_between_ring_and_silence() {
        let event = EventFd::new().unwrap();
        assert!(!is_readable(&event));
        event.silence();
        event.ring();
        event.ring();
        assert!(is_readable(&event));
        event.silence();
        assert!(!is_readable(&event));
    }
}
