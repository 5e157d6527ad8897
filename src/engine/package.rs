//! Update packages: made from signed plugins and other files, and installed so that nothing is seen before all of it is verified.
//!
//! Signed inside, encrypted outside: `pack` signs the manifest and then encrypts; `install` decrypts and then
//! verifies. Anybody can encrypt for a host, so that it decrypts says nothing.

use super::audit::{Deed, Outcome};
use super::sign::{sbom_path, signature_path};
use super::{Change, Engine, FileSigner, LoadOptions};
use crate::artifact::package::{Entry, Manifest, Package, PackageId, Role, broken_file_name, file_digest};
use crate::artifact::sbom;
use crate::artifact::sigmeta::Sigmeta;
use crate::artifact::statement::{Statement, package_signed_bytes};
use crate::crypto::envelope::{self, Recipient, RecipientKey};
use crate::crypto::hmac::SecretKey;
use crate::crypto::key_id::KeyId;
use crate::error::{Error, Result, Status};
use crate::journal::Kind;
use crate::label::Label;
use crate::store::{FileStanding, Packages};
use crate::sys::file;
use crate::telemetry::LogLevel;
use crate::timestamp::{self, UnixSeconds};
use crate::trust;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How long a package may be installed where its facts say nothing: 30 days.
const DEFAULT_VALIDITY: u64 = 30 * 86_400;

/// What a packer states of a package.
#[derive(Clone, Debug, Default)]
pub struct PackageFacts {
    /// The service of the plugins; empty: that of the first plugin's statement.
    pub service: String,
    /// The epoch, which must not be below that of the last package that the hosts installed for the service.
    pub epoch: u64,
    /// The names of the hosts that may install it; at least one.
    pub audiences: Vec<String>,
    /// When it can no longer be installed; `None`: 30 days from now.
    pub not_after: Option<UnixSeconds>,
    /// Who issues it.
    pub issuer: String,
}

/// A plugin that goes into a package.
#[derive(Clone, Debug)]
pub struct PackedPlugin {
    /// The signed plugin. The last part of the path is its name in the package.
    pub path: PathBuf,
    /// Its detached signature; `None`: the file's path with `.sogsig` behind it, if that is there.
    pub signature_path: Option<PathBuf>,
}

/// What was packed.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The package's number.
    pub id: PackageId,
    /// The service that the plugins are for.
    pub service: String,
    /// Until when it can be installed.
    pub not_after: UnixSeconds,
    /// The names of the files in it.
    pub files: Vec<String>,
}

/// What was installed.
#[derive(Clone, Debug)]
pub struct InstalledPackage {
    /// The package's number.
    pub id: PackageId,
    /// The service that its plugins are for.
    pub service: String,
    /// Its epoch.
    pub epoch: u64,
    /// Where its files are now.
    pub directory: PathBuf,
    /// The plugins among them, which can be loaded from there.
    pub plugins: Vec<PathBuf>,
    /// The keys whose signatures counted.
    pub signers: Vec<KeyId>,
}

/// Makes a package of `plugins`, which are signed already, and other `files`, signs it by all `signers`, encrypts it for all
/// `recipients` and writes it to `target`, whole or not at all.
pub fn pack(
    plugins: &[PackedPlugin],
    files: &[PathBuf],
    facts: &PackageFacts,
    signers: &[FileSigner<'_>],
    recipients: &[Recipient],
    target: &Path,
) -> Result<Packed> {
    if plugins.is_empty() && files.is_empty() {
        return Err(Error::argument("package: expected at least one plugin or file, found none"));
    }
    if signers.is_empty() {
        return Err(Error::argument("package: expected at least one key that signs it, found none"));
    }
    let mut contents = Contents::default();
    for plugin in plugins {
        contents.add_plugin(plugin, &facts.service).map_err(|e| e.of(plugin.path.display()))?;
    }
    for path in files {
        contents.add(path, Role::File)?;
    }
    let service = if facts.service.is_empty() { contents.service } else { facts.service.clone() };
    let created = timestamp::now();
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|_| Error::new(Status::Io, "package: the operating system gave no randomness"))?;
    let manifest = Manifest {
        id: PackageId(id),
        epoch: facts.epoch,
        service: Label::new("service", &service)?.to_string(),
        audiences: facts.audiences.clone(),
        created,
        not_after: facts.not_after.unwrap_or_else(|| created.saturating_add(DEFAULT_VALIDITY)),
        issuer: facts.issuer.clone(),
        entries: contents.entries,
        critical: vec![],
    };
    let der = manifest.to_der()?;
    let mut signed = Sigmeta { statement: der.clone(), signatures: vec![] };
    for signer in signers {
        signed.add(signer.signature_over(|scheme, key_id| package_signed_bytes(&der, scheme, key_id))?)?;
    }
    let files: Vec<&[u8]> = contents.files.iter().map(Vec::as_slice).collect();
    let package = Zeroizing::new(Package::to_der(&signed, &files)?);
    file::replace(target, &envelope::seal(package, recipients)?, None)?;
    let files = manifest.entries.iter().map(|entry| entry.name.clone()).collect();
    Ok(Packed { id: manifest.id, service: manifest.service, not_after: manifest.not_after, files })
}

impl Engine {
    /// Decrypts the package at `path` by `key`, verifies all of it for the host called `audience`, and installs it into the
    /// state directory: its files appear there together, or not at all. The engine needs a trust directory, a state
    /// directory and a receipt key.
    ///
    /// Errors are those of [`envelope::open`], of the decision over a package
    /// ([`TrustView::admit_package`](crate::trust::TrustView::admit_package)) and over each of its plugins, and
    /// [`Status::Replayed`] for a package that was installed before or is older than the last one of its service.
    pub fn install(
        &self,
        path: &Path,
        key: &RecipientKey,
        audience: &str,
        change: &Change,
    ) -> Result<InstalledPackage> {
        self.check_open()?;
        let deed = Deed { kind: Kind::Install, change, service: None, version: "" };
        let install = || self.install_file(path, key, audience).map_err(|e| e.of(path.display()));
        self.govern(&deed, install, |InstalledPackage { id, service, .. }| Outcome {
            service: Label::new("service", service).ok(),
            version: id.to_string(),
            digest: None,
        })
    }

    /// How the installed file at `path` stands to the receipt of its installation. [`Status::NotFound`] for a file that no
    /// package brought; [`Status::Modified`] where the receipt itself was altered.
    pub fn check_installed(&self, path: &Path) -> Result<FileStanding> {
        self.check_open()?;
        let (packages, receipt_key) = self.packages()?;
        let standing = packages.standing(path, receipt_key).map_err(|e| e.of(path.display()))?;
        standing.ok_or_else(|| {
            Error::new(Status::NotFound, format!("{}: is no file of an installed package", path.display()))
        })
    }

    /// Before a load: a file of an installed package has to have the content that was installed. One that was moved is
    /// loaded, and the log says so. Without a receipt key nothing is known; that the trust decision holds.
    pub(super) fn check_before_load(&self, path: &Path) -> Result<()> {
        let Ok((packages, receipt_key)) = self.packages() else { return Ok(()) };
        if !packages.contains(path) {
            return Ok(());
        }
        match packages.standing(path, receipt_key).map_err(|e| e.of(path.display()))? {
            Some(FileStanding::Replaced) => Err(Error::new(
                Status::Modified,
                format!("{}: was replaced since its package was installed", path.display()),
            )),
            Some(FileStanding::Moved) => {
                let path = path.display();
                let what = "is not the file that was installed, but one with the same content";
                self.log.write(LogLevel::Warning, format_args!("{path}: {what}"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn install_file(&self, path: &Path, key: &RecipientKey, audience: &str) -> Result<InstalledPackage> {
        let (packages, receipt_key) = self.packages()?;
        let envelope = file::read(path, envelope::MAX_LEN as u64)?;
        let plain = envelope::open(&envelope, key)?;
        drop(envelope);
        let view = self.trusted()?;
        let package = view.admit_package(&plain, audience)?;
        let manifest = package.manifest();
        let _lock = packages.lock()?;
        packages.check_new(manifest)?;
        let staged = packages.stage(manifest, package.files())?;
        let plugins: Vec<&str> = plugins(manifest).collect();
        for name in &plugins {
            // The signature of a plugin is inside, or in the file of its name with .sogsig behind it, as beside any other.
            self.verify_file(&manifest.service, None, &staged.path(name), &LoadOptions::default())
                .map_err(|e| e.of(name))?;
        }
        let directory = staged.publish(manifest, receipt_key)?;
        packages.remember(manifest)?;
        Ok(InstalledPackage {
            id: manifest.id,
            service: manifest.service.clone(),
            epoch: manifest.epoch,
            plugins: plugins.iter().map(|name| directory.join(name)).collect(),
            directory,
            signers: package.signers().to_vec(),
        })
    }

    fn packages(&self) -> Result<(&Packages, &SecretKey)> {
        let missing =
            |what| Error::argument(format!("packages: expected {what} in the engine's options, found none"));
        let store = self.store.as_deref().ok_or_else(|| missing("a state directory"))?;
        let key = self.receipt_key.as_deref().ok_or_else(|| missing("a receipt key"))?;
        Ok((store.packages(), key))
    }
}

/// The files of a package that is being made.
#[derive(Default)]
struct Contents {
    /// That of the first plugin.
    service: String,
    entries: Vec<Entry>,
    files: Vec<Vec<u8>>,
    len: usize,
}

impl Contents {
    /// Adds a plugin, with its signature where that is detached, and the bill of materials that its statement binds.
    fn add_plugin(&mut self, plugin: &PackedPlugin, service: &str) -> Result<()> {
        let signature = match &plugin.signature_path {
            Some(named) => Some(file::read(named, super::load::MAX_SIGNATURE_LEN)?),
            None => match file::read(&signature_path(&plugin.path), super::load::MAX_SIGNATURE_LEN) {
                Err(missing) if missing.status() == Status::NotFound => None,
                read => Some(read?),
            },
        };
        let name = self.add(&plugin.path, Role::Plugin)?;
        let bytes = self.files.last().map(Vec::as_slice).unwrap_or_default();
        let statement = Statement::from_der(&trust::signature_of(bytes, signature.as_deref())?.0.statement)?;
        let first = if self.service.is_empty() { statement.service.clone() } else { self.service.clone() };
        let expected = if service.is_empty() { &first } else { service };
        if statement.service != *expected {
            return Err(Error::new(
                Status::WrongService,
                format!("expected a plugin of the service {expected}, found one of {}", statement.service),
            ));
        }
        self.service = first;
        if let Some(signature) = signature {
            self.push(format!("{name}.sogsig"), Role::File, signature)?;
        }
        if statement.sbom.is_some() {
            // Without the bill of materials that its statement binds, it could not be loaded where it is installed.
            let sbom = file::read(&sbom_path(&plugin.path), sbom::MAX_LEN as u64)?;
            self.push(format!("{name}.sbom.json"), Role::File, sbom)?;
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, role: Role) -> Result<String> {
        let bytes = file::read(path, envelope::MAX_CONTENT_LEN as u64)?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        self.push(name.clone(), role, bytes).map_err(|e| e.of(path.display()))?;
        Ok(name)
    }

    fn push(&mut self, name: String, role: Role, bytes: Vec<u8>) -> Result<()> {
        if let Some(why) = broken_file_name(&name) {
            return Err(Error::argument(why));
        }
        self.len = self.len.saturating_add(bytes.len());
        if self.len > envelope::MAX_CONTENT_LEN {
            let limit = envelope::MAX_CONTENT_LEN;
            return Err(Error::new(
                Status::LimitExceeded,
                format!("package: expected at most {limit} bytes"),
            ));
        }
        self.entries.push(Entry { name, role, len: bytes.len() as u64, digest: file_digest(&bytes) });
        self.files.push(bytes);
        Ok(())
    }
}

fn plugins(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let plugins = manifest.entries.iter().filter(|entry| entry.role == Role::Plugin);
    plugins.map(|entry| entry.name.as_str())
}
