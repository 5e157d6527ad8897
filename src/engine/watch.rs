//! What the engine does when something happens to a version: its breaker changes, its code crashes, it leaves.
#![forbid(unsafe_code)]

use super::{Change as Asked, Engine};
use crate::error::Error;
use crate::journal::{Entry, Kind};
use crate::runtime::{self, Change, Happening, Service, Version, Watcher};
use crate::sys::fork;
use crate::telemetry::{Event, EventKind, Events, Log, LogLevel};
use std::sync::{Arc, Weak};

impl Engine {
    /// Logs and tells of what happens to a version of `service`, and makes it durable. It holds nothing alive: a pinned
    /// version outlives its engine.
    pub(super) fn watcher(&self, service: &Arc<Service>) -> Watcher {
        let watch = Watch {
            engine: Weak::clone(&self.this),
            service: Arc::downgrade(service),
            log: self.log.clone(),
            events: self.events.clone(),
            generation: self.generation,
        };
        Watcher::new(move |version, happening| match happening {
            Happening::Breaker(change) => watch.breaker_changed(version, change),
            Happening::Crashed(fault) => watch.crashed(version, fault),
            Happening::Pinned(reason) => watch.tell(version, EventKind::Pinned, reason),
            Happening::Unmapped => watch.tell(version, EventKind::Unmapped, ""),
        })
    }
}

/// Runs on the thread of the request: nothing here waits for a disk.
struct Watch {
    engine: Weak<Engine>,
    service: Weak<Service>,
    log: Log,
    events: Events,
    generation: u64,
}

impl Watch {
    fn breaker_changed(&self, version: &Version, change: Change) {
        let (kind, level, what) = match change {
            Change::Opened => (EventKind::BreakerOpened, LogLevel::Error, "opened: too many calls failed"),
            Change::Probing => (EventKind::BreakerProbing, LogLevel::Info, "lets one request through"),
            Change::Reopened => {
                (EventKind::BreakerReopened, LogLevel::Error, "opened again: the probe failed")
            }
            Change::Closed => (EventKind::BreakerClosed, LogLevel::Info, "closed: the version has recovered"),
        };
        let (service, label) = (version.service(), version.label());
        self.log.write(level, format_args!("{service}@{label}: its breaker {what}"));
        self.tell(version, kind, what);
        if change != Change::Probing
            && !self.is_inherited()
            && let Some(service) = self.service.upgrade()
        {
            service.note_breaker_change();
            self.settle(&service);
        }
    }

    /// The version is out of service before its call returns.
    fn crashed(&self, version: &Version, fault: &Error) {
        let (name, label) = (version.service(), version.label());
        runtime::mark_tainted(&format!("{name}@{label}: crash: {fault}"));
        if self.is_inherited() {
            // Its breaker keeps requests away, which go where they go while it is open.
            if !version.bar() {
                let what = "is never used again in this child of a fork";
                self.log.write(LogLevel::Error, format_args!("{name}@{label}: crash: {fault}; {what}"));
                self.tell(version, EventKind::Quarantined, fault.message());
            }
            return;
        }
        let Some(service) = self.service.upgrade() else { return };
        if service.quarantine(version, fault) {
            return;
        }
        let serving = service.stable().map_or_else(
            || "no version serves".to_owned(),
            |stable| format!("{stable} serves; restart the process when there is an occasion"),
        );
        self.log.write(
            LogLevel::Error,
            format_args!("{name}@{label}: crash: {fault}; is never used again; {serving}"),
        );
        self.tell(version, EventKind::Quarantined, fault.message());
        self.settle(&service);
    }

    /// Whether this is a forked child, where requests take no lock of the parent and its state is not written.
    fn is_inherited(&self) -> bool {
        self.generation != fork::generation()
    }

    fn tell(&self, version: &Version, kind: EventKind, detail: &str) {
        let (service, label) = (version.service(), version.label());
        self.events.tell(&Event { kind, service: service.as_str(), version: label.as_str(), detail });
        let recorded = match kind {
            EventKind::BreakerProbing => return,
            EventKind::BreakerOpened | EventKind::BreakerReopened | EventKind::BreakerClosed => Kind::Breaker,
            EventKind::Quarantined => Kind::Crash,
            EventKind::Pinned => Kind::Pinned,
            EventKind::Unmapped => Kind::Unmapped,
            EventKind::Revoked => Kind::Revoked,
            EventKind::Clock => Kind::Clock,
        };
        if !self.is_inherited()
            && let Some(engine) = self.engine.upgrade()
        {
            let mut entry = Entry::new(recorded);
            (entry.service, entry.version) = (service.to_string(), label.to_string());
            (entry.digest, entry.message) = (Some(*version.digest()), detail.to_owned());
            engine.record_later(entry);
        }
    }

    fn settle(&self, service: &Arc<Service>) {
        if let Some(engine) = self.engine.upgrade()
            && let Err(e) = engine.settle(service, &Asked::default())
        {
            self.log.write(LogLevel::Error, e);
        }
    }
}
