//! Writing the one form.
#![forbid(unsafe_code)]

use super::names::{AUTH_ENVELOPED_DATA, algorithm};
use super::recipient::RecipientId;
use super::{NONCE_LEN, Profile, Recipient, TAG_LEN};
use crate::crypto::asn1::{INTEGER, OCTET_STRING, OID, SEQUENCE, SET, tlv};
use crate::error::Result;

pub(super) fn envelope(
    profile: Profile,
    recipients: &[Recipient],
    key: &[u8],
    nonce: &[u8; NONCE_LEN],
    ciphertext: &[u8],
    tag: &[u8; TAG_LEN],
) -> Result<Vec<u8>> {
    let mut infos = recipients
        .iter()
        .map(|recipient| key_transport(profile, recipient, key))
        .collect::<Result<Vec<_>>>()?;
    // X.690 §11.6. No encoding is the beginning of another, so no padding comes into play.
    infos.sort_unstable();
    let infos: Vec<&[u8]> = infos.iter().map(Vec::as_slice).collect();
    let parameters = tlv(
        SEQUENCE,
        &[&tlv(OCTET_STRING, &[nonce]), &tlv(INTEGER, &[&[u8::try_from(TAG_LEN).unwrap_or(0)]])],
    );
    let content = tlv(
        SEQUENCE,
        &[
            &tlv(OID, &[profile.content_type().as_bytes()]),
            &algorithm(profile.content_encryption(), &parameters),
            &tlv(0x80, &[ciphertext]),
        ],
    );
    let version = tlv(INTEGER, &[&[0]]);
    let data = tlv(SEQUENCE, &[&version, &tlv(SET, &infos), &content, &tlv(OCTET_STRING, &[tag])]);
    drop(content);
    let whole = tlv(SEQUENCE, &[&tlv(OID, &[AUTH_ENVELOPED_DATA.as_bytes()]), &tlv(0xa0, &[&data])]);
    Ok(whole.to_vec())
}

fn key_transport(profile: Profile, recipient: &Recipient, key: &[u8]) -> Result<Vec<u8>> {
    let (version, id) = match &recipient.id {
        RecipientId::Certificate { issuer, serial } => (0, tlv(SEQUENCE, &[issuer, serial])),
        RecipientId::Key(identifier) => (2, tlv(0x80, &[identifier])),
    };
    let wrapped = recipient.wrap(key)?;
    let how = profile.key_encryption().into_iter().next().unwrap_or_default();
    Ok(tlv(SEQUENCE, &[&tlv(INTEGER, &[&[version]]), &id, &how, &tlv(OCTET_STRING, &[&wrapped])]).to_vec())
}
