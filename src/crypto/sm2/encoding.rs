//! Key files: which formats are read and written.
//!
//! | form | PEM label | source |
//! |---|---|---|
//! | PKCS#8 | `PRIVATE KEY` | RFC 5958 |
//! | PKCS#8, encrypted by PBES2 | `ENCRYPTED PRIVATE KEY` | RFC 5958, RFC 8018 |
//! | SEC 1 | `EC PRIVATE KEY`, `SM2 PRIVATE KEY` | RFC 5915 |
//! | SubjectPublicKeyInfo | `PUBLIC KEY` | RFC 5280, RFC 5480 |
//!
//! Each is read from PEM or from bare DER, which is told apart by its structure. Files are hostile
//! input: at most 64 KiB, DER with one reading, the named curve sm2p256v1 and no other, and a public
//! key that stands beside a private one has to be its own.
#![forbid(unsafe_code)]

mod algorithm;
mod pbes2;
mod pem;
mod pkcs8;
mod sec1;
mod spki;
#[cfg(test)]
mod tests;

use super::{PrivateKey, PublicKey};
use crate::error::{Error, Result, Status};
use algorithm::openssl_converts;
pub use pbes2::ITERATIONS as PBKDF2_ITERATIONS;
pub use spki::LEN as SPKI_LEN;
use std::fmt;
use zeroize::Zeroizing;

/// The most bytes in a key file; a key alone takes less than one KiB.
const MAX_FILE_LEN: usize = 64 << 10;

impl PrivateKey {
    /// Reads a private key: PKCS#8, encrypted PKCS#8 or SEC 1, in PEM or DER.
    ///
    /// `password` opens an encrypted key and is ignored for any other. PEM may have text and other blocks
    /// around the one private key. What cannot be read is [`Status::KeyInvalid`].
    pub fn from_encoded(file: &[u8], password: Option<&[u8]>) -> Result<Self> {
        let (form, der) = locate(file, Form::is_private, "a private key")?;
        match form {
            Form::EncryptedPkcs8 => {
                let password = password.ok_or_else(|| invalid("it is encrypted and needs a password"))?;
                let plain = pbes2::decrypt(&der, password)?;
                // The padding of a wrong password is right once in 256 times; this structure is not.
                if Form::of_der(&plain) != Form::Pkcs8 {
                    return Err(pbes2::wrong_password());
                }
                pkcs8::decode(&plain)
            }
            Form::Sec1 { of_sm2 } => sec1::decode(&der, of_sm2),
            _ => pkcs8::decode(&der),
        }
    }

    /// PKCS#8 (RFC 5958, version v1) around an RFC 5915 key with its public key: 138 bytes.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        pkcs8::encode(self)
    }

    /// PKCS#8 under the label `PRIVATE KEY`.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.to_pkcs8_der())
    }

    /// PKCS#8 under the label `ENCRYPTED PRIVATE KEY`: PBES2 with PBKDF2-HMAC-SHA256 of
    /// [`PBKDF2_ITERATIONS`] and AES-256-CBC.
    ///
    /// An empty password is [`Status::InvalidArgument`]; [`Status::Io`] if there is no randomness.
    pub fn to_pkcs8_encrypted_pem(&self, password: &[u8]) -> Result<Zeroizing<String>> {
        if password.is_empty() {
            return Err(Error::argument("password: expected at least 1 byte, found none"));
        }
        self.encrypted_pem(password, PBKDF2_ITERATIONS)
    }

    fn encrypted_pem(&self, password: &[u8], iterations: u32) -> Result<Zeroizing<String>> {
        let der = pbes2::encrypt(&self.to_pkcs8_der(), password, iterations)?;
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", &der))
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in PEM or DER, its point compressed or not.
    ///
    /// PEM may have text and other blocks around the one public key. What cannot be read, a private key
    /// among it, is [`Status::KeyInvalid`].
    pub fn from_encoded(file: &[u8]) -> Result<Self> {
        let (_, der) = locate(file, |form| form == Form::Spki, "a public key")?;
        spki::decode(&der)
    }

    /// SubjectPublicKeyInfo with id-ecPublicKey (1.2.840.10045.2.1), the curve 1.2.156.10197.1.301 and the
    /// uncompressed point.
    pub fn to_spki_der(&self) -> [u8; SPKI_LEN] {
        spki::encode(self)
    }

    /// SubjectPublicKeyInfo under the label `PUBLIC KEY`.
    pub fn to_spki_pem(&self) -> String {
        std::mem::take(&mut *pem::encode("PUBLIC KEY", &self.to_spki_der()))
    }
}

/// What a PEM block or a DER structure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Pkcs8,
    EncryptedPkcs8,
    /// `of_sm2`: the label says the curve, so the key need not.
    Sec1 {
        of_sm2: bool,
    },
    Spki,
    Certificate,
    Unknown,
}

impl Form {
    fn of_label(label: &str) -> Self {
        match label {
            "PRIVATE KEY" => Self::Pkcs8,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedPkcs8,
            "EC PRIVATE KEY" => Self::Sec1 { of_sm2: false },
            "SM2 PRIVATE KEY" => Self::Sec1 { of_sm2: true },
            "PUBLIC KEY" => Self::Spki,
            "CERTIFICATE" => Self::Certificate,
            _ => Self::Unknown,
        }
    }

    /// Tells the structures apart by the tags of their first members.
    fn of_der(der: &[u8]) -> Self {
        use der::{AnyRef, Decode, Reader, Tag};
        let tags = super::asn1::read_sequence(der, |body| {
            let tags = (AnyRef::decode(body)?.header().tag(), AnyRef::decode(body)?.header().tag());
            while !body.is_finished() {
                body.tlv_bytes()?;
            }
            Ok(tags)
        });
        match tags {
            Ok((Tag::Integer, Tag::Sequence)) => Self::Pkcs8,
            Ok((Tag::Integer, Tag::OctetString)) => Self::Sec1 { of_sm2: false },
            Ok((Tag::Sequence, Tag::OctetString)) => Self::EncryptedPkcs8,
            Ok((Tag::Sequence, Tag::BitString)) => Self::Spki,
            Ok((Tag::Sequence, Tag::Sequence)) => Self::Certificate,
            _ => Self::Unknown,
        }
    }

    fn is_private(self) -> bool {
        matches!(self, Self::Pkcs8 | Self::EncryptedPkcs8 | Self::Sec1 { .. })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs8 | Self::EncryptedPkcs8 | Self::Sec1 { .. } => "a private key",
            Self::Spki => "a public key",
            Self::Certificate => "a certificate",
            Self::Unknown => "neither PEM nor the DER of a key",
        })
    }
}

/// The DER of the only key in `file` that is `wanted`; `expected` names that for people.
fn locate(file: &[u8], wanted: impl Fn(Form) -> bool, expected: &str) -> Result<(Form, Zeroizing<Vec<u8>>)> {
    if file.len() > MAX_FILE_LEN {
        return Err(invalid(format!("expected at most {MAX_FILE_LEN} bytes, found {}", file.len())));
    }
    let blocks = pem::blocks(file)?;
    if blocks.is_empty() {
        let form = Form::of_der(file);
        let found = || invalid(format!("expected {expected}, found {form}"));
        return if wanted(form) { Ok((form, Zeroizing::new(file.to_vec()))) } else { Err(found()) };
    }
    let mut keys = blocks.iter().filter(|block| wanted(Form::of_label(block.label)));
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok((Form::of_label(key.label), key.decode()?)),
        (Some(_), Some(_)) => Err(invalid(format!("expected {expected}, found more than one"))),
        (None, _) => {
            let labels: Vec<_> = blocks.iter().take(3).map(|block| block.label).collect();
            Err(invalid(format!("expected {expected}, found {}", labels.join(", "))))
        }
    }
}

fn invalid(why: impl fmt::Display) -> Error {
    Error::new(Status::KeyInvalid, format!("key file: {why}"))
}

fn malformed(what: &str) -> impl Fn(der::Error) -> Error {
    move |cause| invalid(format!("malformed {what}: {cause}"))
}
