//! `sogov_sign` and `sogov_verify`: messages.

use super::bytes::{Buffer, sogov_bytes};
use super::error::sogov_error;
use super::guard::guard;
use super::handle;
use super::input::{In, Options};
use super::key::{Key, optional_bytes, sogov_key};
use crate::crypto::sm2::{Claim, Signature, UserId};
use crate::engine::{sign_by, sign_message, verify_by, verify_message};
use crate::error::{Error, Result, Status};
use std::borrow::Cow;

/// How a signature is written.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureEncoding {
    /// The scheme's own form. sm2-sm3, ecdsa-p256: 64 bytes, R and S, each 32 bytes, big-endian. rsa-pss-sha512: as long as
    /// the modulus. hmac-sha256: 32 bytes.
    Raw = 0,
    /// SEQUENCE { INTEGER r, INTEGER s } in DER, as OpenSSL and Bouncy Castle write it; for sm2-sm3 and ecdsa-p256.
    Der = 1,
}

/// What a signature is made or checked with. NULL and all-zero mean the defaults.
#[repr(C)]
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_signature_options {
    /// sizeof(sogov_signature_options).
    pub size: usize,
    /// The SM2 user id, at most 8,191 bytes. NULL is the default, "1234567812345678" (GM/T 0009, section 10); a
    /// pointer that is not NULL with length 0 is the empty id.
    pub user_id: *const u8,
    /// Bytes of the user id.
    pub user_id_len: usize,
    /// One of sogov_signature_encoding.
    pub encoding: u32,
}

// SAFETY: integers and a pointer.
unsafe impl Options for sogov_signature_options {
    const NAME: &'static str = "sogov_signature_options";
    const ZERO: Self = Self { size: 0, user_id: std::ptr::null(), user_id_len: 0, encoding: 0 };
}

/// Signs a message under the scheme of the key: sm2-sm3 (GB/T 32918.2-2016) or ecdsa-p256 (FIPS 186-5) with a fresh nonce each
/// time, hmac-sha256 (RFC 2104), or a registered one.
///
/// @param key a private key, or a secret; borrowed
/// @param message any number of bytes; borrowed. Must not begin with a tag of what vouches for plugins, trust directories, packages
///                and audit trails, such as "sogov.sig.v1" and a NUL: docs/conventions.md lists them
/// @param options NULL for the default user id and the raw encoding
/// @param signature receives the signature
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a public key, such a message, or an encoding that the scheme
///         does not have; SOGOV_STATUS_UNSUPPORTED for a scheme that is not registered, or that does not sign
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_sign(
    key: *const sogov_key,
    message: *const u8,
    message_len: usize,
    options: *const sogov_signature_options,
    signature: *mut sogov_bytes,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes, options or NULL, and a buffer of this library.
        let (message, options, mut place) = unsafe {
            (
                In::bytes(message, message_len, "message")?,
                In::options(options)?,
                Buffer::take(signature, "signature")?,
            )
        };
        // SAFETY: the options promise a readable user id.
        let user_id = unsafe { user_id(options.user_id, options.user_id_len) }?;
        let encoding = SignatureEncoding::from_number(options.encoding)?;
        // SAFETY: the caller promises a key or NULL.
        unsafe {
            handle::with(key, |key| {
                match key.sm2_private() {
                    Some(key) => {
                        let signature = sign_message(key, &user_id, message)?;
                        match encoding {
                            SignatureEncoding::Raw => place.fill(signature.as_bytes()),
                            SignatureEncoding::Der => place.fill(&signature.to_der()),
                        }
                    }
                    None => place.fill(&encoding.sign(key, &user_id, message)?),
                }
                Ok(())
            })
        }
    })
}

/// Verifies the signature of a message under the scheme of the key. A key of SM2 that verifies again and again is
/// prepared: see sogov_key_prepare().
///
/// @param key a public key, a private one, whose public part is used, or a secret; borrowed
/// @param message any number of bytes; borrowed
/// @param signature in the encoding of the options; borrowed
/// @param options as for sogov_sign(); the user id must be the signer's
/// @return SOGOV_STATUS_OK when the signature is valid; SOGOV_STATUS_SIGNATURE_INVALID when it is not, or is malformed;
///         SOGOV_STATUS_INVALID_ARGUMENT for an encoding that the scheme does not have; SOGOV_STATUS_UNSUPPORTED for a scheme
///         that is not registered
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_verify(
    key: *const sogov_key,
    message: *const u8,
    message_len: usize,
    signature: *const u8,
    signature_len: usize,
    options: *const sogov_signature_options,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes and options or NULL.
        let (message, signature, options) = unsafe {
            (
                In::bytes(message, message_len, "message")?,
                In::bytes(signature, signature_len, "signature")?,
                In::options(options)?,
            )
        };
        // SAFETY: the options promise a readable user id.
        let user_id = unsafe { user_id(options.user_id, options.user_id_len) }?;
        let encoding = SignatureEncoding::from_number(options.encoding)?;
        // SAFETY: the caller promises a key or NULL.
        unsafe {
            handle::with(key, |key| match key.sm2() {
                Some(key) => {
                    let signature = &encoding.read(signature)?;
                    verify_message(&Claim { key, user_id: &user_id, message, signature })
                }
                None => encoding.verify(key, &user_id, message, signature),
            })
        }
    })
}

impl SignatureEncoding {
    /// Signs by a key of whichever scheme.
    pub(super) fn sign(self, key: &Key, user_id: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        let scheme = key.scheme();
        if self == Self::Der {
            scheme.check_has_der()?;
        }
        let signature = sign_by(key, user_id, message)?;
        if self == Self::Der { scheme.signature_to_der(&signature) } else { Ok(signature) }
    }

    /// Verifies by a key of another scheme than SM2.
    pub(super) fn verify(self, key: &Key, user_id: &UserId, message: &[u8], signature: &[u8]) -> Result<()> {
        verify_by(key, user_id, message, &self.raw(key, signature)?)
    }

    /// The form that the scheme of `key`, another than SM2, knows.
    pub(super) fn raw<'a>(self, key: &Key, signature: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        match self {
            Self::Raw => Ok(signature.into()),
            Self::Der => Ok(key.scheme().signature_from_der(signature)?.into()),
        }
    }

    /// Reads a signature of SM2; a malformed one is not valid.
    pub(super) fn read(self, signature: &[u8]) -> Result<Signature> {
        match self {
            Self::Raw => Signature::from_bytes(signature),
            Self::Der => Signature::from_der(signature),
        }
    }

    pub(super) fn from_number(number: u32) -> Result<Self> {
        [Self::Raw, Self::Der].into_iter().find(|encoding| *encoding as u32 == number).ok_or_else(|| {
            Error::argument(format!("encoding: expected one of sogov_signature_encoding, found {number}"))
        })
    }
}

/// The SM2 user id of options: NULL is the default one.
///
/// # Safety
/// As for [`In::bytes`].
pub(super) unsafe fn user_id(data: *const u8, len: usize) -> Result<UserId> {
    // SAFETY: the caller's promise.
    unsafe { optional_bytes(data, len, "user_id") }?.map_or_else(|| Ok(UserId::default()), UserId::new)
}
