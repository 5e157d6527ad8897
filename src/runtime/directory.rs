//! Every version of this process by a small number, which is what a lease's slot has room for.
#![forbid(unsafe_code)]

use super::breaker::Breaker;
use super::counts::Counts;
use super::version::Version;
use crate::sys::fork::PerProcess;
use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
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

/// Gives `make` a free number with its tally and enters the version it makes. `None` when 65,534 versions are there.
pub(super) fn enter(make: impl FnOnce(VersionId, &'static Tally) -> Version) -> Option<Arc<Version>> {
    let id = take_number()?;
    let tally = TALLIES.get(usize::from(id.get()))?.get_or_init(|| Box::leak(Box::default()));
    tally.counts.reset();
    tally.breaker.reset();
    let version = Arc::new(make(id, tally));
    VERSIONS.get(usize::from(id.get()))?.store(Some(Arc::clone(&version)));
    Some(version)
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

fn take_number() -> Option<VersionId> {
    let returned = RETURNED.get().lock().pop();
    returned.or_else(|| {
        let next = |number: u16| (number <= HIGHEST).then_some(number + 1);
        NEVER_USED.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok().and_then(VersionId::new)
    })
}
