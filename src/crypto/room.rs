//! Rooms: where the secret part of a key stands. What a room is made of, its owner decides: the heap here, pages of their
//! own in `custody`. Keys compute with what they borrow out of their room, and keep no copy.
#![forbid(unsafe_code)]

use crate::error::Result;
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Where the secret part of a key is kept.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custody {
    /// Nowhere: the key is a public one.
    None = 0,
    /// In the heap, wiped when the key is freed.
    Heap = 1,
    /// In pages of their own that core dumps leave out and a forked child loses. They could not be locked, so the system may
    /// write them to swap.
    Unlocked = 2,
    /// In such pages, locked into memory.
    Locked = 3,
    /// In such pages, which the kernel itself cannot read for others (memfd_secret): neither debuggers nor /proc show them.
    Secret = 4,
    /// In a PKCS#11 token.
    Token = 5,
    /// In an SDF device.
    Device = 6,
}

/// Room for one secret, wiped when it is dropped. Any number of threads may read it at once.
pub trait Room<T: ?Sized>: Send + Sync {
    /// What stands in it. [`Status::KeyLostAfterFork`](crate::error::Status::KeyLostAfterFork) in a forked child whose
    /// parent has the secret: never zeros in its place. Costs no system call.
    fn open(&self) -> Result<&T>;

    /// The same, to be written.
    fn open_mut(&mut self) -> Result<&mut T>;

    /// What the room is made of.
    fn custody(&self) -> Custody;
}

/// Makes rooms, filled with zeros.
pub trait Rooms: fmt::Debug + Sync {
    /// Room for `count` words.
    fn words(&self, count: usize) -> Result<Box<dyn Room<[u64]>>>;

    /// Room for `count` bytes.
    fn bytes(&self, count: usize) -> Result<Box<dyn Room<[u8]>>>;
}

/// Rooms in the heap. A forked child has what stands in them as well.
#[derive(Clone, Copy, Debug)]
pub struct Heap;

impl Rooms for Heap {
    fn words(&self, count: usize) -> Result<Box<dyn Room<[u64]>>> {
        Ok(Box::new(InHeap(Zeroizing::new(vec![0; count]))))
    }

    fn bytes(&self, count: usize) -> Result<Box<dyn Room<[u8]>>> {
        Ok(Box::new(InHeap(Zeroizing::new(vec![0; count]))))
    }
}

struct InHeap<T>(Zeroizing<Vec<T>>)
where
    Vec<T>: Zeroize;

impl<T: Send + Sync> Room<[T]> for InHeap<T>
where
    Vec<T>: Zeroize,
{
    fn open(&self) -> Result<&[T]> {
        Ok(&self.0)
    }

    fn open_mut(&mut self) -> Result<&mut [T]> {
        Ok(&mut self.0)
    }

    fn custody(&self) -> Custody {
        Custody::Heap
    }
}

/// A copy of `bytes` in a room of their own.
pub fn keep(rooms: &dyn Rooms, bytes: &[u8]) -> Result<Box<dyn Room<[u8]>>> {
    let mut room = rooms.bytes(bytes.len())?;
    room.open_mut()?.copy_from_slice(bytes);
    Ok(room)
}

/// Overwrites the stack below the frame that owns it when it is dropped, by a panic as well: what the calls in between
/// spilled there of a secret is gone. The registers are not in its reach.
#[derive(Debug)]
pub struct CleanStack;

impl Drop for CleanStack {
    #[inline(never)]
    #[allow(clippy::large_stack_arrays, reason = "the stack is what it is about")]
    fn drop(&mut self) {
        // 16 KiB; code that is not optimised spills every temporary and takes 128.
        const WORDS: usize = if cfg!(debug_assertions) { 16 << 10 } else { 2 << 10 };
        let mut below = [0_u64; WORDS];
        std::hint::black_box(&mut below);
    }
}
