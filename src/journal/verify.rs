//! Reading a trail from its first record to its last, and finding the first place that is not as it was written.
#![forbid(unsafe_code)]

use super::checkpoint;
use super::record::{Detail, Kind, NO_RECORD, Record};
use super::segment::{self, Chain, Head};
use crate::crypto::key::PublicKey;
use crate::crypto::scheme::Schemes;
use crate::crypto::sm3::{self, Digest};
use crate::error::{Error, Result, Status};
use crate::sys::directory::Directory;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Against what a trail is verified.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    /// Every checkpoint must be signed by one of these, and there must be one. None: signatures are not looked at.
    pub keys: &'a [PublicKey],
    /// Where schemes of the host are registered.
    pub schemes: &'a Schemes,
    /// A head that was kept elsewhere: that record must be there.
    pub expected: Option<Head>,
}

/// What was found in a trail that is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of the first record that is kept; 0 for none.
    pub first: u64,
    /// The last record.
    pub head: Head,
    /// How many segments.
    pub segments: u64,
    /// The number of the last record that a checkpoint signs for; 0 where there is none, or no key was given.
    pub signed_up_to: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// How many times the rest of a torn record was taken away.
    pub recovered: u64,
}

/// The directory of the trail: `path` itself, or where a state directory has it.
pub fn find(path: &Path) -> PathBuf {
    let inside = path.join("machine").join("audit");
    if inside.is_dir() { inside } else { path.to_owned() }
}

/// Reads the trail in `path` and hands every record that is right to `visit`, in order, up to the first place that is not:
/// that is [`Status::AuditBroken`] with the segment, the record, what was expected and what was found.
pub fn verify(path: &Path, against: &Verification<'_>, visit: &mut dyn FnMut(&Record)) -> Result<Report> {
    let directory = Directory::open(path, Status::Io)?;
    let Snapshot { segments, head } = Snapshot::take(&directory)?;
    let mut reading = Reading::new(against, head, segments.first().map(|(first, _, _)| *first));
    for (first, file, len) in segments {
        reading.segment(first, file, len, visit)?;
    }
    reading.finish()
}

/// The files of a trail at one moment. They stay readable when they are trimmed meanwhile.
struct Snapshot {
    segments: Vec<(u64, File, u64)>,
    head: Head,
}

impl Snapshot {
    fn take(directory: &Directory) -> Result<Self> {
        // Without leave to write there is nobody to wait for the lock: such a copy is at rest, or looks torn.
        let _lock = directory.lock().ok();
        let list = segment::list(directory)?;
        let head = match (segment::read_head(directory)?, list.first()) {
            (Some(head), _) => head,
            (None, Some(first)) => {
                let found = format!("head.json: expected beside {}, found none", segment::name(*first));
                return Err(Error::new(Status::AuditBroken, found));
            }
            (None, None) => {
                let path = directory.path().display();
                return Err(Error::new(
                    Status::NotFound,
                    format!("{path}: expected an audit trail, found none"),
                ));
            }
        };
        let mut segments = Vec::new();
        for first in list {
            let file = directory.open_file(&segment::name(first), Status::Io)?;
            let len = file.metadata().map_err(|e| Error::io(segment::name(first), &e))?.len();
            segments.push((first, file, len));
        }
        Ok(Self { segments, head })
    }
}

struct Reading<'a> {
    against: &'a Verification<'a>,
    durable: Head,
    chain: Chain,
    /// What the first record follows, where the beginning was trimmed.
    begins: Option<(u64, Digest)>,
    /// Whether a record says that the trail begins there.
    declared: bool,
    report: Report,
}

impl<'a> Reading<'a> {
    fn new(against: &'a Verification<'a>, durable: Head, first: Option<u64>) -> Self {
        let first = first.unwrap_or(1);
        let report = Report {
            first: 0,
            head: Head::none(),
            segments: 0,
            signed_up_to: 0,
            checkpoints: 0,
            recovered: 0,
        };
        Self { against, durable, chain: Chain::before(first), begins: None, declared: false, report }
    }

    fn segment(&mut self, first: u64, file: File, len: u64, visit: &mut dyn FnMut(&Record)) -> Result<()> {
        if first != self.chain.next() {
            let missing = segment::name(self.chain.next());
            let found = format!(
                "{missing}: expected the segment of record {}, found {}",
                self.chain.next(),
                segment::name(first)
            );
            return Err(Error::new(Status::AuditBroken, found));
        }
        self.report.segments = self.report.segments.saturating_add(1);
        let mut bytes = BufReader::new(file.take(len));
        let mut line = Vec::new();
        loop {
            line.clear();
            // One byte more than the longest line, which is then refused as too long.
            let most = super::record::MAX_LINE as u64 + 1;
            let read = bytes.by_ref().take(most).read_until(b'\n', &mut line);
            if read.map_err(|e| Error::io(segment::name(first), &e))? == 0 {
                return Ok(());
            }
            let seq = self.chain.next();
            let record = self.line(&line).map_err(|e| segment::at(first, seq, &e))?;
            visit(&record);
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<Record> {
        let broken = |found: String| Error::new(Status::AuditBroken, found);
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(broken(format!("expected a whole line, found {} bytes without an end", line.len())));
        };
        let record = self.chain.take(line)?;
        for (head, source) in
            [(Some(self.durable), "head.json"), (self.against.expected, "the head that was given")]
        {
            if let Some(head) = head
                && head.seq == record.seq
                && head != self.chain.head
            {
                let (expected, found) = (sm3::text(&head.hash), sm3::text(&self.chain.head.hash));
                return Err(broken(format!("hash: expected {expected}, as {source} says, found {found}")));
            }
        }
        if self.report.first == 0 {
            self.report.first = record.seq;
            if record.seq == 1 && record.previous != NO_RECORD {
                return Err(broken("previous: expected no record before the first".into()));
            }
            self.begins = (record.seq != 1).then_some((record.seq, record.previous));
        }
        match (&record.entry.kind, &record.entry.detail) {
            (Kind::Checkpoint, _) => {
                self.report.checkpoints = self.report.checkpoints.saturating_add(1);
                if !self.against.keys.is_empty() {
                    checkpoint::check(&record, self.against.keys, self.against.schemes)?;
                    self.report.signed_up_to = record.seq;
                }
            }
            (Kind::Recovered, _) => self.report.recovered = self.report.recovered.saturating_add(1),
            (_, Detail::Anchor { first_kept, anchor }) => {
                self.declared |= self.begins == Some((*first_kept, *anchor));
            }
            _ => {}
        }
        Ok(record)
    }

    fn finish(mut self) -> Result<Report> {
        let broken = |found: String| Err(Error::new(Status::AuditBroken, found));
        self.report.head = self.chain.head;
        let (last, first) = (self.chain.head.seq, self.report.first);
        if let Some((first, _)) = self.begins
            && !self.declared
        {
            return broken(format!(
                "{}: record {first}: expected a record that says that the trail begins here, found none",
                segment::name(first)
            ));
        }
        for (head, source) in
            [(Some(self.durable), "head.json"), (self.against.expected, "the head that was given")]
        {
            let Some(head) = head else { continue };
            if head.seq > last {
                return broken(format!(
                    "record {}: expected records up to {}, as {source} says, found the trail's end",
                    last.saturating_add(1),
                    head.seq
                ));
            }
            if head.seq.saturating_add(1) < first {
                return broken(format!(
                    "record {}: expected it, as {source} says, found the trail to begin with {first}",
                    head.seq
                ));
            }
        }
        if !self.against.keys.is_empty() && self.report.signed_up_to == 0 && last > 0 {
            return broken(format!(
                "records {first} to {last}: expected a checkpoint by a key that was given, found none"
            ));
        }
        Ok(self.report)
    }
}
