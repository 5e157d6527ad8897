//! Key files: which formats are read and written, whichever algorithm the key is of.
//!
//! | form | PEM label | source |
//! |---|---|---|
//! | PKCS#8 | `PRIVATE KEY` | RFC 5958 |
//! | PKCS#8, encrypted by PBES2 | `ENCRYPTED PRIVATE KEY` | RFC 5958, RFC 8018 |
//! | SEC 1 | `EC PRIVATE KEY`, `SM2 PRIVATE KEY` | RFC 5915 |
//! | SubjectPublicKeyInfo | `PUBLIC KEY` | RFC 5280, RFC 5480, RFC 3279 |
//! | key of a registered scheme | `SOGOV REGISTERED KEY` | `crypto/registered.rs` |
//!
//! Each is read from PEM or from bare DER, which is told apart by its structure. Files are hostile
//! input: at most 64 KiB, DER with one reading, named curves and no others, and a public
//! key that stands beside a private one has to be its own.
#![forbid(unsafe_code)]

pub(super) mod algorithm;
pub(super) mod pbes2;
pub(super) mod pem;
mod pkcs8;
mod sec1;
pub(super) mod spki;

use super::room::Rooms;
use crate::error::{Error, Result, Status};
use algorithm::{P256_CURVE, SM2_CURVE, openssl_converts};
use der::asn1::ObjectIdentifier;
use std::fmt;
use zeroize::Zeroizing;

/// The most bytes in a key file; a key alone takes less than three KiB.
pub(super) const MAX_FILE_LEN: usize = 64 << 10;

/// A public key on a curve of 256 bits, as files carry it.
pub(super) trait CurvePublicKey: Sized + PartialEq {
    /// The name of the curve.
    const CURVE: ObjectIdentifier;

    /// Decodes a point (SEC 1 §2.3.4).
    fn from_point(encoded: &[u8]) -> Result<Self>;

    /// 04 || x || y.
    fn as_point(&self) -> &[u8; 65];
}

/// A private key on a curve of 256 bits, as files carry it.
pub(super) trait CurvePrivateKey: Sized {
    type Public: CurvePublicKey;

    /// The key with this scalar, big-endian, in a room of `rooms`.
    fn from_scalar(rooms: &dyn Rooms, scalar: &[u8; 32]) -> Result<Self>;

    /// The scalar, big-endian.
    fn to_scalar(&self) -> Result<Zeroizing<[u8; 32]>>;

    /// The public half.
    fn public(&self) -> &Self::Public;
}

/// A private key's structure, decrypted where it was encrypted, before anything is made of it.
pub(super) struct PrivateDer {
    form: Form,
    der: Zeroizing<Vec<u8>>,
}

impl PrivateDer {
    /// Finds the private key in a file; `password` opens an encrypted one and is ignored for any other.
    pub(super) fn read(file: &[u8], password: Option<&[u8]>) -> Result<Self> {
        let (form, der) = locate(file, Form::is_private, "a private key")?;
        if form != Form::EncryptedPkcs8 {
            return Ok(Self { form, der });
        }
        let password = password.ok_or_else(|| invalid("it is encrypted and needs a password"))?;
        let plain = pbes2::decrypt(&der, password)?;
        // The padding of a wrong password is right once in 256 times; this structure is not.
        if Form::of_der(&plain) != Form::Pkcs8 {
            return Err(pbes2::wrong_password());
        }
        Ok(Self { form: Form::Pkcs8, der: plain })
    }

    /// The key, which has to be on the curve of `K`.
    pub(super) fn decode<K: CurvePrivateKey>(&self, rooms: &dyn Rooms) -> Result<K> {
        match self.form {
            Form::Sec1 { of_sm2 } => sec1::decode(rooms, &self.der, of_sm2 && K::Public::CURVE == SM2_CURVE),
            _ => pkcs8::decode(rooms, &self.der),
        }
    }

    /// The `RSAPrivateKey`, if it is a key of RSA.
    pub(super) fn rsa(&self) -> Option<&[u8]> {
        (self.form == Form::Pkcs8).then(|| pkcs8::rsa(&self.der)).flatten()
    }

    /// Whether the key says that it is on P-256. Where it names no curve, its public point says it.
    pub(super) fn is_p256(&self) -> bool {
        match self.form {
            Form::Sec1 { of_sm2: true } => false,
            Form::Sec1 { .. } => sec1::is_p256(&self.der),
            _ => pkcs8::curve(&self.der) == Some(P256_CURVE),
        }
    }
}

/// PKCS#8 (RFC 5958, version v1) around an RFC 5915 key with its public key.
pub(super) fn pkcs8_der(key: &impl CurvePrivateKey) -> Result<Zeroizing<Vec<u8>>> {
    pkcs8::encode(key)
}

/// PKCS#8 under the label `PRIVATE KEY`.
pub(super) fn pkcs8_pem(key: &impl CurvePrivateKey) -> Result<Zeroizing<String>> {
    Ok(pem::encode("PRIVATE KEY", &pkcs8_der(key)?))
}

/// PKCS#8 under the label `ENCRYPTED PRIVATE KEY`: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC.
///
/// An empty password is [`Status::InvalidArgument`]; [`Status::Io`] if there is no randomness.
pub(super) fn pkcs8_encrypted_pem(
    key: &impl CurvePrivateKey,
    password: &[u8],
    iterations: u32,
) -> Result<Zeroizing<String>> {
    if password.is_empty() {
        return Err(Error::argument("password: expected at least 1 byte, found none"));
    }
    let der = pbes2::encrypt(&pkcs8_der(key)?, password, iterations)?;
    Ok(pem::encode("ENCRYPTED PRIVATE KEY", &der))
}

/// `der` under the label `label`, where it is not secret.
pub(super) fn public_pem(label: &str, der: &[u8]) -> String {
    std::mem::take(&mut *pem::encode(label, der))
}

/// The SubjectPublicKeyInfo in a file.
pub(super) fn spki_der(file: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    locate(file, |form| form == Form::Spki, "a public key").map(|(_, der)| der)
}

/// The certificate, or the SubjectPublicKeyInfo, in a file.
pub(super) fn certificate_or_spki_der(file: &[u8]) -> Result<(Form, Zeroizing<Vec<u8>>)> {
    let wanted = |form| matches!(form, Form::Certificate | Form::Spki);
    locate(file, wanted, "a certificate or a public key")
}

/// What holds a public key in a file: a SubjectPublicKeyInfo, or a registered scheme's key.
pub(super) fn public_der(file: &[u8]) -> Result<(Form, Zeroizing<Vec<u8>>)> {
    locate(file, |form| matches!(form, Form::Spki | Form::Registered), "a public key")
}

/// What a PEM block or a DER structure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Pkcs8,
    EncryptedPkcs8,
    /// `of_sm2`: the label says the curve, so the key need not.
    Sec1 {
        of_sm2: bool,
    },
    Spki,
    /// The key of a scheme that a host registers.
    Registered,
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
            super::registered::PEM_LABEL => Self::Registered,
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
            Ok((Tag::Utf8String, Tag::OctetString)) => Self::Registered,
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
            Self::Registered => "a key of a registered scheme",
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

pub(super) fn invalid(why: impl fmt::Display) -> Error {
    Error::new(Status::KeyInvalid, format!("key file: {why}"))
}

pub(super) fn malformed(what: &str) -> impl Fn(der::Error) -> Error {
    move |cause| invalid(format!("malformed {what}: {cause}"))
}
