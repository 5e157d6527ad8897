//! What is known of the process as a whole, whichever engine did it.
#![forbid(unsafe_code)]

use super::directory;
use super::service::Service;
use crate::sync::Mutex;
use crate::sys::fork::PerProcess;
use arc_swap::ArcSwapOption;
use std::sync::{Arc, Weak};

/// The process at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessReport {
    /// Versions whose images are mapped, in whatever standing.
    pub mapped: usize,
    /// Those among them that stay mapped by necessity.
    pub pinned: usize,
    /// Those that are retired and wait for a way back, of the engines that were opened in this process.
    pub parked: usize,
    /// Bytes of address space that the images take.
    pub bytes: usize,
    /// Why a restart is wanted, if it is: the first reason.
    pub restart_wanted: Option<String>,
    /// What has damaged the process, if something has: the first reason.
    pub tainted: Option<String>,
}

/// What is known of the process now.
pub fn process_report() -> ProcessReport {
    let mut report = ProcessReport {
        restart_wanted: RESTART_WANTED.reason(),
        tainted: TAINTED.reason(),
        ..ProcessReport::default()
    };
    directory::each(|version| {
        report.mapped += 1;
        report.pinned += usize::from(version.is_pinned());
        report.bytes += version.mapped_bytes();
    });
    let services: Vec<_> = SERVICES.get().lock().iter().filter_map(Weak::upgrade).collect();
    report.parked = services.iter().map(|service| service.parked()).sum();
    report
}

/// Counts the service's versions from now on, as long as it lives.
pub fn enroll(service: &Arc<Service>) {
    let mut services = SERVICES.get().lock();
    services.retain(|service| service.strong_count() > 0);
    services.push(Arc::downgrade(service));
}

/// Only a restart brings the process back to what it was. It is never taken back.
pub fn mark_restart_wanted(reason: &str) {
    RESTART_WANTED.set(reason);
}

/// Something may have damaged the process: a restart is wanted, and what it computes is to be looked at with care. It is
/// never taken back.
pub fn mark_tainted(reason: &str) {
    TAINTED.set(reason);
    RESTART_WANTED.set(reason);
}

/// Whether [`mark_tainted`] was called. No lock is taken.
pub fn is_tainted() -> bool {
    TAINTED.0.load().is_some()
}

static RESTART_WANTED: Mark = Mark::new();
static TAINTED: Mark = Mark::new();
static SERVICES: PerProcess<Mutex<Vec<Weak<Service>>>> = PerProcess::new();

/// Something that is never taken back, with its first reason. No lock is taken: a call in a forked child may raise it.
struct Mark(ArcSwapOption<String>);

impl Mark {
    const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    fn set(&self, reason: &str) {
        self.0.compare_and_swap(&None::<Arc<String>>, Some(Arc::new(reason.to_owned())));
    }

    fn reason(&self) -> Option<String> {
        self.0.load().as_deref().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_keeps_its_first_reason() {
        let mark = Mark::new();
        assert_eq!(mark.reason(), None);
        mark.set("first");
        mark.set("second");
        assert_eq!(mark.reason().as_deref(), Some("first"));
    }
}
