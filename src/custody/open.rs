//! Keys by their URIs, and secrets out of files.
#![forbid(unsafe_code)]

use super::pin::PinSource;
use super::uri::Uri;
use super::{pkcs11, rooms, sdf};
use crate::crypto::key::{Key, PrivateKey};
use crate::error::{Error, Result, Status};
use crate::sys::file;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a file that holds a key or a password, at most `limit` bytes, into memory that is wiped when it is dropped.
pub fn read_secret_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>> {
    // All the room at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(vec![0; limit.saturating_add(1)]);
    let mut file = file::open(path)?;
    let mut len = 0;
    while let Some(rest) = bytes.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(path.display(), &e)),
        }
    }
    if len > limit {
        let message = format!("{}: expected at most {limit} bytes, found more", path.display());
        return Err(Error::new(Status::LimitExceeded, message));
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Whether `text` is a key URI rather than the path of a key file.
pub fn is_uri(text: &str) -> bool {
    [FILE, pkcs11::SCHEME, sdf::SCHEME]
        .into_iter()
        .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| rest.starts_with(':')))
}

/// The private key that a URI names.
///
/// | URI | the key |
/// |---|---|
/// | `file:PATH?pin-source=file:PATH` | is read out of a key file, with a password where it has one, into the [`rooms`] |
/// | `pkcs11:token=T;object=O?module-path=PATH&pin-source=file:PATH` | stays in a PKCS#11 token (RFC 7512) |
/// | `sdf:library=PATH;index=N;pin-source=file:PATH` | stays in an SDF device (GM/T 0018) |
///
/// [`Status::InvalidArgument`] for another text, [`Status::CustodyFailed`] where the token or the device refuses.
pub fn open(uri: &str) -> Result<Key> {
    match uri.split_once(':') {
        Some((FILE, _)) => from_file(uri).map(Key::Private),
        Some((pkcs11::SCHEME, _)) => pkcs11::open(uri).map(Key::Held),
        Some((sdf::SCHEME, _)) => sdf::open(uri).map(Key::Held),
        // The text is not repeated: it may be a key.
        _ => Err(Error::argument("key URI: expected file:, pkcs11: or sdf: in front, found another text")),
    }
}

const FILE: &str = "file";

/// The longest key file.
const MAX_FILE_LEN: usize = 64 << 10;

fn from_file(uri: &str) -> Result<PrivateKey> {
    let (path, pin) = Uri::file(uri, FILE)?;
    let password = pin.map(|source| PinSource::new(FILE, &source)?.read()).transpose()?;
    let file = read_secret_file(&path, MAX_FILE_LEN)?;
    PrivateKey::from_encoded_in(rooms(), &file, password.as_ref().map(|password| password.as_slice()))
        .map_err(|e| e.of(path.display()))
}
