//! A service: its versions, which of them serve whom, and the changes to that.
//!
//! Changes are made under one lock, built aside and put in force by swapping the record; requests never wait for them.

use super::lease::{Lease, leases};
use super::version::{Standing, Version, VersionReport};
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::PinReason;
use crate::route::{Reason, Request, RoutePolicy, RouteTable};
use crate::sys::random;
use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// The most versions that a service may have at one time, pinned ones included.
const MAX_VERSIONS: usize = 1024;
/// How many former stable versions are remembered for rollback.
const MAX_HISTORY: usize = 8;

/// A named thing that hosts call, with its versions.
#[derive(Debug)]
pub struct Service {
    name: Label,
    record: ArcSwap<Record>,
    admin: Mutex<Admin>,
}

/// What a request needs to know, in one immutable piece.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "it lives behind an Arc; a box would cost each request a cache line"
)]
enum Record {
    /// No version is stable.
    Empty,
    /// `versions` are those of the table, by its indices; the first is the stable one.
    Serving { table: RouteTable, versions: Vec<Arc<Version>> },
    /// The engine was closed.
    Closed,
}

/// What changes need to know.
#[derive(Debug, Default)]
struct Admin {
    entries: Vec<Entry>,
    /// Former stable versions, the last one last.
    history: Vec<Former>,
    /// The lowest epoch that a route policy may have.
    policy_floor: u64,
    /// The epoch of the last one that was put in force.
    policy_epoch: u64,
    /// Counts the retirements, to tell the oldest.
    retirements: u64,
    /// Counts the attempts to unload, to tell them apart.
    departures: u64,
    /// What serves was changed since the state was last taken for writing.
    unwritten: bool,
    /// The state at the moment of closing.
    last: Option<ServiceState>,
}

#[derive(Debug)]
struct Entry {
    version: Arc<Version>,
    standing: Standing,
    /// The number of its retirement.
    retired: u64,
    /// Its gate is closed and the holder of this number waits for it to drain.
    leaving: Option<u64>,
    /// A job of the housekeeping will unload it.
    awaited: bool,
    pinned: Option<PinReason>,
}

/// A version that can be found again in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Former {
    /// Its label.
    pub label: Label,
    /// Its artifact.
    pub digest: Digest,
}

/// What of a service outlives the process.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ServiceState {
    /// The stable version.
    pub stable: Option<Former>,
    /// Those before it, the last one last.
    pub history: Vec<Former>,
}

/// What a rollback came to.
#[derive(Debug)]
pub enum Rollback {
    /// The version serves all requests again.
    Restored(Arc<Version>),
    /// The version to restore is not mapped any more: load it, add it, and roll back again.
    Missing(Former),
}

/// A lease that was taken for a request, with the record that sent it there.
pub(super) struct Entered {
    record: Guard<Arc<Record>>,
    index: usize,
    /// The lease.
    pub(super) lease: Lease,
    /// Why it is this version.
    pub(super) reason: Reason,
}

impl Entered {
    /// The version that the lease is on.
    pub(super) fn version(&self) -> Option<&Arc<Version>> {
        match &**self.record {
            Record::Serving { versions, .. } => versions.get(self.index),
            Record::Empty | Record::Closed => None,
        }
    }
}

impl Service {
    /// A service without versions.
    pub fn new(name: Label) -> Self {
        Self { name, record: ArcSwap::from_pointee(Record::Empty), admin: Mutex::default() }
    }

    /// The name.
    pub fn name(&self) -> Label {
        self.name
    }

    /// Picks the version for `request` and takes a lease on it. No lock, no allocation.
    #[inline]
    pub(super) fn enter(&self, request: &Request<'_>) -> Result<Entered> {
        loop {
            let record = self.record.load();
            let Record::Serving { table, versions } = &**record else {
                return Err(self.not_serving(&record));
            };
            let decision = table.decide(request, random::draw);
            let index = decision.version as usize;
            let version = versions.get(index).ok_or_else(|| {
                Error::new(
                    Status::Internal,
                    format!("service {}: the table names version {index}", self.name),
                )
            })?;
            let lease = leases().acquire(version.id()).ok_or_else(|| {
                Error::new(Status::LimitExceeded, "expected at most 65,536 leases in flight")
            })?;
            // A closed gate means that the record was swapped since: the next turn reads the new one.
            if version.is_open() {
                return Ok(Entered { record, index, lease, reason: decision.reason });
            }
            leases().release(lease, |_| ());
        }
    }

    /// Puts a loaded version beside the others. A label that is in use is [`Status::Busy`].
    pub fn add(&self, version: Arc<Version>) -> Result<VersionReport> {
        let mut admin = self.admin.lock();
        if admin.last.is_some() {
            return Err(self.not_serving(&Record::Closed));
        }
        self.check_room(&admin, version.label())?;
        let report = version.report(Standing::Loaded, None);
        admin.entries.push(Entry::loaded(version));
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
            let version = admin
                .usable(self.name, label)
                .map_err(|e| Error::new(Status::RoutePolicyInvalid, e.message()))?;
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
        self.install(&mut admin, table, versions, Remember::FormerStable)?;
        admin.policy_epoch = epoch;
        admin.policy_floor = epoch;
        Ok(())
    }

    /// Makes `label` the stable version, for everybody.
    pub fn promote(&self, label: &str) -> Result<Arc<Version>> {
        let mut admin = self.admin.lock();
        let version = admin.usable(self.name, label)?;
        self.install(
            &mut admin,
            RouteTable::only(label),
            vec![Arc::clone(&version)],
            Remember::FormerStable,
        )?;
        Ok(version)
    }

    /// Takes back the newest exposure: gray versions are withdrawn and the stable one serves everybody; without
    /// gray versions the stable one gives way to its predecessor. Route policies of the epoch in force, and older
    /// ones, are refused from then on, so that a late delivery does not undo the rollback.
    pub fn rollback(&self) -> Result<Rollback> {
        let mut admin = self.admin.lock();
        let serving = self.record.load_full();
        let target = match &*serving {
            Record::Closed => return Err(self.not_serving(&serving)),
            Record::Serving { versions, .. } if versions.len() > 1 => versions.first().cloned(),
            _ => {
                let Some(former) = admin.history.last().copied() else {
                    return Err(Error::new(
                        Status::NotFound,
                        format!("service {}: no earlier stable version to roll back to", self.name),
                    ));
                };
                let Some(version) = admin.mapped(&former) else { return Ok(Rollback::Missing(former)) };
                admin.history.pop();
                Some(version)
            }
        };
        let Some(version) = target else { return Err(self.not_serving(&serving)) };
        let table = RouteTable::only(version.label().as_str());
        self.install(&mut admin, table, vec![Arc::clone(&version)], Remember::Nothing)?;
        if admin.policy_epoch > 0 {
            admin.policy_floor = admin.policy_epoch.saturating_add(1);
        }
        Ok(Rollback::Restored(version))
    }

    /// Drains the version, unmaps it and proves it gone. [`Status::Busy`] while it is stable or gray, or when
    /// leases were left after `patience`: then it stands as before. [`Status::Pinned`] when it has to stay mapped.
    pub fn unload(&self, label: &str, patience: Duration) -> Result<()> {
        let (version, departure) = {
            let mut admin = self.admin.lock();
            let entry = admin.entry(self.name, label)?;
            check_may_leave(self.name, entry)?;
            let version = Arc::clone(&entry.version);
            (Arc::clone(&version), admin.begin_leaving(&version))
        };
        self.leave(version, departure, patience)
    }

    /// Unloads a version of [`take_surplus`](Self::take_surplus) if it has drained. [`Status::Busy`] while leases are
    /// out; a version that is no surplus any more is left where it stands.
    pub fn unload_surplus(&self, version: &Arc<Version>, keep: usize) -> Result<()> {
        let departure = {
            let mut admin = self.admin.lock();
            let surplus = admin.surplus(keep).iter().any(|v| Arc::ptr_eq(v, version));
            let Some(entry) = admin.entries.iter_mut().find(|e| Arc::ptr_eq(&e.version, version)) else {
                return Ok(());
            };
            if !surplus || entry.leaving.is_some() {
                entry.awaited = false;
                return Ok(());
            }
            admin.begin_leaving(version)
        };
        self.leave(Arc::clone(version), departure, Duration::ZERO)
    }

    /// The retired versions beyond the newest `keep`, oldest first, that no job was promised for yet. The caller
    /// promises one.
    pub fn take_surplus(&self, keep: usize) -> Vec<Arc<Version>> {
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

    /// What was taken could not be written.
    pub fn put_back_unwritten(&self) {
        self.admin.lock().unwritten = true;
    }

    /// Takes over what an earlier process left, before the first request.
    pub fn restore_history(&self, history: Vec<Former>) {
        self.admin.lock().history = history;
    }

    /// Serves nobody from now on. Leases that are out stay good.
    pub fn close(&self) {
        let mut admin = self.admin.lock();
        let last = admin.state();
        admin.last = Some(last);
        self.record.store(Arc::new(Record::Closed));
        for entry in &mut admin.entries {
            if entry.standing != Standing::Pinned {
                entry.standing = Standing::Retired;
            }
        }
    }

    /// Swaps the record and moves every version to where it now stands.
    fn install(
        &self,
        admin: &mut Admin,
        table: RouteTable,
        versions: Vec<Arc<Version>>,
        remember: Remember,
    ) -> Result<()> {
        let now = self.record.load_full();
        if matches!(*now, Record::Closed) {
            return Err(self.not_serving(&now));
        }
        let stands = |version: &Arc<Version>| versions.iter().position(|v| Arc::ptr_eq(v, version));
        for entry in &mut admin.entries {
            let was = entry.standing;
            entry.standing = match (stands(&entry.version), was) {
                (Some(0), _) => Standing::Stable,
                (Some(_), _) => Standing::Gray,
                (None, Standing::Stable | Standing::Gray) => Standing::Retired,
                (None, other) => other,
            };
            if entry.standing == Standing::Retired && was != Standing::Retired {
                admin.retirements += 1;
                entry.retired = admin.retirements;
            }
            if entry.standing != was && was == Standing::Stable && remember == Remember::FormerStable {
                admin.history.push(Former::of(&entry.version));
            }
            if entry.leaving.is_some() && stands(&entry.version).is_some() {
                entry.leaving = None;
                entry.version.reopen();
            }
        }
        let excess = admin.history.len().saturating_sub(MAX_HISTORY);
        admin.history.drain(..excess);
        self.record.store(Arc::new(Record::Serving { table, versions }));
        admin.unwritten = true;
        Ok(())
    }

    /// Waits for a version whose gate was closed for this `departure`, and unmaps it.
    fn leave(&self, version: Arc<Version>, departure: u64, patience: Duration) -> Result<()> {
        let label = version.label();
        let waited = version.drain(patience);
        {
            let mut admin = self.admin.lock();
            let is_this = |e: &Entry| Arc::ptr_eq(&e.version, &version) && e.leaving == Some(departure);
            let Some(index) = admin.entries.iter().position(is_this) else {
                return Err(Error::new(
                    Status::Busy,
                    format!("{}@{label}: was put back into service while it drained", self.name),
                ));
            };
            if let Err(busy) = waited {
                if let Some(entry) = admin.entries.get_mut(index) {
                    entry.leaving = None;
                }
                version.reopen();
                return Err(busy);
            }
            admin.entries.remove(index);
        }
        version.unload().map_err(|reason| {
            let refusal =
                Error::new(Status::Pinned, format!("{}@{label}: stays mapped: {reason}", self.name));
            let pinned = Entry { standing: Standing::Pinned, pinned: Some(reason), ..Entry::loaded(version) };
            self.admin.lock().entries.push(pinned);
            refusal
        })
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

    fn not_serving(&self, record: &Record) -> Error {
        match record {
            Record::Closed => {
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

/// Whether a stable version that gives way is kept in mind for rollback.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remember {
    FormerStable,
    Nothing,
}

impl Entry {
    fn loaded(version: Arc<Version>) -> Self {
        Self { version, standing: Standing::Loaded, retired: 0, leaving: None, awaited: false, pinned: None }
    }
}

impl Former {
    fn of(version: &Version) -> Self {
        Self { label: version.label(), digest: *version.digest() }
    }
}

/// Whether the host may unload the version now.
fn check_may_leave(service: Label, entry: &Entry) -> Result<()> {
    let label = entry.version.label();
    let refuse = |status, what: &str| Err(Error::new(status, format!("{service}@{label}: {what}")));
    match entry.standing {
        Standing::Stable => return refuse(Status::Busy, "is the stable version: promote another one first"),
        Standing::Gray => return refuse(Status::Busy, "the route policy in force sends requests to it"),
        Standing::Pinned => {
            let reason = entry.pinned.as_ref().map_or_else(String::new, ToString::to_string);
            return refuse(Status::Pinned, &format!("stays mapped: {reason}"));
        }
        Standing::Loaded | Standing::Retired => {}
    }
    if entry.leaving.is_some() {
        return refuse(Status::Busy, "is being unloaded already");
    }
    if super::call::is_inside(entry.version.id()) {
        return refuse(Status::Deadlock, "this thread is inside a call of it and would wait for itself");
    }
    Ok(())
}

impl Admin {
    /// What outlives the process; once closed, what it was then.
    fn state(&self) -> ServiceState {
        if let Some(last) = &self.last {
            return last.clone();
        }
        let stable = self.entries.iter().find(|e| e.standing == Standing::Stable);
        ServiceState { stable: stable.map(|e| Former::of(&e.version)), history: self.history.clone() }
    }

    /// The retired versions beyond the newest `keep`, oldest first.
    fn surplus(&self, keep: usize) -> Vec<Arc<Version>> {
        let mut retired: Vec<&Entry> =
            self.entries.iter().filter(|e| e.standing == Standing::Retired).collect();
        retired.sort_by_key(|entry| entry.retired);
        let surplus = retired.len().saturating_sub(keep);
        retired.into_iter().take(surplus).map(|entry| Arc::clone(&entry.version)).collect()
    }

    /// Closes the version's gate; the number tells this attempt from a later one.
    fn begin_leaving(&mut self, version: &Arc<Version>) -> u64 {
        self.departures += 1;
        for entry in self.entries.iter_mut().filter(|e| Arc::ptr_eq(&e.version, version)) {
            entry.leaving = Some(self.departures);
        }
        version.close();
        self.departures
    }

    /// The entry that `label` names; a pinned one only where there is no other.
    fn entry(&mut self, service: Label, label: &str) -> Result<&mut Entry> {
        self.entries
            .iter_mut()
            .filter(|e| e.version.label().as_str() == label)
            .min_by_key(|e| e.standing == Standing::Pinned)
            .ok_or_else(|| Error::new(Status::NotFound, format!("{service}@{label}: is not loaded")))
    }

    /// The version that `label` names, if it can serve.
    fn usable(&mut self, service: Label, label: &str) -> Result<Arc<Version>> {
        let entry = self.entry(service, label)?;
        match &entry.pinned {
            Some(reason) => Err(Error::new(
                Status::Pinned,
                format!("{service}@{label}: was stopped and serves no more (stays mapped: {reason})"),
            )),
            None => Ok(Arc::clone(&entry.version)),
        }
    }

    fn mapped(&self, former: &Former) -> Option<Arc<Version>> {
        let is_it = |e: &&Entry| {
            e.pinned.is_none() && e.version.label() == former.label && *e.version.digest() == former.digest
        };
        self.entries.iter().find(is_it).map(|e| Arc::clone(&e.version))
    }
}
