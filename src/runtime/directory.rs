//! Every version of this process by a small number, which is what a lease's slot has room for.

use super::counts::Counts;
use super::version::Version;
use arc_swap::{ArcSwapOption, Guard};
use parking_lot::Mutex;
use std::num::NonZeroU16;
use std::sync::{Arc, OnceLock};

/// A version's number. It is used again once the version is gone.
pub(super) type VersionId = NonZeroU16;

/// Gives `make` a free number with its counts and enters the version it makes. `None` when 65,535 versions are there.
pub(super) fn enter(make: impl FnOnce(VersionId, &'static Counts) -> Version) -> Option<Arc<Version>> {
    let id = FREE.lock().take()?;
    let counts = COUNTS.get(usize::from(id.get()))?.get_or_init(|| Box::leak(Box::default()));
    counts.reset();
    let version = Arc::new(make(id, counts));
    if let Some(entry) = VERSIONS.get(usize::from(id.get())) {
        entry.store(Some(Arc::clone(&version)));
    }
    Some(version)
}

/// Takes the version out and frees its number; no lease is on it any more.
pub(super) fn leave(id: VersionId) {
    if let Some(entry) = VERSIONS.get(usize::from(id.get())) {
        entry.store(None);
    }
    FREE.lock().returned.push(id);
}

/// The version of that number.
pub(super) fn version(id: VersionId) -> Option<Guard<Option<Arc<Version>>>> {
    VERSIONS.get(usize::from(id.get())).map(ArcSwapOption::load)
}

/// The counts of the version of that number, on which the caller holds a lease.
#[inline]
pub(super) fn counts(id: VersionId) -> Option<&'static Counts> {
    COUNTS.get(usize::from(id.get())).and_then(OnceLock::get).copied()
}

/// Of each number that was ever used. They stay for ever, so that a release reads them without a guard.
static COUNTS: [OnceLock<&'static Counts>; 1 << 16] = [const { OnceLock::new() }; 1 << 16];
static VERSIONS: [ArcSwapOption<Version>; 1 << 16] = [const { ArcSwapOption::const_empty() }; 1 << 16];
static FREE: Mutex<FreeNumbers> = Mutex::new(FreeNumbers { returned: Vec::new(), never_used: 1 });

struct FreeNumbers {
    returned: Vec<VersionId>,
    never_used: u16,
}

impl FreeNumbers {
    fn take(&mut self) -> Option<VersionId> {
        self.returned.pop().or_else(|| {
            let id = VersionId::new(self.never_used)?;
            self.never_used = self.never_used.wrapping_add(1);
            Some(id)
        })
    }
}
