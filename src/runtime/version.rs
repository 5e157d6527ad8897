//! One version of a service: a label bound to one verified artifact, and the code that was loaded from it.

use super::counts::Counts;
use super::directory::{self, VersionId};
use super::lease::leases;
use super::sync::{AtomicBool, Ordering, write_before_read};
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{Instance, PinReason};
use arc_swap::{ArcSwapOption, Guard};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where a version stands in its service.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Loaded; no request reaches it yet.
    Loaded = 0,
    /// Serves the requests that the route policy sends it.
    Gray = 1,
    /// Serves by default.
    Stable = 2,
    /// Takes no new requests; still mapped, so that rollback or promotion brings it back at once.
    Retired = 3,
    /// Stopped, but mapped by necessity for the rest of the process; the report has the reason.
    Pinned = 4,
}

/// What is known of a version.
#[derive(Clone, Debug)]
pub struct VersionReport {
    /// The service's name.
    pub service: Label,
    /// The version's label.
    pub label: Label,
    /// Where it stands.
    pub standing: Standing,
    /// The artifact's digest.
    pub digest: Digest,
    /// The epoch of its statement.
    pub epoch: u64,
    /// Leases that are out.
    pub in_flight: u64,
    /// Leases released with success or failure, and those with failure.
    pub calls: u64,
    /// Leases released with failure.
    pub failures: u64,
    /// Why it is pinned.
    pub pin_reason: Option<String>,
}

/// How long a guard that was taken too late may be held.
const GUARD_PATIENCE: Duration = Duration::from_secs(1);

/// A version while it is loaded.
#[derive(Debug)]
pub struct Version {
    id: VersionId,
    service: Label,
    label: Label,
    digest: Digest,
    epoch: u64,
    instance: ArcSwapOption<Instance>,
    open: AtomicBool,
    counts: &'static Counts,
}

impl Version {
    /// Enters a loaded instance into this process's versions.
    pub fn new(
        service: Label,
        label: Label,
        digest: Digest,
        epoch: u64,
        instance: Instance,
    ) -> Result<Arc<Self>> {
        directory::enter(|id, counts| Self {
            id,
            service,
            label,
            digest,
            epoch,
            instance: ArcSwapOption::from_pointee(instance),
            open: AtomicBool::new(true),
            counts,
        })
        .ok_or_else(|| Error::new(Status::LimitExceeded, "expected at most 65,535 versions in one process"))
    }

    pub(super) fn id(&self) -> VersionId {
        self.id
    }

    /// The service's name.
    pub fn service(&self) -> Label {
        self.service
    }

    /// The label.
    pub fn label(&self) -> Label {
        self.label
    }

    /// The artifact's digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether the gate stands open: a lease taken before this answered true holds.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// The loaded code; gone once the version was unloaded. The guard keeps it mapped.
    #[inline]
    pub(super) fn instance(&self) -> Guard<Option<Arc<Instance>>> {
        self.instance.load()
    }

    /// What is known of the version, which stands so in its service. Counting its leases reads the whole lease table.
    pub fn report(&self, standing: Standing, pin_reason: Option<&PinReason>) -> VersionReport {
        VersionReport {
            service: self.service,
            label: self.label,
            standing,
            digest: self.digest,
            epoch: self.epoch,
            in_flight: leases().in_flight(self.id) as u64,
            calls: self.counts.calls(),
            failures: self.counts.failures(),
            pin_reason: pin_reason.map(ToString::to_string),
        }
    }

    /// Closes the gate: every lease from now on is given back. Only for a version that no record names.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        write_before_read();
    }

    /// Opens the gate again, when a drain was given up.
    pub(super) fn reopen(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    /// Whether nobody is inside and, the gate being closed, nobody will be.
    pub(super) fn is_drained(&self) -> bool {
        leases().in_flight(self.id) == 0
    }

    /// Waits until the last lease is released, for at most `patience`.
    pub(super) fn drain(&self, patience: Duration) -> Result<()> {
        let begin = Instant::now();
        let mut pause = Duration::from_micros(20);
        while !self.is_drained() {
            if begin.elapsed() >= patience {
                let left = leases().in_flight(self.id);
                return Err(Error::new(
                    Status::Busy,
                    format!("{}@{}: expected no lease, found {left} in flight", self.service, self.label),
                ));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Unloads a version that never stood in a service.
    pub fn abandon(&self) -> std::result::Result<(), PinReason> {
        self.close();
        self.unload()
    }

    /// Takes the code out and unmaps it. The gate is closed and the version drained.
    pub(super) fn unload(&self) -> std::result::Result<(), PinReason> {
        let Some(mut shared) = self.instance.swap(None) else { return Ok(()) };
        // A reader that came too late to get a lease may hold a guard for some nanoseconds more. After a fork it may be
        // a thread of the parent, which does not exist here and never lets go.
        let begin = Instant::now();
        let instance = loop {
            match Arc::try_unwrap(shared) {
                Ok(instance) => break instance,
                Err(_) if begin.elapsed() > GUARD_PATIENCE => {
                    return Err(PinReason::new(
                        "lease: a thread of the parent process was inside at the fork",
                    ));
                }
                Err(still_shared) => shared = still_shared,
            }
            std::thread::yield_now();
        };
        instance.unload()?;
        directory::leave(self.id);
        Ok(())
    }
}
