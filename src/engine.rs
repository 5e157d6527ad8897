//! The verbs. The only place that composes the parts.
#![forbid(unsafe_code)]

mod audit;
mod crash;
mod inherited;
mod load;
mod open;
mod package;
mod sign;
mod trust;
mod update;
mod verify;
mod watch;

pub use crate::store::FileStanding;
pub use crate::trust::{ClockVerdict, SharedClock};
pub use audit::{AuditOptions, count_signed, count_verified};
pub use open::EngineOptions;
pub use package::{InstalledPackage, PackageFacts, Packed, PackedPlugin, pack};
pub use sign::{
    FileFacts, FileSigner, check_message, sign_by, sign_document, sign_message, sign_messages,
    sign_trust_document,
};
pub use trust::TrustReport;
pub use update::{
    GrayStep, Mismatch, OnNoData, Shadowing, StateMode, Step, StepPhase, UpdateOptions, UpdateProgress,
    UpdateReport, Verdict,
};
pub use verify::{limit_prepared_keys, prepared_keys, schemes, verify_by, verify_message, verify_messages};

use crate::crypto::hmac::SecretKey;
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};
use crate::journal::Kind;
use crate::label::Label;
use crate::loader::preflight::Preflight;
use crate::loader::{Collisions, Instance, Isolation};
use crate::route::RoutePolicy;
use crate::runtime::{
    self, Former, Keeper, Parking, Progress, Rollback, Service, Version, VersionReport, reaping,
};
use crate::store::Store;
use crate::sync::Mutex;
use crate::sys::fault::Containment;
use crate::sys::file;
use crate::telemetry::{Events, Log, LogLevel};
use crate::trust::{Artifact, TrustDirectory, TrustSnapshot, VerifiedImage};
use arc_swap::ArcSwap;
use audit::{Audit, Deed, Outcome};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The most services of an engine.
const MAX_SERVICES: usize = 4096;
/// Governs the plugins of one process. Any method may be called from any thread.
#[derive(Debug)]
pub struct Engine {
    trust: Option<TrustDirectory>,
    preflight: Preflight,
    store: Option<Arc<Store>>,
    /// Codes the receipts of installed packages.
    receipt_key: Option<Arc<SecretKey>>,
    /// Where it was asked for.
    audit: Option<Arc<Audit>>,
    /// Replaced whole, under `adding`: a forked child reads it whatever the parent's threads were doing.
    services: ArcSwap<BTreeMap<Label, Arc<Service>>>,
    adding: Mutex<()>,
    keeper: Arc<Keeper>,
    log: Log,
    events: Events,
    parking: Parking,
    collisions: Collisions,
    /// Where it was asked for: crashes end a call instead of the process.
    containment: Option<Containment>,
    closed: AtomicBool,
    /// What of trust was applied to the loaded versions last.
    applied: Mutex<Option<Arc<TrustSnapshot>>>,
    /// How often the housekeeping looks at the trust directory, if it does.
    trust_interval: Option<Duration>,
    watching_trust: AtomicBool,
    /// What it told last that was wrong.
    watch_told: Mutex<Option<String>>,
    /// The `ClockVerdict` that was told last.
    clock_told: AtomicU8,
    /// The process that it was opened in; see `sys::fork`.
    generation: u64,
    /// For what comes back from a call.
    this: Weak<Self>,
}

/// Who asks for a change, why, and how long the caller is ready to wait.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The person or program that asks; goes into the log.
    pub actor: String,
    /// The reason given; goes into the log.
    pub reason: String,
    /// Whether the call returns only after its record is on the disk.
    pub wait_durable: bool,
    /// Of an unload: whether to give up on a version that does not drain.
    pub force: bool,
}

/// Where the signature of a plugin file is, and how it is loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The detached signature; without it, the file's path with `.sogsig` behind it is tried.
    pub signature_path: Option<PathBuf>,
    /// The bill of materials that the statement binds; without it, the file's path with `.sbom.json` behind it is tried. One that
    /// is named has to be bound.
    pub sbom_path: Option<PathBuf>,
    /// Whose names the plugin sees. A version that is brought back, by a rollback or a restart, is loaded as it was.
    pub isolation: Isolation,
    /// Who loads, and why.
    pub change: Change,
}

impl Engine {
    /// The service `name`; it comes into being when it is asked for first.
    pub fn service(&self, name: &str) -> Result<Arc<Service>> {
        let name = Label::new("service", name)?;
        self.check_open()?;
        if let Some(service) = self.services.load().get(&name) {
            return Ok(Arc::clone(service));
        }
        let _adding = self.adding.lock();
        // Looked at under the lock: closing takes it too, so no service escapes from being closed.
        self.check_open()?;
        let mut services = BTreeMap::clone(&self.services.load());
        if services.len() >= MAX_SERVICES {
            return Err(Error::new(
                Status::LimitExceeded,
                format!("expected at most {MAX_SERVICES} services"),
            ));
        }
        let service = Arc::clone(services.entry(name).or_insert_with(|| {
            let service = Arc::new(Service::new(name));
            runtime::enroll(&service);
            service
        }));
        self.services.store(Arc::new(services));
        Ok(service)
    }

    /// Decides over the plugin file at `path` as [`load_versioned`](Self::load_versioned) would, and loads nothing.
    pub fn verify_file(
        &self,
        service: &str,
        label: Option<&str>,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<VerifiedImage> {
        let image = self.admit_file(service, label, path, options)?;
        Instance::check_bytes(&image, options.isolation).map_err(|e| e.of(path.display()))?;
        Ok(image)
    }

    /// The trust decision alone: whether the file's signatures vouch for it, not whether its image may be loaded.
    pub fn admit_file(
        &self,
        service: &str,
        label: Option<&str>,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<VerifiedImage> {
        let service = Label::new("service", service)?;
        let mut file = file::open(path)?;
        let detached_signature = load::read_signature(path, options)?;
        let sbom = load::read_sbom(path, options)?;
        let artifact = Artifact { file: &mut file, detached_signature, sbom };
        let image = self.admit(service, label, artifact).map_err(|e| e.of(path.display()))?;
        match &options.sbom_path {
            Some(named) if image.sbom().is_none() => Err(Error::new(
                Status::SbomInvalid,
                format!(
                    "{}: its statement binds no bill of materials: nobody has signed {}",
                    path.display(),
                    named.display()
                ),
            )),
            _ => Ok(image),
        }
    }

    /// Takes a plugin file through trust, copy and load. The version then stands beside those already there and
    /// serves nobody until it is promoted or named by a route policy. An empty `label` takes the statement's.
    pub fn load_versioned(
        &self,
        service: &str,
        label: &str,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<VersionReport> {
        let service = self.service(service)?;
        let deed =
            Deed { kind: Kind::Load, change: &options.change, service: Some(service.name()), version: label };
        let load = || self.load_file(&service, label, path, options);
        self.govern(&deed, load, |report| Outcome::of(report.label, Some(report.digest)))
    }

    /// Puts a route policy (a JSON document) in force for the service, whole, or refuses it and changes nothing.
    pub fn apply_route_policy(&self, service: &str, document: &[u8], change: &Change) -> Result<()> {
        let service = self.service(service)?;
        let deed = Deed { kind: Kind::RoutePolicy, change, service: Some(service.name()), version: "" };
        let apply = || {
            let policy = RoutePolicy::parse(document, service.name().as_str())?;
            service.apply(&policy)?;
            for section in policy.not_acted_on() {
                let name = service.name();
                self.log.write(
                    LogLevel::Warning,
                    format_args!("{name}: this release does not act on `{section}`"),
                );
            }
            Ok(policy.version().to_owned())
        };
        self.govern(&deed, apply, |version| Outcome::of(version, Some(sm3::digest(document))))?;
        self.settle(&service, change)
    }

    /// Makes `label` the stable version of the service, for everybody.
    pub fn promote(&self, service: &str, label: &str, change: &Change) -> Result<Arc<Version>> {
        let service = self.existing(service)?;
        let deed = Deed { kind: Kind::Promote, change, service: Some(service.name()), version: label };
        let version = self.govern(&deed, || service.promote(label), outcome)?;
        self.settle(&service, change).map(|()| version)
    }

    /// Takes back the newest exposure: gray versions are withdrawn, or, without any, the stable version gives way to
    /// its predecessor, which is loaded from the store where it is not mapped any more.
    pub fn rollback(&self, service: &str, change: &Change) -> Result<Arc<Version>> {
        let service = self.existing(service)?;
        let deed = Deed { kind: Kind::Rollback, change, service: Some(service.name()), version: "" };
        let version = self.govern(&deed, || self.roll_back(&service), outcome)?;
        self.settle(&service, change).map(|()| version)
    }

    /// Waits until no lease is on the version, for at most `patience`, unmaps it and proves that it is gone. With
    /// `force`, a version that did not drain is given up: see [`Service::unload`].
    pub fn unload(&self, service: &str, label: &str, patience: Duration, change: &Change) -> Result<()> {
        let service = self.existing(service)?;
        let deed = Deed { kind: Kind::Unload, change, service: Some(service.name()), version: label };
        let unload = || {
            let unloaded = service.unload(label, patience, change.force);
            reap(&service, &self.keeper, &self.log);
            unloaded
        };
        self.govern(&deed, unload, |()| Outcome::of(label, None))
    }

    /// Every version of every service, or of one.
    pub fn report(&self, service: Option<&str>) -> Result<Vec<VersionReport>> {
        self.check_open()?;
        match service {
            Some(name) => Ok(self.existing(name)?.report()),
            None => Ok(self.services.load().values().flat_map(|service| service.report()).collect()),
        }
    }

    /// Whether the trust document is taken without a signature by root keys.
    pub fn is_development(&self) -> bool {
        self.trust.as_ref().is_none_or(TrustDirectory::is_development)
    }

    /// Where events go.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// The log that the engine was opened with.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Serves nobody from now on, makes the last state durable, and unmaps what nobody uses. Versions on which leases
    /// are out are unmapped when the last is released; this does not wait for them.
    ///
    /// In a process that inherited the engine by `fork`, nothing of that but the first: see [`end`](Self::end).
    pub fn close(&self) {
        if self.is_inherited() {
            return self.abandon();
        }
        let services = {
            let _adding = self.adding.lock();
            if self.closed.swap(true, Ordering::SeqCst) {
                return;
            }
            self.services.load_full()
        };
        for service in services.values() {
            service.close();
            if let Some(store) = &self.store
                && let Err(e) = store.write(service)
            {
                self.log.write(LogLevel::Error, format_args!("{}: close: {e}", service.name()));
            }
            for version in service.take_surplus(Parking::NONE) {
                let unloading = self.unloading(service, version, Parking::NONE);
                if unloading() == Progress::Again {
                    self.leave_to_housekeeping(unloading);
                }
            }
            reap(service, &self.keeper, &self.log);
        }
        if let Err(e) = self.keep_floors() {
            self.log.write(LogLevel::Error, format_args!("close: floors of services are not durable: {e}"));
        }
        self.end_audit();
    }

    /// The service `name`, if it was ever asked for or loaded into.
    fn existing(&self, name: &str) -> Result<Arc<Service>> {
        let name = Label::new("service", name)?;
        self.check_open()?;
        let service = self.services.load().get(&name).cloned();
        service.ok_or_else(|| Error::new(Status::NotFound, format!("service {name}: is not known")))
    }

    /// What is revoked meanwhile is passed over.
    fn roll_back(&self, service: &Arc<Service>) -> Result<Arc<Version>> {
        let mut loaded: Option<Former> = None;
        loop {
            let former = match service.rollback()? {
                Rollback::Restored(version) => return Ok(version),
                Rollback::Missing(former) => former,
            };
            if loaded == Some(former) {
                return Err(Error::new(
                    Status::Busy,
                    format!(
                        "service {}: was changed while {} was loaded for rollback",
                        service.name(),
                        former.label
                    ),
                ));
            }
            match self.load_stored(service, &former) {
                Ok(_) => loaded = Some(former),
                Err(e) if e.status() == Status::Revoked => {
                    self.log.write(LogLevel::Warning, format_args!("rollback {}: {e}", service.name()));
                    service.forget_former(&former);
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// After a change of what serves: its record goes to the disk, and retired versions beyond the parked ones go.
    fn settle(&self, service: &Arc<Service>, change: &Change) -> Result<()> {
        for version in service.take_surplus(self.parking) {
            self.leave_to_housekeeping(self.unloading(service, version, self.parking));
        }
        self.raise_floor(service);
        let Some(store) = &self.store else { return Ok(()) };
        if change.wait_durable {
            return store.write(service).and_then(|()| self.keep_floors());
        }
        let (service, store, log) = (Arc::clone(service), Arc::clone(store), self.log.clone());
        let engine = self.this.clone();
        self.leave_to_housekeeping(move || {
            // What another job or the closing of the engine has written leaves nothing to do: not even the lock is touched.
            if service.has_unwritten()
                && let Err(e) = store.write(&service)
            {
                log.write(LogLevel::Error, format_args!("{}: its state is not durable: {e}", service.name()));
            }
            if let Some(Err(e)) = engine.upgrade().map(|engine| engine.keep_floors()) {
                log.write(LogLevel::Error, format_args!("{}: its floor is not durable: {e}", service.name()));
            }
            Progress::Done
        });
        Ok(())
    }

    /// A job that unloads a retired version that `keep` has no room for as soon as nobody is inside.
    fn unloading(
        &self,
        service: &Arc<Service>,
        version: Arc<Version>,
        keep: Parking,
    ) -> impl Fn() -> Progress + Send + 'static {
        let (service, keeper, log) = (Arc::clone(service), Arc::downgrade(&self.keeper), self.log.clone());
        move || match service.unload_surplus(&version, keep) {
            Err(busy) if busy.status() == Status::Busy => Progress::Again,
            Err(e) => {
                log.write(LogLevel::Warning, e);
                if let Some(keeper) = keeper.upgrade() {
                    reap(&service, &keeper, &log);
                }
                Progress::Done
            }
            Ok(()) => Progress::Done,
        }
    }

    fn leave_to_housekeeping(&self, job: impl FnMut() -> Progress + Send + 'static) {
        if let Err(e) = self.keeper.submit(job) {
            self.log.write(LogLevel::Error, e);
        }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::new(Status::Closed, "the engine was closed"));
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

fn outcome(version: &Arc<Version>) -> Outcome {
    Outcome::of(version.label(), Some(*version.digest()))
}

/// Leaves it to the housekeeping to unmap what the linker still holds of closed images.
fn reap(service: &Arc<Service>, keeper: &Keeper, log: &Log) {
    if service.has_remnants()
        && let Err(e) = keeper.submit(reaping(service))
    {
        log.write(LogLevel::Error, e);
    }
}
