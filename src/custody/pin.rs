//! Where the PIN of a token comes from: a file, read whenever it is needed.
#![forbid(unsafe_code)]

use super::open::read_secret_file;
use super::uri::wrong;
use crate::error::{Error, Result};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The longest PIN, or password of a key file.
const MAX_LEN: usize = 4 << 10;

/// A file with a PIN, or a password, and maybe a line end behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PinSource(PathBuf);

impl PinSource {
    /// Reads an attribute pin-source: `file:` and an absolute path, or the path alone. Commands are not run.
    pub(super) fn new(scheme: &str, source: &str) -> Result<Self> {
        let path = PathBuf::from(source.strip_prefix("file:").unwrap_or(source));
        if path.is_absolute() {
            return Ok(Self(path));
        }
        Err(wrong(scheme, "pin-source: expected file: and an absolute path, found another"))
    }

    /// The PIN.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut pin = read_secret_file(&self.0, MAX_LEN)?;
        for end in [b"\n", b"\r"] {
            if pin.ends_with(end) {
                pin.pop();
            }
        }
        if pin.is_empty() {
            return Err(Error::argument(format!("{}: expected a PIN, found none", self.0.display())));
        }
        Ok(pin)
    }
}
