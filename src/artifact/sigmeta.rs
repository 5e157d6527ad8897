//! The signature container, and its place in a plugin file.
//!
//! Embedded, it is the section `.sigmeta` at the very end of an ELF file:
//!
//! ```text
//! 0                                                                          S            end of file
//! | original ELF | zeros | section names | section header table |  .sigmeta: container, zeros |
//! |<------------------------- covered -------------------------->|<--------- reserve --------->|
//! ```
//!
//! The covered bytes `[0, S)` are a prefix without holes, and the section table in them names S and the reserve.
//! Signing appends: of the original bytes only `e_shoff` and `e_shnum` change, and for a file that had no section
//! table also `e_shstrndx` and `e_shentsize`. S is a multiple of 4096, so that where this is the page size
//! the dynamic linker maps no byte that is not covered. The reserve is fixed before the first signature, so that signers
//! can follow without changing a covered byte. `strip`, `objcopy` and `patchelf` drop or move the section:
//! strip first, sign last.
//!
//! Detached (`plugin.so.sogsig`), the container alone is the file, and S is the length of the file it signs.
//! A trust document's detached signatures are a container too. Its statement is the SM3 digest of the document, which
//! tells a further signer whether earlier signatures are over the same bytes; verifiers do not look at it.
//!
//! ```text
//! SogovSigmeta DEFINITIONS IMPLICIT TAGS ::= BEGIN
//!
//! Sigmeta ::= SEQUENCE {
//!     magic       UTF8String ("sogov-sigmeta"),
//!     version     INTEGER (1),
//!     statement   OCTET STRING (SIZE (0..65536)),        -- DER of a Statement, or a digest
//!     signatures  SEQUENCE (SIZE (1..16)) OF SignatureEntry
//! }
//!
//! SignatureEntry ::= SEQUENCE {                          -- no key id twice
//!     keyId       OCTET STRING (SIZE (32)),
//!     scheme      INTEGER (0..255),
//!     signature   OCTET STRING (SIZE (1..8192))
//! }
//!
//! END
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod layout;

use super::der::{Reader, Writer};
use super::statement::MAX_STATEMENT_LEN;
use crate::crypto::key_id::KeyId;
use crate::error::{Error, Result, Status};
use std::collections::BTreeSet;

/// The section's name.
pub const SECTION_NAME: &str = ".sigmeta";
/// Bytes kept for the container where the caller has no wish: a statement and the signatures of several signers.
pub const DEFAULT_RESERVE: usize = 16 * 1024;
/// Bytes in the largest container, and so the largest reserve.
pub const MAX_RESERVE: usize = 256 * 1024;
/// Signatures in one container.
pub const MAX_SIGNATURES: usize = 16;
/// Bytes in the longest signature.
pub const MAX_SIGNATURE_LEN: usize = 8 * 1024;

const MAGIC: &str = "sogov-sigmeta";
const VERSION: u64 = 1;

/// A statement and the signatures over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sigmeta {
    /// The statement's DER as it was signed, or the digest of the document that is signed itself.
    pub statement: Vec<u8>,
    /// From 1 to [`MAX_SIGNATURES`], in the order in which they were made, no key twice.
    pub signatures: Vec<SignatureEntry>,
}

/// One signature. Nothing here is to be trusted before the verifier's own record of the key agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureEntry {
    /// The key.
    pub key_id: KeyId,
    /// The number of the scheme, which must equal that of the key's record.
    pub scheme: u8,
    /// The signature in its scheme's form, from 1 to [`MAX_SIGNATURE_LEN`] bytes.
    pub signature: Vec<u8>,
}

/// What a file carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// No container: not an ELF file, or one without the section. The caller calls it unsigned, or looks beside it.
    None,
    /// A container at the end of an ELF file.
    Embedded {
        /// The bytes `[0, S)` that the statement's root is the digest of.
        covered: &'a [u8],
        /// The container; its statement is not empty.
        sigmeta: Sigmeta,
    },
}

/// Reads the container embedded in `file`.
///
/// Whether the statement's covered length and root are those of the covered bytes, and the signatures good, is for
/// the caller to check.
///
/// # Errors
/// - [`Status::ImageRejected`]: an ELF file whose tables cannot be read, or not a 64-bit little-endian one.
/// - [`Status::Unsupported`]: extended section or program header numbering; a container of a later release.
/// - [`Status::Ambiguous`]: several sections of the name.
/// - [`Status::Modified`]: a layout or container that [`attach`] never writes.
pub fn find(file: &[u8]) -> Result<Found<'_>> {
    let Some((covered, section)) = layout::split(file)? else { return Ok(Found::None) };
    let (sigmeta, padding) = Sigmeta::decode(section)?;
    if padding.iter().any(|&byte| byte != 0) {
        return Err(Error::new(Status::Modified, ".sigmeta: the padding after the container is not zero"));
    }
    if sigmeta.statement.is_empty() {
        return Err(Error::new(Status::Modified, ".sigmeta: the statement is empty"));
    }
    Ok(Found::Embedded { covered, sigmeta })
}

/// The covered bytes `[0, S)` of the signed file that `elf` will become, with `reserve` bytes kept for the container:
/// what the statement's root and covered length are computed from.
///
/// # Errors
/// - [`Status::Busy`]: the file is signed already; see [`add_signature`].
/// - [`Status::InvalidArgument`]: `reserve` is 0 or above [`MAX_RESERVE`].
/// - [`Status::ImageRejected`], [`Status::Unsupported`]: as with [`find`].
pub fn prepare(elf: &[u8], reserve: usize) -> Result<Vec<u8>> {
    if !(1..=MAX_RESERVE).contains(&reserve) {
        return Err(Error::argument(format!("reserve: expected 1 to {MAX_RESERVE} bytes, found {reserve}")));
    }
    layout::prepare(elf, reserve)
}

/// The signed file: `prefix`, which [`prepare`] made with the same `reserve`, and the container.
///
/// # Errors
/// - [`Status::LimitExceeded`]: the container does not fit into the reserve.
/// - [`Status::InvalidArgument`]: another prefix or reserve; a container without statement, or as with
///   [`Sigmeta::to_der`].
pub fn attach(prefix: Vec<u8>, reserve: usize, sigmeta: &Sigmeta) -> Result<Vec<u8>> {
    if sigmeta.statement.is_empty() {
        return Err(Error::argument("signature container: expected a statement, found none"));
    }
    let covered_len = prefix.len();
    let file = append(prefix, reserve, sigmeta)?;
    // What a verifier would refuse must not leave the signer.
    match find(&file).map_err(|error| error.to_string()) {
        Ok(Found::Embedded { covered, .. }) if covered.len() == covered_len => Ok(file),
        Ok(_) => Err(Error::argument("prefix: not prepared for this reserve")),
        Err(why) => Err(Error::argument(format!("prefix: not prepared for this reserve: {why}"))),
    }
}

/// `file` with one more signature over the same statement; its covered bytes stay the same.
///
/// # Errors
/// - [`Status::Unsigned`]: no container to add to.
/// - [`Status::Busy`]: that key has signed already.
/// - [`Status::LimitExceeded`]: the reserve is full, or [`MAX_SIGNATURES`] are there.
/// - As with [`find`].
pub fn add_signature(file: &[u8], entry: SignatureEntry) -> Result<Vec<u8>> {
    match find(file)? {
        Found::None => Err(Error::new(Status::Unsigned, "expected a signed file, found no .sigmeta section")),
        Found::Embedded { covered, mut sigmeta } => {
            sigmeta.add(entry)?;
            append(covered.to_vec(), file.len().saturating_sub(covered.len()), &sigmeta)
        }
    }
}

impl Sigmeta {
    /// The one encoding. [`Status::InvalidArgument`] or [`Status::LimitExceeded`] when a field breaks its rule.
    pub fn to_der(&self) -> Result<Vec<u8>> {
        self.check()?;
        Ok(self.encode())
    }

    /// Reads a detached container, which is the whole of `der`. [`Status::Modified`] for anything that
    /// [`to_der`](Self::to_der) does not write, but [`Status::Unsupported`] for a later release's version.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        match Self::decode(der)? {
            (sigmeta, []) => Ok(sigmeta),
            (_, rest) => Err(modified(format!("{} bytes follow the container", rest.len()))),
        }
    }

    /// Adds a further signature over the same statement. [`Status::Busy`] when that key has signed already,
    /// [`Status::LimitExceeded`] when [`MAX_SIGNATURES`] are there; nothing is changed then.
    pub fn add(&mut self, entry: SignatureEntry) -> Result<()> {
        if self.signatures.iter().any(|present| present.key_id == entry.key_id) {
            let message = format!("signature container: {} has signed already", entry.key_id);
            return Err(Error::new(Status::Busy, message));
        }
        self.signatures.push(entry);
        self.check().inspect_err(|_| drop(self.signatures.pop()))
    }

    fn encode(&self) -> Vec<u8> {
        Writer::encode(|w| {
            w.text(MAGIC);
            w.integer(VERSION);
            w.octets(&self.statement);
            w.list(&self.signatures, |w, entry| entry.encode(w));
        })
    }

    /// The container at the head of `bytes`, and what follows it.
    fn decode(bytes: &[u8]) -> Result<(Self, &[u8])> {
        if bytes.len() > MAX_RESERVE {
            return Err(modified(format!("expected at most {MAX_RESERVE} bytes, found {}", bytes.len())));
        }
        let mut outer = Reader::new(bytes);
        let sigmeta = Self::decode_fields(&mut outer).map_err(|error| error.of("signature container"))?;
        let rest = outer.rest();
        sigmeta.check().map_err(|error| Error::new(Status::Modified, error.message()))?;
        let der = bytes.len().checked_sub(rest.len()).and_then(|len| bytes.get(..len));
        if der != Some(sigmeta.encode().as_slice()) {
            return Err(modified("not strict DER"));
        }
        Ok((sigmeta, rest))
    }

    fn decode_fields(outer: &mut Reader<'_>) -> Result<Self> {
        let mut r = outer.sequence("the whole")?;
        let magic = r.text("magic")?;
        if magic != MAGIC {
            return Err(Error::new(Status::Modified, format!("magic: expected {MAGIC:?}, found {magic:?}")));
        }
        // Before the rest, so that a later release's container is called that rather than malformed.
        let version: u64 = r.integer("version")?;
        if version != VERSION {
            return Err(Error::new(Status::Unsupported, format!("expected version 1, found {version}")));
        }
        let statement = r.octets("statement")?.to_vec();
        let signatures = r.list("signatures", SignatureEntry::decode)?;
        r.finish("the whole")?;
        Ok(Self { statement, signatures })
    }

    /// The rules that the encoding alone does not hold, for writer and reader alike.
    pub(super) fn check(&self) -> Result<()> {
        at_most("bytes in the statement", MAX_STATEMENT_LEN, self.statement.len())?;
        at_most("signatures", MAX_SIGNATURES, self.signatures.len())?;
        if self.signatures.is_empty() {
            return Err(Error::argument("signature container: it holds no signature"));
        }
        let mut seen = BTreeSet::new();
        self.signatures.iter().try_for_each(|SignatureEntry { key_id, signature, .. }| {
            if !seen.insert(key_id) {
                return Err(Error::argument(format!("signature container: {key_id} stands there twice")));
            }
            if signature.is_empty() {
                return Err(Error::argument(format!("signature container: {key_id}: empty signature")));
            }
            at_most("bytes in a signature", MAX_SIGNATURE_LEN, signature.len())
        })
    }
}

impl SignatureEntry {
    pub(super) fn encode(&self, w: &mut Writer) {
        w.sequence(|w| {
            w.octets(self.key_id.as_bytes());
            w.integer(self.scheme);
            w.octets(&self.signature);
        });
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Self> {
        let mut r = r.sequence("signature entry")?;
        let key_id = KeyId::from_bytes(r.digest("key id")?);
        let entry = Self { key_id, scheme: r.integer("scheme")?, signature: r.octets("signature")?.to_vec() };
        r.finish("signature entry")?;
        Ok(entry)
    }
}

/// `covered`, then the container, zero-padded to `reserve` bytes.
fn append(mut covered: Vec<u8>, reserve: usize, sigmeta: &Sigmeta) -> Result<Vec<u8>> {
    let mut section = sigmeta.to_der()?;
    at_most("bytes in the reserve", reserve, section.len())?;
    section.resize(reserve, 0);
    covered.append(&mut section);
    Ok(covered)
}

fn at_most(what: &str, limit: usize, found: usize) -> Result<()> {
    if found <= limit {
        return Ok(());
    }
    let message = format!("signature container: expected at most {limit} {what}, found {found}");
    Err(Error::new(Status::LimitExceeded, message))
}

fn modified(why: impl std::fmt::Display) -> Error {
    Error::new(Status::Modified, format!("signature container: {why}"))
}

#[cfg(test)]
mod tests;
