//! Signing plugin files, messages, and the documents of a trust directory.

use super::audit::count_signed;
use crate::artifact::elf::Elf;
use crate::artifact::sbom::{self, Sbom};
use crate::artifact::sigmeta::{self, DEFAULT_RESERVE, Found, Sigmeta, SignatureEntry};
use crate::artifact::statement::{self, ContentHash, Domain, Needed, Statement, VersionRange};
use crate::crypto::key::{Key, Signer};
use crate::crypto::sm2::{self, Order, PrivateKey, Signature, UserId};
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use crate::journal::{self, Entry};
use crate::label::Label;
use crate::loader::PLUGIN_ABI;
use crate::sys::file;
use crate::timestamp::{self, UnixSeconds};
use crate::trust::content_digest;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The largest file that is signed.
const MAX_LEN: u64 = 1 << 30;

/// What a signer states of a plugin file, beside what is read from the file itself.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// The service that may run it.
    pub service: String,
    /// The label under which it may run.
    pub version: String,
    /// The epoch.
    pub epoch: u64,
    /// Package URL; empty: `pkg:generic/<service>@<version>`.
    pub name: String,
    /// Semantic version.
    pub semver: String,
    /// Who issues it.
    pub issuer: String,
    /// Valid from.
    pub not_before: Option<UnixSeconds>,
    /// Valid until.
    pub not_after: Option<UnixSeconds>,
    /// The release channel.
    pub channel: String,
    /// Who it is meant for.
    pub audience: String,
    /// Bytes of the `.sigmeta` section, which bound how many signatures fit; 0: 16 KiB.
    pub reserve: usize,
    /// The bill of materials to bind, in CycloneDX or SPDX JSON. Loading looks for it at the plugin's path with `.sbom.json`
    /// behind it; it is not moved there.
    pub sbom: Option<PathBuf>,
    /// Files of libraries that it needs: the statement demands their digests, each under the file's SONAME. Loading looks for
    /// such a library where the dynamic linker would, and takes no other file.
    pub needed: Vec<PathBuf>,
}

/// A key that signs files, under a user id.
#[derive(Clone, Copy, Debug)]
pub struct FileSigner<'a> {
    /// The key, wherever it is kept.
    pub key: &'a dyn Signer,
    /// The SM2 user id; other schemes have none.
    pub user_id: &'a UserId,
}

impl FileSigner<'_> {
    /// Signs the plugin at `source` and writes the signed copy to `target`, whole or not at all. Answers the
    /// artifact's digest.
    pub fn sign(&self, source: &Path, target: &Path, facts: &FileFacts) -> Result<Digest> {
        self.recorded(target, Some(facts), || self.sign_unrecorded(source, target, facts), |root| Some(*root))
    }

    fn sign_unrecorded(&self, source: &Path, target: &Path, facts: &FileFacts) -> Result<Digest> {
        let original = file::read(source, MAX_LEN)?;
        let reserve = if facts.reserve == 0 { DEFAULT_RESERVE } else { facts.reserve };
        let signed = || -> Result<(Vec<u8>, Digest)> {
            let prefix = sigmeta::prepare(&original, reserve)?;
            let statement = describe(&original, &prefix, facts)?;
            let root = statement.root;
            let container = Sigmeta { signatures: vec![], statement: statement.to_der()? };
            Ok((sigmeta::attach(prefix, reserve, &self.countersigned(container)?)?, root))
        };
        let (bytes, root) = signed().map_err(|e| e.of(source.display()))?;
        file::replace(target, &bytes, Some(source))?;
        Ok(root)
    }

    /// Signs the plugin at `source`, leaves it as it is and writes the signature to `target`: by default where loading
    /// looks for it. Answers the artifact's digest.
    pub fn sign_detached(&self, source: &Path, target: Option<&Path>, facts: &FileFacts) -> Result<Digest> {
        let own = signature_path(source);
        let target = target.unwrap_or(&own);
        let sign = || self.sign_detached_unrecorded(source, target, facts);
        self.recorded(target, Some(facts), sign, |root| Some(*root))
    }

    fn sign_detached_unrecorded(&self, source: &Path, target: &Path, facts: &FileFacts) -> Result<Digest> {
        let original = file::read(source, MAX_LEN)?;
        let signed = || -> Result<(Vec<u8>, Digest)> {
            if let Found::Embedded { .. } = sigmeta::find(&original)? {
                return Err(Error::new(
                    Status::Busy,
                    "has a .sigmeta section: a signature file beside it would make it ambiguous",
                ));
            }
            let statement = describe(&original, &original, facts)?;
            let root = statement.root;
            let container = Sigmeta { signatures: vec![], statement: statement.to_der()? };
            Ok((self.countersigned(container)?.to_der()?, root))
        };
        let (bytes, root) = signed().map_err(|e| e.of(source.display()))?;
        file::replace(target, &bytes, None)?;
        Ok(root)
    }

    /// Adds this key's signature to a signed plugin or to a signature file.
    pub fn add_signature(&self, path: &Path) -> Result<()> {
        self.recorded(path, None, || self.add_signature_unrecorded(path), |()| None)
    }

    fn add_signature_unrecorded(&self, path: &Path) -> Result<()> {
        let present = file::read(path, MAX_LEN)?;
        let added = || -> Result<Vec<u8>> {
            if path.extension().is_some_and(|ending| ending == "sogsig") {
                return self.countersigned(Sigmeta::from_der(&present)?)?.to_der();
            }
            match sigmeta::find(&present)? {
                Found::Embedded { sigmeta, .. } => {
                    sigmeta::add_signature(&present, self.entry(&sigmeta.statement)?)
                }
                Found::None => Err(Error::new(
                    Status::Unsigned,
                    "expected a .sigmeta section, found none; name the .sogsig file if the signature is detached",
                )),
            }
        };
        let bytes = added().map_err(|e| e.of(path.display()))?;
        file::replace(path, &bytes, Some(path))
    }

    /// Signs by `sign`, and records it in the trails of the process.
    fn recorded<T>(
        &self,
        target: &Path,
        facts: Option<&FileFacts>,
        sign: impl FnOnce() -> Result<T>,
        digest: impl FnOnce(&T) -> Option<Digest>,
    ) -> Result<T> {
        let describe = |entry: &mut Entry| {
            if let Some(facts) = facts {
                (entry.service, entry.version) = (facts.service.clone(), facts.version.clone());
            }
            entry.message = format!("{} by {}", target.display(), self.key.public_key().key_id());
        };
        super::audit::signing(describe, sign, digest)
    }

    fn countersigned(&self, mut container: Sigmeta) -> Result<Sigmeta> {
        let entry = self.entry(&container.statement)?;
        container.add(entry)?;
        Ok(container)
    }

    fn entry(&self, statement_der: &[u8]) -> Result<SignatureEntry> {
        self.signature_over(|scheme, key_id| statement::signed_bytes(statement_der, scheme, key_id))
    }

    pub(super) fn signature_over(
        &self,
        signed_bytes: impl FnOnce(u8, &crate::crypto::key_id::KeyId) -> Vec<u8>,
    ) -> Result<SignatureEntry> {
        let key_id = self.key.public_key().key_id();
        let scheme = self.key.scheme_number()?;
        let signature = self.key.sign(self.user_id, &signed_bytes(scheme, &key_id))?;
        Ok(SignatureEntry { key_id, scheme, signature })
    }
}

/// Signs a message. One that begins like what vouches for a plugin, a document of a trust directory, a package or an audit trail is
/// refused: its signature would be as good as a release.
pub fn sign_message(key: &PrivateKey, user_id: &UserId, message: &[u8]) -> Result<Signature> {
    check_message(message)?;
    key.sign(user_id, message).inspect(|_| count_signed(1))
}

/// Signs a message by a key of whichever scheme; the signature is in its scheme's form. What [`sign_message`] refuses is
/// refused, whatever the scheme.
pub fn sign_by(key: &Key, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
    check_message(message)?;
    key.sign(super::schemes(), user_id, message).inspect(|_| count_signed(1))
}

/// Refuses a message that [`sign_message`] would refuse.
pub fn check_message(message: &[u8]) -> Result<()> {
    if statement::is_signed_bytes(message) || journal::is_signed_bytes(message) {
        return Err(Error::argument(
            "message: begins with a tag that is kept for plugins, trust documents, packages and audit trails; sign the file \
             instead",
        ));
    }
    Ok(())
}

/// Signs many messages, all or none, in their order. What [`sign_message`] refuses is refused here, under its place in
/// `orders`.
pub fn sign_messages(orders: &[Order<'_>]) -> Result<Vec<Signature>> {
    for (index, order) in orders.iter().enumerate() {
        check_message(order.message).map_err(|e| e.of(format_args!("items[{index}]")))?;
    }
    sm2::sign_batch(orders).inspect(|signatures| count_signed(signatures.len()))
}

/// Signs `trust.json` in `directory` with a root key, as [`sign_document`] does.
pub fn sign_trust_document(key: &dyn Signer, directory: &Path) -> Result<()> {
    sign_document(key, &directory.join("trust.json"), Domain::TrustDocument)
}

/// Signs a document of a trust directory, of the kind that `domain` says, beside the signatures that other keys made over the same
/// bytes, into a file of its name with `.sogsig` behind it. Signatures over earlier bytes are dropped.
/// [`Status::Unsupported`] for the key of a registered scheme: those sign no such document.
pub fn sign_document(key: &dyn Signer, document: &Path, domain: Domain) -> Result<()> {
    let scheme = key.public_key().scheme();
    if scheme.id().is_none() {
        return Err(Error::new(
            Status::Unsupported,
            format!("{}: expected a key of a scheme of this library, found {scheme}", document.display()),
        ));
    }
    let path = signature_path(document);
    let document = file::read(document, MAX_LEN)?;
    let digest = sm3::digest(&document).to_vec();
    let mut container = match file::read(&path, MAX_LEN) {
        Ok(bytes) => Sigmeta::from_der(&bytes).map_err(|e| e.of(path.display()))?,
        Err(e) if e.status() == Status::NotFound => Sigmeta { statement: digest.clone(), signatures: vec![] },
        Err(e) => return Err(e),
    };
    if container.statement != digest {
        container = Sigmeta { statement: digest, signatures: vec![] };
    }
    let signer = FileSigner { key, user_id: &UserId::default() };
    let entry = signer.signature_over(|scheme, key_id| domain.signed_bytes(&document, scheme, key_id))?;
    container.signatures.retain(|present| present.key_id != entry.key_id);
    container.add(entry)?;
    file::replace(&path, &container.to_der()?, None)
}

/// Where the detached signature of a plugin is looked for.
pub(super) fn signature_path(plugin: &Path) -> PathBuf {
    beside(plugin, ".sogsig")
}

/// Where the bill of materials of a plugin is looked for.
pub(super) fn sbom_path(plugin: &Path) -> PathBuf {
    beside(plugin, ".sbom.json")
}

fn beside(plugin: &Path, ending: &str) -> PathBuf {
    let mut path = OsString::from(plugin);
    path.push(ending);
    PathBuf::from(path)
}

/// The digest of a bill of materials. One that no verifier could read is not bound.
fn sbom_digest(path: &Path) -> Result<Digest> {
    let bytes = file::read(path, sbom::MAX_LEN as u64)?;
    Sbom::parse(&bytes).map_err(|e| e.of(path.display()))?;
    Ok(sm3::digest(&bytes))
}

/// The statement over `covered`, which is the plugin itself or what `sigmeta::prepare` made of it.
fn describe(plugin: &[u8], covered: &[u8], facts: &FileFacts) -> Result<Statement> {
    let elf = Elf::parse(plugin)?;
    let (service, version) = (Label::new("service", &facts.service)?, Label::new("version", &facts.version)?);
    let name =
        if facts.name.is_empty() { format!("pkg:generic/{service}@{version}") } else { facts.name.clone() };
    Ok(Statement {
        content_hash: ContentHash::Sm3Tree,
        root: content_digest(ContentHash::Sm3Tree, covered),
        covered_len: covered.len() as u64,
        name,
        service: service.to_string(),
        version: version.to_string(),
        semver: facts.semver.clone(),
        state_schema: VersionRange { min: 0, max: 0 },
        epoch: facts.epoch,
        architecture: Statement::NATIVE_ARCHITECTURE.to_owned(),
        plugin_abi: VersionRange { min: PLUGIN_ABI, max: PLUGIN_ABI },
        soname: elf.soname().unwrap_or_default().to_owned(),
        needed: needed(&elf, &facts.needed)?,
        exports: statement::exports_digest(elf.exports().map(|export| export.name)),
        sbom: facts.sbom.as_deref().map(sbom_digest).transpose()?,
        issuer: facts.issuer.clone(),
        signed_at: timestamp::now(),
        not_before: facts.not_before,
        not_after: facts.not_after,
        channel: facts.channel.clone(),
        audience: facts.audience.clone(),
        critical: vec![],
    })
}

/// What the plugin needs, with the digests of these `files`.
fn needed(plugin: &Elf<'_>, files: &[PathBuf]) -> Result<Vec<Needed>> {
    let name = |soname: &&str| Needed { soname: (*soname).to_owned(), digest: None };
    let mut needed: Vec<Needed> = plugin.needed().iter().map(name).collect();
    for path in files {
        let bytes = file::read(path, MAX_LEN)?;
        let library = Elf::parse(&bytes).map_err(|e| e.of(path.display()))?;
        let soname = library.soname().unwrap_or_default();
        let entry = needed.iter_mut().find(|entry| entry.soname == soname).ok_or_else(|| {
            let sonames = plugin.needed().join(", ");
            Error::argument(format!(
                "{}: expected a library that the plugin needs ({sonames}), found the SONAME {soname:?}",
                path.display()
            ))
        })?;
        entry.digest = Some(sm3::digest(&bytes));
    }
    Ok(needed)
}
