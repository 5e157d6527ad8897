//! The files of a trail, and the chain through their lines.
#![forbid(unsafe_code)]

use super::record::{MAX_LINE, NO_RECORD, Record};
use crate::crypto::key_id::parse_digest;
use crate::crypto::sm3::{self, Digest};
use crate::document::Document;
use crate::error::{Error, Result, Status};
use crate::sys::directory::Directory;
use std::fmt;
use std::str::FromStr;

const HEAD: &str = "head.json";
const MAX_HEAD: usize = 256;
/// The most files in the directory of a trail.
const MAX_FILES: usize = 1024;

/// A place in a trail: everything up to it is fixed by the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 for none.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// That of a trail without records.
    pub const fn none() -> Self {
        Self { seq: 0, hash: NO_RECORD }
    }
}

/// The text form, to be kept elsewhere: the number, a colon, the hash.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, sm3::text(&self.hash))
    }
}

impl FromStr for Head {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once(':').and_then(|(seq, hash)| {
            let seq = seq.bytes().all(|c| c.is_ascii_digit()).then(|| seq.parse().ok()).flatten()?;
            Some(Self { seq, hash: parse_digest(hash)? })
        });
        parsed.ok_or_else(|| {
            Error::argument(format!(
                "head: expected a number, a colon, sm3: and 64 hex digits, found {text:?}"
            ))
        })
    }
}

/// The numbers of the first records of the segments, ascending.
pub(super) fn list(directory: &Directory) -> Result<Vec<u64>> {
    let names = directory.names(MAX_FILES)?;
    Ok(names.iter().filter_map(|name| number(name)).collect())
}

pub(super) fn name(first: u64) -> String {
    format!("{first:020}.ndjson")
}

fn number(file: &str) -> Option<u64> {
    let first = file.strip_suffix(".ndjson")?.parse().ok()?;
    (name(first) == file).then_some(first)
}

/// The last record that is known to be on the disk. `None` when the trail has not begun.
pub(super) fn read_head(directory: &Directory) -> Result<Option<Head>> {
    let bytes = match directory.read(HEAD, MAX_HEAD as u64, Status::Io) {
        Err(missing) if missing.status() == Status::NotFound => return Ok(None),
        read => read?,
    };
    let parse = || -> Result<Head> {
        let document = Document::parse(&bytes, MAX_HEAD, Status::AuditBroken)?;
        let mut root = document.object()?;
        let seq = root.required("seq")?.unsigned()?;
        let hash = root.required("hash")?;
        let hash = parse_digest(hash.text(128)?).ok_or_else(|| hash.expected("sm3: and 64 hex digits"))?;
        root.finish()?;
        let head = Head { seq, hash };
        if head_text(head).as_bytes() == bytes {
            return Ok(head);
        }
        Err(Error::new(Status::AuditBroken, "expected the one form of a head, found another spelling"))
    };
    parse().map(Some).map_err(|e| e.of(HEAD))
}

pub(super) fn write_head(directory: &Directory, head: Head) -> Result<()> {
    directory.write_durably(HEAD, head_text(head).as_bytes())
}

fn head_text(head: Head) -> String {
    format!("{{\"seq\":{},\"hash\":\"{}\"}}\n", head.seq, sm3::text(&head.hash))
}

/// A refusal of the record `seq` of the segment that begins with `first`.
pub(super) fn at(first: u64, seq: u64, error: &Error) -> Error {
    Error::new(error.status(), error.message()).of(format_args!("{}: record {seq}", name(first)))
}

/// The record that must come next: its number, and the hash that it must name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// The last record.
    pub(super) head: Head,
    /// Whether `head.hash` is known. It is not before the first record of a trail whose beginning was trimmed.
    pub(super) anchored: bool,
}

impl Chain {
    pub(super) fn beginning() -> Self {
        Self { head: Head::none(), anchored: true }
    }

    /// Before the record `first`, whatever it follows.
    pub(super) fn before(first: u64) -> Self {
        match first {
            1 => Self::beginning(),
            _ => Self { head: Head { seq: first.saturating_sub(1), hash: NO_RECORD }, anchored: false },
        }
    }

    /// The number of the record that must come next.
    pub(super) fn next(&self) -> u64 {
        self.head.seq.saturating_add(1)
    }

    /// Takes the next line, without its end.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Record> {
        let (record, hash) = Record::parse(line)?;
        let broken = |message: String| Error::new(Status::AuditBroken, message);
        if record.seq != self.next() {
            return Err(broken(format!("seq: expected {}, found {}", self.next(), record.seq)));
        }
        if self.anchored && record.previous != self.head.hash {
            let (expected, found) = (sm3::text(&self.head.hash), sm3::text(&record.previous));
            return Err(broken(format!("previous: expected {expected}, found {found}")));
        }
        *self = Self { head: Head { seq: record.seq, hash }, anchored: true };
        Ok(record)
    }
}

/// Whole lines of `bytes`, without their ends, and what is left behind the last.
pub(super) fn lines(bytes: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last.saturating_add(1));
    let (whole, rest) = bytes.split_at_checked(whole).unwrap_or((&[], bytes));
    let lines = whole.strip_suffix(b"\n").map(|whole| whole.split(|byte| *byte == b'\n'));
    (lines.into_iter().flatten(), rest)
}

/// The hash that the first record of a segment names.
pub(super) fn anchor(directory: &Directory, first: u64) -> Result<Digest> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = directory.open_file(&name(first), Status::Io)?;
    file.take(MAX_LINE as u64).read_to_end(&mut bytes).map_err(|e| Error::io(name(first), &e))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Record::parse(line).map(|(record, _)| record.previous).map_err(|e| at(first, first, &e))
}
