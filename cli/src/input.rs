//! What commands read: messages, keys and passwords.
#![forbid(unsafe_code)]

use crate::args::Args;
use crate::exit::Failure;
use crate::output;
use sogov::crypto::key::{Key, PrivateKey, PublicKey, Signer};
use sogov::custody;
use sogov::error::{Error, Result, Status};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The largest message, plugin or input.
pub const MAX_LEN: u64 = 1 << 30;
const MAX_KEY_LEN: u64 = 64 << 10;
const MAX_PASSWORD_LEN: u64 = 4 << 10;

/// The content of a file or a pipe; `-` is standard input.
pub fn read(path: &OsStr) -> Result<Vec<u8>> {
    read_at_most(Path::new(path), MAX_LEN).map(|mut bytes| std::mem::take(&mut *bytes))
}

/// The private key of the option `name`: see [`private_key_of`].
pub fn private_key(args: &Args, name: &str) -> std::result::Result<Box<dyn Signer>, Failure> {
    private_key_of(args, name, args.required_path(name)?)
}

/// The private key that the option `name` names by `path`: see [`key_of`].
pub fn private_key_of(args: &Args, name: &str, path: &Path) -> std::result::Result<Box<dyn Signer>, Failure> {
    match key_of(args, name, path)? {
        Key::Private(key) => Ok(Box::new(key)),
        Key::Held(key) => Ok(Box::new(key)),
        other => Err(Failure::Usage(format!("--{name}: expected a private key, found {}", other.scheme()))),
    }
}

/// The private key that the option `name` names by `path`: a file, with the password of `--password-file` where that is
/// given, or the URI of a key in a token or a device.
pub fn key_of(args: &Args, name: &str, path: &Path) -> std::result::Result<Key, Failure> {
    if let Some(uri) = path.to_str().filter(|text| custody::is_uri(text)) {
        if args.path("password-file").is_some() {
            let why = format!("--password-file: goes with key files; the URI of --{name} has pin-source");
            return Err(Failure::Usage(why));
        }
        return Ok(custody::open(uri)?);
    }
    let file = secret_file(path)?;
    let password = password(args)?;
    let password = password.as_ref().map(|password| password.as_slice());
    let key = PrivateKey::from_encoded_in(custody::rooms(), &file, password);
    Ok(Key::Private(key.map_err(|e| e.of(path.display()))?))
}

/// The content of a file with a secret, which others should not read.
pub fn secret_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    warn_if_open(path);
    key_file(path)
}

/// The content of a file with a key or a certificate.
pub fn key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    read_at_most(path, MAX_KEY_LEN)
}

/// The public key in a file.
pub fn public_key(path: &Path) -> Result<PublicKey> {
    PublicKey::from_encoded(&read_at_most(path, MAX_KEY_LEN)?).map_err(|e| e.of(path.display()))
}

/// The public half of whatever key is in a file.
pub fn any_public_key(args: &Args, path: &Path) -> std::result::Result<PublicKey, Failure> {
    if let Some(uri) = path.to_str().filter(|text| custody::is_uri(text)) {
        return Ok(custody::open(uri)?.public_key()?);
    }
    let file = read_at_most(path, MAX_KEY_LEN)?;
    let not_public = match PublicKey::from_encoded(&file) {
        Ok(key) => return Ok(key),
        Err(e) => e,
    };
    let password = password(args)?;
    let private = PrivateKey::from_encoded(&file, password.as_ref().map(|password| password.as_slice()));
    let neither = |not_private: Error| {
        let message = format!(
            "{}: neither a public key ({not_public}) nor a private one ({not_private})",
            path.display()
        );
        Error::new(Status::KeyInvalid, message)
    };
    Ok(private.map_err(neither)?.public_key())
}

/// The content of `--password-file` without the line end behind it.
pub fn password(args: &Args) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(path) = args.path("password-file") else { return Ok(None) };
    warn_if_open(path);
    let mut password = read_at_most(path, MAX_PASSWORD_LEN)?;
    if password.ends_with(b"\n") {
        password.pop();
    }
    if password.ends_with(b"\r") {
        password.pop();
    }
    if password.is_empty() {
        return Err(Error::argument(format!("{}: expected a password, found an empty one", path.display())));
    }
    Ok(Some(password))
}

/// Wiped when dropped, because it may hold a key or a password.
fn read_at_most(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    let fail = |e: std::io::Error| Error::io(path.display(), &e);
    let from: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(fail)?)
    };
    // Room for a whole key from the start: a buffer that grows leaves copies behind that nobody wipes.
    let room = usize::try_from(limit.min(MAX_KEY_LEN)).unwrap_or_default().saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        let message = format!("{}: expected at most {limit} bytes, found more", path.display());
        return Err(Error::new(Status::LimitExceeded, message));
    }
    Ok(bytes)
}

/// A warning and not a refusal: the file may stand in a directory that others cannot enter.
fn warn_if_open(path: &Path) {
    let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 && path.is_file() {
        let mode = mode & 0o777;
        output::complain(&format!(
            "warning: {}: others may read this secret (mode {mode:04o})",
            path.display()
        ));
    }
}
