//! A service: its versions, which of them serve whom, and the changes to that.
//!
//! Changes are made under one lock, built aside and put in force by swapping the record; requests never wait for them.
#![forbid(unsafe_code)]

mod admin;
mod freeze;
mod quarantine;
mod refused;
mod revoked;
mod staging;

use admin::{Admin, Entry, Remember, check_may_leave, check_not_pinned};
pub use admin::{Broken, Former, Parking, ServiceState};
pub(super) use freeze::Detour;
pub use revoked::{OnRevocation, Revocation};
pub use staging::{Frozen, Staging};

use super::breaker::Admission;
use super::lease::{Note, Pending};
use super::process;
use super::published::Published;
use super::version::{Happening, Standing, Version, VersionReport};
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{PinKind, PinReason, Remnant, Stays};
use crate::route::{Reason, Request, RoutePolicy, RouteTable};
use crate::sync::Mutex;
use crate::sys::faults::fault;
use crate::sys::random;
use freeze::Freeze;
use std::sync::Arc;
use std::time::Duration;

/// The most versions that a service may have at one time, pinned ones included.
const MAX_VERSIONS: usize = 1024;
/// A named thing that hosts call, with its versions.
#[derive(Debug)]
pub struct Service {
    name: Label,
    record: Published<Record>,
    /// Where requests go while the stable version's breaker is open: those that were stable before, the latest first.
    fallbacks: Published<Vec<Arc<Version>>>,
    admin: Mutex<Admin>,
}

/// What a request needs to know, in one immutable piece.
#[derive(Debug, Default)]
#[allow(
    clippy::large_enum_variant,
    reason = "it lives behind an Arc; a box would cost each request a cache line"
)]
enum Record {
    /// No version is stable.
    #[default]
    Empty,
    Serving(Serving),
    /// Requests wait while state is handed over.
    Frozen(Arc<Freeze>),
    /// The engine was closed.
    Closed,
}

impl Record {
    /// The versions that requests reach; during a freeze those that they reach without it.
    fn versions(&self) -> &[Arc<Version>] {
        match self {
            Self::Serving(serving) => &serving.versions,
            Self::Frozen(freeze) => &freeze.serving().versions,
            Self::Empty | Self::Closed => &[],
        }
    }
}

/// Which versions serve whom.
#[derive(Clone, Debug)]
struct Serving {
    table: RouteTable,
    /// Those of the table, by its indices; the first is the stable one.
    versions: Vec<Arc<Version>>,
    /// Whether others serve in place of a version whose breaker is open. Not while it alone has the state.
    stand_ins: bool,
}

impl Serving {
    fn new(table: RouteTable, versions: Vec<Arc<Version>>) -> Self {
        Self { table, versions, stand_ins: true }
    }

    /// Everybody goes to `version`.
    fn only(version: &Arc<Version>) -> Self {
        Self::new(RouteTable::only(version.label().as_str()), vec![Arc::clone(version)])
    }
}

/// What a rollback came to.
#[derive(Debug)]
pub enum Rollback {
    /// The version serves all requests again.
    Restored(Arc<Version>),
    /// The version to restore is not mapped any more: load it, add it, and roll back again.
    Missing(Former),
}

impl Service {
    /// A service without versions.
    pub fn new(name: Label) -> Self {
        Self {
            name,
            record: Published::new(Some(Arc::default())),
            fallbacks: Published::new(None),
            admin: Mutex::default(),
        }
    }

    /// The name.
    pub fn name(&self) -> Label {
        self.name
    }

    /// The version for `request`, for whoever is on the way there.
    #[inline]
    pub(super) fn choose<'p>(
        &'p self,
        pending: &'p Pending<'_>,
        request: &Request<'_>,
    ) -> std::result::Result<(&'p Version, Note, Reason), Detour> {
        let record = self.record.read(pending);
        let Some(Record::Serving(Serving { table, versions, stand_ins })) = record else {
            return self.choose_elsewhere(record, request);
        };
        let decision = table.decide(request, random::draw);
        let Some(version) = versions.get(decision.version as usize) else {
            return Err(self.misrouted(decision.version));
        };
        match version.admit() {
            Admission::Admitted(note) => Ok((version, note, decision.reason)),
            Admission::Probe(note) => Ok((version, note, Reason::Probe)),
            Admission::Refused if *stand_ins => self.fall_back(pending, request, record, version),
            Admission::Refused => Err(self.broken(version).into()),
        }
    }

    /// [`choose`](Self::choose) where no version serves at this moment.
    #[cold]
    fn choose_elsewhere<'p>(
        &self,
        record: Option<&'p Record>,
        request: &Request<'_>,
    ) -> std::result::Result<(&'p Version, Note, Reason), Detour> {
        let Some(Record::Frozen(freeze)) = record else { return Err(self.not_serving(record).into()) };
        let (version, reason) =
            freeze.without_waiting(request).ok_or_else(|| Detour::Wait(Arc::clone(freeze)))?;
        match version.admit() {
            Admission::Admitted(note) => Ok((version, note, reason)),
            Admission::Probe(note) => Ok((version, note, Reason::Probe)),
            // Nothing else serves before the freeze ends, and the freeze waits for the call that this one is inside of.
            Admission::Refused => Err(self.broken(version).into()),
        }
    }

    /// A version for a request that `broken` of this record was to serve: the stable one, or one that was stable before.
    /// They are not probed on such a detour.
    #[cold]
    fn fall_back<'p>(
        &'p self,
        pending: &'p Pending<'_>,
        request: &Request<'_>,
        record: Option<&'p Record>,
        broken: &Version,
    ) -> std::result::Result<(&'p Version, Note, Reason), Detour> {
        let stable = record.and_then(|record| record.versions().first());
        let former = self.fallbacks.read(pending).into_iter().flatten();
        let mut choices = stable.into_iter().chain(former).filter(|version| version.id() != broken.id());
        let admitted =
            choices.find_map(|version| Some((&**version, version.admit_healthy()?, Reason::Breaker)));
        if let Some(admitted) = admitted {
            return Ok(admitted);
        }
        // The record is replaced before the fallbacks are: where they belong to a later one, the request begins anew.
        if self.record.read(pending).map(std::ptr::from_ref) != record.map(std::ptr::from_ref) {
            return self.choose(pending, request);
        }
        Err(self.broken(broken).into())
    }

    fn broken(&self, version: &Version) -> Error {
        let label = version.label();
        Error::new(
            Status::BreakerOpen,
            format!(
                "{}@{label}: its breaker is open, and no stable version is there to serve instead",
                self.name
            ),
        )
    }

    /// Puts a loaded version beside the others. A label that is in use is [`Status::Busy`].
    pub fn add(&self, version: Arc<Version>) -> Result<VersionReport> {
        let mut admin = self.admin.lock();
        if admin.last.is_some() {
            return Err(self.not_serving(Some(&Record::Closed)));
        }
        self.check_room(&admin, version.label())?;
        fault!("service.add");
        version.tally().breaker.set_rules(&admin.breaker);
        let report = version.report(Standing::Loaded, None);
        admin.entries.push(Entry::loaded(version));
        self.publish_fallbacks(&admin);
        Ok(report)
    }

    /// Whether a version of this label could be added now.
    pub fn check_free(&self, label: Label) -> Result<()> {
        self.check_room(&self.admin.lock(), label)
    }

    /// Puts the route policy in force, whole, or refuses it and changes nothing.
    pub fn apply(&self, policy: &RoutePolicy) -> Result<()> {
        let mut admin = self.admin.lock();
        let epoch = policy.epoch().unwrap_or(0);
        if epoch < admin.policy_floor {
            return Err(Error::new(
                Status::RoutePolicyInvalid,
                format!(
                    "epoch: expected at least {}, as the policy in force had {}, found {epoch}",
                    admin.policy_floor, admin.policy_epoch
                ),
            ));
        }
        let table = RouteTable::new(policy);
        let mut versions = Vec::with_capacity(table.versions().len());
        for label in table.versions() {
            let version = admin.usable(self.name, label).map_err(|e| match e.status() {
                Status::Revoked | Status::BelowFloor => e,
                _ => Error::new(Status::RoutePolicyInvalid, e.message()),
            })?;
            if let Some(wanted) = policy.digest(label).filter(|wanted| *wanted != version.digest()) {
                return Err(Error::new(
                    Status::RoutePolicyInvalid,
                    format!(
                        "version {label}: expected the digest {}, the loaded one has {}",
                        sm3::text(wanted),
                        sm3::text(version.digest())
                    ),
                ));
            }
            versions.push(version);
        }
        self.install(&mut admin, Serving::new(table, versions), Remember::FormerStable)?;
        admin.policy_epoch = epoch;
        admin.policy_floor = epoch;
        admin.set_breaker_rules(policy.breaker().copied().unwrap_or_default());
        Ok(())
    }

    /// Makes `label` the stable version, for everybody.
    pub fn promote(&self, label: &str) -> Result<Arc<Version>> {
        let mut admin = self.admin.lock();
        let version = admin.usable(self.name, label)?;
        self.install(&mut admin, Serving::only(&version), Remember::FormerStable)?;
        // Whoever promotes a version has decided that it shall serve.
        version.tally().breaker.close();
        Ok(version)
    }

    /// Takes back the newest exposure: gray versions are withdrawn and the stable one serves everybody; without
    /// gray versions the stable one gives way to its predecessor. Route policies of the epoch in force, and older
    /// ones, are refused from then on, so that a late delivery does not undo the rollback.
    pub fn rollback(&self) -> Result<Rollback> {
        let mut admin = self.admin.lock();
        let mut taken = None;
        let target = match &*admin.record {
            record @ Record::Closed => return Err(self.not_serving(Some(record))),
            record if record.versions().len() > 1 => record.versions().first().cloned(),
            _ => {
                let Some(former) = admin.restorable() else {
                    return Err(Error::new(
                        Status::NotFound,
                        format!(
                            "service {}: no earlier stable version to roll back to, or none that is not broken",
                            self.name
                        ),
                    ));
                };
                admin.check_floor(self.name, former.label, former.epoch)?;
                let Some(version) = admin.mapped(&former) else { return Ok(Rollback::Missing(former)) };
                taken = Some(former);
                Some(version)
            }
        };
        let Some(version) = target else { return Err(self.not_serving(Some(&admin.record))) };
        self.install(&mut admin, Serving::only(&version), Remember::Nothing)?;
        // Not before: a rollback that fails changes nothing.
        if let Some(former) = taken {
            // Those after it are broken: a later rollback is not to end there.
            let place = admin.history.iter().rposition(|earlier| *earlier == former);
            admin.history.truncate(place.unwrap_or(0));
        }
        if admin.policy_epoch > 0 {
            admin.policy_floor = admin.policy_epoch.saturating_add(1);
        }
        Ok(Rollback::Restored(version))
    }

    /// Drains the version, unmaps it and proves it gone. [`Status::Busy`] while it is stable or gray, or when
    /// leases were left after `patience`: then it stands as before. [`Status::Pinned`] when it has to stay mapped.
    ///
    /// `force` gives up on a version that did not drain: it stays mapped for ever, its label is free, and the process is
    /// marked as one that wants a restart.
    pub fn unload(&self, label: &str, patience: Duration, force: bool) -> Result<()> {
        let (version, departure) = {
            let mut admin = self.admin.lock();
            let entry = admin.entry(self.name, label)?;
            check_may_leave(self.name, entry)?;
            let version = Arc::clone(&entry.version);
            let departure = admin.begin_leaving(&version);
            self.publish_fallbacks(&admin);
            (version, departure)
        };
        self.leave(&version, departure, patience, force)
    }

    /// Unloads a version of [`take_surplus`](Self::take_surplus) if it has drained. [`Status::Busy`] while leases are
    /// out; a version that is no surplus any more is left where it stands.
    pub fn unload_surplus(&self, version: &Arc<Version>, keep: Parking) -> Result<()> {
        let departure = {
            let mut admin = self.admin.lock();
            let surplus = admin.surplus(keep).iter().any(|v| Arc::ptr_eq(v, version));
            let Some(entry) = admin.entries.iter_mut().find(|e| Arc::ptr_eq(&e.version, version)) else {
                return Ok(());
            };
            if !surplus {
                entry.awaited = false;
                return Ok(());
            }
            if entry.leaving.is_some() {
                // Somebody waits for it who may give up: then it is still to be unloaded.
                let label = version.label();
                return Err(Error::new(Status::Busy, format!("{}@{label}: is being unloaded", self.name)));
            }
            let departure = admin.begin_leaving(version);
            self.publish_fallbacks(&admin);
            departure
        };
        self.leave(version, departure, Duration::ZERO, false)
    }

    /// The retired versions that `keep` has no room for, oldest first, that no job was promised for yet. The caller
    /// promises one.
    pub fn take_surplus(&self, keep: Parking) -> Vec<Arc<Version>> {
        let mut admin = self.admin.lock();
        let mut surplus = admin.surplus(keep);
        for entry in &mut admin.entries {
            if surplus.iter().any(|version| Arc::ptr_eq(version, &entry.version)) {
                if entry.awaited {
                    surplus.retain(|version| !Arc::ptr_eq(version, &entry.version));
                }
                entry.awaited = true;
            }
        }
        surplus
    }

    /// Whether there are images of pinned versions that were closed and are mapped all the same, which nobody looks after.
    pub fn has_remnants(&self) -> bool {
        self.admin.lock().entries.iter().any(|entry| entry.remnant.is_some())
    }

    /// Those images. The caller looks after them.
    pub(super) fn take_remnants(&self) -> Vec<(Arc<Version>, Remnant)> {
        let mut admin = self.admin.lock();
        let entries = admin.entries.iter_mut();
        entries.filter_map(|e| Some((Arc::clone(&e.version), e.remnant.take()?))).collect()
    }

    /// How many versions are retired and wait for a way back.
    pub fn parked(&self) -> usize {
        self.admin.lock().entries.iter().filter(|e| e.standing == Standing::Retired).count()
    }

    /// The image of a pinned version is gone, and so is the version.
    pub(super) fn forget(&self, version: &Arc<Version>) {
        self.admin.lock().entries.retain(|e| !Arc::ptr_eq(&e.version, version));
    }

    /// All versions, in the order in which they were loaded.
    pub fn report(&self) -> Vec<VersionReport> {
        let admin = self.admin.lock();
        admin.entries.iter().map(|e| e.version.report(e.standing, e.pinned.as_ref())).collect()
    }

    /// What outlives the process, if it changed since this was asked last.
    pub fn take_unwritten(&self) -> Option<ServiceState> {
        let mut admin = self.admin.lock();
        std::mem::take(&mut admin.unwritten).then(|| admin.state())
    }

    /// Whether something has changed since that was asked last.
    pub fn has_unwritten(&self) -> bool {
        self.admin.lock().unwritten
    }

    /// What was taken could not be written.
    pub fn put_back_unwritten(&self) {
        self.admin.lock().unwritten = true;
    }

    /// Takes over what an earlier process left, before the first request.
    pub fn restore_history(&self, history: Vec<Former>) {
        let mut admin = self.admin.lock();
        admin.history = history;
        self.publish_fallbacks(&admin);
    }

    /// Opens the breakers that were open when an earlier process ended, as far as their versions are loaded. The clock may
    /// have been set meanwhile: none stays open for longer than the rules in force say.
    pub fn restore_broken(&self, broken: &[Broken]) {
        let admin = self.admin.lock();
        let longest = Duration::from_millis(admin.breaker.open_ms);
        for broken in broken {
            if let Some(version) = admin.mapped(&broken.version) {
                version.tally().breaker.restore(broken.remaining().min(longest));
            }
        }
    }

    /// A breaker opened or closed: what outlives the process is another now.
    pub fn note_breaker_change(&self) {
        self.admin.lock().unwritten = true;
    }

    /// Serves nobody from now on. Leases that are out stay good.
    pub fn close(&self) {
        let mut admin = self.admin.lock();
        let last = admin.state();
        admin.last = Some(last);
        admin.changes += 1;
        self.fallbacks.replace(None);
        self.publish(&mut admin, Record::Closed);
        for entry in &mut admin.entries {
            if entry.standing != Standing::Pinned {
                entry.standing = Standing::Retired;
            }
        }
    }

    /// Serves nobody in this process from now on, which inherited the service. Takes no lock, and so leaves the rest as it
    /// was at the fork.
    pub fn abandon(&self) {
        self.record.abandon(Some(Arc::new(Record::Closed)));
    }

    /// Swaps the record and moves every version to where it now stands.
    fn install(&self, admin: &mut Admin, serving: Serving, remember: Remember) -> Result<()> {
        fault!("service.install");
        if matches!(*admin.record, Record::Closed) {
            return Err(self.not_serving(Some(&admin.record)));
        }
        admin.place(&serving.versions, remember);
        self.publish(admin, Record::Serving(serving));
        admin.changes += 1;
        self.publish_fallbacks(admin);
        admin.unwritten = true;
        Ok(())
    }

    fn publish_fallbacks(&self, admin: &Admin) {
        let fallbacks: Vec<_> =
            admin.history.iter().rev().filter_map(|former| admin.mapped(former)).collect();
        self.fallbacks.replace((!fallbacks.is_empty()).then(|| Arc::new(fallbacks)));
    }

    fn publish(&self, admin: &mut Admin, record: Record) {
        let former = std::mem::replace(&mut admin.record, Arc::new(record));
        self.record.replace(Some(Arc::clone(&admin.record)));
        if let Record::Frozen(freeze) = &*former {
            freeze.end();
        }
    }

    /// Waits for a version that no request finds since this `departure`, and unmaps it.
    fn leave(&self, version: &Arc<Version>, departure: u64, patience: Duration, force: bool) -> Result<()> {
        let was_pinned = version.is_pinned();
        let left = self.depart(Arc::clone(version), departure, patience, force);
        // Without the lock: whoever is told may come back here.
        match &left {
            Ok(()) => version.announce(Happening::Unmapped),
            Err(refusal) if version.is_pinned() && !was_pinned => {
                version.announce(Happening::Pinned(refusal.message()));
            }
            Err(_) => {}
        }
        left
    }

    fn depart(&self, version: Arc<Version>, departure: u64, patience: Duration, force: bool) -> Result<()> {
        let label = version.label();
        fault!("service.leaving", stay);
        let waited = version.drain(patience);
        let drained = {
            let mut admin = self.admin.lock();
            let is_this = |e: &Entry| Arc::ptr_eq(&e.version, &version) && e.leaving == Some(departure);
            let Some(index) = admin.entries.iter().position(is_this) else {
                if let Some(entry) = admin.entries.iter().find(|e| Arc::ptr_eq(&e.version, &version)) {
                    check_not_pinned(self.name, entry)?;
                }
                return Err(Error::new(
                    Status::Busy,
                    format!("{}@{label}: was put back into service while it drained", self.name),
                ));
            };
            match waited {
                Ok(drained) => {
                    admin.entries.remove(index);
                    drained
                }
                Err(busy) if force && version.is_in_use() => {
                    let reason = PinReason::new(PinKind::Lease, format!("forced, {}", busy.message()));
                    process::mark_restart_wanted(&format!("{}@{label}: stays mapped: {reason}", self.name));
                    admin.entries.remove(index);
                    let refusal = self.pin(&mut admin, version, Stays::from(reason));
                    return Err(refusal);
                }
                Err(busy) => {
                    if let Some(entry) = admin.entries.get_mut(index) {
                        entry.leaving = None;
                    }
                    self.publish_fallbacks(&admin);
                    return Err(busy);
                }
            }
        };
        version.unload(&drained).map_err(|stays| self.pin(&mut self.admin.lock(), version, stays))
    }

    /// Lists the version as one that stays mapped; its label is free. Answers what the caller is told.
    fn pin(&self, admin: &mut Admin, version: Arc<Version>, Stays { reason, remnant }: Stays) -> Error {
        let refusal =
            Error::new(Status::Pinned, format!("{}@{}: stays mapped: {reason}", self.name, version.label()));
        version.mark_pinned();
        if reason.kind == PinKind::Crash {
            process::mark_tainted(&format!("{}@{}: {reason}", self.name, version.label()));
            version.tally().breaker.quarantine();
            admin.forget_former(version.digest());
        }
        admin.entries.push(Entry {
            standing: Standing::Pinned,
            pinned: Some(reason),
            remnant,
            ..Entry::loaded(version)
        });
        refusal
    }

    #[cold]
    fn misrouted(&self, index: u32) -> Detour {
        let message = format!("service {}: the table names version {index}", self.name);
        Detour::Refused(Error::new(Status::Internal, message))
    }

    fn check_room(&self, admin: &Admin, label: Label) -> Result<()> {
        if admin.entries.len() >= MAX_VERSIONS {
            return Err(Error::new(
                Status::LimitExceeded,
                format!("service {}: expected at most {MAX_VERSIONS} versions", self.name),
            ));
        }
        if admin.entries.iter().any(|e| e.version.label() == label && e.standing != Standing::Pinned) {
            return Err(Error::new(Status::Busy, format!("{}@{label}: is loaded already", self.name)));
        }
        Ok(())
    }

    fn not_serving(&self, record: Option<&Record>) -> Error {
        match record {
            Some(Record::Closed) => {
                Error::new(Status::Closed, format!("service {}: its engine was closed", self.name))
            }
            _ => Error::new(
                Status::NoVersion,
                format!(
                    "service {}: expected a stable version, found none: promote one or apply a route policy",
                    self.name
                ),
            ),
        }
    }
}
