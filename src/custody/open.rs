//! Secrets out of files.
#![forbid(unsafe_code)]

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
