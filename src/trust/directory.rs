//! The trust directory: one consistent look at it for each decision, read anew only when it has changed.
#![forbid(unsafe_code)]

use super::advisories::Advisories;
use super::clock::{ClockVerdict, SharedClock, TrustTime};
use super::files::{ADVISORIES, DENYLIST, DOCUMENT, Files, Stamps};
use super::kept::Kept;
use super::roots::Roots;
use super::signed::no_schemes;
use super::snapshot::{TrustSnapshot, check_number};
use crate::crypto::scheme::Schemes;
use crate::crypto::sm2::PreparedKeys;
use crate::error::Result;
use crate::timestamp::UnixSeconds;
use arc_swap::ArcSwapOption;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Answers the prepared keys of the process that asks: a forked child begins anew.
pub type PreparedOfProcess = fn() -> &'static PreparedKeys;

/// Answers the schemes that the host registered.
pub type SchemesOfProcess = fn() -> &'static Schemes;

/// Where trust comes from. Opening reads nothing; [`read`](Self::read) takes a consistent look.
#[derive(Debug)]
pub struct TrustDirectory {
    path: PathBuf,
    roots: Roots,
    prepared: PreparedOfProcess,
    schemes: SchemesOfProcess,
    clock: SharedClock,
    kept: Kept,
    /// What was read last.
    last: ArcSwapOption<TrustSnapshot>,
}

/// The ground on which one decision stands: the directory of one moment, what was accepted before, and the time.
#[derive(Debug)]
pub struct TrustView<'a> {
    /// The directory.
    pub snapshot: Arc<TrustSnapshot>,
    /// The time.
    pub time: TrustTime,
    /// What is to be said of the clock.
    pub clock: ClockVerdict,
    /// The number of the advisories that were accepted before.
    advisories_floor: u64,
    directory: &'a TrustDirectory,
}

impl TrustDirectory {
    /// The directory at `path`, whose document the `roots` must have signed. Keys that sign often are verified by the
    /// tables of `prepared`.
    pub fn new(path: PathBuf, roots: Roots, prepared: PreparedOfProcess) -> Self {
        Self {
            path,
            roots,
            prepared,
            schemes: no_schemes,
            clock: SharedClock::default(),
            kept: Kept::default(),
            last: ArcSwapOption::default(),
        }
    }

    /// The same, where keys of registered schemes count that the trust document names. Without it none does.
    #[must_use]
    pub fn with_schemes(self, schemes: SchemesOfProcess) -> Self {
        Self { schemes, ..self }
    }

    /// The same, where what was accepted is remembered in `kept`. Without it, it is remembered as long as this lives.
    #[must_use]
    pub fn remembering(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }

    /// The same by another clock than the machine's.
    #[must_use]
    pub fn with_clock(self, clock: SharedClock) -> Self {
        Self { clock, ..self }
    }

    /// Looks at the directory as it stands. Refused with [`Status::TrustInvalid`](crate::error::Status::TrustInvalid) where
    /// any of it can be written by others, is malformed or is not signed by the roots, with `Expired` after its end, with
    /// `BelowFloor` when a later document, deny-list or set of root keys was accepted before, and with `ClockRefused` where
    /// its end depends on a clock that is not believed.
    pub fn read(&self) -> Result<TrustView<'_>> {
        let view = self.look()?;
        view.check_in_force()?;
        Ok(view)
    }

    /// The same, whether or not document and deny-list have ended.
    pub fn look(&self) -> Result<TrustView<'_>> {
        let snapshot = self.current()?;
        let advisories_floor = self.kept.raise(|numbers| {
            let floor = numbers.advisories_number;
            snapshot.accept(numbers).map(|()| floor)
        })?;
        let (time, clock) = self.kept.judge(&self.clock.reading(), snapshot.signed_time)?;
        Ok(TrustView { snapshot, time, clock, advisories_floor, directory: self })
    }

    /// The directory as it stands, where it is not older than what this process knows to be accepted: what can be said where
    /// [`look`](Self::look) cannot read or keep its state. It trusts nothing; what is revoked is known by it.
    pub fn without_state(&self) -> Option<Arc<TrustSnapshot>> {
        let snapshot = self.current().ok()?;
        snapshot.accept(&mut self.kept.known()).ok()?;
        Some(snapshot)
    }

    /// The lowest epoch that the service takes by this snapshot and by what was accepted, and what demands it.
    pub fn floor(&self, snapshot: &TrustSnapshot, service: &str) -> (u64, &'static str) {
        let kept = self.kept.floor(service);
        let document = snapshot.rule_for(service).epoch_floor;
        if document > kept { (document, "trust.json") } else { (kept, "what served on this machine") }
    }

    /// Takes the clock as it stands for right, on somebody's word; answers the time.
    pub fn confirm_time(&self, actor: &str, reason: &str) -> Result<UnixSeconds> {
        let signed = self.current()?.signed_time;
        self.kept.confirm(&self.clock.reading(), signed, actor, reason)
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the document is taken without a signature.
    pub fn is_development(&self) -> bool {
        self.roots.is_development()
    }

    /// What is remembered.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    fn current(&self) -> Result<Arc<TrustSnapshot>> {
        let last = self.last.load_full();
        if let Some(last) = &last
            && last.stamps.vouch_for(&Stamps::of(&self.path)?)
        {
            return Ok(Arc::clone(last));
        }
        let known = last.as_ref().map(|last| (&last.stamps, &last.keys));
        let files = Files::read(&self.path, known)?;
        let read =
            Arc::new(TrustSnapshot::new(files, &self.roots, self.prepared, self.schemes, last.as_deref())?);
        self.last.store(Some(Arc::clone(&read)));
        Ok(read)
    }
}

impl TrustView<'_> {
    /// Refused after the end of the document or of the deny-list.
    pub fn check_in_force(&self) -> Result<()> {
        let denylist = self.snapshot.denylist.as_ref().and_then(|list| list.not_after);
        for (name, end) in [(DOCUMENT, self.snapshot.document.not_after), (DENYLIST, denylist)] {
            if end.is_some() {
                let check = self.time.check_period(name, None, end);
                check.map_err(|e| e.of(self.directory.path.display()))?;
            }
        }
        Ok(())
    }

    /// The advisories, which are not older than `max_age` seconds. Refused with
    /// [`Status::TrustInvalid`](crate::error::Status::TrustInvalid) where they are missing, malformed or not signed by the
    /// roots, with `Expired` where they are too old, with `NotYetValid` where their date is to come, with `ClockRefused` where
    /// that depends on a clock that is not believed, and with `BelowFloor` when later ones were accepted before.
    pub(super) fn advisories(&self, max_age: u64) -> Result<Arc<Advisories>> {
        let advisories = self.snapshot.advisories()?;
        let check = advisories.check_age(self.time, max_age);
        check.map_err(|e| e.of(self.directory.path.join(ADVISORIES).display()))?;
        check_number("advisories.json: expected a number", advisories.number(), self.advisories_floor)?;
        Ok(advisories)
    }

    /// The lowest epoch that the service takes, and what demands it.
    pub fn floor(&self, service: &str) -> (u64, &'static str) {
        self.directory.floor(&self.snapshot, service)
    }
}
