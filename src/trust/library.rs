//! Libraries of which a statement demands the digest: the bytes that an image gets to know under a name.
#![forbid(unsafe_code)]

use super::image::VerifiedImage;
use crate::artifact::elf::{Elf, policy};
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use crate::sys::memfd::SealedMemfd;
use std::fmt;
use std::fs::File;

/// The most bytes in a library.
const MAX_LEN: u64 = 1 << 30;

/// What a verified statement demands of one library that its image needs.
#[derive(Clone, Copy, Debug)]
pub struct Demanded<'a> {
    image: &'a VerifiedImage,
    soname: &'a str,
    digest: &'a Digest,
}

/// A library in sealed memory, of the SONAME and the digest that a verified statement demands.
#[derive(Debug)]
pub struct VerifiedLibrary {
    soname: String,
    digest: Digest,
    memory: SealedMemfd,
}

impl VerifiedImage {
    /// The libraries of which the statement demands the digest.
    pub fn demanded(&self) -> impl Iterator<Item = Demanded<'_>> {
        self.statement.needed.iter().filter_map(|needed| {
            Some(Demanded { image: self, soname: &needed.soname, digest: needed.digest.as_ref()? })
        })
    }
}

impl<'a> Demanded<'a> {
    /// The name that the image knows it by.
    pub fn soname(&self) -> &'a str {
        self.soname
    }

    /// Copies `file` into sealed memory. [`Status::Modified`] for another digest than is demanded;
    /// [`Status::ImageRejected`] for a library that may not be loaded, as an image may not.
    pub fn copy_of(&self, file: &mut File) -> Result<VerifiedLibrary> {
        let memory = SealedMemfd::copy_of(file, self.soname, MAX_LEN)?;
        self.check(memory.bytes())?;
        let elf = Elf::parse(memory.bytes())?;
        policy::loadable(&elf, self.image.allowances())?;
        if elf.soname() != Some(self.soname) {
            let found = elf.soname().unwrap_or("none");
            return Err(Error::new(
                Status::ImageRejected,
                format!("SONAME: expected {}, found {found}", self.soname),
            ));
        }
        Ok(VerifiedLibrary { soname: self.soname.to_owned(), digest: *self.digest, memory })
    }

    /// Compares the digest of these bytes: [`Status::Modified`] for another one.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        self.compare(&sm3::digest(bytes))
    }

    /// Compares a library that was verified for some image: [`Status::Modified`] for another digest.
    pub fn check_verified(&self, library: &VerifiedLibrary) -> Result<()> {
        self.compare(&library.digest)
    }

    fn compare(&self, found: &Digest) -> Result<()> {
        if self.digest == found {
            return Ok(());
        }
        let (demanded, found) = (sm3::text(self.digest), sm3::text(found));
        Err(Error::new(Status::Modified, format!("expected the digest {demanded}, found {found}")))
    }
}

impl fmt::Display for Demanded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with the digest {}", self.soname, sm3::text(self.digest))
    }
}

impl VerifiedLibrary {
    /// The name that images know it by.
    pub fn soname(&self) -> &str {
        &self.soname
    }

    /// Whether it is the same library as `other`.
    pub fn is(&self, other: &Self) -> bool {
        self.soname == other.soname && self.digest == other.digest
    }

    /// The whole file.
    pub fn memory(&self) -> &SealedMemfd {
        &self.memory
    }
}
