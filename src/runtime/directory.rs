//! Every version of this process by a small number, which is what a lease's slot has room for.
#![forbid(unsafe_code)]

use super::breaker::Breaker;
use super::counts::Counts;
use super::version::Version;
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::faults::fault;
use crate::sys::fork::PerProcess;
use arc_swap::ArcSwapOption;
use std::mem::ManuallyDrop;
use std::num::NonZeroU16;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

/// A version's number. It is used again once the version is gone.
pub(super) type VersionId = NonZeroU16;

/// The highest number; the one above stands for requests that are on their way to a version.
const HIGHEST: u16 = u16::MAX - 1;

/// What releases write to, of one version number.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) breaker: Breaker,
}

/// Room for one version: a number that nobody else gets. Dropped, it is free again.
#[derive(Debug)]
pub struct Seat {
    id: VersionId,
    tally: &'static Tally,
    place: &'static ArcSwapOption<Version>,
}

impl Seat {
    /// Takes a free number, before any code runs that a full table would have to turn away.
    /// [`Status::LimitExceeded`] while there are 65,534 versions.
    pub fn reserve() -> Result<Self> {
        fault!("version.reserve");
        Self::take().ok_or_else(|| {
            Error::new(Status::LimitExceeded, "expected at most 65,534 versions in one process")
        })
    }

    fn take() -> Option<Self> {
        let id = take_number(RETURNED.get(), &NEVER_USED, HIGHEST)?;
        let index = usize::from(id.get());
        let tally = TALLIES.get(index)?.get_or_init(|| Box::leak(Box::default()));
        Some(Self { id, tally, place: VERSIONS.get(index)? })
    }

    /// Enters the version that `make` makes of the number and its tally.
    pub(super) fn fill(self, make: impl FnOnce(VersionId, &'static Tally) -> Version) -> Arc<Version> {
        self.tally.counts.reset();
        self.tally.breaker.reset();
        let version = Arc::new(make(self.id, self.tally));
        // The number is the version's now.
        let seat = ManuallyDrop::new(self);
        seat.place.store(Some(Arc::clone(&version)));
        version
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        RETURNED.get().lock().push(self.id);
    }
}

/// Takes the version out and frees its number; it has drained, so no lease is on it any more.
pub(super) fn leave(id: VersionId) {
    let version = VERSIONS.get(usize::from(id.get())).and_then(|entry| entry.swap(None));
    RETURNED.get().lock().push(id);
    drop(version);
}

/// Shows every version of the process to `visit`.
pub(super) fn each(mut visit: impl FnMut(&Arc<Version>)) {
    let used = usize::from(NEVER_USED.load(Ordering::Acquire));
    VERSIONS.iter().take(used).filter_map(ArcSwapOption::load_full).for_each(|version| visit(&version));
}

/// Where the version of that number lies, on which the caller holds a lease. Null when there is none.
pub(super) fn address(id: VersionId) -> *mut Version {
    find(id).map_or(null_mut(), |version| Arc::as_ptr(&version).cast_mut())
}

/// The version of that number, if it has not left. No lock is taken: a request in a forked child may look.
pub(super) fn find(id: VersionId) -> Option<Arc<Version>> {
    VERSIONS.get(usize::from(id.get()))?.load_full()
}

/// The tally of the version of that number, on which the caller holds a lease.
#[inline]
pub(super) fn tally(id: VersionId) -> Option<&'static Tally> {
    TALLIES.get(usize::from(id.get())).and_then(OnceLock::get).copied()
}

/// Of each number that was ever used. They stay for ever, so that a release reads them without a guard.
static TALLIES: [OnceLock<&'static Tally>; 1 << 16] = [const { OnceLock::new() }; 1 << 16];
/// A version lives at least until it leaves.
static VERSIONS: [ArcSwapOption<Version>; 1 << 16] = [const { ArcSwapOption::const_empty() }; 1 << 16];
/// The lowest number that was never used.
static NEVER_USED: AtomicU16 = AtomicU16::new(1);
/// Numbers to use again. A forked child does without those of its parent.
static RETURNED: PerProcess<Mutex<Vec<VersionId>>> = PerProcess::new();

fn take_number(returned: &Mutex<Vec<VersionId>>, never_used: &AtomicU16, highest: u16) -> Option<VersionId> {
    let again = returned.lock().pop();
    again.or_else(|| {
        let next = |number: u16| (number <= highest).then_some(number + 1);
        never_used.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok().and_then(VersionId::new)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_gives_no_number_until_one_comes_back() {
        let (returned, never_used) = (Mutex::new(Vec::new()), AtomicU16::new(1));
        let take = || take_number(&returned, &never_used, 3).map(VersionId::get);
        assert_eq!([take(), take(), take(), take(), take()], [Some(1), Some(2), Some(3), None, None]);
        returned.lock().push(VersionId::new(2).unwrap());
        assert_eq!([take(), take()], [Some(2), None]);
    }

    #[test]
    fn a_seat_that_was_not_filled_gives_its_number_back() {
        let used = || NEVER_USED.load(Ordering::SeqCst);
        drop(Seat::reserve().unwrap());
        // Other tests take numbers meanwhile, but never a thousand at a time.
        let before = used();
        for _ in 0..1000 {
            drop(Seat::reserve().unwrap());
        }
        assert!(used() < before + 1000, "{before} to {}", used());
    }
}
