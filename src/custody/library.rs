//! Libraries that speak for a token or a device, and the process that they were made ready in.
#![allow(unsafe_code)]

use crate::error::{Error, Result, Status};
use crate::sys::directory::Directory;
use crate::sys::fork;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::fmt;
use std::path::Path;

/// A process. A child that was made by `fork`, or by `clone` alone, is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    id: u32,
    generation: u64,
}

impl Origin {
    /// This process.
    pub(super) fn here() -> Self {
        Self { id: std::process::id(), generation: fork::generation() }
    }
}

/// Loads the library at `path`: an absolute path to a file that, as all directories above, belongs to root or to this user
/// and cannot be written by others.
pub(super) fn load(path: &Path) -> Result<Library> {
    if !path.is_absolute() {
        return Err(Error::argument(format!("{}: expected an absolute path", path.display())));
    }
    let file = path.canonicalize().map_err(|e| Error::io(path.display(), &e))?;
    if let Some((directory, name)) = file.parent().zip(file.file_name().and_then(|name| name.to_str())) {
        Directory::open(directory, Status::CustodyFailed)?.open_file(name, Status::CustodyFailed)?;
    }
    // SAFETY: the operator names the library, whose code is as trusted as this process.
    unsafe { Library::open(Some(&file), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|e| failed(path, format!("cannot be loaded: {e}")))
}

/// The refusal of a library.
pub(super) fn failed(path: &Path, why: impl fmt::Display) -> Error {
    Error::new(Status::CustodyFailed, format!("{}: {why}", path.display()))
}
