//! Trust as the engine acts on it: one look for each decision, what is revoked taken out of service, the clock watched.
#![forbid(unsafe_code)]

use super::audit::{Deed, Outcome};
use super::{Change, Engine};
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use crate::journal::{Entry, Kind};
use crate::label::Label;
use crate::runtime::{Former, OnRevocation, Progress, Revocation, Service, Version};
use crate::telemetry::{Event, EventKind, LogLevel};
use crate::timestamp::{self, UnixSeconds};
use crate::trust::{ClockVerdict, OnRevoked, TrustDirectory, TrustSnapshot, TrustView};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many former versions are tried in the place of one that is revoked.
const MAX_ATTEMPTS: usize = 32;

/// How trust stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustReport {
    /// The epoch of the trust document.
    pub document_epoch: u64,
    /// The number of the deny-list; 0: there is none.
    pub denylist_number: u64,
    /// The number of the set of root keys in force; 0 in the development mode.
    pub root_set: u64,
    /// Loaded versions that are revoked, those among them that serve on.
    pub revoked: usize,
    /// How many of these serve.
    pub revoked_serving: usize,
    /// The time of decisions; where the clock is not believed, the earliest that it can be.
    pub time: UnixSeconds,
    /// What is to be said of the clock.
    pub clock: ClockVerdict,
    /// Whether what was accepted is remembered beyond the process.
    pub is_durable: bool,
}

/// A version that is revoked, and what was done with it.
struct Case {
    service: Arc<Service>,
    version: Arc<Version>,
    reason: String,
    action: OnRevocation,
    revocation: Revocation,
}

impl Engine {
    /// Looks at the trust directory now, and takes out of service what it revokes. Refused as a load would be; what is
    /// revoked is taken out of service also where the document has ended, or where the state directory or the audit trail
    /// cannot be written.
    pub fn refresh_trust(&self, change: &Change) -> Result<TrustReport> {
        self.check_open()?;
        let read = self.trusted();
        let deed = Deed { kind: Kind::Trust, change, service: None, version: "" };
        self.tell(&deed, read.as_ref().map(|view| Outcome::of(&view.snapshot, Some(view.snapshot.digest))));
        read.map(|view| self.trust_report(&view))
    }

    /// Takes the clock as it stands for right, after it jumped ahead: the word of the change's actor, who has to give a
    /// reason. It is kept with the trust state. Answers the time.
    pub fn confirm_time(&self, change: &Change) -> Result<UnixSeconds> {
        self.check_open()?;
        let deed = Deed { kind: Kind::Clock, change, service: None, version: "" };
        let confirm = || {
            let trust = self.trust.as_ref().ok_or_else(no_trust)?;
            trust.confirm_time(&change.actor, &change.reason)
        };
        self.govern(&deed, confirm, |time| {
            Outcome::of(format_args!("{} was confirmed", timestamp::format(*time)), None)
        })
    }

    /// The ground of a decision. What it revokes is taken out of service first.
    pub(super) fn trusted(&self) -> Result<TrustView<'_>> {
        let trust = self.trust.as_ref().ok_or_else(no_trust)?;
        let view = match trust.look() {
            Ok(view) => view,
            Err(refused) => {
                // A state directory that fails lets nothing in, and keeps nothing in service that is revoked.
                if let Some(snapshot) = trust.without_state() {
                    self.apply(trust, &snapshot);
                }
                return Err(refused);
            }
        };
        if let Some(audit) = &self.audit {
            audit.notice_trust(&view.snapshot);
        }
        self.tell_of_clock(view.clock, &view);
        self.apply(trust, &view.snapshot);
        view.check_in_force()?;
        Ok(view)
    }

    /// Looks at the trust directory from time to time, if the options say so, from the first load on.
    pub(super) fn watch_trust(&self) {
        let Some(interval) = self.trust_interval else { return };
        if self.watching_trust.swap(true, Ordering::SeqCst) {
            return;
        }
        let engine = self.this.clone();
        self.leave_to_housekeeping(move || watch(&engine, interval));
    }

    /// What the service's own versions allow becomes its floor, and so does what the trust document says. Nothing is written
    /// here.
    pub(super) fn raise_floor(&self, service: &Service) {
        let Some(trust) = &self.trust else { return };
        let Some(floor) = service.own_floor() else { return };
        if trust.kept().note_floor(service.name().as_str(), floor) {
            service.raise_floor(floor);
            self.log.write(
                LogLevel::Info,
                format_args!("{}: versions of an epoch below {floor} are not taken any more", service.name()),
            );
        }
    }

    /// Tells the service of its floor, once it is known: by what was applied last, which may be later than the view of the
    /// decision that was made meanwhile.
    pub(super) fn tell_floor(&self, name: Label) {
        let (Some(trust), Some(service)) = (&self.trust, self.services.load().get(&name).cloned()) else {
            return;
        };
        let applied = self.applied.lock();
        if let Some(snapshot) = applied.as_ref() {
            service.set_floor(trust.floor(snapshot, name.as_str()).0);
        }
    }

    /// Makes the floors that were raised durable.
    pub(super) fn keep_floors(&self) -> Result<()> {
        self.trust.as_ref().map_or(Ok(()), |trust| trust.kept().write_noted())
    }

    /// The stable version of the last process is revoked: the last one before it that is not serves, unless the service is
    /// to stop then.
    pub(super) fn restore_former(
        &self,
        service: &Arc<Service>,
        stable: &Former,
        history: &[Former],
        revoked: Error,
    ) -> Result<Former> {
        let name = service.name();
        if self.trusted()?.snapshot.rule_for(name.as_str()).on_revoked == OnRevoked::Stop {
            return Err(revoked);
        }
        for (index, former) in history.iter().enumerate().rev() {
            match self.load_stored(service, former) {
                Ok(_) => {
                    service.restore_history(history.get(..index).unwrap_or_default().to_vec());
                    let what = format!("{revoked}; {} serves in its place", former.label);
                    self.log.write(LogLevel::Error, format_args!("restore {name}: {what}"));
                    self.tell_revoked(name, stable.label, &stable.digest, &what);
                    return Ok(*former);
                }
                Err(e) => self.log.write(LogLevel::Warning, format_args!("restore {name}: {e}")),
            }
        }
        Err(revoked)
    }

    fn trust_report(&self, view: &TrustView<'_>) -> TrustReport {
        let (mut revoked, mut revoked_serving) = (0, 0);
        for service in self.services.load().values() {
            let (all, serving) = service.count_revoked();
            revoked += all;
            revoked_serving += serving;
        }
        TrustReport {
            document_epoch: view.snapshot.document.epoch,
            denylist_number: view.snapshot.denylist_number(),
            root_set: view.snapshot.root_set(),
            revoked,
            revoked_serving,
            time: view.time.earliest,
            clock: view.clock,
            is_durable: self.trust.as_ref().is_some_and(|trust| trust.kept().is_durable()),
        }
    }

    /// Takes out of service what the snapshot revokes. One that is older than one that was applied changes nothing.
    fn apply(&self, trust: &TrustDirectory, snapshot: &Arc<TrustSnapshot>) {
        let mut cases = Vec::new();
        {
            let mut applied = self.applied.lock();
            if applied.as_ref().is_some_and(|last| Arc::ptr_eq(last, snapshot) || is_older(snapshot, last)) {
                return;
            }
            *applied = Some(Arc::clone(snapshot));
            for service in self.services.load().values() {
                service.set_floor(trust.floor(snapshot, service.name().as_str()).0);
                cases.extend(
                    service
                        .versions()
                        .into_iter()
                        .filter_map(|version| Self::judge(service, version, snapshot)),
                );
            }
        }
        for case in cases {
            self.conclude(case);
        }
    }

    /// The same for one version that was entered meanwhile.
    pub(super) fn apply_to(&self, service: &Arc<Service>, version: &Arc<Version>) {
        let applied = self.applied.lock().clone();
        let case = applied.and_then(|snapshot| Self::judge(service, Arc::clone(version), &snapshot));
        if let Some(case) = case {
            self.conclude(case);
        }
    }

    /// Marks the version if it is revoked; what takes long is left to do. Nothing is told here: a listener may come back.
    fn judge(service: &Arc<Service>, version: Arc<Version>, snapshot: &TrustSnapshot) -> Option<Case> {
        let name = service.name();
        let denied = snapshot.revokes(name.as_str(), version.digest(), version.epoch(), version.signers());
        let Some(denied) = denied else {
            service.reinstate(&version);
            return None;
        };
        let action = match snapshot.rule_for(name.as_str()).on_revoked {
            OnRevoked::RollBack => OnRevocation::RollBack,
            OnRevoked::Stop => OnRevocation::Stop,
            OnRevoked::Alarm => OnRevocation::Alarm,
        };
        let reason = denied.reason().to_owned();
        let revocation = service.revoke(&version, &reason, action);
        let service = Arc::clone(service);
        (revocation != Revocation::Known).then_some(Case { service, version, reason, action, revocation })
    }

    /// Loads what is to serve in the place of a revoked version, tells what became of it, and makes that durable.
    fn conclude(&self, case: Case) {
        let Case { service, version, reason, action, mut revocation } = case;
        for _ in 0..MAX_ATTEMPTS {
            let Revocation::Missing(former) = &revocation else { break };
            if let Err(e) = self.load_stored(&service, former) {
                self.log.write(LogLevel::Warning, format_args!("{}: not in its place: {e}", service.name()));
                // A disk, a trail or a trust directory that fails says nothing of the version.
                if matches!(e.status(), Status::Io | Status::AuditBroken) || self.trusted().is_err() {
                    break;
                }
                service.forget_former(former);
            }
            revocation = service.replace_revoked(&version);
        }
        let what = match &revocation {
            Revocation::Known => "somebody else took it out of service meanwhile".to_owned(),
            Revocation::Barred => "served nobody and never will".to_owned(),
            Revocation::Withdrawn => "was withdrawn, the stable version serves everybody".to_owned(),
            Revocation::RolledBack(label) => format!("{label} serves in its place"),
            Revocation::Stopped => "was stopped, nobody serves".to_owned(),
            Revocation::Missing(former) => {
                format!("serves on, as {} before it cannot be loaded now: promote another one", former.label)
            }
            Revocation::Serving if action == OnRevocation::RollBack => {
                "serves on, as there is no good version before it: promote another one".to_owned()
            }
            Revocation::Serving => "serves on, as the trust document says".to_owned(),
        };
        let (name, label) = (service.name(), version.label());
        let digest = sm3::text(version.digest());
        self.log.write(LogLevel::Error, format_args!("{name}@{label} ({digest}): revoked: {reason}; {what}"));
        self.tell_revoked(name, label, version.digest(), &format!("{reason}; {what}"));
        if let Err(e) = self.settle(&service, &Change::default()) {
            self.log.write(LogLevel::Error, format_args!("{name}: its state is not durable: {e}"));
        }
    }

    /// Once for each time that the clock goes wrong.
    fn tell_of_clock(&self, verdict: ClockVerdict, view: &TrustView<'_>) {
        if self.clock_told.swap(verdict as u8, Ordering::SeqCst) == verdict as u8 {
            return;
        }
        let (earliest, latest) = (timestamp::format(view.time.earliest), timestamp::format(view.time.latest));
        let what = match verdict {
            ClockVerdict::Believed => {
                let what = "clock: is believed again";
                self.log.write(LogLevel::Info, what);
                return self.record_clock("OK", what);
            }
            ClockVerdict::SetBack => {
                format!(
                    "clock: was set back: it is behind {earliest}, which was seen or signed already and counts"
                )
            }
            ClockVerdict::JumpedAhead => format!(
                "clock: jumped ahead from {earliest} to {latest}: it is not believed where that matters until it is \
                 confirmed (sogov trust confirm-time)"
            ),
        };
        self.log.write(LogLevel::Error, &what);
        self.record_clock(Status::ClockRefused.name(), &what);
        self.events.tell(&Event { kind: EventKind::Clock, service: "", version: "", detail: &what });
    }

    /// Records what became of a version that is revoked, and tells of it.
    fn tell_revoked(&self, service: Label, version: Label, digest: &Digest, what: &str) {
        let mut entry = Entry::new(Kind::Revoked);
        (entry.service, entry.version) = (service.to_string(), version.to_string());
        (entry.digest, entry.message) = (Some(*digest), what.to_owned());
        Status::Revoked.name().clone_into(&mut entry.status);
        self.record(entry, false);
        let (service, version) = (service.as_str(), version.as_str());
        self.events.tell(&Event { kind: EventKind::Revoked, service, version, detail: what });
    }

    fn record_clock(&self, status: &str, what: &str) {
        let mut entry = Entry::new(Kind::Clock);
        (entry.status, entry.message) = (status.to_owned(), what.to_owned());
        self.record(entry, false);
    }
}

impl Change {
    /// Who asks and why, as log lines end.
    pub(super) fn attribution(&self) -> String {
        let by = if self.actor.is_empty() { String::new() } else { format!(" by {}", self.actor) };
        let why = if self.reason.is_empty() { String::new() } else { format!(" ({})", self.reason) };
        by + &why
    }
}

/// One look of the housekeeping. What is wrong is told once, not at each look.
fn watch(engine: &std::sync::Weak<Engine>, interval: Duration) -> Progress {
    let Some(engine) = engine.upgrade() else { return Progress::Done };
    if engine.check_open().is_err() {
        return Progress::Done;
    }
    let refused = engine.trusted().err().map(|e| e.to_string());
    let mut told = engine.watch_told.lock();
    if let Some(refused) = refused.as_ref().filter(|refused| told.as_ref() != Some(refused)) {
        engine.log.write(LogLevel::Error, format_args!("trust: {refused}"));
    }
    *told = refused;
    Progress::Later(interval)
}

/// Whether the snapshot was overtaken: numbers only rise.
fn is_older(snapshot: &TrustSnapshot, than: &TrustSnapshot) -> bool {
    let order = |s: &TrustSnapshot| (s.document.epoch, s.denylist_number());
    let ((epoch, number), (other_epoch, other_number)) = (order(snapshot), order(than));
    epoch < other_epoch || number < other_number
}

fn no_trust() -> Error {
    Error::new(Status::TrustInvalid, "expected a trust directory in the engine's options, found none")
}

/// What the options say of the interval, in milliseconds.
pub(super) fn interval(milliseconds: u32, has_state: bool) -> Option<Duration> {
    match milliseconds {
        u32::MAX => None,
        0 => has_state.then_some(Duration::from_secs(10)),
        milliseconds => Some(Duration::from_millis(u64::from(milliseconds))),
    }
}
