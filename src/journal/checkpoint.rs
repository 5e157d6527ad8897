//! Checkpoints: records that are signed, each for itself and, by the chain, for everything before.
#![forbid(unsafe_code)]

use super::record::{Detail, Record};
use crate::crypto::key::{PublicKey, Signer};
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::Schemes;
use crate::crypto::sm2::UserId;
use crate::error::{Error, Result, Status};
use std::fmt;

/// In front of what is signed: a signature of another kind is worth nothing here, and the other way round.
const TAG: &[u8] = b"sogov.audit.v1\0";

/// Signs checkpoints. Anything that signs plugins can.
pub trait CheckpointSigner: fmt::Debug + Send + Sync {
    /// The identifier of the key.
    fn key_id(&self) -> KeyId;

    /// The number of its scheme.
    fn scheme_number(&self) -> Result<u8>;

    /// The signature over `bytes` in the scheme's form; for SM2 under the default user id.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>>;
}

impl<S: Signer + Send> CheckpointSigner for S {
    fn key_id(&self) -> KeyId {
        self.public_key().key_id()
    }

    fn scheme_number(&self) -> Result<u8> {
        Signer::scheme_number(self)
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        Signer::sign(self, &UserId::default(), bytes)
    }
}

/// What the signature of a checkpoint is made over: a tag, the scheme's number, the key's identifier, and the record's
/// line up to its signature.
pub fn signed_bytes(record: &Record, key: &KeyId, scheme: u8) -> Vec<u8> {
    [TAG, &[scheme], key.as_bytes(), record.body().as_bytes()].concat()
}

/// Whether `message` could be taken for what a checkpoint signs. A key must not sign such a message because somebody asks
/// it to.
pub fn is_signed_bytes(message: &[u8]) -> bool {
    message.starts_with(TAG)
}

/// Signs the record, whose key and number of scheme are the signer's.
pub(super) fn sign(record: &mut Record, signer: &dyn CheckpointSigner) -> Result<()> {
    let (id, number) = (signer.key_id(), signer.scheme_number()?);
    record.entry.detail = Detail::Signature { key: id, scheme: number, signature: Vec::new() };
    let made = signer.sign(&signed_bytes(record, &id, number))?;
    record.entry.detail = Detail::Signature { key: id, scheme: number, signature: made };
    Ok(())
}

/// Refuses a checkpoint that none of `keys` has signed.
pub(super) fn check(record: &Record, keys: &[PublicKey], schemes: &Schemes) -> Result<()> {
    let broken = |message: String| Error::new(Status::AuditBroken, message);
    let Detail::Signature { key: id, scheme, signature } = &record.entry.detail else { return Ok(()) };
    let Some(key) = keys.iter().find(|key| key.key_id() == *id) else {
        return Err(broken(format!("key: expected one of the keys that were given, found {id}")));
    };
    if let Some(own) = key.scheme().id()
        && own != *scheme
    {
        return Err(broken(format!("scheme: expected {own}, that of the key, found {scheme}")));
    }
    key.verify(schemes, &UserId::default(), &signed_bytes(record, id, *scheme), signature)
        .map_err(|e| broken(format!("signature: expected that of {id}: {e}")))
}
