//! The statement: what the signers of an artifact vouch for, and the exact bytes that they sign.
//!
//! A statement binds one content (digest and length) to everything a verifier decides by: service, version,
//! epoch, architecture, dependencies, validity. It is strict DER (ITU-T X.690), so that one statement has one
//! encoding; whatever would not encode back to the same bytes is refused.
//!
//! ```text
//! SogovStatement DEFINITIONS IMPLICIT TAGS ::= BEGIN
//!
//! Statement ::= SEQUENCE {
//!     version        INTEGER (1),
//!     contentHash    ContentHash,
//!     root           Digest,                      -- of the first coveredLength bytes
//!     coveredLength  UInt64,
//!     name           Text,                        -- package URL
//!     service        Text,
//!     label          Text,                        -- of the version, such as "v2"
//!     semver         Text,                        -- may be empty
//!     stateSchema    VersionRange,
//!     epoch          UInt64,
//!     architecture   Text,                        -- such as "x86_64-linux-gnu"
//!     pluginAbi      VersionRange,
//!     soname         Text,                        -- may be empty
//!     needed         SEQUENCE (SIZE (0..1024)) OF Needed,
//!     exports        Digest,
//!     issuer         Text,                        -- may be empty
//!     signedAt       UInt64,                      -- seconds since 1970, informational
//!     channel        Text,                        -- may be empty
//!     audience       Text,                        -- may be empty
//!     sbom           [0] Digest OPTIONAL,
//!     notBefore      [1] UInt64 OPTIONAL,         -- seconds since 1970
//!     notAfter       [2] UInt64 OPTIONAL,         -- seconds since 1970
//!     critical       SEQUENCE (SIZE (0..1024)) OF Text
//! }
//!
//! ContentHash ::= SEQUENCE {
//!     id             INTEGER { sm3(1), sm3Tree(2) },
//!     leafLength     INTEGER (65536) OPTIONAL     -- present exactly with sm3Tree
//! }
//! VersionRange ::= SEQUENCE { min UInt32, max UInt32 }   -- min <= max, both included
//! Needed       ::= SEQUENCE { soname Text, digest [0] Digest OPTIONAL }
//! Digest       ::= OCTET STRING (SIZE (32))       -- SM3
//! Text         ::= UTF8String (SIZE (0..256))     -- in bytes, no control characters
//! UInt32       ::= INTEGER (0..4294967295)
//! UInt64       ::= INTEGER (0..18446744073709551615)
//!
//! END
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::der::{Reader, Writer};
use crate::crypto::key_id::KeyId;
use crate::crypto::sm3::{Digest, Hasher};
use crate::error::{Error, Result, Status};
use std::collections::BTreeSet;

/// Bytes in the longest statement.
pub const MAX_STATEMENT_LEN: usize = 64 * 1024;
/// Bytes in the longest text field.
pub const MAX_TEXT_LEN: usize = 256;
/// Entries in the longest list.
pub const MAX_LIST_LEN: usize = 1024;

const VERSION: u64 = 1;
/// The names that this release understands in [`Statement::critical`].
const KNOWN_CRITICAL: &[&str] = &[];

/// What the signers vouch for. Texts have at most [`MAX_TEXT_LEN`] bytes and no control characters, lists at
/// most [`MAX_LIST_LEN`] entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How [`root`](Self::root) is computed.
    pub content_hash: ContentHash,
    /// The digest of the covered bytes: the artifact's identity everywhere.
    pub root: Digest,
    /// S: the covered bytes are the first S of the file.
    pub covered_len: u64,
    /// The package URL.
    pub name: String,
    /// The service that this artifact may serve.
    pub service: String,
    /// The version's label, such as `v2`.
    pub version: String,
    /// The semantic version, or empty.
    pub semver: String,
    /// The state schemas that this version reads.
    pub state_schema: VersionRange,
    /// The number that never falls from one release to the next.
    pub epoch: u64,
    /// The machine, system and C library; see [`Statement::NATIVE_ARCHITECTURE`].
    pub architecture: String,
    /// The plugin ABIs that this version implements.
    pub plugin_abi: VersionRange,
    /// `DT_SONAME`, or empty.
    pub soname: String,
    /// `DT_NEEDED`, in the file's order, no name twice.
    pub needed: Vec<Needed>,
    /// The exported names; see [`exports_digest`].
    pub exports: Digest,
    /// The digest of the software bill of materials.
    pub sbom: Option<Digest>,
    /// Who issued the statement, for people: keys decide, not this name. May be empty.
    pub issuer: String,
    /// Unix seconds; the signer's own word, so nothing is decided by it.
    pub signed_at: u64,
    /// Unix seconds before which the statement is not valid yet.
    pub not_before: Option<u64>,
    /// Unix seconds after which the statement is no longer valid.
    pub not_after: Option<u64>,
    /// The release channel, or empty.
    pub channel: String,
    /// For whom the artifact is meant, or empty.
    pub audience: String,
    /// Names of conditions that a verifier must understand or else reject the artifact, no name twice.
    pub critical: Vec<String>,
}

/// How the covered bytes become one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentHash {
    /// SM3 over the bytes from front to back.
    Sm3,
    /// The root of an SM3 tree over leaves of [`ContentHash::LEAF_LEN`] bytes.
    Sm3Tree,
}

/// Versions from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRange {
    /// The lowest.
    pub min: u32,
    /// The highest; never below `min`.
    pub max: u32,
}

/// A shared library that the artifact needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its SONAME, never empty.
    pub soname: String,
    /// Its root digest, where the statement fixes one.
    pub digest: Option<Digest>,
}

impl Statement {
    /// The architecture of this build, in the form that [`Statement::architecture`] has.
    pub const NATIVE_ARCHITECTURE: &str = if cfg!(target_arch = "x86_64") {
        "x86_64-linux-gnu"
    } else if cfg!(target_arch = "aarch64") {
        "aarch64-linux-gnu"
    } else {
        "unknown-linux-gnu"
    };

    /// The one encoding. [`Status::InvalidArgument`] when a field breaks its rule, [`Status::LimitExceeded`]
    /// above [`MAX_STATEMENT_LEN`].
    pub fn to_der(&self) -> Result<Vec<u8>> {
        self.check(Status::InvalidArgument)?;
        let der = self.encode();
        if der.len() > MAX_STATEMENT_LEN {
            return Err(too_long(Status::LimitExceeded, der.len()));
        }
        Ok(der)
    }

    /// Reads what [`to_der`](Self::to_der) wrote. [`Status::Modified`] for anything else, but
    /// [`Status::Unsupported`] for a version or content hash of a later release.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        if der.len() > MAX_STATEMENT_LEN {
            return Err(too_long(Status::Modified, der.len()));
        }
        let statement = Self::decode(der).map_err(|error| error.of("statement"))?;
        statement.check(Status::Modified)?;
        if statement.encode() != der {
            return Err(Error::new(Status::Modified, "statement: not strict DER"));
        }
        Ok(statement)
    }

    /// The critical conditions that this release does not understand: if there are any, reject the artifact.
    pub fn unknown_critical(&self) -> Vec<&str> {
        let names = self.critical.iter().map(String::as_str);
        names.filter(|name| !KNOWN_CRITICAL.contains(name)).collect()
    }

    fn encode(&self) -> Vec<u8> {
        Writer::encode(|w| {
            w.integer(VERSION);
            self.content_hash.encode(w);
            w.octets(&self.root);
            w.integer(self.covered_len);
            w.text(&self.name);
            w.text(&self.service);
            w.text(&self.version);
            w.text(&self.semver);
            self.state_schema.encode(w);
            w.integer(self.epoch);
            w.text(&self.architecture);
            self.plugin_abi.encode(w);
            w.text(&self.soname);
            w.list(&self.needed, |w, needed| needed.encode(w));
            w.octets(&self.exports);
            w.text(&self.issuer);
            w.integer(self.signed_at);
            w.text(&self.channel);
            w.text(&self.audience);
            w.optional_digest(0, self.sbom.as_ref());
            w.optional_integer(1, self.not_before);
            w.optional_integer(2, self.not_after);
            w.list(&self.critical, |w, name| w.text(name));
        })
    }

    fn decode(der: &[u8]) -> Result<Self> {
        let mut outer = Reader::new(der);
        let mut r = outer.sequence("the whole")?;
        outer.finish("the whole")?;
        // First, so that a later release's statement is called that rather than malformed.
        let version: u64 = r.integer("version")?;
        if version != VERSION {
            return Err(Error::new(Status::Unsupported, format!("expected version 1, found {version}")));
        }
        let statement = Self {
            content_hash: ContentHash::decode(&mut r)?,
            root: r.digest("root digest")?,
            covered_len: r.integer("covered length")?,
            name: r.text("name")?,
            service: r.text("service")?,
            version: r.text("version label")?,
            semver: r.text("semver")?,
            state_schema: VersionRange::decode(&mut r, "state schema")?,
            epoch: r.integer("epoch")?,
            architecture: r.text("architecture")?,
            plugin_abi: VersionRange::decode(&mut r, "plugin ABI")?,
            soname: r.text("soname")?,
            needed: r.list("needed", Needed::decode)?,
            exports: r.digest("exports digest")?,
            issuer: r.text("issuer")?,
            signed_at: r.integer("signing time")?,
            channel: r.text("channel")?,
            audience: r.text("audience")?,
            sbom: r.optional_digest(0, "sbom digest")?,
            not_before: r.optional_integer(1, "not before")?,
            not_after: r.optional_integer(2, "not after")?,
            critical: r.list("critical", |r| r.text("critical"))?,
        };
        r.finish("the whole")?;
        Ok(statement)
    }

    /// The rules that the encoding alone does not hold, for writer and reader alike.
    fn check(&self, status: Status) -> Result<()> {
        self.broken_rule().map_or(Ok(()), |rule| Err(Error::new(status, format!("statement: {rule}"))))
    }

    fn broken_rule(&self) -> Option<String> {
        let required = [
            ("name", &self.name),
            ("service", &self.service),
            ("version label", &self.version),
            ("architecture", &self.architecture),
        ];
        let optional = [
            ("semver", &self.semver),
            ("soname", &self.soname),
            ("issuer", &self.issuer),
            ("channel", &self.channel),
            ("audience", &self.audience),
        ];
        let sonames: Vec<&str> = self.needed.iter().map(|needed| needed.soname.as_str()).collect();
        let critical: Vec<&str> = self.critical.iter().map(String::as_str).collect();
        None.or_else(|| required.iter().find_map(|(field, text)| broken_name(field, text)))
            .or_else(|| optional.iter().find_map(|(field, text)| broken_text(field, text)))
            .or_else(|| self.state_schema.broken_rule("state schema"))
            .or_else(|| self.plugin_abi.broken_rule("plugin ABI"))
            .or_else(|| broken_list("needed", &sonames))
            .or_else(|| broken_list("critical", &critical))
            .or_else(|| {
                let (begin, end) = self.not_before.zip(self.not_after)?;
                (begin > end).then(|| format!("validity begins at {begin} and ends before, at {end}"))
            })
    }
}

impl ContentHash {
    /// Bytes in a leaf of [`ContentHash::Sm3Tree`]; the last leaf may be shorter.
    pub const LEAF_LEN: u32 = 64 * 1024;

    fn encode(self, w: &mut Writer) {
        w.sequence(|w| match self {
            Self::Sm3 => w.integer(1_u64),
            Self::Sm3Tree => {
                w.integer(2_u64);
                w.integer(Self::LEAF_LEN);
            }
        });
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self> {
        let mut r = r.sequence("content hash")?;
        let hash = match r.integer::<u64>("content hash")? {
            1 => Self::Sm3,
            2 => {
                let len: u64 = r.integer("leaf length")?;
                if len != u64::from(Self::LEAF_LEN) {
                    return Err(Error::new(
                        Status::Unsupported,
                        format!("leaf length: expected {}, found {len}", Self::LEAF_LEN),
                    ));
                }
                Self::Sm3Tree
            }
            id => {
                return Err(Error::new(
                    Status::Unsupported,
                    format!("content hash: expected 1 (SM3) or 2 (SM3 tree), found {id}"),
                ));
            }
        };
        r.finish("content hash")?;
        Ok(hash)
    }
}

impl VersionRange {
    /// Whether `version` is one of these.
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }

    fn broken_rule(self, field: &str) -> Option<String> {
        let Self { min, max } = self;
        (min > max).then(|| format!("{field}: the lowest version {min} is above the highest {max}"))
    }

    fn encode(self, w: &mut Writer) {
        w.sequence(|w| {
            w.integer(self.min);
            w.integer(self.max);
        });
    }

    fn decode(r: &mut Reader<'_>, field: &str) -> Result<Self> {
        let mut r = r.sequence(field)?;
        let range = Self { min: r.integer(field)?, max: r.integer(field)? };
        r.finish(field)?;
        Ok(range)
    }
}

impl Needed {
    fn encode(&self, w: &mut Writer) {
        w.sequence(|w| {
            w.text(&self.soname);
            w.optional_digest(0, self.digest.as_ref());
        });
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self> {
        let mut r = r.sequence("needed")?;
        let needed = Self { soname: r.text("needed")?, digest: r.optional_digest(0, "needed digest")? };
        r.finish("needed")?;
        Ok(needed)
    }
}

/// The digest of a set of exported names: SM3 over the names in byte order, each once and each followed by a
/// line feed.
pub fn exports_digest<N: AsRef<[u8]> + Ord>(names: impl IntoIterator<Item = N>) -> Digest {
    let mut hasher = Hasher::new();
    for name in names.into_iter().collect::<BTreeSet<_>>() {
        hasher.update(name.as_ref());
        hasher.update(b"\n");
    }
    hasher.finish()
}

/// What the key `key_id` signs, by the scheme `scheme_id`, to vouch for a statement:
/// `"sogov.sig.v1" 00 || scheme (1 byte) || key id (32) || length (64 bits, little-endian) || statement`.
pub fn signed_bytes(statement_der: &[u8], scheme_id: u8, key_id: &KeyId) -> Vec<u8> {
    Domain::Statement.signed_bytes(statement_der, scheme_id, key_id)
}

/// What the key `key_id` signs, by the scheme `scheme_id`, to vouch for a trust document: as [`signed_bytes`],
/// but led by `"sogov.trust.v1" 00`.
pub fn trust_signed_bytes(document: &[u8], scheme_id: u8, key_id: &KeyId) -> Vec<u8> {
    Domain::TrustDocument.signed_bytes(document, scheme_id, key_id)
}

/// What the key `key_id` signs, by the scheme `scheme_id`, to vouch for an update package: as [`signed_bytes`] with its
/// manifest, but led by `"sogov.pkg.v1" 00`.
pub fn package_signed_bytes(manifest_der: &[u8], scheme_id: u8, key_id: &KeyId) -> Vec<u8> {
    Domain::Package.signed_bytes(manifest_der, scheme_id, key_id)
}

/// What leads the bytes that a host's own key codes in the receipt of an installed package.
pub const RECEIPT_TAG: &[u8] = b"sogov.receipt.v1\0";

/// Whether `message` could be taken for what vouches for something here. A key must not sign such a message because somebody
/// asks it to.
pub fn is_signed_bytes(message: &[u8]) -> bool {
    Domain::ALL.iter().any(|domain| message.starts_with(domain.tag())) || message.starts_with(RECEIPT_TAG)
}

/// What kind of thing a signature is for: a signature of one domain is worth nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The statement of a plugin file.
    Statement,
    /// The trust document, `trust.json`.
    TrustDocument,
    /// An update package, by its manifest.
    Package,
    /// A snapshot of advisories, `advisories.json`.
    Advisories,
    /// The deny-list, `denylist.json`.
    Denylist,
    /// A set of root keys, `roots/<number>.json`.
    Roots,
}

impl Domain {
    const ALL: [Self; 6] =
        [Self::Statement, Self::TrustDocument, Self::Package, Self::Advisories, Self::Denylist, Self::Roots];

    /// What the key `key_id` signs, by the scheme `scheme_id`, to vouch for `content`:
    /// `tag || scheme (1 byte) || key id (32) || length (64 bits, little-endian) || content`.
    pub fn signed_bytes(self, content: &[u8], scheme_id: u8, key_id: &KeyId) -> Vec<u8> {
        let len = (content.len() as u64).to_le_bytes();
        [self.tag(), &[scheme_id], key_id.as_bytes(), &len, content].concat()
    }

    fn tag(self) -> &'static [u8] {
        match self {
            Self::Statement => b"sogov.sig.v1\0",
            Self::TrustDocument => b"sogov.trust.v1\0",
            Self::Package => b"sogov.pkg.v1\0",
            Self::Advisories => b"sogov.advisories.v1\0",
            Self::Denylist => b"sogov.denylist.v1\0",
            Self::Roots => b"sogov.roots.v1\0",
        }
    }
}

pub(super) fn broken_list(field: &str, names: &[&str]) -> Option<String> {
    let mut seen = BTreeSet::new();
    if names.len() > MAX_LIST_LEN {
        return Some(format!("{field}: expected at most {MAX_LIST_LEN} entries, found {}", names.len()));
    }
    names.iter().find_map(|name| {
        let twice = || (!seen.insert(name)).then(|| format!("{field}: {name} stands there twice"));
        broken_name(field, name).or_else(twice)
    })
}

pub(super) fn broken_name(field: &str, text: &str) -> Option<String> {
    if text.is_empty() { Some(format!("{field}: empty")) } else { broken_text(field, text) }
}

/// Control characters are refused because these texts go into logs, listings and file names.
pub(super) fn broken_text(field: &str, text: &str) -> Option<String> {
    if text.len() > MAX_TEXT_LEN {
        return Some(format!("{field}: expected at most {MAX_TEXT_LEN} bytes, found {}", text.len()));
    }
    let control = text.chars().find(|c| c.is_control())?;
    Some(format!("{field}: control character U+{:04X}", u32::from(control)))
}

fn too_long(status: Status, len: usize) -> Error {
    Error::new(status, format!("statement: expected at most {MAX_STATEMENT_LEN} bytes, found {len}"))
}

#[cfg(test)]
mod tests;
