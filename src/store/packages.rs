//! Installed packages.
//!
//! ```text
//! machine/packages/lock                              held while a package is installed
//! machine/packages/installed/<service>-<epoch>-<id>/ the files of a package; the directory appears whole, by one rename
//! machine/packages/receipts/<service>-<epoch>-<id>   where they lay then, under a code of the host
//! machine/packages/records/<service>.json            the highest epoch that was installed, and the ids of that epoch
//! ```
//!
//! The order of an installation is: files, receipt, rename, record. Whatever ends it, there is either no directory or a whole one,
//! and as long as there is no record the package can be installed again. Who puts an old state directory back takes the
//! records back as well: the epoch floor of the trust document is what holds then.
#![forbid(unsafe_code)]

use super::receipt::{self, Receipt};
use crate::artifact::package::file_digest;
use crate::artifact::package::{MAX_FILES, Manifest, PackageId};
use crate::crypto::hmac::SecretKey;
use crate::document::Document;
use crate::error::{Error, Result, Status};
use crate::label::Label;
use crate::sys::directory::{Directory, DirectoryLock};
use crate::sys::faults::fault;
use crate::sys::file_identity::FileIdentity;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const STAGING: &str = ".staging-";
const MAX_RECORD: usize = 64 << 10;
/// Packages of one epoch of a service.
const MAX_IDS: usize = 1024;
const MAX_PACKAGES: usize = 100_000;
/// Files of a package, and a temporary one.
const MAX_ENTRIES: usize = MAX_FILES + 16;

/// The packages of a state directory.
#[derive(Debug)]
pub struct Packages {
    directory: Directory,
    installed: Directory,
    receipts: Directory,
    records: Directory,
}

/// How a file stands to its receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStanding {
    /// It is the file that was installed, with its content.
    Untouched,
    /// Its content is another.
    Replaced,
    /// Its content is the one that was installed, in another file: restored from a backup, say, or copied.
    Moved,
}

/// The files of a package before anybody can see them. Gone when dropped, unless it was published.
#[derive(Debug)]
pub struct Staged<'a> {
    packages: &'a Packages,
    name: String,
    directory: Directory,
    identities: Vec<FileIdentity>,
}

impl Packages {
    pub(super) fn open(machine: &Directory) -> Result<Self> {
        let directory = machine.subdirectory("packages", Status::Io)?;
        let part = |name| directory.subdirectory(name, Status::Io);
        let (installed, receipts, records) = (part("installed")?, part("receipts")?, part("records")?);
        Ok(Self { directory, installed, receipts, records })
    }

    /// Keeps other installations out, and removes what one that was killed has left.
    pub fn lock(&self) -> Result<DirectoryLock> {
        let lock = self.directory.lock()?;
        fault!("package.clean");
        for name in self.installed.names(MAX_PACKAGES)? {
            if name.starts_with(STAGING) {
                self.installed.remove_subdirectory(&name, MAX_ENTRIES)?;
            }
        }
        Ok(lock)
    }

    /// Refuses a package that was installed before, or that is older than the last one: [`Status::Replayed`]; and one more of
    /// an epoch than can be remembered, before anything of it is seen: [`Status::LimitExceeded`].
    pub fn check_new(&self, manifest: &Manifest) -> Result<()> {
        let (service, record) = self.record(manifest)?;
        let Some(record) = record else { return Ok(()) };
        let refuse =
            |why: String| Err(Error::new(Status::Replayed, format!("package {}: {why}", manifest.id)));
        if manifest.epoch < record.epoch {
            let (expected, found) = (record.epoch, manifest.epoch);
            return refuse(format!("service {service} is at epoch {expected}, the package says {found}"));
        }
        if manifest.epoch > record.epoch {
            return Ok(());
        }
        if record.ids.contains(&manifest.id.to_string()) {
            return refuse("was installed before".to_owned());
        }
        check_room(service, record.ids.len().saturating_add(1))
    }

    /// Writes the files of a package where nobody looks for them.
    pub fn stage(&self, manifest: &Manifest, files: &[&[u8]]) -> Result<Staged<'_>> {
        fault!("package.stage");
        let name = format!("{STAGING}{}-{:x}", manifest.id, crate::sys::random::draw());
        let directory = self.installed.subdirectory(&name, Status::Io)?;
        let mut staged = Staged { packages: self, name, directory, identities: Vec::new() };
        for (entry, file) in manifest.entries.iter().zip(files) {
            fault!("package.file");
            staged.directory.write_durably(&entry.name, file)?;
            let written = staged.directory.open_file(&entry.name, Status::Io)?;
            staged.identities.push(FileIdentity::of(&written)?);
        }
        fault!("package.staged");
        staged.directory.sync()?;
        Ok(staged)
    }

    /// Writes down that the package was installed.
    pub fn remember(&self, manifest: &Manifest) -> Result<()> {
        fault!("package.record");
        let (service, record) = self.record(manifest)?;
        let mut ids = record
            .filter(|record| record.epoch == manifest.epoch)
            .map(|record| record.ids)
            .unwrap_or_default();
        let id = manifest.id.to_string();
        if !ids.contains(&id) {
            ids.push(id);
        }
        check_room(service, ids.len())?;
        let record = serde_json::json!({"schema": 1, "epoch": manifest.epoch, "ids": ids});
        self.records.write_durably(&format!("{service}.json"), record.to_string().as_bytes())
    }

    /// How the installed file at `path` stands to its receipt; `None` where `path` is not that of an installed file. What
    /// has no receipt, or a file that the receipt does not name, is [`Status::NotFound`]; a receipt that was
    /// altered, [`Status::Modified`].
    pub fn standing(&self, path: &Path, key: &SecretKey) -> Result<Option<FileStanding>> {
        let Some((directory, name)) = self.place(path) else { return Ok(None) };
        let bytes = self.receipts.read(&directory, receipt::MAX_LEN, Status::Io)?;
        let receipt = Receipt::open(&bytes, key)?;
        let file = receipt.files.iter().find(|file| file.name == name && receipt.directory == directory);
        let file = file.ok_or_else(|| {
            Error::new(Status::NotFound, format!("the receipt of package {} does not name it", receipt.id))
        })?;
        let opened =
            self.installed.existing_subdirectory(&directory, Status::Io)?.open_file(&name, Status::Io)?;
        let identity = FileIdentity::of(&opened)?;
        Ok(Some(if identity.len != file.identity.len || digest_of(opened, identity.len)? != file.root {
            FileStanding::Replaced
        } else if identity == file.identity {
            FileStanding::Untouched
        } else {
            FileStanding::Moved
        }))
    }

    /// Whether `path` is that of an installed file.
    pub fn contains(&self, path: &Path) -> bool {
        self.place(path).is_some()
    }

    /// The package's directory and the name in it.
    fn place(&self, path: &Path) -> Option<(String, String)> {
        let path = path.canonicalize().ok()?;
        let mut below =
            path.strip_prefix(self.installed.path()).ok()?.components().map(|c| c.as_os_str().to_str());
        match (below.next()??, below.next()??, below.next()) {
            (directory, name, None) if !directory.starts_with('.') => Some((directory.into(), name.into())),
            _ => None,
        }
    }

    fn record(&self, manifest: &Manifest) -> Result<(Label, Option<Record>)> {
        let service = Label::new("service", &manifest.service)?;
        let name = format!("{service}.json");
        let bytes = match self.records.read(&name, MAX_RECORD as u64, Status::Io) {
            Err(missing) if missing.status() == Status::NotFound => return Ok((service, None)),
            read => read?,
        };
        let record = Record::parse(&bytes).map_err(|e| e.of(self.records.path().join(name).display()))?;
        Ok((service, Some(record)))
    }
}

impl Staged<'_> {
    /// Where the file `name` lies for now.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes the package visible, whole, and answers its directory.
    pub fn publish(self, manifest: &Manifest, key: &SecretKey) -> Result<PathBuf> {
        let service = Label::new("service", &manifest.service)?;
        let name = directory_name(service, manifest.epoch, manifest.id);
        let receipt = Receipt::new(manifest, &name, &self.identities);
        fault!("package.receipt");
        self.packages.receipts.write_durably(&name, &receipt.seal(key)?)?;
        fault!("package.publish");
        // One that stands there was published by an installation that ended before its record: it goes with the staging.
        self.packages.installed.put_in_place(&self.name, &name)?;
        fault!("package.published");
        Ok(self.packages.installed.path().join(name))
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // What cannot be removed now the next installation removes.
        let _ = self.packages.installed.remove_subdirectory(&self.name, MAX_ENTRIES);
    }
}

/// What was installed for a service.
struct Record {
    epoch: u64,
    ids: Vec<String>,
}

impl Record {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Document::parse(bytes, MAX_RECORD, Status::Io)?;
        let mut root = document.object()?;
        let schema = root.required("schema")?;
        if schema.unsigned()? != 1 {
            return Err(schema.expected("1"));
        }
        let epoch = root.required("epoch")?.unsigned()?;
        let ids = root.required("ids")?.array()?;
        let ids = ids.iter().map(|id| id.text(64).map(str::to_owned)).collect::<Result<_>>()?;
        root.finish()?;
        Ok(Self { epoch, ids })
    }
}

/// Refuses more packages of an epoch than a record has room for.
fn check_room(service: Label, ids: usize) -> Result<()> {
    if ids <= MAX_IDS {
        return Ok(());
    }
    let message = format!("service {service}: expected at most {MAX_IDS} packages of one epoch, found {ids}");
    Err(Error::new(Status::LimitExceeded, message))
}

fn directory_name(service: Label, epoch: u64, id: PackageId) -> String {
    format!("{service}-{epoch}-{id}")
}

fn digest_of(file: File, len: u64) -> Result<crate::crypto::sm3::Digest> {
    let mut bytes = Vec::new();
    file.take(len.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::io("read", &e))?;
    Ok(file_digest(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::package::{Entry, Role};

    fn manifest(epoch: u64, number: usize) -> Manifest {
        let mut id = [0; 16];
        id.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        let entry = Entry { name: "a".into(), role: Role::File, len: 0, digest: [0; 32] };
        Manifest {
            id: PackageId(id),
            epoch,
            service: "fee".into(),
            audiences: vec!["host".into()],
            created: 0,
            not_after: 0,
            issuer: String::new(),
            entries: vec![entry],
            critical: vec![],
        }
    }

    /// What cannot be remembered must not be seen: it could be installed again and again.
    #[test]
    fn no_package_begins_that_could_not_be_remembered() {
        let path = std::env::temp_dir().join(format!("sogov-packages-{}", std::process::id()));
        let packages = Packages::open(&Directory::open_or_create(&path, Status::Io).unwrap()).unwrap();
        let ids: Vec<_> = (0..MAX_IDS - 1).map(|number| manifest(1, number).id.to_string()).collect();
        let record = serde_json::json!({"schema": 1, "epoch": 1, "ids": ids}).to_string();
        packages.records.write_durably("fee.json", record.as_bytes()).unwrap();
        let status = |manifest: &Manifest| packages.check_new(manifest).map_err(|e| e.status());
        assert_eq!(status(&manifest(1, MAX_IDS)), Ok(()));
        packages.remember(&manifest(1, MAX_IDS)).unwrap();
        assert_eq!(status(&manifest(1, MAX_IDS)), Err(Status::Replayed));
        assert_eq!(status(&manifest(1, MAX_IDS + 1)), Err(Status::LimitExceeded));
        assert_eq!(status(&manifest(2, MAX_IDS + 1)), Ok(()), "the next epoch begins anew");
        std::fs::remove_dir_all(path).unwrap();
    }
}
