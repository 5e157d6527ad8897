//! Route, lease, invoke, outcome and release in one step; and leases for those who take the steps themselves.

use super::directory::{self, VersionId};
use super::lease::{Lease, Outcome, leases};
use super::service::Service;
use super::version::Version;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{Descriptor, Invocation};
use crate::route::{Reason, Request};
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Arc;

/// What is known of a request that was routed.
#[derive(Clone, Copy, Debug)]
pub struct Routed {
    /// The lease; the caller releases it.
    pub lease: Lease,
    /// Why it is this version.
    pub reason: Reason,
}

/// What is known of a call that reached a version.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    /// The version's label.
    pub version: Label,
    /// Why it was this version.
    pub reason: Reason,
}

impl Service {
    /// Picks the version for `request` and takes a lease on it.
    pub fn route(&self, request: &Request<'_>) -> Result<Routed> {
        let entered = self.enter(request)?;
        Ok(Routed { lease: entered.lease, reason: entered.reason })
    }

    /// Sends `request` through the version that the route policy picks. `called` is filled once a version was
    /// reached, whatever it answered.
    pub fn call(
        &self,
        request: &Request<'_>,
        invocation: &mut Invocation<'_>,
        called: &mut Option<Called>,
    ) -> Result<()> {
        let entered = self.enter(request)?;
        let held = Held { lease: entered.lease, outcome: Cell::new(Outcome::Neutral) };
        let version = entered.version().ok_or_else(gone)?;
        *called = Some(Called { version: version.label(), reason: entered.reason });
        let _inside = Inside::new(version.id())?;
        let instance = version.instance();
        let answer = instance.as_ref().ok_or_else(gone)?.invoke(invocation);
        held.outcome.set(match &answer {
            Ok(()) => Outcome::Success,
            Err(e) if e.status() == Status::PluginFailed => Outcome::Failure,
            Err(_) => Outcome::Neutral,
        });
        answer
    }
}

/// The version that `lease` is on, for as long as the lease is held.
pub fn version_of(lease: Lease) -> Result<Arc<Version>> {
    leases()
        .version_of(lease)
        .and_then(|id| directory::version(id).and_then(|version| version.clone()))
        .ok_or_else(gone)
}

/// The address of a symbol of a leased version; `symbol_version` picks one of several.
pub fn symbol(version: &Version, name: &str, symbol_version: Option<&str>) -> Result<*mut c_void> {
    let instance = version.instance();
    instance.as_ref().ok_or_else(gone)?.symbol(name, symbol_version)
}

/// The level-1 descriptor of a leased version and the plugin's `self`.
pub fn descriptor(version: &Version) -> Result<(*const Descriptor, *mut c_void)> {
    let instance = version.instance();
    instance.as_ref().ok_or_else(gone)?.descriptor().ok_or_else(|| {
        Error::new(Status::Unsupported, "expected a level-1 plugin, found one without a descriptor")
    })
}

/// Gives the lease back and says how the calls under it went. A second release is [`Status::LeaseGone`].
pub fn release(lease: Lease, outcome: Outcome) -> Result<()> {
    // Counted while the lease still holds the version's number: its counts are complete once it has drained.
    let count = |version| {
        if let Some(counts) = directory::counts(version) {
            counts.add(lease.ticket(), outcome);
        }
    };
    leases().release(lease, count).ok_or_else(gone)
}

/// A lease that is released when the call ends, however it ends.
struct Held {
    lease: Lease,
    outcome: Cell<Outcome>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Only this call knows the lease; were it gone all the same, nothing is left to do.
        let _ = release(self.lease, self.outcome.get());
    }
}

/// The deepest nesting of plugin calls on one thread.
const MAX_DEPTH: usize = 32;

/// The plugin calls that a thread is inside of. One thread-local: each costs a look-up of its own.
struct Nesting {
    depth: Cell<usize>,
    versions: [Cell<Option<VersionId>>; MAX_DEPTH],
}

thread_local! {
    static NESTING: Nesting =
        const { Nesting { depth: Cell::new(0), versions: [const { Cell::new(None) }; MAX_DEPTH] } };
}

/// Marks that this thread is inside a call of a version.
struct Inside;

impl Inside {
    fn new(version: VersionId) -> Result<Self> {
        NESTING.with(|nesting| {
            let depth = nesting.depth.get();
            let Some(place) = nesting.versions.get(depth) else {
                return Err(Error::new(
                    Status::LimitExceeded,
                    format!("expected at most {MAX_DEPTH} plugin calls inside each other"),
                ));
            };
            place.set(Some(version));
            nesting.depth.set(depth + 1);
            Ok(Self)
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        NESTING.with(|nesting| nesting.depth.set(nesting.depth.get().saturating_sub(1)));
    }
}

/// Whether this thread is inside a call of `version`.
pub(super) fn is_inside(version: VersionId) -> bool {
    NESTING.with(|nesting| {
        nesting.versions.iter().take(nesting.depth.get()).any(|place| place.get() == Some(version))
    })
}

fn gone() -> Error {
    Error::new(
        Status::LeaseGone,
        "expected a lease that is held, found one that was released or never handed out",
    )
}
