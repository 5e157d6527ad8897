//! A version that is trusted no more, and epochs that are too low: neither comes into service again.
#![forbid(unsafe_code)]

use super::admin::{Admin, Entry, Former};
use super::{Record, Remember, Service, Serving};
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::runtime::version::{Standing, Version};
use std::sync::Arc;

/// What is to become of a version that serves and is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRevocation {
    /// The last good version serves in its place; where there is none, it serves on.
    RollBack,
    /// It serves nobody any more.
    Stop,
    /// It serves on.
    Alarm,
}

/// What became of a version that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It was dealt with before, or is not there any more.
    Known,
    /// It served nobody, and never will.
    Barred,
    /// It was gray: the stable version serves everybody.
    Withdrawn,
    /// It was stable: this one serves everybody in its place.
    RolledBack(Label),
    /// It is stable, and this one is to take its place: load it, or forget it, and go on with
    /// [`replace_revoked`](Service::replace_revoked).
    Missing(Former),
    /// It was stable: nobody serves.
    Stopped,
    /// It serves on.
    Serving,
}

/// What is known of the revocation of a version.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    reason: String,
    action: OnRevocation,
}

impl Service {
    /// Takes a version that is loaded out of service as `action` says, for `reason`. Whatever that is, nothing leads to the
    /// version again: no promotion, route policy or rollback.
    pub fn revoke(&self, version: &Arc<Version>, reason: &str, action: OnRevocation) -> Revocation {
        let mut admin = self.admin.lock();
        if matches!(*admin.record, Record::Closed) {
            return Revocation::Known;
        }
        let Some(entry) = admin.entries.iter_mut().find(|e| Arc::ptr_eq(&e.version, version)) else {
            return Revocation::Known;
        };
        let is_known = |mark: &Mark| mark.action == action;
        if entry.pinned.is_some() || entry.revoked.as_ref().is_some_and(is_known) {
            return Revocation::Known;
        }
        entry.revoked = Some(Mark { reason: reason.to_owned(), action });
        let standing = entry.standing;
        admin.forget(&Former::of(version));
        let revocation = match (standing, action) {
            (Standing::Loaded | Standing::Retired | Standing::Pinned, _) => Revocation::Barred,
            (Standing::Gray | Standing::Stable, OnRevocation::Alarm) => Revocation::Serving,
            (Standing::Gray, _) => {
                self.withdraw_all(&mut admin);
                Revocation::Withdrawn
            }
            (Standing::Stable, OnRevocation::Stop) => {
                self.stop(&mut admin, version);
                Revocation::Stopped
            }
            (Standing::Stable, OnRevocation::RollBack) => self.replace(&mut admin),
        };
        admin.unwritten = true;
        self.publish_fallbacks(&admin);
        revocation
    }

    /// Puts the last good version in the place of one that is revoked, if that still is the stable one.
    pub fn replace_revoked(&self, version: &Arc<Version>) -> Revocation {
        let mut admin = self.admin.lock();
        let is_it = |e: &&Entry| {
            Arc::ptr_eq(&e.version, version) && e.revoked.is_some() && e.standing == Standing::Stable
        };
        if !admin.entries.iter().any(|e| is_it(&e)) {
            return Revocation::Known;
        }
        self.replace(&mut admin)
    }

    /// The version is trusted again: a later deny-list does not name it.
    pub fn reinstate(&self, version: &Arc<Version>) {
        let mut admin = self.admin.lock();
        for entry in admin.entries.iter_mut().filter(|e| Arc::ptr_eq(&e.version, version)) {
            entry.revoked = None;
        }
    }

    /// No rollback leads to it any more.
    pub fn forget_former(&self, former: &Former) {
        let mut admin = self.admin.lock();
        admin.forget(former);
        admin.unwritten = true;
        self.publish_fallbacks(&admin);
    }

    /// Versions of a lower epoch are not put into service from now on.
    pub fn set_floor(&self, floor: u64) {
        self.admin.lock().floor = floor;
    }

    /// The same, unless the floor is higher.
    pub fn raise_floor(&self, floor: u64) {
        let mut admin = self.admin.lock();
        admin.floor = admin.floor.max(floor);
    }

    /// The floor that the service's own versions allow: the lowest epoch among the stable version and those that rollbacks
    /// lead to, so that none of them is ever below it. It follows when the last of them is forgotten. `None` without a
    /// stable version.
    pub fn own_floor(&self) -> Option<u64> {
        let admin = self.admin.lock();
        let stable = admin.entries.iter().find(|e| e.standing == Standing::Stable)?;
        let formers = admin.history.iter().map(|former| former.epoch);
        formers.chain([stable.version.epoch()]).min()
    }

    /// The versions that are loaded, those apart that are never used again.
    pub fn versions(&self) -> Vec<Arc<Version>> {
        let admin = self.admin.lock();
        let usable = admin.entries.iter().filter(|e| e.pinned.is_none());
        usable.map(|entry| Arc::clone(&entry.version)).collect()
    }

    /// How many versions are revoked, and how many of these serve.
    pub fn count_revoked(&self) -> (usize, usize) {
        let admin = self.admin.lock();
        let revoked = admin.entries.iter().filter(|e| e.revoked.is_some());
        let serves = |e: &&Entry| matches!(e.standing, Standing::Stable | Standing::Gray);
        (revoked.clone().count(), revoked.filter(serves).count())
    }

    /// The last good version in the place of the stable one.
    fn replace(&self, admin: &mut Admin) -> Revocation {
        let Some(former) = admin.restorable_from(admin.floor) else { return Revocation::Serving };
        let Some(version) = admin.mapped(&former) else { return Revocation::Missing(former) };
        if self.install(admin, Serving::only(&version), Remember::Nothing).is_err() {
            return Revocation::Known;
        }
        let place = admin.history.iter().rposition(|earlier| *earlier == former);
        admin.history.truncate(place.unwrap_or(0));
        admin.refuse_late_policies();
        Revocation::RolledBack(former.label)
    }

    fn withdraw_all(&self, admin: &mut Admin) {
        let stable = admin.entries.iter().find(|e| e.standing == Standing::Stable);
        if let Some(stable) = stable.map(|e| Arc::clone(&e.version)) {
            // Refused only where the engine was closed, and then no version is gray.
            let _ = self.install(admin, Serving::only(&stable), Remember::Nothing);
        }
        admin.refuse_late_policies();
    }

    fn stop(&self, admin: &mut Admin, version: &Arc<Version>) {
        admin.retirements += 1;
        let number = admin.retirements;
        let leaves = |e: &&mut Entry| e.standing == Standing::Gray || Arc::ptr_eq(&e.version, version);
        for entry in admin.entries.iter_mut().filter(leaves) {
            entry.standing = Standing::Retired;
            entry.retired = number;
        }
        self.publish(admin, Record::Empty);
        admin.changes += 1;
        admin.refuse_late_policies();
    }
}

impl Admin {
    /// Refuses to put the version into service; one that serves already may be named beside another.
    pub(super) fn check_trusted(&self, service: Label, version: &Arc<Version>) -> Result<()> {
        let label = version.label();
        let Some(entry) = self.entries.iter().find(|e| Arc::ptr_eq(&e.version, version)) else {
            return Ok(());
        };
        if matches!(entry.standing, Standing::Stable | Standing::Gray) {
            return Ok(());
        }
        if let Some(mark) = &entry.revoked {
            return Err(Error::new(Status::Revoked, format!("{service}@{label}: {}", mark.reason)));
        }
        self.check_floor(service, label, version.epoch())
    }

    pub(super) fn check_floor(&self, service: Label, label: Label, epoch: u64) -> Result<()> {
        if epoch >= self.floor {
            return Ok(());
        }
        Err(Error::new(
            Status::BelowFloor,
            format!(
                "{service}@{label}: expected an epoch of at least {}, found {epoch}: load a version of a later epoch, or \
                 have the root keys sign a trust.json whose epoch_floor allows this one",
                self.floor
            ),
        ))
    }

    /// The latest former stable version that may serve again.
    pub(super) fn restorable_from(&self, floor: u64) -> Option<Former> {
        self.restorable_where(|former| former.epoch >= floor)
    }

    fn forget(&mut self, former: &Former) {
        self.history.retain(|earlier| !earlier.is_of(former));
        self.history.dedup();
    }

    /// A policy of the epoch in force that is delivered late does not undo this.
    fn refuse_late_policies(&mut self) {
        if self.policy_epoch > 0 {
            self.policy_floor = self.policy_epoch.saturating_add(1);
        }
    }
}
