//! Route, lease, invoke, outcome and release in one step; and leases for those who take the steps themselves.
#![forbid(unsafe_code)]

use super::breaker::Change;
use super::directory;
use super::held::Held;
use super::lease::{Lease, Outcome, leases};
use super::published::Published;
use super::service::{Detour, Service};
use super::thread::Inside;
use super::version::Happening;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{Descriptor, Invocation};
use crate::route::{Reason, Request};
use std::ffi::c_void;

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
        arrive(|| Held::choose(self, |service, pending| service.choose(pending, request)))
    }
}

impl From<(Held, Reason)> for Routed {
    fn from((held, reason): (Held, Reason)) -> Self {
        Self { lease: held.into_lease(), reason }
    }
}

#[inline]
fn enter(service: &Published<Service>, request: &Request<'_>) -> Result<(Held, Reason)> {
    arrive(|| {
        Held::choose(service, |service, pending| {
            service.read(pending).ok_or_else(closed)?.choose(pending, request)
        })
    })
}

/// Tries until there is a version, waiting where the service is frozen; no slot is held meanwhile.
#[inline]
fn arrive(attempt: impl Fn() -> std::result::Result<(Held, Reason), Detour>) -> Result<(Held, Reason)> {
    loop {
        match attempt() {
            Ok(entered) => return Ok(announced(entered)),
            Err(Detour::Refused(refusal)) => return Err(refusal),
            Err(Detour::Wait(freeze)) => freeze.wait(),
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

#[inline]
fn invoke(
    (version, reason): (Held, Reason),
    invocation: &mut Invocation<'_>,
    called: &mut Option<Called>,
) -> Result<()> {
    *called = Some(Called { version: version.label(), reason });
    let _inside = Inside::new(version.id())?;
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
    version.set_outcome(outcome);
    if outcome != Outcome::Neutral {
        version.tap().offer(invocation);
    }
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
#[inline]
pub fn release(lease: Lease, outcome: Outcome) -> Result<()> {
    let mut changed = None;
    // Counted while the slot still names the version: its counts are complete once it has drained.
    let count = |version, note| {
        let Some(tally) = directory::tally(version) else { return };
        tally.counts.add(lease.ticket(), outcome);
        if let Some(change) = tally.breaker.record(note, outcome, || tally.counts.totals()) {
            changed = directory::find(version).map(|version| (version, change));
        }
    };
    leases().release(lease, count).ok_or_else(gone)?;
    if let Some((version, change)) = changed {
        version.announce(Happening::Breaker(change));
    }
    Ok(())
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
