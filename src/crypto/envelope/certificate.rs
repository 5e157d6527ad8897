//! Of a certificate (RFC 5280 §4.1): whom it names, and which key is in it. Its signature, its chain and its dates are not
//! looked at: who packs chooses the recipients by their files.
#![forbid(unsafe_code)]

use crate::crypto::asn1::{BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE};
use crate::crypto::der::Reader;
use crate::crypto::encoding::invalid as key_invalid;
use crate::error::Result;

/// The octets of id-ce-subjectKeyIdentifier (RFC 5280 §4.2.1.2).
const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
const BOOLEAN: u8 = 0x01;

/// What is read of a certificate.
pub(super) struct Certificate<'a> {
    /// `Name` and `INTEGER`, whole.
    pub(super) issuer: &'a [u8],
    pub(super) serial: &'a [u8],
    /// SubjectPublicKeyInfo, whole.
    pub(super) spki: &'a [u8],
    pub(super) key_identifier: Option<&'a [u8]>,
}

pub(super) fn parse(der: &[u8]) -> Result<Certificate<'_>> {
    read(der).map_err(|e| key_invalid(format!("certificate: {}", e.message())))
}

fn read(der: &[u8]) -> Result<Certificate<'_>> {
    let mut outer = Reader::new(der);
    let mut whole = outer.sequence("the whole")?;
    outer.finish("the whole")?;
    let mut tbs = whole.sequence("tbsCertificate")?;
    whole.value(SEQUENCE, "signatureAlgorithm")?;
    whole.value(BIT_STRING, "signature")?;
    whole.finish("the whole")?;
    if tbs.peek() == Some(0xa0) {
        tbs.value(0xa0, "version")?;
    }
    let serial = tbs.element_of(INTEGER, "serialNumber")?;
    tbs.value(SEQUENCE, "signature")?;
    let issuer = tbs.element_of(SEQUENCE, "issuer")?;
    tbs.value(SEQUENCE, "validity")?;
    tbs.value(SEQUENCE, "subject")?;
    let spki = tbs.element_of(SEQUENCE, "subjectPublicKeyInfo")?;
    let mut key_identifier = None;
    while let Some(tag) = tbs.peek() {
        if tag == 0xa3 {
            key_identifier = identifier(tbs.nested(tag, "extensions")?)?;
        } else {
            tbs.element("a field")?;
        }
    }
    Ok(Certificate { issuer, serial, spki, key_identifier })
}

fn identifier(mut explicit: Reader<'_>) -> Result<Option<&[u8]>> {
    let mut found = None;
    explicit.list("extensions", |extensions| {
        let mut extension = extensions.sequence("extension")?;
        let name = extension.value(OID, "extension")?;
        if extension.peek() == Some(BOOLEAN) {
            extension.value(BOOLEAN, "critical")?;
        }
        let value = extension.value(OCTET_STRING, "extension")?;
        if name == SUBJECT_KEY_IDENTIFIER {
            found = Some(Reader::new(value).octets("subjectKeyIdentifier")?);
        }
        Ok(())
    })?;
    Ok(found)
}
