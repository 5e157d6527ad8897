//! The digital envelope: CMS AuthEnvelopedData (RFC 5083, RFC 5084), of which one form is read and written.
//!
//! ```text
//! ContentInfo ::= SEQUENCE { contentType OBJECT IDENTIFIER (1.2.840.113549.1.9.16.1.23),
//!                            content [0] EXPLICIT AuthEnvelopedData }
//! AuthEnvelopedData ::= SEQUENCE {
//!     version        INTEGER (0),
//!     recipientInfos SET (SIZE (1..64)) OF KeyTransRecipientInfo,
//!     authEncryptedContentInfo SEQUENCE {
//!         contentType OBJECT IDENTIFIER,
//!         contentEncryptionAlgorithm SEQUENCE { OBJECT IDENTIFIER,
//!             SEQUENCE { nonce OCTET STRING (SIZE (12)), icvLen INTEGER (16) } },
//!         encryptedContent [0] IMPLICIT OCTET STRING },
//!     mac            OCTET STRING (SIZE (16)) }
//! KeyTransRecipientInfo ::= SEQUENCE {
//!     version        INTEGER (0 | 2),
//!     rid            CHOICE { SEQUENCE { issuer Name, serialNumber INTEGER },  -- version 0
//!                             [0] IMPLICIT OCTET STRING },                     -- version 2: subjectKeyIdentifier
//!     keyEncryptionAlgorithm AlgorithmIdentifier, encryptedKey OCTET STRING }
//! ```
//!
//! | profile | content type | content | key |
//! |---|---|---|---|
//! | international | id-data (1.2.840.113549.1.7.1) | AES-256-GCM | RSAES-OAEP, SHA-256 and MGF1-SHA-256 named, empty label, RSA of 3072 to 8192 bits |
//! | GM | data of GB/T 35275 (1.2.156.10197.6.1.4.2.1) | SM4-GCM (1.2.156.10197.1.104.8) | SM2 encryption (1.2.156.10197.1.301.3), SM2Cipher of GM/T 0009 |
//!
//! The key is fresh for each envelope and so is the nonce of 96 bits. A tag is 16 bytes and says so: whoever may choose
//! a shorter one forges a content in 2^8 tries. Attributes, originators and certificates are refused, BER as well. No byte of
//! the content is handed out before the tag has been verified.
//!
//! An envelope is secret and whole, and says nothing of who made it: anybody has the recipient's public key. What is inside
//! has to be signed.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod certificate;
mod cipher;
mod key;
mod names;
mod read;
mod recipient;
mod write;

pub use cipher::{Cipher, NONCE_LEN, TAG_LEN};
pub use key::RecipientKey;
pub use recipient::Recipient;

use crate::error::{Error, Result, Status};
use zeroize::Zeroizing;

/// The most bytes in a content.
pub const MAX_CONTENT_LEN: usize = 256 << 20;
/// The most bytes in an envelope.
pub const MAX_LEN: usize = MAX_CONTENT_LEN + (1 << 20);
/// The most recipients.
pub const MAX_RECIPIENTS: usize = 64;
/// How many keys are tried that were wrapped for somebody whom the key at hand cannot tell from itself.
const MAX_TRIALS: usize = 8;

/// Encrypts `content` for all `recipients`, whose keys say the profile: all of RSA, or all of SM2.
///
/// [`Status::InvalidArgument`] for recipients of both kinds or none; [`Status::LimitExceeded`] for too many
/// of them or too long a content; [`Status::Io`] if there is no randomness.
pub fn seal(content: Zeroizing<Vec<u8>>, recipients: &[Recipient]) -> Result<Vec<u8>> {
    let profile = Profile::of(recipients)?;
    if content.len() > MAX_CONTENT_LEN {
        let found = content.len();
        return Err(Error::new(
            Status::LimitExceeded,
            format!("envelope: expected at most {MAX_CONTENT_LEN} bytes, found {found}"),
        ));
    }
    let cipher = profile.cipher();
    let key = random(cipher.key_len())?;
    let mut nonce = [0; NONCE_LEN];
    nonce.iter_mut().zip(random(NONCE_LEN)?.iter()).for_each(|(to, from)| *to = *from);
    let mut buffer = content;
    let tag = cipher.encrypt(&key, &nonce, b"", &mut buffer)?;
    write::envelope(profile, recipients, &key, &nonce, &buffer, &tag)
}

/// Decrypts an envelope that is for `key`, and perhaps for others.
///
/// [`Status::PackageInvalid`] for any other form than the one above, and, always with the same words, for what was altered
/// or wrapped for another key: nothing tells whether it was the wrapped key, the content or the tag that did not fit.
pub fn open(envelope: &[u8], key: &RecipientKey) -> Result<Zeroizing<Vec<u8>>> {
    if envelope.len() > MAX_LEN {
        return Err(invalid(format!("expected at most {MAX_LEN} bytes, found {}", envelope.len())));
    }
    let read = read::envelope(envelope)?;
    let mut mine: Vec<_> = read.recipients.iter().filter(|info| key.may_be(read.profile, &info.id)).collect();
    if mine.is_empty() {
        return Err(invalid("none of its recipients has the key at hand"));
    }
    // A name that is the key's own comes before names of certificates, which may be anybody's.
    mine.sort_by_key(|info| !matches!(info.id, recipient::RecipientId::Key(_)));
    let cipher = read.profile.cipher();
    let mut buffer = Zeroizing::new(read.ciphertext.to_vec());
    for info in mine.iter().take(MAX_TRIALS) {
        // Where it does not unwrap, this is a random key, and the tag is what fails.
        let content_key = key.unwrap(info.encrypted_key, cipher.key_len())?;
        if cipher.decrypt(&content_key, &read.nonce, b"", &mut buffer, &read.tag).is_ok() {
            return Ok(buffer);
        }
    }
    if mine.len() > MAX_TRIALS {
        return Err(invalid(format!(
            "none of the first {MAX_TRIALS} recipients that are named by certificates has the key at hand: \
             give the key with its certificate"
        )));
    }
    Err(invalid("it was altered, or is not encrypted for the key at hand"))
}

/// Which algorithms go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profile {
    International,
    Gm,
}

impl Profile {
    fn of(recipients: &[Recipient]) -> Result<Self> {
        let first = recipients
            .first()
            .ok_or_else(|| Error::argument("recipients: expected at least one, found none"))?;
        if recipients.len() > MAX_RECIPIENTS {
            let found = recipients.len();
            return Err(Error::new(
                Status::LimitExceeded,
                format!("recipients: expected at most {MAX_RECIPIENTS}, found {found}"),
            ));
        }
        let profile = first.profile();
        if recipients.iter().any(|recipient| recipient.profile() != profile) {
            return Err(Error::argument(
                "recipients: expected keys of RSA only or of SM2 only, found both: make a package for each kind",
            ));
        }
        Ok(profile)
    }

    fn cipher(self) -> Cipher {
        match self {
            Self::International => Cipher::Aes256Gcm,
            Self::Gm => Cipher::Sm4Gcm,
        }
    }
}

fn random(len: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; len]);
    getrandom::fill(&mut bytes)
        .map_err(|_| Error::new(Status::Io, "envelope: the operating system gave no randomness"))?;
    Ok(bytes)
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(Status::PackageInvalid, format!("envelope: {why}"))
}

#[cfg(test)]
mod tests;
