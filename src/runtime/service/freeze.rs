//! A freeze: requests wait for a moment, so that nobody is inside of what serves while its state is read.
//!
//! The record says that it is frozen and until when. Whoever finds it so gives its slot back and waits, and the first
//! whose patience ends puts back in force what served before: a freeze ends in time without a thread that would see to
//! it, even where its maker is stuck inside of a plugin.
#![forbid(unsafe_code)]

use super::{Admin, Record, Service, Serving};
use crate::error::{Error, Result};
use crate::route::{Reason, Request};
use crate::runtime::thread::is_inside;
use crate::runtime::version::Version;
use crate::sync::{Condvar, Mutex};
use crate::sys::{fork, random};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Why a request found no version at the first attempt.
#[derive(Debug)]
pub(in crate::runtime) enum Detour {
    /// There is none.
    Refused(Error),
    /// There will be one after the freeze.
    Wait(Arc<Freeze>),
}

impl From<Error> for Detour {
    fn from(refusal: Error) -> Self {
        Self::Refused(refusal)
    }
}

/// What served when the freeze began, and when it ends at the latest.
#[derive(Debug)]
pub(in crate::runtime) struct Freeze {
    service: Weak<Service>,
    /// Of the process that froze.
    generation: u64,
    until: Instant,
    serving: Serving,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Freeze {
    /// Waits for the end; ends it where the time is over.
    pub(in crate::runtime) fn wait(&self) {
        let mut over = self.over.lock();
        while !*over && !self.has_expired() {
            over = self.ended.wait_until(over, self.until);
        }
        drop(over);
        if let Some(service) = self.service.upgrade() {
            service.thaw(&mut service.admin.lock(), self);
        }
    }

    /// The version for a request that does not wait: one from inside of a call of it, since the freeze waits for that
    /// call; and each in a forked child, which has inherited the freeze and not the thread that ends it.
    pub(super) fn without_waiting(&self, request: &Request<'_>) -> Option<(&Version, Reason)> {
        let decision = self.serving.table.decide(request, random::draw);
        let version = self.serving.versions.get(decision.version as usize)?;
        let inherited = self.generation != fork::generation();
        (inherited || is_inside(version.id())).then_some((version, decision.reason))
    }

    /// What served when it began.
    pub(super) fn serving(&self) -> &Serving {
        &self.serving
    }

    /// Lets those go on who wait. Another record is in force already.
    pub(super) fn end(&self) {
        *self.over.lock() = true;
        self.ended.notify_all();
    }
}

impl Service {
    /// Has new requests wait, for at most `patience`. Those that are inside go on.
    pub(super) fn freeze(self: &Arc<Self>, admin: &mut Admin, patience: Duration) -> Result<Arc<Freeze>> {
        let Record::Serving(serving) = &*admin.record else {
            return Err(self.not_serving(Some(&admin.record)));
        };
        let freeze = Arc::new(Freeze {
            service: Arc::downgrade(self),
            generation: fork::generation(),
            until: Instant::now() + patience,
            serving: serving.clone(),
            over: Mutex::new(false),
            ended: Condvar::default(),
        });
        self.publish(admin, Record::Frozen(Arc::clone(&freeze)));
        Ok(freeze)
    }

    /// Puts back in force what served before the freeze, unless it is over already.
    pub(super) fn thaw(&self, admin: &mut Admin, freeze: &Freeze) {
        if freeze.is_in_force(admin) {
            self.publish(admin, Record::Serving(freeze.serving.clone()));
        }
    }
}

impl Freeze {
    /// Whether the service is frozen by this one.
    pub(super) fn is_in_force(&self, admin: &Admin) -> bool {
        matches!(&*admin.record, Record::Frozen(now) if std::ptr::eq(&raw const **now, self))
    }

    /// Whether the time is over.
    pub(super) fn has_expired(&self) -> bool {
        Instant::now() >= self.until
    }
}
