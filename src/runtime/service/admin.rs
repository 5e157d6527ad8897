//! What changes of a service need to know: its versions, where each stands, and what was before. It knows no requests.
#![forbid(unsafe_code)]

use super::Record;
use super::revoked::Mark;
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{Isolation, PinReason, Remnant};
use crate::route::BreakerRules;
use crate::runtime::breaker::Phase;
use crate::runtime::thread::is_inside;
use crate::runtime::version::{Standing, Version};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How many former stable versions are remembered for rollback.
const MAX_HISTORY: usize = 8;

/// What changes need to know.
#[derive(Debug, Default)]
pub(super) struct Admin {
    /// What is published.
    pub(super) record: Arc<Record>,
    pub(super) entries: Vec<Entry>,
    /// Former stable versions, the last one last.
    pub(super) history: Vec<Former>,
    /// The lowest epoch of a version that may be put into service.
    pub(super) floor: u64,
    /// The lowest epoch that a route policy may have.
    pub(super) policy_floor: u64,
    /// The epoch of the last one that was put in force.
    pub(super) policy_epoch: u64,
    /// When breakers open.
    pub(super) breaker: BreakerRules,
    /// Counts the retirements, to tell the oldest.
    pub(super) retirements: u64,
    /// Counts the attempts to unload, to tell them apart.
    pub(super) departures: u64,
    /// Counts the changes of what serves, by which an update sees that somebody else made one.
    pub(super) changes: u64,
    /// There is an update on its way.
    pub(super) updating: bool,
    /// What serves was changed since the state was last taken for writing.
    pub(super) unwritten: bool,
    /// The state at the moment of closing.
    pub(super) last: Option<ServiceState>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) version: Arc<Version>,
    pub(super) standing: Standing,
    /// The number of its retirement.
    pub(super) retired: u64,
    /// No request finds it, and the holder of this number waits for it to drain.
    pub(super) leaving: Option<u64>,
    /// A job of the housekeeping will unload it.
    pub(super) awaited: bool,
    pub(super) pinned: Option<PinReason>,
    /// It is trusted no more.
    pub(super) revoked: Option<Mark>,
    /// What was closed and is still mapped; the reaper takes it out while it looks at it.
    pub(super) remnant: Option<Remnant>,
}

/// How much of what is retired stays mapped, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parking {
    /// The most versions of a service.
    pub versions: usize,
    /// The most bytes of address space that their images take together.
    pub bytes: usize,
}

impl Parking {
    /// Nothing stays.
    pub const NONE: Self = Self { versions: 0, bytes: 0 };
}

/// A version that can be found again in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Former {
    /// Its label.
    pub label: Label,
    /// Its artifact.
    pub digest: Digest,
    /// Whether it had a namespace of its own, and is to have one again.
    pub isolated: bool,
    /// The epoch of its statement; 0 where an earlier release kept none.
    pub epoch: u64,
}

/// What of a service outlives the process.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ServiceState {
    /// The stable version.
    pub stable: Option<Former>,
    /// Those before it, the last one last.
    pub history: Vec<Former>,
    /// Versions whose breaker is open.
    pub broken: Vec<Broken>,
}

/// A version whose breaker is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The version.
    pub version: Former,
    /// Until when, in milliseconds since 1970.
    pub until_ms: u64,
}

/// Whether a stable version that gives way is kept in mind for rollback.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Remember {
    FormerStable,
    Nothing,
}

impl Admin {
    /// What outlives the process; once closed, what it was then.
    pub(super) fn state(&self) -> ServiceState {
        if let Some(last) = &self.last {
            return last.clone();
        }
        let stable = self.entries.iter().find(|e| e.standing == Standing::Stable);
        let broken = self.entries.iter().filter_map(|e| Broken::of(&e.version));
        ServiceState {
            stable: stable.map(|e| Former::of(&e.version)),
            history: self.history.clone(),
            broken: broken.collect(),
        }
    }

    /// The retired versions that `keep` has no room for, oldest first.
    pub(super) fn surplus(&self, keep: Parking) -> Vec<Arc<Version>> {
        let mut retired: Vec<&Entry> =
            self.entries.iter().filter(|e| e.standing == Standing::Retired).collect();
        retired.sort_by_key(|entry| entry.retired);
        let mut bytes = 0;
        let fits = |entry: &&&Entry| {
            bytes += entry.version.mapped_bytes();
            bytes <= keep.bytes
        };
        // There is no way back to what was revoked: it is not kept.
        let (revoked, mut retired): (Vec<&Entry>, Vec<&Entry>) =
            retired.into_iter().partition(|entry| entry.revoked.is_some());
        let kept = retired.iter().rev().take(keep.versions).take_while(fits).count();
        retired.truncate(retired.len() - kept);
        revoked.into_iter().chain(retired).map(|entry| Arc::clone(&entry.version)).collect()
    }

    /// Begins to unload the version; the number tells this attempt from a later one.
    pub(super) fn begin_leaving(&mut self, version: &Arc<Version>) -> u64 {
        self.departures += 1;
        for entry in self.entries.iter_mut().filter(|e| Arc::ptr_eq(&e.version, version)) {
            entry.leaving = Some(self.departures);
        }
        self.departures
    }

    /// The entry that `label` names; a pinned one only where there is no other.
    pub(super) fn entry(&mut self, service: Label, label: &str) -> Result<&mut Entry> {
        self.entries
            .iter_mut()
            .filter(|e| e.version.label().as_str() == label)
            .min_by_key(|e| e.standing == Standing::Pinned)
            .ok_or_else(|| Error::new(Status::NotFound, format!("{service}@{label}: is not loaded")))
    }

    /// The version that `label` names, if it can serve.
    pub(super) fn usable(&mut self, service: Label, label: &str) -> Result<Arc<Version>> {
        let entry = self.entry(service, label)?;
        if let Some(reason) = &entry.pinned {
            return Err(Error::new(
                Status::Pinned,
                format!("{service}@{label}: serves no more, and stays mapped: {reason}"),
            ));
        }
        let version = Arc::clone(&entry.version);
        self.check_trusted(service, &version).map(|()| version)
    }

    /// The latest former stable version that is neither broken, as far as is known of it, nor the stable one now: it may
    /// have been promoted again since.
    pub(super) fn restorable(&self) -> Option<Former> {
        self.restorable_where(|_| true)
    }

    /// The same, among those that are `good`.
    pub(super) fn restorable_where(&self, good: impl Fn(&Former) -> bool) -> Option<Former> {
        let stable =
            self.entries.iter().find(|e| e.standing == Standing::Stable).map(|e| Former::of(&e.version));
        let is_broken = |former: &Former| {
            self.mapped(former).is_some_and(|version| {
                let report = version.tally().breaker.report();
                let recovering = report.phase == Phase::Open && report.remaining.is_zero();
                report.phase != Phase::Closed && !recovering
            })
        };
        let candidates = self.history.iter().rev();
        let is_stable = |former: &Former| stable.is_some_and(|stable| stable.is_of(former));
        candidates.copied().find(|former| good(former) && !is_stable(former) && !is_broken(former))
    }

    pub(super) fn set_breaker_rules(&mut self, rules: BreakerRules) {
        if self.breaker != rules {
            self.breaker = rules;
            self.entries.iter().for_each(|entry| entry.version.tally().breaker.set_rules(&rules));
        }
    }

    pub(super) fn mapped(&self, former: &Former) -> Option<Arc<Version>> {
        let is_it = |e: &&Entry| {
            e.pinned.is_none()
                && e.revoked.is_none()
                && e.leaving.is_none()
                && e.version.label() == former.label
                && *e.version.digest() == former.digest
        };
        self.entries.iter().find(is_it).map(|e| Arc::clone(&e.version))
    }

    /// Moves every version to where it stands when `versions` serve, the first of them as the stable one.
    pub(super) fn place(&mut self, versions: &[Arc<Version>], remember: Remember) {
        let stands = |version: &Arc<Version>| versions.iter().position(|v| Arc::ptr_eq(v, version));
        for entry in &mut self.entries {
            let was = entry.standing;
            entry.standing = match (stands(&entry.version), was) {
                (Some(0), _) => Standing::Stable,
                (Some(_), _) => Standing::Gray,
                (None, Standing::Stable | Standing::Gray) => Standing::Retired,
                (None, other) => other,
            };
            if entry.standing == Standing::Retired && was != Standing::Retired {
                self.retirements += 1;
                entry.retired = self.retirements;
            }
            if entry.standing != was
                && was == Standing::Stable
                && remember == Remember::FormerStable
                && entry.revoked.is_none()
            {
                self.history.push(Former::of(&entry.version));
            }
            if entry.leaving.is_some() && stands(&entry.version).is_some() {
                entry.leaving = None;
            }
        }
        let excess = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..excess);
    }
}

impl Entry {
    pub(super) fn loaded(version: Arc<Version>) -> Self {
        Self {
            version,
            standing: Standing::Loaded,
            retired: 0,
            leaving: None,
            awaited: false,
            pinned: None,
            revoked: None,
            remnant: None,
        }
    }
}

impl Broken {
    pub(super) fn of(version: &Version) -> Option<Self> {
        let report = version.tally().breaker.report();
        let until = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()? + report.remaining;
        let until_ms = u64::try_from(until.as_millis()).ok()?;
        (report.phase == Phase::Open).then(|| Self { version: Former::of(version), until_ms })
    }

    pub(super) fn remaining(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Duration::from_millis(self.until_ms).saturating_sub(now)
    }
}

impl Former {
    /// Whether both are one artifact under one label, however it was loaded.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        (self.label, self.digest) == (other.label, other.digest)
    }

    pub(super) fn of(version: &Version) -> Self {
        let isolated = version.isolation() == Isolation::Own;
        Self { label: version.label(), digest: *version.digest(), isolated, epoch: version.epoch() }
    }
}

/// Whether the host may unload the version now.
pub(super) fn check_may_leave(service: Label, entry: &Entry) -> Result<()> {
    let label = entry.version.label();
    let refuse = |status, what: &str| Err(Error::new(status, format!("{service}@{label}: {what}")));
    match entry.standing {
        Standing::Stable => return refuse(Status::Busy, "is the stable version: promote another one first"),
        Standing::Gray => return refuse(Status::Busy, "the route policy in force sends requests to it"),
        Standing::Pinned | Standing::Loaded | Standing::Retired => check_not_pinned(service, entry)?,
    }
    if entry.leaving.is_some() {
        return refuse(Status::Busy, "is being unloaded already");
    }
    if is_inside(entry.version.id()) {
        return refuse(Status::Deadlock, "this thread is inside a call of it and would wait for itself");
    }
    Ok(())
}

pub(super) fn check_not_pinned(service: Label, entry: &Entry) -> Result<()> {
    let label = entry.version.label();
    entry.pinned.as_ref().map_or(Ok(()), |reason| {
        Err(Error::new(Status::Pinned, format!("{service}@{label}: stays mapped: {reason}")))
    })
}
