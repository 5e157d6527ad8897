//! The trust directory: reads the document, checks it against the root keys, and gathers the public keys.

use super::document::{MAX_LEN, TrustDocument};
use crate::artifact::sigmeta::{Sigmeta, SignatureEntry};
use crate::artifact::statement;
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

const DOCUMENT: &str = "trust.json";
const SIGNATURE: &str = "trust.json.sogsig";
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
        Self { path, roots, prepared, schemes: no_schemes, accepted: AtomicU64::new(0) }
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
        let bytes = directory.read(DOCUMENT, MAX_LEN as u64, Status::TrustInvalid)?;
        let keys = read_keys(&Directory::open(&self.path.join(KEYS), Status::TrustInvalid)?)?;
        if !self.roots.is_development() {
            let signature =
                directory.read(SIGNATURE, MAX_SIGNATURE_LEN, Status::TrustInvalid).map_err(|e| {
                    if e.status() == Status::NotFound {
                        Error::new(Status::TrustInvalid, e.message())
                    } else {
                        e
                    }
                })?;
            self.check_signature(&bytes, &signature, &keys)?;
        }
        let document = TrustDocument::parse(&bytes).map_err(|e| e.of(self.path.join(DOCUMENT).display()))?;
        if let Some(end) = document.not_after.filter(|end| now > *end) {
            return Err(Error::new(
                Status::Expired,
                format!(
                    "{}: expected a document in force, found one that ended at {}",
                    self.path.join(DOCUMENT).display(),
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
                    self.path.join(DOCUMENT).display(),
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

    fn check_signature(
        &self,
        document: &[u8],
        signature: &[u8],
        keys: &HashMap<KeyId, PublicKey>,
    ) -> Result<()> {
        let path = self.path.join(SIGNATURE);
        let sigmeta = Sigmeta::from_der(signature)
            .map_err(|e| Error::new(Status::TrustInvalid, e.message()).of(path.display()))?;
        let signed_by_root = sigmeta.signatures.iter().any(|entry| {
            self.roots.ids.contains(&entry.key_id)
                && keys.get(&entry.key_id).is_some_and(|key| document_signed_by(key, document, entry))
        });
        if signed_by_root {
            return Ok(());
        }
        if let Some(entry) = sigmeta.signatures.iter().find(|entry| self.roots.ids.contains(&entry.key_id))
            && keys.contains_key(&entry.key_id)
        {
            return Err(Error::new(
                Status::TrustInvalid,
                format!(
                    "{}: the signature of root key {} does not belong to this {DOCUMENT}: expected a document that was \
                     signed after its last change",
                    path.display(),
                    entry.key_id
                ),
            ));
        }
        let expected: Vec<String> = self.roots.ids.iter().map(ToString::to_string).collect();
        let found: Vec<String> = sigmeta.signatures.iter().map(|entry| entry.key_id.to_string()).collect();
        Err(Error::new(
            Status::TrustInvalid,
            format!(
                "{}: expected a valid signature over {DOCUMENT} by a root key ({}) whose public key is in {KEYS}/, \
                 found signatures by ({})",
                path.display(),
                expected.join(", "),
                found.join(", ")
            ),
        ))
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

/// Whether `entry` is the signature of `key` over a trust document. Registered schemes sign none: the document is what says
/// whether any of them counts.
pub fn document_signed_by(key: &PublicKey, document: &[u8], entry: &SignatureEntry) -> bool {
    let signed = statement::trust_signed_bytes(document, entry.scheme, &entry.key_id);
    key.scheme().id() == Some(entry.scheme)
        && key.verify(no_schemes(), &UserId::default(), &signed, &entry.signature).is_ok()
}

fn no_schemes() -> &'static Schemes {
    static NONE: Schemes = Schemes::new();
    &NONE
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
