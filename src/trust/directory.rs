//! The trust directory: reads the document, checks it against the root keys, and gathers the public keys.

use super::advisories::{self, Advisories};
use super::document::{MAX_LEN, TrustDocument};
use super::root_document::{RootDocument, no_schemes};
use crate::crypto::key::PublicKey;
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::{Scheme, Schemes};
use crate::crypto::sm2::{Claim, PreparedKeys, Signature, UserId};
use crate::error::{Error, Result, Status};
use crate::sys::directory::Directory;
use crate::timestamp::UnixSeconds;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const KEYS: &str = "keys";
const MAX_KEY_FILES: usize = 10_000;
const MAX_KEY_LEN: u64 = 64 << 10;
const MAX_SIGNATURE_LEN: u64 = 64 << 10;

/// The keys that must have signed the trust document, by id.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    ids: Vec<KeyId>,
}

impl Roots {
    /// The document must carry a signature of at least one of `ids`; none at all is the development mode, in which it
    /// needs no signature.
    pub fn new(ids: Vec<KeyId>) -> Self {
        Self { ids }
    }

    /// Whether the document is taken without a signature.
    pub fn is_development(&self) -> bool {
        self.ids.is_empty()
    }

    pub(super) fn ids(&self) -> &[KeyId] {
        &self.ids
    }
}

/// Answers the prepared keys of the process that asks: a forked child begins anew.
pub type PreparedOfProcess = fn() -> &'static PreparedKeys;

/// Answers the schemes that the host registered.
pub type SchemesOfProcess = fn() -> &'static Schemes;

/// Where trust comes from. Opening reads nothing; [`read`](Self::read) takes a consistent look.
#[derive(Debug)]
pub struct TrustDirectory {
    path: PathBuf,
    roots: Roots,
    prepared: PreparedOfProcess,
    schemes: SchemesOfProcess,
    /// The highest epoch of a document that was accepted: an older one that is put back is refused.
    accepted: AtomicU64,
    /// The highest number of a snapshot of advisories that was accepted, likewise.
    accepted_advisories: AtomicU64,
}

/// The trust document as it stood at one moment, its signature checked, with the keys it names.
#[derive(Debug)]
pub struct TrustSnapshot {
    /// The document.
    pub document: TrustDocument,
    keys: HashMap<KeyId, PublicKey>,
    prepared: PreparedOfProcess,
    schemes: SchemesOfProcess,
}

impl TrustDirectory {
    /// The directory at `path`, whose document the `roots` must have signed. Keys that sign often are verified by the
    /// tables of `prepared`.
    pub fn new(path: PathBuf, roots: Roots, prepared: PreparedOfProcess) -> Self {
        Self {
            path,
            roots,
            prepared,
            schemes: no_schemes,
            accepted: AtomicU64::new(0),
            accepted_advisories: AtomicU64::new(0),
        }
    }

    /// The same, where keys of registered schemes count that the trust document names. Without it none does.
    #[must_use]
    pub fn with_schemes(self, schemes: SchemesOfProcess) -> Self {
        Self { schemes, ..self }
    }

    /// Reads document, signature and keys. Refused with [`Status::TrustInvalid`] where any of it can be written by
    /// others, is malformed or is not signed by the roots, with [`Status::Expired`] after the document's
    /// end, and with [`Status::BelowFloor`] when a later document was accepted before.
    pub fn read(&self, now: UnixSeconds) -> Result<TrustSnapshot> {
        let directory = Directory::open(&self.path, Status::TrustInvalid)?;
        let keys = read_keys(&Directory::open(&self.path.join(KEYS), Status::TrustInvalid)?)?;
        let bytes = self.read_signed(&directory, RootDocument::Trust, &keys)?;
        let path = self.path.join(RootDocument::Trust.file_name());
        let document = TrustDocument::parse(&bytes).map_err(|e| e.of(path.display()))?;
        if let Some(end) = document.not_after.filter(|end| now > *end) {
            return Err(Error::new(
                Status::Expired,
                format!(
                    "{}: expected a document in force, found one that ended at {}",
                    path.display(),
                    crate::timestamp::format(end)
                ),
            ));
        }
        let accepted = self.accepted.fetch_max(document.epoch, Ordering::Relaxed);
        if document.epoch < accepted {
            return Err(Error::new(
                Status::BelowFloor,
                format!(
                    "{}: expected an epoch of at least {accepted}, found {}",
                    path.display(),
                    document.epoch
                ),
            ));
        }
        Ok(TrustSnapshot { document, keys, prepared: self.prepared, schemes: self.schemes })
    }

    /// The directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the document is taken without a signature.
    pub fn is_development(&self) -> bool {
        self.roots.is_development()
    }

    /// The newest snapshot of advisories, which is not older than `max_age` seconds. Refused as [`read`](Self::read) refuses:
    /// with [`Status::TrustInvalid`] where it is missing, malformed or not signed by the roots, with [`Status::Expired`]
    /// where it is too old, with [`Status::NotYetValid`] where its date is to come, and with [`Status::BelowFloor`] when a
    /// later one was accepted before.
    pub(super) fn read_advisories(
        &self,
        trust: &TrustSnapshot,
        now: UnixSeconds,
        max_age: u64,
    ) -> Result<Advisories> {
        let directory = Directory::open(&self.path, Status::TrustInvalid)?;
        let bytes = self.read_signed(&directory, RootDocument::Advisories, &trust.keys)?;
        let path = self.path.join(RootDocument::Advisories.file_name());
        let advisories = Advisories::parse(&bytes).map_err(|e| e.of(path.display()))?;
        advisories.check_age(now, max_age).map_err(|e| e.of(path.display()))?;
        let number = advisories.number();
        let accepted = self.accepted_advisories.fetch_max(number, Ordering::Relaxed);
        if number < accepted {
            return Err(Error::new(
                Status::BelowFloor,
                format!("{}: expected a number of at least {accepted}, found {number}", path.display()),
            ));
        }
        Ok(advisories)
    }

    /// The bytes of a document, its signature checked unless this is the development mode.
    fn read_signed(
        &self,
        directory: &Directory,
        document: RootDocument,
        keys: &HashMap<KeyId, PublicKey>,
    ) -> Result<Vec<u8>> {
        let missing = |e: Error| match e.status() {
            Status::NotFound => Error::new(Status::TrustInvalid, e.message()),
            _ => e,
        };
        let bytes = match document {
            RootDocument::Trust => {
                directory.read(document.file_name(), MAX_LEN as u64, Status::TrustInvalid)?
            }
            RootDocument::Advisories => directory
                .read(document.file_name(), advisories::MAX_LEN as u64, Status::TrustInvalid)
                .map_err(missing)?,
        };
        if !self.roots.is_development() {
            let name = document.signature_name();
            let signature = directory.read(name, MAX_SIGNATURE_LEN, Status::TrustInvalid).map_err(missing)?;
            document.check(&self.roots, &bytes, &signature, keys, &self.path.join(name))?;
        }
        Ok(bytes)
    }
}

impl TrustSnapshot {
    /// The public key `id`, if its file is in the directory.
    pub fn public_key(&self, id: &KeyId) -> Option<&PublicKey> {
        self.keys.get(id)
    }

    /// The number of a scheme in signed bytes; `None` for a registered one that this process does not know.
    pub(super) fn number(&self, scheme: Scheme) -> Option<u8> {
        match scheme {
            Scheme::Registered(name) => (self.schemes)().number(name),
            built_in => built_in.id(),
        }
    }

    /// Whether `signature` is `key`'s over `message`, by the tables of prepared keys where there are such.
    pub(super) fn verifies(
        &self,
        key: &PublicKey,
        user_id: &UserId,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        match key {
            PublicKey::Sm2(key) => Signature::from_bytes(signature).is_ok_and(|signature| {
                (self.prepared)().verify(&Claim { key, user_id, message, signature: &signature })
            }),
            other => other.verify((self.schemes)(), user_id, message, signature).is_ok(),
        }
    }
}

/// Every `*.pem` and `*.der` in the directory, by the identifier that its content gives it; file names mean nothing.
fn read_keys(directory: &Directory) -> Result<HashMap<KeyId, PublicKey>> {
    let mut keys = HashMap::new();
    for name in directory.names(MAX_KEY_FILES)? {
        if !Path::new(&name).extension().is_some_and(|ending| ending == "pem" || ending == "der") {
            continue;
        }
        let bytes = directory.read(&name, MAX_KEY_LEN, Status::TrustInvalid)?;
        let key = PublicKey::from_encoded(&bytes).map_err(|e| {
            Error::new(Status::TrustInvalid, e.message()).of(directory.path().join(&name).display())
        })?;
        keys.insert(key.key_id(), key);
    }
    Ok(keys)
}
