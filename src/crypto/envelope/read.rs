//! Reading the one form: strict DER with definite lengths, nothing left over, nothing skipped.
#![forbid(unsafe_code)]

use super::names::AUTH_ENVELOPED_DATA;
use super::recipient::RecipientId;
use super::{MAX_RECIPIENTS, NONCE_LEN, Profile, TAG_LEN, invalid};
use crate::crypto::asn1::{INTEGER, OCTET_STRING, OID, SEQUENCE, SET};
use crate::crypto::der::Reader;
use crate::error::{Error, Result};
use der::asn1::ObjectIdentifier;

/// The longest name of an issuer.
const MAX_NAME_LEN: usize = 4096;

/// An envelope of the right form; nothing of it is verified.
pub(super) struct Envelope<'a> {
    pub(super) profile: Profile,
    pub(super) recipients: Vec<KeyTransport<'a>>,
    pub(super) nonce: [u8; NONCE_LEN],
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: [u8; TAG_LEN],
}

/// The content's key, encrypted for one recipient.
pub(super) struct KeyTransport<'a> {
    pub(super) id: RecipientId,
    algorithm: &'a [u8],
    pub(super) encrypted_key: &'a [u8],
}

pub(super) fn envelope(der: &[u8]) -> Result<Envelope<'_>> {
    let mut outer = Reader::new(der);
    let mut info = outer.sequence("ContentInfo").map_err(malformed)?;
    outer.finish("ContentInfo").map_err(malformed)?;
    let content_type = oid(&mut info, "contentType")?;
    if content_type != AUTH_ENVELOPED_DATA {
        return Err(invalid(format!(
            "expected AuthEnvelopedData ({AUTH_ENVELOPED_DATA}), found the content type {content_type}"
        )));
    }
    let mut explicit = info.nested(0xa0, "content").map_err(malformed)?;
    info.finish("ContentInfo").map_err(malformed)?;
    let data = explicit.sequence("AuthEnvelopedData").map_err(malformed)?;
    explicit.finish("content").map_err(malformed)?;
    read(data).map_err(malformed)
}

fn read(mut data: Reader<'_>) -> Result<Envelope<'_>> {
    expect("version", 0, data.integer("version")?)?;
    if data.peek() == Some(0xa0) {
        return Err(invalid("originatorInfo is refused"));
    }
    let recipients = recipients(data.nested(SET, "recipientInfos")?)?;
    let mut content = data.sequence("authEncryptedContentInfo")?;
    let content_type = oid(&mut content, "contentType of the content")?;
    let profile = Profile::ALL.into_iter().find(|profile| profile.content_type() == content_type);
    let profile =
        profile.ok_or_else(|| invalid(format!("expected the content type data, found {content_type}")))?;
    let nonce = parameters(profile, &mut content)?;
    // A constructed one ([0] with the bit 0x20) is BER.
    let ciphertext = content.value(0x80, "encryptedContent")?;
    content.finish("authEncryptedContentInfo")?;
    if data.peek() == Some(0xa1) {
        return Err(invalid("authAttrs are refused: what they could bind stands in the signed manifest"));
    }
    let tag = data.octets("mac")?;
    let tag =
        tag.try_into().map_err(|_| invalid(format!("mac: expected {TAG_LEN} bytes, found {}", tag.len())))?;
    if data.peek() == Some(0xa2) {
        return Err(invalid("unauthAttrs are refused"));
    }
    data.finish("AuthEnvelopedData")?;
    let accepted = profile.key_encryption();
    if !recipients.iter().all(|info| accepted.iter().any(|accepted| accepted == info.algorithm)) {
        let expected = profile.key_encryption_name();
        return Err(invalid(format!("keyEncryptionAlgorithm: expected {expected}, found another")));
    }
    Ok(Envelope { profile, recipients, nonce, ciphertext, tag })
}

/// Recipients in the order of DER, none twice.
fn recipients(mut set: Reader<'_>) -> Result<Vec<KeyTransport<'_>>> {
    let mut found = Vec::new();
    let mut before: &[u8] = &[];
    while set.peek().is_some() {
        if found.len() == MAX_RECIPIENTS {
            return Err(invalid(format!("expected at most {MAX_RECIPIENTS} recipients, found more")));
        }
        if set.peek() != Some(SEQUENCE) {
            return Err(invalid("expected recipients by key transport, found another kind"));
        }
        let element = set.element("recipientInfo")?;
        if element <= before {
            return Err(invalid("recipientInfos: not in the order of DER"));
        }
        before = element;
        found.push(key_transport(element)?);
    }
    if found.is_empty() {
        return Err(invalid("it has no recipient"));
    }
    Ok(found)
}

fn key_transport(element: &[u8]) -> Result<KeyTransport<'_>> {
    let mut info = Reader::new(element).sequence("recipientInfo")?;
    let version: u64 = info.integer("version of a recipient")?;
    let id = if info.peek() == Some(0x80) {
        expect("version of a recipient by key", 2, version)?;
        let identifier = info.value(0x80, "subjectKeyIdentifier")?;
        RecipientId::Key(capped("subjectKeyIdentifier", identifier)?)
    } else {
        expect("version of a recipient by certificate", 0, version)?;
        let mut name = info.sequence("issuerAndSerialNumber")?;
        let issuer = capped("issuer", name.element_of(SEQUENCE, "issuer")?)?;
        let serial = capped("serialNumber", name.element_of(INTEGER, "serialNumber")?)?;
        name.finish("issuerAndSerialNumber")?;
        RecipientId::Certificate { issuer, serial }
    };
    let algorithm = info.element_of(SEQUENCE, "keyEncryptionAlgorithm")?;
    let encrypted_key = info.value(OCTET_STRING, "encryptedKey")?;
    info.finish("recipientInfo")?;
    Ok(KeyTransport { id, algorithm, encrypted_key })
}

/// `GCMParameters` (RFC 5084 §3.2). A tag length that is left out means 12 bytes, which are too few.
fn parameters(profile: Profile, content: &mut Reader<'_>) -> Result<[u8; NONCE_LEN]> {
    let mut algorithm = content.sequence("contentEncryptionAlgorithm")?;
    let (expected, found) =
        (profile.content_encryption(), oid(&mut algorithm, "contentEncryptionAlgorithm")?);
    if found != expected {
        return Err(invalid(format!("contentEncryptionAlgorithm: expected {expected}, found {found}")));
    }
    let mut parameters = algorithm.sequence("GCMParameters")?;
    algorithm.finish("contentEncryptionAlgorithm")?;
    let nonce = parameters.octets("nonce")?;
    let nonce = nonce
        .try_into()
        .map_err(|_| invalid(format!("nonce: expected {NONCE_LEN} bytes, found {}", nonce.len())))?;
    if parameters.peek().is_none() {
        return Err(invalid("ICVlen: expected 16, found the default, which is 12"));
    }
    expect("ICVlen", TAG_LEN as u64, parameters.integer("ICVlen")?)?;
    parameters.finish("GCMParameters")?;
    Ok(nonce)
}

fn oid(reader: &mut Reader<'_>, field: &str) -> Result<ObjectIdentifier> {
    let bytes = reader.value(OID, field).map_err(malformed)?;
    ObjectIdentifier::from_bytes(bytes).map_err(|_| invalid(format!("{field}: not an object identifier")))
}

fn capped(field: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    if bytes.len() > MAX_NAME_LEN {
        return Err(invalid(format!(
            "{field}: expected at most {MAX_NAME_LEN} bytes, found {}",
            bytes.len()
        )));
    }
    Ok(bytes.to_vec())
}

fn expect(field: &str, expected: u64, found: u64) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(invalid(format!("{field}: expected {expected}, found {found}")))
    }
}

/// The reader's errors become those of packages; those that are already stay.
fn malformed(error: Error) -> Error {
    if error.status() == crate::error::Status::PackageInvalid { error } else { invalid(error.message()) }
}
