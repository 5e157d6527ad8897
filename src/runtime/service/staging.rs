//! A service during an update: what serves is changed step by step, and put back as it was unless the update is
//! finished. Somebody else may promote, roll back or apply a policy meanwhile; then the update stops and leaves it so.
#![forbid(unsafe_code)]

use super::freeze::Freeze;
use super::{Admin, Record, Remember, Service, Serving};
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::route::RouteTable;
use crate::runtime::held::Held;
use crate::runtime::lease::{Note, leases};
use crate::runtime::shadow::Copies;
use crate::runtime::thread::is_inside;
use crate::runtime::version::Version;
use crate::sys::faults::fault;
use std::sync::Arc;
use std::time::Duration;

/// The right to update a service. Dropped, it puts back in force what served when it was made.
#[derive(Debug)]
pub struct Staging {
    service: Arc<Service>,
    table: RouteTable,
    stable: Arc<Version>,
    /// The number of the last change that is known to be nobody else's.
    change: u64,
    /// Something else than at the beginning is in force.
    exposed: bool,
}

impl Service {
    /// Begins an update. [`Status::Busy`] while there is another one, gray versions serve, or the kill switch is on;
    /// [`Status::NoVersion`] without a stable version; [`Status::Deadlock`] from inside a call of the service.
    pub fn stage(self: &Arc<Self>) -> Result<Staging> {
        let mut admin = self.admin.lock();
        if admin.entries.iter().any(|entry| is_inside(entry.version.id())) {
            return Err(Error::new(
                Status::Deadlock,
                format!(
                    "service {}: this thread is inside a call of it and would wait for itself",
                    self.name
                ),
            ));
        }
        let busy = |what: &str| Err(Error::new(Status::Busy, format!("service {}: {what}", self.name)));
        if admin.updating {
            return busy("is being updated already");
        }
        let Record::Serving(Serving { table, versions, .. }) = &*admin.record else {
            return Err(self.not_serving(Some(&admin.record)));
        };
        let [stable] = versions.as_slice() else {
            return busy("gray versions serve: promote one or roll back first");
        };
        if table.is_killed() {
            return busy("the kill switch of its route policy is on");
        }
        let (table, stable) = (table.clone(), Arc::clone(stable));
        admin.updating = true;
        Ok(Staging { service: Arc::clone(self), table, stable, change: admin.changes, exposed: false })
    }
}

impl Staging {
    /// The service.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// The version that served everybody when the update began.
    pub fn stable(&self) -> &Arc<Version> {
        &self.stable
    }

    /// [`Status::Busy`] when somebody else changed what serves.
    pub fn check(&self) -> Result<()> {
        self.check_own(&self.service.admin.lock())
    }

    /// The version `label`, held so that nobody unloads it.
    pub fn hold(&self, label: Label) -> Result<Held> {
        let mut admin = self.service.admin.lock();
        let version = admin.usable(self.service.name, label.as_str())?;
        let entry = admin.entry(self.service.name, label.as_str())?;
        if entry.leaving.is_some() {
            let name = self.service.name;
            return Err(Error::new(Status::Busy, format!("{name}@{label}: is being unloaded")));
        }
        hold(&version)
    }

    /// Sends `share` of the 10,000 buckets to `gray`; pins, rules and key of the policy in force go on to count.
    pub fn expose(&mut self, gray: &Arc<Version>, share: u32) -> Result<()> {
        let service = Arc::clone(&self.service);
        let table = self.table.with_gray(gray.label().as_str(), share, service.name.as_str());
        let serving = Serving::new(table, vec![Arc::clone(&self.stable), Arc::clone(gray)]);
        self.put(&mut service.admin.lock(), serving)
    }

    /// Puts back in force what served when the update began.
    pub fn withdraw(&mut self) -> Result<()> {
        let service = Arc::clone(&self.service);
        let mut admin = service.admin.lock();
        if self.exposed { self.put(&mut admin, self.former()) } else { self.check_own(&admin) }
    }

    /// Makes `version` the stable one, which cannot be withdrawn any more.
    pub fn promote(&mut self, version: &Arc<Version>) -> Result<()> {
        let service = Arc::clone(&self.service);
        let mut admin = service.admin.lock();
        self.check_own(&admin)?;
        admin.check_trusted(service.name, version)?;
        service.install(&mut admin, Serving::only(version), Remember::FormerStable)?;
        self.change = admin.changes;
        self.exposed = false;
        Ok(())
    }

    /// Has copies made of the next `requests` requests that the stable version answers.
    pub fn copy_requests(&self, requests: u64) -> Copies<'_> {
        self.stable.tap().begin(requests)
    }

    /// Has new requests wait until the answer is dropped or [switched](Frozen::switch), for at most `patience`.
    pub fn freeze(&mut self, patience: Duration) -> Result<Frozen<'_>> {
        fault!("update.freeze");
        let service = Arc::clone(&self.service);
        let mut admin = service.admin.lock();
        self.check_own(&admin)?;
        let freeze = service.freeze(&mut admin, patience)?;
        Ok(Frozen { staging: self, freeze })
    }

    fn put(&mut self, admin: &mut Admin, serving: Serving) -> Result<()> {
        self.check_own(admin)?;
        for version in &serving.versions {
            admin.check_trusted(self.service.name, version)?;
        }
        let exposed = serving.versions.len() > 1;
        self.service.install(admin, serving, Remember::Nothing)?;
        self.change = admin.changes;
        self.exposed = exposed;
        Ok(())
    }

    /// What served when the update began.
    fn former(&self) -> Serving {
        Serving::new(self.table.clone(), vec![Arc::clone(&self.stable)])
    }

    fn check_own(&self, admin: &Admin) -> Result<()> {
        if admin.changes == self.change {
            return Ok(());
        }
        let name = self.service.name;
        Err(Error::new(
            Status::Busy,
            format!("service {name}: what serves was changed by somebody else, and is left so"),
        ))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Somebody else's change is left alone.
        let _ = self.withdraw();
        self.service.admin.lock().updating = false;
    }
}

/// A service whose requests wait.
#[derive(Debug)]
pub struct Frozen<'a> {
    staging: &'a mut Staging,
    freeze: Arc<Freeze>,
}

impl Frozen<'_> {
    /// Waits until nobody is inside of `version`, and holds it. Nobody else gets in before the freeze ends.
    pub fn drain(&self, version: &Arc<Version>) -> Result<Held> {
        fault!("update.drain");
        let mut pause = Duration::from_micros(5);
        while !leases().is_drained(version.id()) {
            if self.freeze.has_expired() {
                let left = leases().in_flight(version.id());
                return Err(Error::new(
                    Status::UpdateFailed,
                    format!("{}: expected its calls to end in time, found {left} in flight", version.label()),
                ));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_micros(500));
        }
        let admin = self.staging.service.admin.lock();
        self.check(&admin)?;
        hold(version)
    }

    /// Ends the freeze: every request goes to `gray`, for which nobody stands in, since it has the state; or with none to
    /// what served when the update began. Refused when
    /// the time was over: then what served before the freeze serves.
    pub fn switch(self, gray: Option<&Arc<Version>>) -> Result<()> {
        let service = Arc::clone(&self.staging.service);
        let mut admin = service.admin.lock();
        self.check(&admin)?;
        let serving = match gray {
            Some(gray) => {
                let table = self.staging.table.all_to_gray(gray.label().as_str(), service.name.as_str());
                let versions = vec![Arc::clone(&self.staging.stable), Arc::clone(gray)];
                Serving { table, versions, stand_ins: false }
            }
            None => self.staging.former(),
        };
        self.staging.put(&mut admin, serving)
    }

    fn check(&self, admin: &Admin) -> Result<()> {
        self.staging.check_own(admin)?;
        if self.freeze.is_in_force(admin) {
            return Ok(());
        }
        Err(Error::new(Status::UpdateFailed, "took longer than requests may wait, so they went on"))
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let service = &self.staging.service;
        service.thaw(&mut service.admin.lock(), &self.freeze);
    }
}

/// A lease on a version that nobody unloads at this moment: the caller holds the lock of its service's `admin`, or it
/// stands in the record in force.
fn hold(version: &Arc<Version>) -> Result<Held> {
    Held::choose(version, |version, _| Ok::<_, Error>((&**version, Note::default(), ())))
        .map(|(held, ())| held)
}
