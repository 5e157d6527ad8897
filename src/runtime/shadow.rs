//! Copies of requests, for a version that is to be compared with the one that answered them.
//!
//! A caller pays one relaxed load; while copies are wanted, it also copies its request and the answer, unless the queue
//! is full or somebody else is at it: it never waits, and what finds no room is counted and dropped.
#![forbid(unsafe_code)]

use crate::loader::Invocation;
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The most copies that wait.
const MAX_WAITING: usize = 1024;
/// The most bytes of requests and answers that wait.
const MAX_BYTES: usize = 16 << 20;

/// Where copies of a version's requests are taken.
#[derive(Debug, Default)]
pub(super) struct Tap {
    open: AtomicBool,
    queue: Mutex<Queue>,
    /// Copies that found no room.
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<RequestCopy>,
    /// Of all that wait.
    bytes: usize,
    /// How many more are wanted.
    wanted: u64,
}

/// A request, and what was answered to it.
#[derive(Debug)]
pub struct RequestCopy {
    /// The request's bytes.
    pub request: Vec<u8>,
    /// What `invoke` returned.
    pub code: i32,
    /// The answer's bytes.
    pub answer: Vec<u8>,
    /// The most bytes that the answer might have had.
    pub limit: usize,
}

/// Takes copies until it is dropped.
#[derive(Debug)]
pub struct Copies<'t>(&'t Tap);

impl Tap {
    /// Offers a request that was answered.
    #[inline]
    pub(super) fn offer(&self, answered: &Invocation<'_>) {
        if self.open.load(Ordering::Relaxed) {
            self.copy(answered);
        }
    }

    #[cold]
    fn copy(&self, answered: &Invocation<'_>) {
        let len = answered.request.len().saturating_add(answered.answer.len());
        let Some(mut queue) = self.queue.try_lock() else { return self.drop_one() };
        if queue.wanted == 0 {
            return;
        }
        if queue.waiting.len() >= MAX_WAITING || len > MAX_BYTES - queue.bytes.min(MAX_BYTES) {
            return self.drop_one();
        }
        queue.bytes += len;
        queue.wanted -= 1;
        queue.waiting.push_back(RequestCopy {
            request: answered.request.to_vec(),
            code: answered.code,
            answer: answered.answer.clone(),
            limit: answered.limit,
        });
        if queue.wanted == 0 {
            self.open.store(false, Ordering::Relaxed);
        }
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Has the next `wanted` requests copied.
    pub(super) fn begin(&self, wanted: u64) -> Copies<'_> {
        *self.queue.lock() = Queue { wanted, ..Queue::default() };
        self.dropped.store(0, Ordering::Relaxed);
        self.open.store(wanted > 0, Ordering::Relaxed);
        Copies(self)
    }
}

impl Copies<'_> {
    /// The oldest copy that waits.
    pub fn next(&self) -> Option<RequestCopy> {
        let mut queue = self.0.queue.lock();
        let copy = queue.waiting.pop_front()?;
        queue.bytes = queue.bytes.saturating_sub(copy.request.len() + copy.answer.len());
        Some(copy)
    }

    /// How many found no room.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Copies<'_> {
    fn drop(&mut self) {
        self.0.open.store(false, Ordering::Relaxed);
        *self.0.queue.lock() = Queue::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(tap: &Tap, request: &[u8], answer: &[u8]) {
        tap.offer(&Invocation { request, answer: &mut answer.to_vec(), limit: 100, code: 0 });
    }

    #[test]
    fn as_many_copies_are_taken_as_are_wanted() {
        let tap = Tap::default();
        offer(&tap, b"before", b"");
        let copies = tap.begin(2);
        for request in [b"a", b"b", b"c"] {
            offer(&tap, request, b"answer");
        }
        let copy = copies.next().unwrap();
        assert_eq!(
            (copy.request.as_slice(), copy.answer.as_slice(), copy.limit),
            (&b"a"[..], &b"answer"[..], 100)
        );
        assert_eq!(copies.next().unwrap().request, b"b");
        assert!(copies.next().is_none());
        assert_eq!(copies.dropped(), 0);
        drop(copies);
        offer(&tap, b"after", b"");
        assert!(tap.begin(1).next().is_none());
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let tap = Tap::default();
        let copies = tap.begin(u64::MAX);
        for _ in 0..MAX_WAITING + 3 {
            offer(&tap, b"x", b"");
        }
        assert_eq!(copies.dropped(), 3);
        while copies.next().is_some() {}
        offer(&tap, &vec![0; MAX_BYTES + 1], b"");
        assert_eq!(copies.dropped(), 4);
        offer(&tap, &vec![0; MAX_BYTES], b"");
        offer(&tap, b"x", b"");
        assert_eq!(copies.dropped(), 5, "the bytes of all that wait are bounded");
        assert_eq!(copies.next().unwrap().request.len(), MAX_BYTES);
        offer(&tap, b"x", b"");
        assert!(copies.next().is_some(), "there is room again");
    }
}
