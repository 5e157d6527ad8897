//! Documents of trust and their detached signatures: who has signed what.
#![forbid(unsafe_code)]

use super::roots::Roots;
use crate::artifact::sigmeta::{Sigmeta, SignatureEntry};
use crate::artifact::statement::Domain;
use crate::crypto::key::PublicKey;
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::Schemes;
use crate::crypto::sm2::UserId;
use crate::error::{Error, Result, Status};
use std::collections::HashMap;

/// The public keys of the trust directory.
pub(super) type Keys = HashMap<KeyId, PublicKey>;

/// A document with the file of its signatures.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// Its path in the trust directory.
    pub(super) name: String,
    pub(super) domain: Domain,
    pub(super) bytes: Vec<u8>,
    pub(super) signature: Option<Vec<u8>>,
}

impl Signed {
    /// [`Status::TrustInvalid`] unless as many of `ids` have signed as `threshold` says; `who` they are is for the message.
    pub(super) fn check(&self, who: &str, ids: &[KeyId], threshold: usize, keys: &Keys) -> Result<()> {
        let refuse = |what: String| Err(Error::new(Status::TrustInvalid, format!("{}: {what}", self.name)));
        let Some(signature) = &self.signature else {
            return refuse(format!("expected signatures in {}.sogsig, found no such file", self.name));
        };
        let container = Sigmeta::from_der(signature)
            .map_err(|e| Error::new(Status::TrustInvalid, e.message()).of(format!("{}.sogsig", self.name)))?;
        let is_named = |entry: &&SignatureEntry| ids.contains(&entry.key_id);
        let is_good = |entry: &&SignatureEntry| {
            keys.get(&entry.key_id).is_some_and(|key| signed_by(key, self.domain, &self.bytes, entry))
        };
        // The container has no key id twice, and a key has one id: these are different keys.
        let count = container.signatures.iter().filter(is_named).filter(is_good).count();
        if count >= threshold.max(1) {
            return Ok(());
        }
        if let Some(stale) = container
            .signatures
            .iter()
            .filter(is_named)
            .find(|entry| keys.contains_key(&entry.key_id) && !is_good(entry))
        {
            return refuse(format!(
                "the signature of {who} {} does not belong to this {}: expected a document that was signed after its \
                 last change",
                stale.key_id,
                self.file_name()
            ));
        }
        let list = |ids: &mut dyn Iterator<Item = &KeyId>| {
            ids.map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        refuse(format!(
            "expected {} valid signatures, each by {who} ({}) whose public key is in keys/, found {count} in \
             {}.sogsig, which has signatures by ({})",
            threshold.max(1),
            list(&mut ids.iter()),
            self.name,
            list(&mut container.signatures.iter().map(|entry| &entry.key_id))
        ))
    }

    fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// The same, for a set of root keys.
    pub(super) fn check_roots(&self, roots: &Roots, keys: &Keys) -> Result<()> {
        self.check("a root key", roots.ids(), roots.threshold(), keys)
    }
}

/// Whether `entry` is the signature of `key` over a trust document. Registered schemes sign none: the document is what says
/// whether any of them counts.
pub fn document_signed_by(key: &PublicKey, document: &[u8], entry: &SignatureEntry) -> bool {
    signed_by(key, Domain::TrustDocument, document, entry)
}

/// The same, of a document of any kind.
pub fn signed_by(key: &PublicKey, domain: Domain, document: &[u8], entry: &SignatureEntry) -> bool {
    let signed = domain.signed_bytes(document, entry.scheme, &entry.key_id);
    key.scheme().id() == Some(entry.scheme)
        && key.verify(no_schemes(), &UserId::default(), &signed, &entry.signature).is_ok()
}

pub(super) fn no_schemes() -> &'static Schemes {
    static NONE: Schemes = Schemes::new();
    &NONE
}
