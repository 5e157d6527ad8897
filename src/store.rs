//! The state directory: what outlives the process.
//!
//! ```text
//! machine/lock                   held for moments, by any process of this machine
//! machine/artifacts/<digest>@<service>@<version>.so
//!                                what was loaded, with a .sogsig beside it where the signature is detached, and a
//!                                .sbom.json where the statement binds a bill of materials; verified anew at each load
//! machine/stable/<service>.json  which version is stable, and which were before
//! machine/packages/              installed packages; see `packages`
//! machine/trust/                 what was accepted of trust; see `trust`
//! ```
//!
//! Artifacts that no service names are removed when a directory is opened 30 days after they were kept: another process
//! may have them loaded and name them any moment.
#![forbid(unsafe_code)]

mod packages;
mod receipt;

pub use packages::{FileStanding, Packages};

use crate::crypto::key_id::parse_digest;
use crate::crypto::sm3::{self, Digest};
use crate::document::{Document, Field};
use crate::error::{Result, Status};
use crate::label::Label;
use crate::runtime::{Broken, Former, Service, ServiceState};
use crate::sys::directory::Directory;
use crate::sys::faults::fault;
use crate::trust::VerifiedImage;
use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

const MAX_RECORD: usize = 64 << 10;
const MAX_SERVICES: usize = 10_000;
const MAX_ARTIFACTS: usize = 100_000;
const MAX_SIGNATURE: u64 = 64 << 10;
const MAX_SBOM: u64 = 16 << 20;
const GARBAGE_AGE: Duration = Duration::from_hours(30 * 24);

/// An open state directory.
#[derive(Debug)]
pub struct Store {
    machine: Directory,
    artifacts: Directory,
    stable: Directory,
    packages: Packages,
}

/// An artifact of the store.
#[derive(Debug)]
pub struct Stored {
    /// The plugin.
    pub file: File,
    /// Its detached signature, where it has none inside.
    pub detached_signature: Option<Vec<u8>>,
    /// Its bill of materials, where its statement binds one.
    pub sbom: Option<Vec<u8>>,
}

impl Store {
    /// Opens the directory, making what is missing. Refused where others could write in it.
    pub fn open(path: &Path) -> Result<Self> {
        let machine = Directory::open_or_create(path, Status::Io)?.subdirectory("machine", Status::Io)?;
        let artifacts = machine.subdirectory("artifacts", Status::Io)?;
        let stable = machine.subdirectory("stable", Status::Io)?;
        let packages = Packages::open(&machine)?;
        Ok(Self { machine, artifacts, stable, packages })
    }

    /// The packages that were installed.
    pub fn packages(&self) -> &Packages {
        &self.packages
    }

    /// Keeps the artifact of a version.
    pub fn keep(&self, service: Label, label: Label, image: &VerifiedImage) -> Result<()> {
        fault!("store.keep");
        let _lock = self.machine.lock()?;
        let name = artifact_name(service, label, image.digest());
        match image.detached_signature() {
            Some(signature) => self.artifacts.write_durably(&format!("{name}.sogsig"), signature)?,
            None => self.artifacts.remove(&format!("{name}.sogsig"))?,
        }
        match image.sbom() {
            Some(sbom) => self.artifacts.write_durably(&format!("{name}.sbom.json"), sbom)?,
            None => self.artifacts.remove(&format!("{name}.sbom.json"))?,
        }
        self.artifacts.write_durably(&format!("{name}.so"), image.bytes())
    }

    /// The artifact of a version, to be verified again, with what was kept beside it.
    pub fn artifact(&self, service: Label, former: &Former) -> Result<Stored> {
        let name = artifact_name(service, former.label, &former.digest);
        let file = self.artifacts.open_file(&format!("{name}.so"), Status::Io)?;
        let beside =
            |ending, max_len| match self.artifacts.read(&format!("{name}{ending}"), max_len, Status::Io) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(missing) if missing.status() == Status::NotFound => Ok(None),
                Err(other) => Err(other),
            };
        let detached_signature = beside(".sogsig", MAX_SIGNATURE)?;
        let sbom = beside(".sbom.json", MAX_SBOM)?;
        Ok(Stored { file, detached_signature, sbom })
    }

    /// Makes the service's state durable if it changed. What is written is the state at that moment, so of two that
    /// write at once the later state stays.
    pub fn write(&self, service: &Service) -> Result<()> {
        let _lock = self.machine.lock()?;
        fault!("store.write");
        let Some(state) = service.take_unwritten() else { return Ok(()) };
        let written = self.stable.write_durably(&record_name(service.name()), render(&state).as_bytes());
        written.inspect_err(|_| service.put_back_unwritten())
    }

    /// The services that left a state, and what they left.
    pub fn read_all(&self) -> Result<Vec<(Label, Result<ServiceState>)>> {
        let services = self.stable.names(MAX_SERVICES)?;
        let records =
            services.iter().filter_map(|name| Label::new("service", name.strip_suffix(".json")?).ok());
        Ok(records.map(|service| (service, self.read(service))).collect())
    }

    /// Removes the artifacts that no service names and that were kept long ago.
    pub fn collect_garbage(&self) -> Result<()> {
        let _lock = self.machine.lock()?;
        let mut named = HashSet::new();
        for (service, state) in self.read_all()? {
            // A state that cannot be read might name anything: then nothing is garbage.
            let state = state?;
            named.extend(
                state
                    .stable
                    .iter()
                    .chain(&state.history)
                    .map(|former| artifact_name(service, former.label, &former.digest)),
            );
        }
        for name in self.artifacts.names(MAX_ARTIFACTS)? {
            let version =
                [".so", ".sogsig", ".sbom.json"].iter().find_map(|ending| name.strip_suffix(ending));
            let is_named = version.is_some_and(|version| named.contains(version));
            let kept = self.artifacts.open_file(&name, Status::Io)?.metadata().and_then(|m| m.modified());
            let is_old = kept.is_ok_and(|kept| kept.elapsed().is_ok_and(|age| age > GARBAGE_AGE));
            if !is_named && is_old {
                self.artifacts.remove(&name)?;
            }
        }
        Ok(())
    }

    fn read(&self, service: Label) -> Result<ServiceState> {
        let name = record_name(service);
        let bytes = self.stable.read(&name, MAX_RECORD as u64, Status::Io)?;
        parse(&bytes).map_err(|e| e.of(self.stable.path().join(name).display()))
    }
}

/// Not the digest alone: the same bytes may be signed for several services and labels. `@` stands in no label.
fn artifact_name(service: Label, label: Label, digest: &Digest) -> String {
    let digest = sm3::text(digest);
    format!("{}@{service}@{label}", digest.trim_start_matches("sm3:"))
}

fn record_name(service: Label) -> String {
    format!("{service}.json")
}

fn render(state: &ServiceState) -> String {
    let former = |f: &Former| {
        let mut record = serde_json::json!({"version": f.label.as_str(), "digest": sm3::text(&f.digest)});
        if let Some(fields) = record.as_object_mut() {
            if f.isolated {
                fields.insert("isolated".into(), true.into());
            }
            if f.epoch > 0 {
                fields.insert("epoch".into(), f.epoch.into());
            }
        }
        record
    };
    let history: Vec<_> = state.history.iter().map(former).collect();
    let mut record = serde_json::json!({"schema": 1, "history": history});
    if let (false, Some(fields)) = (state.broken.is_empty(), record.as_object_mut()) {
        let broken = |b: &Broken| serde_json::json!({"of": former(&b.version), "until_ms": b.until_ms});
        fields.insert("broken".into(), state.broken.iter().map(broken).collect());
    }
    if let (Some(stable), Some(fields)) = (&state.stable, record.as_object_mut()) {
        fields.insert("stable".into(), former(stable));
    }
    record.to_string()
}

fn parse(bytes: &[u8]) -> Result<ServiceState> {
    let document = Document::parse(bytes, MAX_RECORD, Status::Io)?;
    let mut root = document.object()?;
    let schema = root.required("schema")?;
    if schema.unsigned()? != 1 {
        return Err(schema.expected("1"));
    }
    let stable = root.optional("stable").map(|field| former(&field)).transpose()?;
    let history = root.required("history")?.array()?.iter().map(former).collect::<Result<_>>()?;
    let broken = root.optional("broken").map(|field| field.array()).transpose()?.unwrap_or_default();
    let broken = broken.iter().map(broken_version).collect::<Result<_>>()?;
    root.finish()?;
    Ok(ServiceState { stable, history, broken })
}

fn broken_version(field: &Field<'_>) -> Result<Broken> {
    let mut object = field.object()?;
    let version = former(&object.required("of")?)?;
    let until_ms = object.required("until_ms")?.unsigned()?;
    object.finish()?;
    Ok(Broken { version, until_ms })
}

fn former(field: &Field<'_>) -> Result<Former> {
    let mut object = field.object()?;
    let version = object.required("version")?;
    let label = Label::new("version", version.text(64)?).map_err(|e| version.error(e.message()))?;
    let digest = object.required("digest")?;
    let digest = parse_digest(digest.text(128)?).ok_or_else(|| digest.expected("sm3: and 64 hex digits"))?;
    let isolated = object.optional("isolated").map(|field| field.boolean()).transpose()?.unwrap_or(false);
    let epoch = object.optional("epoch").map(|field| field.unsigned()).transpose()?.unwrap_or(0);
    object.finish()?;
    Ok(Former { label, digest, isolated, epoch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_goes_both_ways() {
        let former = |label: &str, byte| Former {
            label: Label::new("version", label).unwrap(),
            digest: [byte; 32],
            isolated: byte == 1,
            epoch: u64::from(byte),
        };
        for state in [
            ServiceState::default(),
            ServiceState {
                stable: Some(former("v2", 2)),
                history: vec![former("v0", 0), former("v1", 1)],
                broken: vec![Broken { version: former("v2", 2), until_ms: 1_700_000_000_000 }],
            },
        ] {
            assert_eq!(parse(render(&state).as_bytes()).unwrap(), state);
        }
        assert!(parse(br#"{"schema":2,"history":[]}"#).is_err());
        assert!(parse(b"").is_err());
    }
}
