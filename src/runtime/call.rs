//! Route, lease, invoke, outcome and release in one step; and leases for those who take the steps themselves.
#![forbid(unsafe_code)]

use super::breaker::Change;
use super::directory::{self, VersionId};
use super::held::Held;
use super::lease::{Lease, Note, Outcome, leases};
use super::published::Published;
use super::service::{Detour, Service};
use super::thread::Inside;
use super::version::{Happening, Version};
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{Descriptor, Invocation};
use crate::route::{Reason, Request};
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

/// Picks the version for `request` in the service that is published and takes a lease on it. No lock, no allocation.
#[inline]
pub fn route(service: &Published<Service>, request: &Request<'_>) -> Result<Routed> {
    Ok(Routed::from(enter(service, request)?))
}

/// Sends `request` through the version that the published service picks. `called` is filled once a version was
/// reached, whatever it answered.
#[inline]
pub fn call(
    service: &Published<Service>,
    request: &Request<'_>,
    invocation: &mut Invocation<'_>,
    called: &mut Option<Called>,
) -> Result<()> {
    invoke(enter(service, request)?, invocation, called)
}

impl Service {
    /// [`route`] for those who own the service.
    pub fn route(&self, request: &Request<'_>) -> Result<Routed> {
        self.enter(request).map(Routed::from)
    }

    /// [`call`] for those who own the service.
    pub fn call(
        &self,
        request: &Request<'_>,
        invocation: &mut Invocation<'_>,
        called: &mut Option<Called>,
    ) -> Result<()> {
        invoke(self.enter(request)?, invocation, called)
    }

    fn enter(&self, request: &Request<'_>) -> Result<(Held, Reason)> {
        let attempt = || Held::choose(self, |service, pending| service.choose(pending, request));
        attempt().or_else(|detour| after(detour, attempt)).map(announced)
    }
}

impl From<(Held, Reason)> for Routed {
    fn from((held, reason): (Held, Reason)) -> Self {
        Self { lease: held.into_lease(), reason }
    }
}

/// Finds the version for `request` and holds it.
#[inline(always)]
#[allow(clippy::inline_always, reason = "each function of its own looks up the thread's variables again")]
fn enter(service: &Published<Service>, request: &Request<'_>) -> Result<(Held, Reason)> {
    match enter_now(service, request) {
        Ok(entered) => Ok(announced(entered)),
        Err(detour) => enter_later(service, request, detour),
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "as for `enter`")]
fn enter_now(
    service: &Published<Service>,
    request: &Request<'_>,
) -> std::result::Result<(Held, Reason), Detour> {
    Held::choose(service, |service, pending| {
        service.read(pending).ok_or_else(closed)?.choose(pending, request)
    })
}

#[cold]
fn enter_later(
    service: &Published<Service>,
    request: &Request<'_>,
    detour: Detour,
) -> Result<(Held, Reason)> {
    after(detour, || enter_now(service, request)).map(announced)
}

/// Tries until there is a version, waiting where the service is frozen; no slot is held meanwhile.
fn after(
    mut detour: Detour,
    attempt: impl Fn() -> std::result::Result<(Held, Reason), Detour>,
) -> Result<(Held, Reason)> {
    loop {
        match detour {
            Detour::Refused(refusal) => return Err(refusal),
            Detour::Wait(freeze) => freeze.wait(),
        }
        match attempt() {
            Ok(entered) => return Ok(entered),
            Err(next) => detour = next,
        }
    }
}

/// Tells of a probe, now that the request has arrived and holds nobody up.
#[inline]
fn announced(entered: (Held, Reason)) -> (Held, Reason) {
    if entered.1 == Reason::Probe {
        entered.0.announce(Happening::Breaker(Change::Probing));
    }
    entered
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "as for `enter`")]
fn invoke(
    (version, reason): (Held, Reason),
    invocation: &mut Invocation<'_>,
    called: &mut Option<Called>,
) -> Result<()> {
    *called = Some(Called { version: version.label(), reason });
    let inside = Inside::new(version.id())?;
    let answer = version.instance()?.invoke(invocation);
    let outcome = match &answer {
        Ok(()) => Outcome::Success,
        Err(e) if e.status() == Status::PluginFailed => Outcome::Failure,
        Err(e) if e.status() == Status::PluginCrashed => {
            version.announce(Happening::Crashed(e));
            Outcome::Failure
        }
        Err(_) => Outcome::Neutral,
    };
    drop(inside);
    if outcome != Outcome::Neutral {
        version.tap().offer(invocation);
    }
    version.release(outcome);
    answer
}

/// The version that `lease` is on, held for as long as the caller likes.
pub fn hold(lease: Lease) -> Result<Held> {
    Held::double(lease)
}

/// The address of a symbol of a held version; `symbol_version` picks one of several.
pub fn symbol(version: &Held, name: &str, symbol_version: Option<&str>) -> Result<*mut c_void> {
    version.instance()?.symbol(name, symbol_version)
}

/// The level-1 descriptor of a held version and the plugin's `self`.
pub fn descriptor(version: &Held) -> Result<(*const Descriptor, *mut c_void)> {
    version.instance()?.descriptor()
}

/// Gives the lease back and says how the calls under it went. A second release is [`Status::LeaseGone`].
#[inline(always)]
#[allow(clippy::inline_always, reason = "as for `enter`")]
pub fn release(lease: Lease, outcome: Outcome) -> Result<()> {
    let mut changed = None;
    let last = |version, note| changed = count(lease, version, note, outcome);
    leases().release(lease, last).ok_or_else(gone)?;
    announce(changed);
    Ok(())
}

/// [`release`] of a lease whose ticket nobody else has.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as for `enter`")]
pub(super) fn release_own(lease: Lease, outcome: Outcome) {
    let mut changed = None;
    leases().release_own(lease, |version, note| changed = count(lease, version, note, outcome));
    announce(changed);
}

/// What a release adds to the version's counts and to its breaker, while the slot still names the version: its counts
/// are complete once it has drained.
#[inline]
fn count(lease: Lease, version: VersionId, note: Note, outcome: Outcome) -> Option<(Arc<Version>, Change)> {
    let tally = directory::tally(version)?;
    tally.counts.add(lease.ticket(), outcome);
    let change = tally.breaker.record(note, outcome, || tally.counts.totals())?;
    Some((directory::find(version)?, change))
}

/// Tells of what a release changed, once nothing is held any more.
#[inline]
fn announce(changed: Option<(Arc<Version>, Change)>) {
    if let Some((version, change)) = changed {
        version.announce(Happening::Breaker(change));
    }
}

pub(super) fn gone() -> Error {
    Error::new(
        Status::LeaseGone,
        "expected a lease that is held, found one that was released or never handed out",
    )
}

fn closed() -> Error {
    Error::new(Status::Closed, "service: the handle was freed")
}
