//! What is inside of an update package: a signed manifest, and the files that it names, flat.
//!
//! The manifest binds the files to each other (digests and lengths), to one service, to the hosts that they are for, and
//! to their place in time: a package id that is never used again, an epoch that never falls, an end. It is strict DER,
//! as the statement of a plugin is, and what is encrypted ([`envelope`](crate::crypto::envelope)) is the DER of a `Package`.
//!
//! ```text
//! SogovPackage DEFINITIONS IMPLICIT TAGS ::= BEGIN
//!
//! Package ::= SEQUENCE {
//!     magic       UTF8String ("sogov-package"),
//!     version     INTEGER (1),
//!     manifest    OCTET STRING (SIZE (1..65536)),            -- DER of a Manifest
//!     signatures  SEQUENCE (SIZE (0..16)) OF SignatureEntry, -- as of plugins; no key id twice
//!     files       SEQUENCE (SIZE (1..128)) OF OCTET STRING   -- in the order of the manifest's entries
//! }
//!
//! Manifest ::= SEQUENCE {
//!     version     INTEGER (1),
//!     packageId   OCTET STRING (SIZE (16)),                  -- random
//!     epoch       UInt64,
//!     service     Text,
//!     audiences   SEQUENCE (SIZE (1..64)) OF Text,           -- names of hosts
//!     created     UInt64,                                    -- seconds since 1970, informational
//!     notAfter    UInt64,                                    -- seconds since 1970
//!     issuer      Text,                                      -- may be empty
//!     entries     SEQUENCE (SIZE (1..128)) OF Entry,
//!     critical    SEQUENCE (SIZE (0..64)) OF Text
//! }
//! Entry ::= SEQUENCE {
//!     name        UTF8String (SIZE (1..128)),  -- of A-Z a-z 0-9 . _ -, neither . nor - in front; no two alike but for case
//!     role        INTEGER { file(0), plugin(1) },
//!     length      UInt64,
//!     digest      OCTET STRING (SIZE (32))     -- root of the SM3 tree over leaves of 65536 bytes
//! }
//! Text   ::= UTF8String (SIZE (0..256))        -- in bytes, no control characters
//! UInt64 ::= INTEGER (0..18446744073709551615)
//!
//! END
//! ```
//!
//! A signature is over `"sogov.pkg.v1" 00 || scheme (1 byte) || key id (32) || length (64 bits, little-endian) || manifest`.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::der::{Reader, Writer};
use super::sigmeta::{MAX_SIGNATURES, Sigmeta, SignatureEntry};
use super::statement::{MAX_STATEMENT_LEN, broken_list, broken_name, broken_text};
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use std::collections::BTreeSet;

/// Files in the largest package.
pub const MAX_FILES: usize = 128;
/// Bytes in the longest name of a file.
pub const MAX_NAME_LEN: usize = 128;
/// Audiences in the longest list, and critical conditions.
pub const MAX_LIST_LEN: usize = 64;
/// Bytes in a package id.
pub const ID_LEN: usize = 16;

const MAGIC: &str = "sogov-package";
const VERSION: u64 = 1;
/// The names that this release understands in [`Manifest::critical`].
const KNOWN_CRITICAL: &[&str] = &[];

/// The number of a package: random, so that no two have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct PackageId(pub [u8; ID_LEN]);

/// What the signers of a package vouch for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Never used twice.
    pub id: PackageId,
    /// The number that never falls from one package of a service to the next.
    pub epoch: u64,
    /// The service whose plugins are in the package, and whose rule in the trust document it has to meet.
    pub service: String,
    /// The hosts that may install it.
    pub audiences: Vec<String>,
    /// Unix seconds; the packer's own word.
    pub created: u64,
    /// Unix seconds after which it may not be installed any more.
    pub not_after: u64,
    /// Who issued it, for people. May be empty.
    pub issuer: String,
    /// The files.
    pub entries: Vec<Entry>,
    /// Names of conditions that a receiver must understand or else refuse the package.
    pub critical: Vec<String>,
}

/// One file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The file's name: no path.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Bytes.
    pub len: u64,
    /// The root of the SM3 tree over its bytes.
    pub digest: Digest,
}

/// What a file of a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Carried as it is.
    File,
    /// A plugin, which has to pass the trust decision before anything is installed.
    Plugin,
}

/// A package as it was read: whole by its form, and nothing verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package<'a> {
    /// The manifest.
    pub manifest: Manifest,
    /// Its bytes, with the signatures over them, of which there may be none.
    pub signed: Sigmeta,
    /// The files' bytes, each as long as its entry says.
    pub files: Vec<&'a [u8]>,
}

impl Package<'_> {
    /// The one encoding of a package. [`Status::InvalidArgument`] where `files` are not those of the manifest's entries.
    pub fn to_der(signed: &Sigmeta, files: &[&[u8]]) -> Result<Vec<u8>> {
        let der = Writer::encode(|w| {
            w.text(MAGIC);
            w.integer(VERSION);
            w.octets(&signed.statement);
            w.list(&signed.signatures, |w, entry| entry.encode(w));
            w.list(files, |w, file| w.octets(file));
        });
        // What a receiver would refuse must not leave the packer.
        Package::from_der(&der).map_err(|e| Error::argument(e.message()))?;
        Ok(der)
    }
}

impl<'a> Package<'a> {
    /// Reads what [`to_der`](Package::to_der) wrote. [`Status::PackageInvalid`] for anything else, but
    /// [`Status::Unsupported`] for the version of a later release.
    pub fn from_der(der: &'a [u8]) -> Result<Self> {
        Self::decode(der).map_err(|e| as_package_error(&e))
    }

    fn decode(der: &'a [u8]) -> Result<Self> {
        let mut outer = Reader::new(der);
        let mut r = outer.sequence("the whole")?;
        outer.finish("the whole")?;
        let magic = r.text("magic")?;
        if magic != MAGIC {
            return Err(invalid(format!("magic: expected {MAGIC:?}, found {magic:?}")));
        }
        check_version("package", r.integer("version")?)?;
        let statement = r.octets("manifest")?.to_vec();
        // Counted while they are read: nothing is known yet of who made the package, and millions of them fit into it.
        let mut room = MAX_SIGNATURES;
        let signatures = r.list("signatures", |r| {
            room = room.checked_sub(1).ok_or_else(|| {
                invalid(format!("expected at most {MAX_SIGNATURES} signatures, found more"))
            })?;
            SignatureEntry::decode(r)
        })?;
        let signed = Sigmeta { statement, signatures };
        if !signed.signatures.is_empty() {
            signed.check()?;
        }
        let manifest = Manifest::from_der(&signed.statement)?;
        let mut left = manifest.entries.iter();
        let files = r.list("files", |r| {
            let entry = left.next().ok_or_else(|| invalid("it has more files than its manifest names"))?;
            let file = r.octets(&entry.name)?;
            if file.len() as u64 != entry.len {
                let (expected, found) = (entry.len, file.len());
                return Err(invalid(format!("{}: expected {expected} bytes, found {found}", entry.name)));
            }
            Ok(file)
        })?;
        if let Some(missing) = left.next() {
            return Err(invalid(format!("{}: the manifest names it, and it is not there", missing.name)));
        }
        r.finish("the whole")?;
        Ok(Self { manifest, signed, files })
    }
}

impl Manifest {
    /// The one encoding. [`Status::InvalidArgument`] when a field breaks its rule, [`Status::LimitExceeded`] above 64 KiB.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        if let Some(rule) = self.broken_rule() {
            return Err(Error::argument(format!("manifest: {rule}")));
        }
        let der = self.encode();
        if der.len() > MAX_STATEMENT_LEN {
            let message =
                format!("manifest: expected at most {MAX_STATEMENT_LEN} bytes, found {}", der.len());
            return Err(Error::new(Status::LimitExceeded, message));
        }
        Ok(der)
    }

    /// Reads what [`to_der`](Self::to_der) wrote. [`Status::PackageInvalid`] for anything else, but
    /// [`Status::Unsupported`] for the version of a later release.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_STATEMENT_LEN {
            let found = der.len();
            return Err(invalid(format!(
                "manifest: expected at most {MAX_STATEMENT_LEN} bytes, found {found}"
            )));
        }
        let manifest = Self::decode(der).map_err(|e| as_package_error(&e.of("manifest")))?;
        if let Some(rule) = manifest.broken_rule() {
            return Err(invalid(format!("manifest: {rule}")));
        }
        if manifest.encode() != der {
            return Err(invalid("manifest: not strict DER"));
        }
        Ok(manifest)
    }

    /// The critical conditions that this release does not understand: if there are any, refuse the package.
    pub fn unknown_critical(&self) -> Vec<&str> {
        let names = self.critical.iter().map(String::as_str);
        names.filter(|name| !KNOWN_CRITICAL.contains(name)).collect()
    }

    fn encode(&self) -> Vec<u8> {
        Writer::encode(|w| {
            w.integer(VERSION);
            w.octets(&self.id.0);
            w.integer(self.epoch);
            w.text(&self.service);
            w.list(&self.audiences, |w, name| w.text(name));
            w.integer(self.created);
            w.integer(self.not_after);
            w.text(&self.issuer);
            w.list(&self.entries, |w, entry| entry.encode(w));
            w.list(&self.critical, |w, name| w.text(name));
        })
    }

    fn decode(der: &[u8]) -> Result<Self> {
        let mut outer = Reader::new(der);
        let mut r = outer.sequence("the whole")?;
        outer.finish("the whole")?;
        check_version("manifest", r.integer("version")?)?;
        let id = r.octets("package id")?;
        let id = id
            .try_into()
            .map_err(|_| invalid(format!("package id: expected {ID_LEN} bytes, found {}", id.len())))?;
        let manifest = Self {
            id: PackageId(id),
            epoch: r.integer("epoch")?,
            service: r.text("service")?,
            audiences: r.list("audiences", |r| r.text("audience"))?,
            created: r.integer("creation time")?,
            not_after: r.integer("not after")?,
            issuer: r.text("issuer")?,
            entries: r.list("entries", Entry::decode)?,
            critical: r.list("critical", |r| r.text("critical"))?,
        };
        r.finish("the whole")?;
        Ok(manifest)
    }

    fn broken_rule(&self) -> Option<String> {
        let lists = [("audiences", &self.audiences), ("critical", &self.critical)];
        None.or_else(|| broken_name("service", &self.service))
            .or_else(|| broken_text("issuer", &self.issuer))
            .or_else(|| {
                lists.iter().find_map(|(field, list)| {
                    let names: Vec<&str> = list.iter().map(String::as_str).collect();
                    let long = names.len() > MAX_LIST_LEN;
                    let long = long.then(|| format!("{field}: expected at most {MAX_LIST_LEN} entries"));
                    long.or_else(|| broken_list(field, &names))
                })
            })
            .or_else(|| self.audiences.is_empty().then(|| "audiences: expected at least one".to_owned()))
            .or_else(|| broken_entries(&self.entries))
    }
}

impl Entry {
    fn encode(&self, w: &mut Writer) {
        w.sequence(|w| {
            w.text(&self.name);
            w.integer(match self.role {
                Role::File => 0_u64,
                Role::Plugin => 1,
            });
            w.integer(self.len);
            w.octets(&self.digest);
        });
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self> {
        let mut r = r.sequence("entry")?;
        let name = r.text("name")?;
        let role = match r.integer::<u64>("role")? {
            0 => Role::File,
            1 => Role::Plugin,
            other => return Err(invalid(format!("role: expected 0 (file) or 1 (plugin), found {other}"))),
        };
        let entry = Self { name, role, len: r.integer("length")?, digest: r.digest("digest")? };
        r.finish("entry")?;
        Ok(entry)
    }
}

/// Why `name` cannot be that of a file in a package.
pub fn broken_file_name(name: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let good = (1..=MAX_NAME_LEN).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with(['.', '-']);
    (!good).then(|| {
        format!(
            "expected a name of 1 to {MAX_NAME_LEN} characters out of A-Z a-z 0-9 . _ - without . or - in front, found {:?}",
            name.chars().take(80).collect::<String>()
        )
    })
}

fn broken_entries(entries: &[Entry]) -> Option<String> {
    let count = entries.len();
    if !(1..=MAX_FILES).contains(&count) {
        return Some(format!("entries: expected 1 to {MAX_FILES}, found {count}"));
    }
    let mut seen = BTreeSet::new();
    entries.iter().find_map(|entry| {
        // Where a file system folds case, one of two such names would replace the other.
        let twice = || {
            (!seen.insert(entry.name.to_ascii_lowercase())).then(|| {
                format!("entries: {} stands there twice, or another that differs in case alone", entry.name)
            })
        };
        broken_file_name(&entry.name).map(|why| format!("entries: {why}")).or_else(twice)
    })
}

impl std::fmt::Display for PackageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The digest of a file for its entry, by one thread.
pub fn file_digest(bytes: &[u8]) -> Digest {
    sm3::tree::root(bytes)
}

fn check_version(what: &str, found: u64) -> Result<()> {
    if found == VERSION {
        return Ok(());
    }
    Err(Error::new(Status::Unsupported, format!("{what}: expected version 1, found {found}")))
}

/// The readers' errors say that a file was modified; here it is the package that is invalid.
fn as_package_error(error: &Error) -> Error {
    let status =
        if error.status() == Status::Unsupported { Status::Unsupported } else { Status::PackageInvalid };
    let message = error.message();
    Error::new(
        status,
        if message.starts_with("package: ") { message.into() } else { format!("package: {message}") },
    )
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Status::PackageInvalid, format!("package: {why}"))
}

#[cfg(test)]
mod tests;
