//! `sogov_key`: private and public keys.

use super::bytes::{Buffer, sogov_bytes};
use super::error::sogov_error;
use super::guard::guard;
use super::handle::{self, impl_handle};
use super::input::In;
use super::output::Out;
use crate::crypto::hmac::SecretKey;
pub(super) use crate::crypto::key::Key;
use crate::crypto::key::{PrivateKey, PublicKey, RegisteredKey, RegisteredPair};
use crate::crypto::key_id::KeyId;
use crate::crypto::scheme::Scheme;
use crate::custody;
use crate::engine::{limit_prepared_keys, prepared_keys};
use crate::error::{Error, Result, Status};
use arc_swap::ArcSwapOption;
use std::ffi::c_char;
use std::sync::Arc;

/// A key: private, public, or a secret of hmac-sha256. It signs and verifies under one scheme, which its own encoding says.
/// Private parts in this process are in memory of their own (sogov_key_custody()), and stay there: a forked child does not
/// have them, and answers SOGOV_STATUS_KEY_LOST_AFTER_FORK. Immutable; any number of threads may use it at once. Freed with sogov_key_free(),
/// which wipes a private one when the last call that uses it has ended.
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct sogov_key(ArcSwapOption<Key>);

impl_handle!(sogov_key, Key, "key");

/// The file formats that keys are written in.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// SubjectPublicKeyInfo, DER (RFC 5280, section 4.1); of a private key, its public part. Of a registered scheme's key,
    /// SEQUENCE { scheme UTF8String, key OCTET STRING }.
    SpkiDer = 1,
    /// The same, PEM.
    SpkiPem = 2,
    /// PKCS#8, DER (RFC 5958), not encrypted.
    Pkcs8Der = 3,
    /// PKCS#8, PEM; with a password, encrypted (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC).
    Pkcs8Pem = 4,
    /// The bytes that sogov_key_load_raw() takes: the secret of hmac-sha256, or the public key of a registered scheme.
    Raw = 5,
}

/// Makes a new private key for a signature scheme, from the operating system's randomness.
///
/// @param scheme the scheme's name: "sm2-sm3", "ecdsa-p256" or "hmac-sha256"
/// @param key receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_UNSUPPORTED for a scheme that this release does not know, or whose keys are not
///         made here ("rsa-pss-sha512" and registered schemes)
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_generate(
    scheme: *const c_char,
    scheme_len: usize,
    key: *mut *mut sogov_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text and room for one pointer.
        let (scheme, key) = unsafe { (In::text(scheme, scheme_len, "scheme")?, Out::required(key, "key")?) };
        key.put(issue(match Scheme::from_name(scheme)? {
            Scheme::HmacSha256 => Key::Secret(SecretKey::generate_in(custody::rooms())?),
            scheme => Key::Private(PrivateKey::generate_in(custody::rooms(), scheme)?),
        }));
        Ok(())
    })
}

/// Reads a private key of sm2-sm3 or ecdsa-p256: PKCS#8 (plain, or encrypted by PBES2) or SEC1 ("EC PRIVATE KEY",
/// "SM2 PRIVATE KEY"), PEM or DER, told apart by the content. The curve says the scheme.
///
/// @param bytes the file's content, at most 64 KiB; borrowed
/// @param password for an encrypted key; otherwise not looked at
/// @param key receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format or curve, or a wrong or missing password
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_load_private(
    bytes: *const u8,
    bytes_len: usize,
    password: *const u8,
    password_len: usize,
    key: *mut *mut sogov_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes and room for one pointer.
        let (bytes, key) = unsafe { (In::bytes(bytes, bytes_len, "bytes")?, Out::required(key, "key")?) };
        // SAFETY: as above.
        let password = unsafe { optional_bytes(password, password_len, "password") }?;
        key.put(issue(Key::Private(PrivateKey::from_encoded_in(custody::rooms(), bytes, password)?)));
        Ok(())
    })
}

/// Reads a public key: SubjectPublicKeyInfo, or what SOGOV_KEY_FORMAT_SPKI_DER is of a registered scheme's key; PEM or
/// DER. The algorithm says the scheme: SM2, P-256, or RSA of 3072 to 8192 bits.
///
/// @param bytes the file's content, at most 64 KiB; borrowed
/// @param key receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for another format or curve, or a point off the curve
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_load_public(
    bytes: *const u8,
    bytes_len: usize,
    key: *mut *mut sogov_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises readable bytes and room for one pointer.
        let (bytes, key) = unsafe { (In::bytes(bytes, bytes_len, "bytes")?, Out::required(key, "key")?) };
        key.put(issue(Key::Public(PublicKey::from_encoded(bytes)?)));
        Ok(())
    })
}

/// Makes a key of raw bytes: of hmac-sha256, whose keys are secret as a whole, or of a scheme of the host's, which need not be
/// registered yet.
///
/// @param scheme "hmac-sha256", or a name that begins with "x-"
/// @param public_bytes the public key, at most 8,192 bytes; (NULL, 0) for hmac-sha256; borrowed
/// @param private_bytes what the scheme signs with, at most 8,192 bytes, or (NULL, 0) for a key that only verifies; for
///                      hmac-sha256 the secret, 16 to 1,024 bytes; borrowed, and wiped by the caller
/// @param key receives the key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_KEY_INVALID for other lengths; SOGOV_STATUS_INVALID_ARGUMENT for a public part
///         with hmac-sha256; SOGOV_STATUS_UNSUPPORTED for another scheme
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_load_raw(
    scheme: *const c_char,
    scheme_len: usize,
    public_bytes: *const u8,
    public_bytes_len: usize,
    private_bytes: *const u8,
    private_bytes_len: usize,
    key: *mut *mut sogov_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text, readable bytes and room for one pointer.
        let (scheme, public, private, key) = unsafe {
            (
                In::text(scheme, scheme_len, "scheme")?,
                optional_bytes(public_bytes, public_bytes_len, "public_bytes")?,
                optional_bytes(private_bytes, private_bytes_len, "private_bytes")?,
                Out::required(key, "key")?,
            )
        };
        key.put(issue(raw_key(Scheme::from_name(scheme)?, public, private)?));
        Ok(())
    })
}

/// The public part of a key, as a key of its own.
///
/// @param key borrowed
/// @param public_key receives the public key, owned by the caller
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for a key of hmac-sha256, which has no public part
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_public(
    key: *const sogov_key,
    public_key: *mut *mut sogov_key,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for one pointer.
        let place = unsafe { Out::required(public_key, "public_key") }?;
        // SAFETY: the caller promises a key or NULL.
        place.put(issue(Key::Public(unsafe { handle::with(key, |key| key.public_key()) }?)));
        Ok(())
    })
}

/// The key's identifier: the SM3 digest of its public part as SubjectPublicKeyInfo in DER. Both halves of a pair have
/// the same. Of a key of hmac-sha256, a digest that does not give it away. Its text form is "sm3:" and 64 lower-case hexadecimal digits.
///
/// @param key borrowed
/// @param id receives 32 bytes
/// @return SOGOV_STATUS_OK, for every key that is not freed
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_id(
    key: *const sogov_key,
    id: *mut u8,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises room for 32 bytes.
        let place = unsafe { Out::required(id.cast::<[u8; 32]>(), "id") }?;
        // SAFETY: the caller promises a key or NULL.
        place.put(unsafe { handle::with(key, |key| Ok(*key.key_id().as_bytes())) }?);
        Ok(())
    })
}

/// Reads the text form of a key identifier.
///
/// @param text "sm3:" and 64 hexadecimal digits
/// @param id receives 32 bytes
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for another text
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_id_parse(
    text: *const c_char,
    text_len: usize,
    id: *mut u8,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a readable text and room for 32 bytes.
        let (text, id) =
            unsafe { (In::text(text, text_len, "text")?, Out::required(id.cast::<[u8; 32]>(), "id")?) };
        id.put(*text.parse::<KeyId>()?.as_bytes());
        Ok(())
    })
}

/// Writes a key in a file format.
///
/// @param key borrowed
/// @param format one of sogov_key_format
/// @param password encrypts SOGOV_KEY_FORMAT_PKCS8_PEM; (NULL, 0) leaves it plain. Must be (NULL, 0) for the others
/// @param file receives the file's content; wipe it before freeing it when it is a private key
/// @return SOGOV_STATUS_OK; SOGOV_STATUS_INVALID_ARGUMENT for an unknown format, or one that such a key does not have, as
///         PKCS#8 of a public key
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_export(
    key: *const sogov_key,
    format: u32,
    password: *const u8,
    password_len: usize,
    file: *mut sogov_bytes,
    error: *mut *mut sogov_error,
) -> Status {
    guard(error, || {
        let format = KeyFormat::from_number(format)?;
        // SAFETY: the caller promises readable bytes.
        let password = unsafe { optional_bytes(password, password_len, "password") }?;
        if password.is_some() && format != KeyFormat::Pkcs8Pem {
            return Err(Error::argument("password: only SOGOV_KEY_FORMAT_PKCS8_PEM can be encrypted"));
        }
        // SAFETY: the caller promises a buffer of this library.
        let mut file = unsafe { Buffer::take(file, "file") }?;
        // SAFETY: the caller promises a key or NULL.
        unsafe { handle::with(key, |key| export(key, format, password, &mut file)) }
    })
}

/// Prepares a key of sm2-sm3 for verifying now, rather than after some verifications by it: a table of 256 KiB, which the
/// process keeps for the keys that were used lately, whichever handles they were used by. When they are full, a table that was
/// not used since it was last passed over makes room (second chance; see sogov_prepared_keys_limit()). For keys of other schemes
/// nothing happens.
///
/// @param key a public key, or a private one, whose public part is prepared; borrowed
/// @return SOGOV_STATUS_OK, for every key that is not freed
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_prepare(key: *const sogov_key, error: *mut *mut sogov_error) -> Status {
    guard(error, || {
        // SAFETY: the caller promises a key or NULL.
        unsafe {
            handle::with(key, |key| {
                if let Some(key) = key.sm2() {
                    prepared_keys().prepare(key);
                }
                Ok(())
            })
        }
    })
}

/// Changes how much memory the tables of prepared keys may take in this process. Tables beyond the new limit are given
/// back, those first whose keys were not used lately. Verifying goes on in any case, more slowly by keys
/// without tables.
///
/// @param bytes 64 MiB unless set, which is room for about 250 keys; 0: no key is prepared
#[unsafe(no_mangle)]
pub extern "C" fn sogov_prepared_keys_limit(bytes: usize) {
    guard(std::ptr::null_mut(), || {
        limit_prepared_keys(bytes);
        Ok(())
    });
}

/// Frees a key. Later uses of the handle answer SOGOV_STATUS_CLOSED.
///
/// @param key taken; NULL is ignored
///
/// # Safety
/// See docs/conventions.md.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sogov_key_free(key: *mut sogov_key) {
    guard(std::ptr::null_mut(), || {
        // SAFETY: the caller promises a key or NULL.
        drop(unsafe { handle::free(key) });
        Ok(())
    });
}

impl KeyFormat {
    fn from_number(number: u32) -> Result<Self> {
        [Self::SpkiDer, Self::SpkiPem, Self::Pkcs8Der, Self::Pkcs8Pem, Self::Raw]
            .into_iter()
            .find(|format| *format as u32 == number)
            .ok_or_else(|| {
                Error::argument(format!("format: expected one of sogov_key_format, found {number}"))
            })
    }
}

fn export(key: &Key, format: KeyFormat, password: Option<&[u8]>, file: &mut Buffer) -> Result<()> {
    match format {
        KeyFormat::SpkiDer => file.fill(&key.public_key()?.to_der()),
        KeyFormat::SpkiPem => file.fill(key.public_key()?.to_pem().as_bytes()),
        KeyFormat::Pkcs8Der => file.fill(&private(key)?.to_pkcs8_der()?),
        KeyFormat::Pkcs8Pem => match password {
            None => file.fill(private(key)?.to_pkcs8_pem()?.as_bytes()),
            Some(password) => file.fill(private(key)?.to_pkcs8_encrypted_pem(password)?.as_bytes()),
        },
        KeyFormat::Raw => file.fill(raw_bytes(key)?),
    }
    Ok(())
}

/// The private key that PKCS#8 has a place for.
fn private(key: &Key) -> Result<&PrivateKey> {
    key.check_signs()?;
    match key {
        Key::Private(key) => Ok(key),
        Key::Held(_) => Err(Error::argument(
            "format: expected a private key in this process, found one whose token or device does not hand it out",
        )),
        other => {
            let scheme = other.scheme();
            Err(Error::argument(format!(
                "format: expected SOGOV_KEY_FORMAT_RAW for a key of {scheme}, found PKCS#8"
            )))
        }
    }
}

fn raw_bytes(key: &Key) -> Result<&[u8]> {
    match key {
        Key::Secret(key) => key.as_bytes(),
        Key::Public(PublicKey::Registered(key)) => Ok(key.as_bytes()),
        Key::RegisteredPrivate(pair) => Ok(pair.public_key().as_bytes()),
        other => {
            let scheme = other.scheme();
            Err(Error::argument(format!(
                "format: expected a file format for a key of {scheme}, found the raw one"
            )))
        }
    }
}

fn raw_key(scheme: Scheme, public: Option<&[u8]>, private: Option<&[u8]>) -> Result<Key> {
    match scheme {
        Scheme::HmacSha256 if public.is_some() => Err(Error::argument(
            "public_bytes: expected none for hmac-sha256, whose keys are secret as a whole",
        )),
        Scheme::HmacSha256 => {
            SecretKey::from_bytes_in(custody::rooms(), private.unwrap_or_default()).map(Key::Secret)
        }
        Scheme::Registered(name) => {
            let public = RegisteredKey::new(name, public.unwrap_or_default())?;
            match private {
                Some(private) => {
                    RegisteredPair::new_in(custody::rooms(), public, private).map(Key::RegisteredPrivate)
                }
                None => Ok(Key::Public(PublicKey::Registered(public))),
            }
        }
        other => Err(Error::new(
            Status::Unsupported,
            format!(
                "scheme: expected hmac-sha256 or one that begins with x-, found {other}, whose keys come in files"
            ),
        )),
    }
}

pub(super) fn issue(key: Key) -> *mut sogov_key {
    handle::issue(Arc::new(key))
}

/// Bytes that may be absent: NULL.
///
/// # Safety
/// As for [`In::bytes`].
pub(super) unsafe fn optional_bytes<'a>(data: *const u8, len: usize, what: &str) -> Result<Option<&'a [u8]>> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { In::bytes(data, len, what) }?;
    Ok((!data.is_null()).then_some(bytes))
}
