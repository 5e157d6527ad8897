//! Algorithm identifiers as they stand in envelopes: whole DER, since each has one accepted form or two.
#![forbid(unsafe_code)]

use super::Profile;
use crate::crypto::asn1::{OID, SEQUENCE, tlv};
use der::asn1::ObjectIdentifier;

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// id-ct-authEnvelopedData (RFC 5083 §2).
pub(super) const AUTH_ENVELOPED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.9.16.1.23");
/// id-data (RFC 5652 §4).
const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
/// data (GB/T 35275-2017 §6).
const GM_DATA: ObjectIdentifier = oid("1.2.156.10197.6.1.4.2.1");
/// id-aes256-GCM (RFC 5084 §3.2).
const AES_256_GCM: ObjectIdentifier = oid("2.16.840.1.101.3.4.1.46");
/// SM4-GCM (GM/T 0006).
const SM4_GCM: ObjectIdentifier = oid("1.2.156.10197.1.104.8");
/// id-RSAES-OAEP (RFC 4055 §4.1).
const RSAES_OAEP: ObjectIdentifier = oid("1.2.840.113549.1.1.7");
/// id-mgf1 (RFC 4055 §2.2).
const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
/// id-sha256 (RFC 4055 §2.1).
const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
/// SM2 public key encryption (GM/T 0006).
const SM2_ENCRYPTION: ObjectIdentifier = oid("1.2.156.10197.1.301.3");

const NULL: &[u8] = &[5, 0];

impl Profile {
    pub(super) const ALL: [Self; 2] = [Self::International, Self::Gm];

    pub(super) fn content_type(self) -> ObjectIdentifier {
        match self {
            Self::International => DATA,
            Self::Gm => GM_DATA,
        }
    }

    pub(super) fn content_encryption(self) -> ObjectIdentifier {
        match self {
            Self::International => AES_256_GCM,
            Self::Gm => SM4_GCM,
        }
    }

    /// The key encryption algorithm in the encodings that are accepted, the one that is written first: digests without
    /// parameters and with NULL are the same (RFC 4055 §2.1).
    pub(super) fn key_encryption(self) -> Vec<Vec<u8>> {
        match self {
            Self::International => {
                let both = [NULL, &[]];
                both.iter().flat_map(|hash| both.iter().map(|mgf| oaep(hash, mgf))).collect()
            }
            Self::Gm => vec![algorithm(SM2_ENCRYPTION, &[]), algorithm(SM2_ENCRYPTION, NULL)],
        }
    }

    /// What people call the key encryption.
    pub(super) fn key_encryption_name(self) -> &'static str {
        match self {
            Self::International => "RSAES-OAEP with SHA-256, MGF1-SHA-256 and an empty label",
            Self::Gm => "SM2 encryption",
        }
    }
}

/// `RSAES-OAEP-params ::= SEQUENCE { hashFunc [0], maskGenFunc [1], pSourceFunc [2] DEFAULT pSpecifiedEmpty }` (RFC 4055
/// §4.1); the digests have these parameters.
fn oaep(hash_parameters: &[u8], mgf_parameters: &[u8]) -> Vec<u8> {
    let hash = tlv(0xa0, &[&algorithm(SHA_256, hash_parameters)]);
    let mask = tlv(0xa1, &[&algorithm(MGF1, &algorithm(SHA_256, mgf_parameters))]);
    algorithm(RSAES_OAEP, &tlv(SEQUENCE, &[&hash, &mask]))
}

/// `AlgorithmIdentifier`.
pub(super) fn algorithm(oid: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(OID, &[oid.as_bytes()]), parameters]).to_vec()
}
