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
