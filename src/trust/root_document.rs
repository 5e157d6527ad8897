//! The documents of a trust directory that root keys sign: each has its file, its signature file, and a domain of its own, so
//! that a signature over one is worth nothing for the other.

use super::directory::Roots;
use crate::artifact::sigmeta::{Sigmeta, SignatureEntry};
use crate::artifact::statement;
use crate::crypto::key::PublicKey;
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::Schemes;
use crate::crypto::sm2::UserId;
use crate::error::{Error, Result, Status};
use std::collections::HashMap;
use std::path::Path;

/// A document that root keys sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootDocument {
    /// `trust.json`.
    Trust,
    /// `advisories.json`.
    Advisories,
}

impl RootDocument {
    /// The name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Trust => "trust.json",
            Self::Advisories => "advisories.json",
        }
    }

    /// The name of its signature file.
    pub fn signature_name(self) -> &'static str {
        match self {
            Self::Trust => "trust.json.sogsig",
            Self::Advisories => "advisories.json.sogsig",
        }
    }

    /// What the key `key_id` signs, by the scheme `scheme_id`.
    pub fn signed_bytes(self, document: &[u8], scheme_id: u8, key_id: &KeyId) -> Vec<u8> {
        match self {
            Self::Trust => statement::trust_signed_bytes(document, scheme_id, key_id),
            Self::Advisories => statement::advisories_signed_bytes(document, scheme_id, key_id),
        }
    }

    /// Whether `entry` is the signature of `key` over such a document. Registered schemes sign none: the trust document is what
    /// says whether any of them counts.
    pub fn signed_by(self, key: &PublicKey, document: &[u8], entry: &SignatureEntry) -> bool {
        let signed = self.signed_bytes(document, entry.scheme, &entry.key_id);
        key.scheme().id() == Some(entry.scheme)
            && key.verify(no_schemes(), &UserId::default(), &signed, &entry.signature).is_ok()
    }

    /// [`Status::TrustInvalid`] unless the signature file at `path` has a good signature by one of the `roots`, whose public
    /// key is one of `keys`.
    pub(super) fn check(
        self,
        roots: &Roots,
        document: &[u8],
        signature: &[u8],
        keys: &HashMap<KeyId, PublicKey>,
        path: &Path,
    ) -> Result<()> {
        let name = self.file_name();
        let sigmeta = Sigmeta::from_der(signature)
            .map_err(|e| Error::new(Status::TrustInvalid, e.message()).of(path.display()))?;
        let signed_by_root = sigmeta.signatures.iter().any(|entry| {
            roots.ids().contains(&entry.key_id)
                && keys.get(&entry.key_id).is_some_and(|key| self.signed_by(key, document, entry))
        });
        if signed_by_root {
            return Ok(());
        }
        if let Some(entry) = sigmeta.signatures.iter().find(|entry| roots.ids().contains(&entry.key_id))
            && keys.contains_key(&entry.key_id)
        {
            return Err(Error::new(
                Status::TrustInvalid,
                format!(
                    "{}: the signature of root key {} does not belong to this {name}: expected a document that was \
                     signed after its last change",
                    path.display(),
                    entry.key_id
                ),
            ));
        }
        let expected: Vec<String> = roots.ids().iter().map(ToString::to_string).collect();
        let found: Vec<String> = sigmeta.signatures.iter().map(|entry| entry.key_id.to_string()).collect();
        Err(Error::new(
            Status::TrustInvalid,
            format!(
                "{}: expected a valid signature over {name} by a root key ({}) whose public key is in keys/, found \
                 signatures by ({})",
                path.display(),
                expected.join(", "),
                found.join(", ")
            ),
        ))
    }
}

pub(super) fn no_schemes() -> &'static Schemes {
    static NONE: Schemes = Schemes::new();
    &NONE
}
