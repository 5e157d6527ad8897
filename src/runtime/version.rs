//! One version of a service: a label bound to one verified artifact, and the code that was loaded from it.
#![forbid(unsafe_code)]

use super::breaker::{Admission, BreakerReport, Change, Phase};
use super::directory::{self, Seat, Tally, VersionId};
use super::held::{Drained, Held, Lent};
use super::lease::{Note, leases};
use super::shadow::Tap;
use crate::crypto::key_id::KeyId;
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{Instance, Isolation, PinKind, PinReason, Stays};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Whose names it sees.
    pub isolation: Isolation,
    /// Leases that are out.
    pub in_flight: u64,
    /// Leases released with success or failure, and those with failure.
    pub calls: u64,
    /// Leases released with failure.
    pub failures: u64,
    /// Whether its breaker lets requests through.
    pub breaker: BreakerReport,
    /// Why it is pinned.
    pub pin_reason: Option<String>,
}

/// What happened to a version.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// Its breaker changed.
    Breaker(Change),
    /// Its code crashed in a call.
    Crashed(&'a Error),
    /// It was to be unmapped and has to stay, for this reason.
    Pinned(&'a str),
    /// It was unmapped.
    Unmapped,
}

/// Is told what happens to a version, on the thread that caused it and before its call returns.
pub struct Watcher(Box<Watch>);

type Watch = dyn Fn(&Version, Happening<'_>) + Send + Sync;

impl Watcher {
    /// It goes to `watch`, which may be called from any thread.
    pub fn new(watch: impl Fn(&Version, Happening<'_>) + Send + Sync + 'static) -> Self {
        Self(Box::new(watch))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// How long a drain waits for requests that are on their way, perhaps to another version.
const TRAVEL: Duration = Duration::from_secs(1);

/// What a version was made of.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The service that runs it.
    pub service: Label,
    /// The label under which it runs.
    pub label: Label,
    /// The artifact's digest.
    pub digest: Digest,
    /// The epoch of its statement.
    pub epoch: u64,
    /// The keys whose signatures counted when it was loaded.
    pub signers: Vec<KeyId>,
}

/// A version while it is loaded.
#[derive(Debug)]
pub struct Version {
    id: VersionId,
    service: Label,
    label: Label,
    digest: Digest,
    epoch: u64,
    signers: Vec<KeyId>,
    instance: Lent<Instance>,
    tap: Tap,
    tally: &'static Tally,
    watcher: Watcher,
    mapped_bytes: usize,
    isolation: Isolation,
    pinned: AtomicBool,
}

impl Version {
    /// Enters an instance into this process's versions, whose code has run and who stays mapped until it is unloaded.
    pub fn new(seat: Seat, origin: Origin, instance: Instance, watcher: Watcher) -> Arc<Self> {
        let Origin { service, label, digest, epoch, signers } = origin;
        let (mapped_bytes, isolation) = (instance.mapped_bytes(), instance.isolation());
        seat.fill(|id, tally| Self {
            id,
            service,
            label,
            digest,
            epoch,
            signers,
            instance: Lent::new(instance),
            tap: Tap::default(),
            tally,
            watcher,
            mapped_bytes,
            isolation,
            pinned: AtomicBool::new(false),
        })
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

    /// The epoch of its statement.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The keys whose signatures counted when it was loaded.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// Bytes of address space that the image takes.
    pub(super) fn mapped_bytes(&self) -> usize {
        self.mapped_bytes
    }

    /// Whose names the image sees.
    pub(super) fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// It stays mapped, though nobody is to use it any more.
    pub(super) fn mark_pinned(&self) {
        self.pinned.store(true, Ordering::Relaxed);
    }

    /// Lets no request reach it any more, and keeps it mapped. Answers whether that was so before. No lock is taken.
    pub fn bar(&self) -> bool {
        self.tally.breaker.quarantine();
        self.pinned.swap(true, Ordering::Relaxed)
    }

    /// Whether it stays mapped by necessity.
    pub(super) fn is_pinned(&self) -> bool {
        self.pinned.load(Ordering::Relaxed)
    }

    /// Where copies of its requests are taken.
    #[inline]
    pub(super) fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Leases released with success or failure so far, and those with failure.
    pub fn outcomes(&self) -> (u64, u64) {
        (self.tally.counts.calls(), self.tally.counts.failures())
    }

    /// Whether its breaker lets a request through.
    #[inline]
    pub(super) fn admit(&self) -> Admission {
        self.tally.breaker.admit()
    }

    /// The note for a request that its breaker lets through without probing.
    pub(super) fn admit_healthy(&self) -> Option<Note> {
        self.tally.breaker.admit_healthy()
    }

    /// What releases of its leases write to.
    pub(super) fn tally(&self) -> &'static Tally {
        self.tally
    }

    /// Where its breaker stands.
    pub fn breaker_phase(&self) -> Phase {
        self.tally.breaker.report().phase
    }

    /// Takes the version out of service if `answer`, of a call that no request made, says that its code crashed.
    pub fn note_crash(&self, answer: &Error) {
        if answer.status() == Status::PluginCrashed {
            self.announce(Happening::Crashed(answer));
        }
    }

    /// Tells whoever watches the version.
    #[cold]
    pub(super) fn announce(&self, happening: Happening<'_>) {
        (self.watcher.0)(self, happening);
    }

    /// What is known of the version, which stands so in its service. Counting its leases reads the whole lease table.
    pub fn report(&self, standing: Standing, pin_reason: Option<&PinReason>) -> VersionReport {
        VersionReport {
            service: self.service,
            label: self.label,
            standing,
            digest: self.digest,
            epoch: self.epoch,
            isolation: self.isolation,
            in_flight: leases().in_flight(self.id) as u64,
            calls: self.tally.counts.calls(),
            failures: self.tally.counts.failures(),
            breaker: self.tally.breaker.report(),
            pin_reason: pin_reason.map(ToString::to_string),
        }
    }

    /// Whether leases are out.
    pub(super) fn is_in_use(&self) -> bool {
        leases().in_flight(self.id) > 0
    }

    /// Waits until the last lease is released, for at most `patience`. Only for a version that requests do not find.
    pub(super) fn drain(&self, patience: Duration) -> Result<Drained> {
        let begin = Instant::now();
        let mut pause = Duration::from_micros(20);
        loop {
            if let Some(drained) = Drained::proof(self.id) {
                return Ok(drained);
            }
            let left = leases().in_flight(self.id);
            // Requests on their way to some version are not worth a refusal: they arrive as soon as they get a processor.
            let limit = if left == 0 { patience.saturating_add(TRAVEL) } else { patience };
            if begin.elapsed() >= limit {
                return Err(Error::new(
                    Status::Busy,
                    format!("{}@{}: expected no lease, found {left} in flight", self.service, self.label),
                ));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// Unloads a version that never stood in a service.
    pub(super) fn abandon(&self) -> std::result::Result<(), Stays> {
        let drained = self.drain(Duration::ZERO).map_err(|e| PinReason::new(PinKind::Lease, e.message()))?;
        self.unload(&drained)
    }

    /// Takes the code out and unmaps it.
    pub(super) fn unload(&self, drained: &Drained) -> std::result::Result<(), Stays> {
        let Some(instance) = self.instance.take(drained) else { return Ok(()) };
        instance.unload()?;
        directory::leave(self.id);
        Ok(())
    }
}

impl Held {
    /// The loaded code of the version.
    #[inline]
    pub fn instance(&self) -> Result<&Instance> {
        self.instance.get(self).ok_or_else(super::call::gone)
    }
}
