//! Rooms in locked pages.
#![forbid(unsafe_code)]

use crate::crypto::room::{Custody, Room, Rooms};
use crate::error::Result;
use crate::sys::locked_page::{Protection, Slot, Wish};
use std::sync::atomic::{AtomicBool, Ordering};

/// What happens where memory cannot be locked, as RLIMIT_MEMLOCK has it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPolicy {
    /// The key is kept all the same, and says so: its custody is "unlocked". The default.
    Degrade = 0,
    /// No key is made or read: SOGOV_STATUS_LIMIT_EXCEEDED, which names the limit.
    Require = 1,
}

static REQUIRED: AtomicBool = AtomicBool::new(false);

/// Sets the policy of this process, for the keys that are made and read from now on.
pub fn set_memory_policy(policy: MemoryPolicy) {
    REQUIRED.store(policy == MemoryPolicy::Require, Ordering::Relaxed);
}

/// The policy of this process.
pub fn memory_policy() -> MemoryPolicy {
    if REQUIRED.load(Ordering::Relaxed) { MemoryPolicy::Require } else { MemoryPolicy::Degrade }
}

/// The rooms of this process, under its policy.
pub fn rooms() -> &'static dyn Rooms {
    static ROOMS: Pages = Pages { policy: None, hidden: true };
    &ROOMS
}

/// Rooms in pages of their own: see [`crate::sys::locked_page`].
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// `None`: that of the process.
    pub policy: Option<MemoryPolicy>,
    /// Whether memory that the kernel hides (memfd_secret) is asked for first.
    pub hidden: bool,
}

impl Pages {
    fn take(self, len: usize) -> Result<Slot> {
        let lock_required = self.policy.unwrap_or_else(memory_policy) == MemoryPolicy::Require;
        Slot::take(len, Wish { lock_required, hidden: self.hidden })
    }
}

impl Rooms for Pages {
    fn words(&self, count: usize) -> Result<Box<dyn Room<[u64]>>> {
        Ok(Box::new(Words(self.take(count.saturating_mul(size_of::<u64>()))?)))
    }

    fn bytes(&self, count: usize) -> Result<Box<dyn Room<[u8]>>> {
        Ok(Box::new(Bytes(self.take(count)?)))
    }
}

struct Words(Slot);

impl Room<[u64]> for Words {
    fn open(&self) -> Result<&[u64]> {
        self.0.words()
    }

    fn open_mut(&mut self) -> Result<&mut [u64]> {
        self.0.words_mut()
    }

    fn custody(&self) -> Custody {
        custody_of(&self.0)
    }
}

struct Bytes(Slot);

impl Room<[u8]> for Bytes {
    fn open(&self) -> Result<&[u8]> {
        self.0.bytes()
    }

    fn open_mut(&mut self) -> Result<&mut [u8]> {
        self.0.bytes_mut()
    }

    fn custody(&self) -> Custody {
        custody_of(&self.0)
    }
}

fn custody_of(slot: &Slot) -> Custody {
    match slot.protection() {
        Protection::Unlocked => Custody::Unlocked,
        Protection::Locked => Custody::Locked,
        Protection::Hidden => Custody::Secret,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hmac::SecretKey;
    use crate::crypto::registered::{RegisteredKey, RegisteredPair, SchemeName};

    #[test]
    fn secrets_of_every_kind_have_their_room() {
        for hidden in [false, true] {
            let rooms = Pages { policy: None, hidden };
            let key = SecretKey::from_bytes_in(&rooms, b"0123456789abcdef").unwrap();
            let same = SecretKey::from_bytes(b"0123456789abcdef").unwrap();
            assert_eq!((key.sign(b"m"), key.key_id()), (same.sign(b"m"), same.key_id()));
            let public = RegisteredKey::new(SchemeName::new("x-test").unwrap(), b"key").unwrap();
            let pair = RegisteredPair::new_in(&rooms, public, &[7; 8192]).unwrap();
            assert_eq!(pair.private_bytes().unwrap(), [7; 8192]);
            for custody in [key.custody(), pair.custody()] {
                assert!([Custody::Unlocked, Custody::Locked, Custody::Secret].contains(&custody));
                assert!(hidden || custody != Custody::Secret);
            }
        }
    }
}
