//! A version that crashed: out of service at once, and never used again.

use super::{Admin, Record, Remember, Service, Serving};
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{PinKind, PinReason};
use crate::runtime::version::{Standing, Version};
use std::sync::Arc;

impl Service {
    /// Takes a version whose code crashed out of service, for good. Gray versions are withdrawn with it, as by a
    /// rollback; if it was the stable one, the last former stable version that is still mapped serves, and without one
    /// nobody does. Answers whether it was in quarantine before.
    pub fn quarantine(&self, version: &Version, fault: &Error) -> bool {
        let mut admin = self.admin.lock();
        let Some(entry) = admin.entries.iter_mut().find(|e| std::ptr::eq(&raw const *e.version, version))
        else {
            return false;
        };
        if entry.pinned.as_ref().is_some_and(|reason| reason.kind == PinKind::Crash) {
            return true;
        }
        let was = std::mem::replace(&mut entry.standing, Standing::Pinned);
        entry.pinned = Some(PinReason::new(PinKind::Crash, fault.to_string()));
        version.mark_pinned();
        version.tally().breaker.quarantine();
        // Whoever waits for it to drain finds that it is no longer theirs to unload.
        entry.leaving = None;
        admin.forget_former(version.digest());
        match was {
            Standing::Gray => {
                let stable = admin.stable();
                self.serve_only(&mut admin, stable);
            }
            Standing::Stable => {
                let former = admin.take_restorable();
                self.serve_only(&mut admin, former);
            }
            Standing::Loaded | Standing::Retired | Standing::Pinned => {}
        }
        false
    }

    /// Refuses an artifact that crashed in this process: neither a load nor a rollback brings it back.
    pub fn check_never_crashed(&self, digest: &Digest) -> Result<()> {
        let admin = self.admin.lock();
        let crashed = admin.entries.iter().filter(|e| e.version.digest() == digest).find_map(|entry| {
            let reason = entry.pinned.as_ref().filter(|reason| reason.kind == PinKind::Crash)?;
            Some((entry.version.label(), reason.to_string()))
        });
        crashed.map_or(Ok(()), |(label, reason)| {
            Err(Error::new(Status::Pinned, format!("{}@{label}: is never used again: {reason}", self.name)))
        })
    }

    /// The label of the version that serves by default.
    pub fn stable(&self) -> Option<Label> {
        self.admin.lock().stable().map(|version| version.label())
    }

    fn serve_only(&self, admin: &mut Admin, version: Option<Arc<Version>>) {
        if let Some(version) = version {
            // Refused only where the engine was closed, and then no version is gray or stable.
            let _ = self.install(admin, Serving::only(&version), Remember::Nothing);
        } else {
            admin.withdraw_gray();
            self.publish(admin, Record::Empty);
            admin.changes += 1;
            admin.unwritten = true;
        }
        if admin.policy_epoch > 0 {
            admin.policy_floor = admin.policy_epoch.saturating_add(1);
        }
    }
}

impl Admin {
    /// No rollback leads to this artifact any more.
    pub(super) fn forget_former(&mut self, digest: &Digest) {
        self.history.retain(|former| former.digest != *digest);
        self.history.dedup();
    }

    fn stable(&self) -> Option<Arc<Version>> {
        self.entries.iter().find(|e| e.standing == Standing::Stable).map(|e| Arc::clone(&e.version))
    }

    /// The last former stable version that is mapped and not broken; those after it are forgotten.
    fn take_restorable(&mut self) -> Option<Arc<Version>> {
        while let Some(former) = self.restorable() {
            let place = self.history.iter().rposition(|earlier| *earlier == former);
            self.history.truncate(place.unwrap_or(0));
            if let Some(version) = self.mapped(&former) {
                return Some(version);
            }
        }
        None
    }

    fn withdraw_gray(&mut self) {
        for entry in self.entries.iter_mut().filter(|e| e.standing == Standing::Gray) {
            self.retirements += 1;
            entry.standing = Standing::Retired;
            entry.retired = self.retirements;
        }
    }
}
