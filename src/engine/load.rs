//! How a file becomes a version: the decision over it, the trial in a child process, its start and its entry.
#![forbid(unsafe_code)]

use super::sign;
use super::{Engine, LoadOptions};
use crate::artifact::sbom;
use crate::artifact::statement::Statement;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::loader::{HostContext, Instance, Isolation};
use crate::runtime::{Former, Origin, Seat, Service, Version, VersionReport};
use crate::store::Stored;
use crate::sys::file;
use crate::telemetry::LogLevel;
use crate::trust::{Artifact, Demand, VerifiedImage, signature_of};
use std::path::Path;
use std::sync::Arc;

pub(super) const MAX_SIGNATURE_LEN: u64 = 64 << 10;
const MAX_ARTIFACT_LEN: u64 = 1 << 30;

impl Engine {
    pub(super) fn load_file(
        &self,
        service: &Arc<Service>,
        label: &str,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<VersionReport> {
        let label = label_of(label, path, options)?;
        service.check_free(label)?;
        self.check_before_load(path)?;
        let image = self.admit_file(service.name().as_str(), Some(label.as_str()), path, options)?;
        self.load(service, label, &image, options.isolation).map_err(|e| e.of(path.display()))
    }

    pub(super) fn admit(
        &self,
        service: Label,
        label: Option<&str>,
        artifact: Artifact<'_>,
    ) -> Result<VerifiedImage> {
        let decide = || {
            let view = self.trusted()?;
            let image = view.admit(artifact, Demand { service: service.as_str(), label })?;
            self.tell_floor(service);
            Ok(image)
        };
        self.record_decision(service, label, decide(), |image| *image.digest())
    }

    /// Tries the image in a child process, runs it and its self test here, and enters the version.
    pub(super) fn load(
        &self,
        service: &Arc<Service>,
        label: Label,
        image: &VerifiedImage,
        isolation: Isolation,
    ) -> Result<VersionReport> {
        self.try_out(service, label, image, isolation)?;
        let version = self.start(service, label, image, isolation, Instance::self_test)?;
        self.enter(service, image, &version)
    }

    /// Refuses what crashed in this process before, and tries the image in a child process.
    pub(super) fn try_out(
        &self,
        service: &Service,
        label: Label,
        image: &VerifiedImage,
        isolation: Isolation,
    ) -> Result<()> {
        service.check_never_crashed(image.digest())?;
        let name = service.name();
        if let Some(trial) = self.preflight.check(image, &self.context(name, label), isolation)? {
            for note in trial.notes {
                self.log.write(LogLevel::Warning, format_args!("{name}@{label}: preflight: {note}"));
            }
        }
        Ok(())
    }

    /// Runs the image, and then `test`. What cannot be a version any more is refused before its code runs.
    pub(super) fn start(
        &self,
        service: &Arc<Service>,
        label: Label,
        image: &VerifiedImage,
        isolation: Isolation,
        test: impl FnOnce(&Instance) -> Result<()>,
    ) -> Result<Arc<Version>> {
        let name = service.name();
        let origin = Origin {
            service: name,
            label,
            digest: *image.digest(),
            epoch: image.statement().epoch,
            signers: image.signers().to_vec(),
        };
        let seat = Seat::reserve()?;
        let context = self.context(name, label);
        let mut instance = Instance::map(image, &context, isolation, self.collisions)?;
        let started = instance.start(context, self.containment_now()).and_then(|()| test(&instance));
        let watcher = self.watcher(service);
        let version = Version::new(seat, origin, instance, watcher);
        started.map_err(|refusal| self.turn_away(service, &version, &refusal))?;
        Ok(version)
    }

    /// What a plugin is told, and where its log goes.
    fn context(&self, service: Label, label: Label) -> HostContext {
        let log = self.log.clone();
        HostContext {
            service: service.to_string(),
            version: label.to_string(),
            log: Box::new(move |level, line| {
                let level = match level {
                    1 => LogLevel::Error,
                    2 => LogLevel::Warning,
                    _ => LogLevel::Info,
                };
                log.write(level, format_args!("{service}@{label}: {line}"));
            }),
        }
    }

    /// Puts what was started beside the other versions.
    pub(super) fn enter(
        &self,
        service: &Arc<Service>,
        image: &VerifiedImage,
        version: &Arc<Version>,
    ) -> Result<VersionReport> {
        // Kept before it can serve: what serves can always be brought back.
        let kept =
            self.store.as_ref().map_or(Ok(()), |store| store.keep(service.name(), version.label(), image));
        let report = kept
            .and_then(|()| service.add(Arc::clone(version)))
            .map_err(|refusal| self.turn_away(service, version, &refusal))?;
        // It may have been revoked since it was admitted.
        self.apply_to(service, version);
        self.watch_trust();
        Ok(report)
    }

    /// Takes away what was started and must not serve; what has to stay mapped is the housekeeping's.
    pub(super) fn turn_away(&self, service: &Arc<Service>, version: &Arc<Version>, refusal: &Error) -> Error {
        let refusal = service.turn_away(version, refusal);
        super::reap(service, &self.keeper, &self.log);
        refusal
    }

    /// Loads an artifact of the store; it is verified like any other.
    pub(super) fn load_stored(&self, service: &Arc<Service>, former: &Former) -> Result<VersionReport> {
        let store = self.store.as_ref().ok_or_else(|| {
            Error::new(
                Status::NotFound,
                format!(
                    "{}@{}: is not mapped any more, and there is no state directory",
                    service.name(),
                    former.label
                ),
            )
        })?;
        let of = |e: Error| e.of(format_args!("{}@{} from the store", service.name(), former.label));
        let Stored { mut file, detached_signature, sbom } =
            store.artifact(service.name(), former).map_err(of)?;
        let artifact = Artifact { file: &mut file, detached_signature, sbom };
        let image = self.admit(service.name(), Some(former.label.as_str()), artifact).map_err(of)?;
        if *image.digest() != former.digest {
            return Err(of(Error::new(
                Status::Modified,
                "expected the artifact of that digest, found another",
            )));
        }
        self.load(service, former.label, &image, Isolation::own_if(former.isolated)).map_err(of)
    }
}

/// The label that was asked for, or the statement's where that is empty.
pub(super) fn label_of(label: &str, path: &Path, options: &LoadOptions) -> Result<Label> {
    if label.is_empty() { stated_label(path, options) } else { Label::new("version", label) }
}

/// The label that the artifact's statement gives, which is not verified yet: the decision over the artifact asks for it.
fn stated_label(path: &Path, options: &LoadOptions) -> Result<Label> {
    let file = file::read(path, MAX_ARTIFACT_LEN)?;
    let detached = read_signature(path, options)?;
    let sigmeta = signature_of(&file, detached.as_deref()).map_err(|e| e.of(path.display()))?.0;
    Label::new("version of the statement", &Statement::from_der(&sigmeta.statement)?.version)
}

/// The detached signature, if there is one. One that was named has to be there.
pub(super) fn read_signature(path: &Path, options: &LoadOptions) -> Result<Option<Vec<u8>>> {
    read_beside(options.signature_path.as_deref(), &sign::signature_path(path), MAX_SIGNATURE_LEN)
}

/// The bill of materials, likewise.
pub(super) fn read_sbom(path: &Path, options: &LoadOptions) -> Result<Option<Vec<u8>>> {
    read_beside(options.sbom_path.as_deref(), &sign::sbom_path(path), sbom::MAX_LEN as u64)
}

fn read_beside(named: Option<&Path>, beside: &Path, max_len: u64) -> Result<Option<Vec<u8>>> {
    match named {
        Some(named) => file::read(named, max_len).map(Some),
        None => match file::read(beside, max_len) {
            Err(missing) if missing.status() == Status::NotFound => Ok(None),
            read => read.map(Some),
        },
    }
}
