//! Writing the trail: one `write` with `O_APPEND` a record, under the directory's lock.
//!
//! Several processes write the same trail. Whoever holds the lock first reads what others have added since, so each
//! record follows the one that is really there.
#![forbid(unsafe_code)]

use super::checkpoint::{self, CheckpointSigner};
use super::record::{Detail, Entry, Kind, MAX_LINE, Record};
use super::segment::{self, Chain, Head};
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::directory::{Directory, DirectoryLock};
use crate::timestamp;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// How large a trail may become, and how often it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after which a new segment begins.
    pub segment: u64,
    /// Bytes of all segments together, beyond which the oldest are removed.
    pub total: u64,
    /// After how many records a checkpoint is written, where there is a key for it.
    pub checkpoint_every: u64,
}

impl Limits {
    const MIN_SEGMENT: u64 = 64 << 10;
    const MAX_SEGMENT: u64 = 64 << 20;
    /// The most segments that the bound may have room for.
    const MAX_SEGMENTS: u64 = 512;

    /// Refuses what no trail can keep to: [`Status::InvalidArgument`].
    pub fn check(&self) -> Result<()> {
        if !(Self::MIN_SEGMENT..=Self::MAX_SEGMENT).contains(&self.segment) {
            return Err(Error::argument(format!(
                "audit segment: expected {} to {} bytes, found {}",
                Self::MIN_SEGMENT,
                Self::MAX_SEGMENT,
                self.segment
            )));
        }
        let (least, most) = (self.segment.saturating_mul(4), self.segment.saturating_mul(Self::MAX_SEGMENTS));
        if !(least..=most).contains(&self.total) {
            return Err(Error::argument(format!(
                "audit total: expected 4 to {} segments, {least} to {most} bytes, found {}",
                Self::MAX_SEGMENTS,
                self.total
            )));
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 4 << 20, total: 256 << 20, checkpoint_every: 256 }
    }
}

/// A trail that is written. Any thread may, and any process of the machine.
#[derive(Debug)]
pub struct Trail {
    directory: Directory,
    limits: Limits,
    signer: Option<Box<dyn CheckpointSigner>>,
    tail: Mutex<Tail>,
}

/// Where the trail ends, as far as this process has seen.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// The number of the first record of the last segment; 0 when there is none.
    segment: u64,
    /// Bytes of that segment.
    len: u64,
    chain: Chain,
    since_checkpoint: u64,
    /// Whether a segment has begun since the bound was looked at.
    has_begun_segment: bool,
    /// What is known to be on the disk.
    durable: Head,
}

impl Trail {
    /// Opens the trail in `path`, making the directory where it is missing; its parent must exist. What a crash has torn
    /// off at the end is taken away, and a record says so. [`Status::AuditBroken`] when the end is not what was written.
    pub fn open(path: &Path, limits: Limits, signer: Option<Box<dyn CheckpointSigner>>) -> Result<Self> {
        limits.check()?;
        if let Some(signer) = &signer {
            signer.scheme_number()?;
        }
        let directory = Directory::open_or_create(path, Status::Io)?;
        let lock = directory.lock()?;
        let tail = Tail::read(&directory).map_err(|e| e.of(directory.path().display()))?;
        let opened = Self { directory, limits, signer, tail: Mutex::new(tail) };
        opened.under(&lock, |_| Ok(()))?;
        drop(lock);
        Ok(opened)
    }

    /// Adds a record; with `durable`, returns when it is on the disk. An error means that the record was not added, or is
    /// not durable where that was asked for. Answers what else went wrong, after the record was there: a checkpoint or a
    /// trimming that was due, and is tried again.
    pub fn append(&self, entry: Entry, durable: bool) -> Result<Option<Error>> {
        let lock = self.directory.lock()?;
        self.under(&lock, |tail| {
            let record = tail.next(entry);
            self.write(tail, &record)?;
            let is_due = tail.since_checkpoint >= self.limits.checkpoint_every.max(1);
            let signed = if is_due { self.sign(tail) } else { Ok(()) };
            if durable {
                self.make_durable(tail)?;
            }
            Ok(signed.and_then(|()| self.trim_if_due(tail)).err())
        })
    }

    /// Signs the trail as it is, if there is a key and anything that is not signed, and makes it durable.
    pub fn checkpoint(&self) -> Result<Head> {
        let lock = self.directory.lock()?;
        self.under(&lock, |tail| {
            if tail.since_checkpoint > 0 {
                self.sign(tail)?;
            }
            self.make_durable(tail)?;
            self.trim_if_due(tail)?;
            Ok(tail.chain.head)
        })
    }

    /// Makes what was added durable.
    pub fn sync(&self) -> Result<()> {
        let lock = self.directory.lock()?;
        self.under(&lock, |tail| self.make_durable(tail))
    }

    /// The last record.
    pub fn head(&self) -> Result<Head> {
        let lock = self.directory.lock()?;
        self.under(&lock, |tail| Ok(tail.chain.head))
    }

    /// Runs `body` at the end of the trail, wherever other processes have brought that.
    fn under<T>(&self, _held: &DirectoryLock, body: impl FnOnce(&mut Tail) -> Result<T>) -> Result<T> {
        let mut tail = self.tail.lock();
        let found = |e: Error| e.of(self.directory.path().display());
        if let Some(torn) = tail.follow(&self.directory).map_err(found)? {
            let recovered = torn.take_away(&self.directory, &tail)?;
            let recovered = tail.next(recovered);
            self.write(&mut tail, &recovered)?;
            self.make_durable(&mut tail)?;
        }
        body(&mut tail)
    }

    fn sign(&self, tail: &mut Tail) -> Result<()> {
        let Some(signer) = &self.signer else { return Ok(()) };
        let mut record = tail.next(Entry::new(Kind::Checkpoint));
        checkpoint::sign(&mut record, signer.as_ref()).map_err(|e| e.of("audit checkpoint"))?;
        self.write(tail, &record)
    }

    fn write(&self, tail: &mut Tail, record: &Record) -> Result<()> {
        let (line, hash) = record.line();
        let added = line.len() as u64;
        if line.len() > MAX_LINE {
            return Err(Error::new(
                Status::LimitExceeded,
                format!("audit record: expected at most {MAX_LINE} bytes, found {added}"),
            ));
        }
        let is_new = tail.segment == 0 || tail.len.saturating_add(added) > self.limits.segment;
        if is_new && tail.segment != 0 {
            // Nothing of a later segment may be on the disk before this one is.
            self.make_durable(tail)?;
        }
        let (first, len) = if is_new { (record.seq, 0) } else { (tail.segment, tail.len) };
        let name = segment::name(first);
        let context = || format!("write {}", self.directory.path().join(&name).display());
        let mut file = self.directory.open_to_append(&name, Status::Io)?;
        let written = file.write(&line).map_err(|e| Error::io(context(), &e)).and_then(|written| {
            if written == line.len() {
                return Ok(());
            }
            let found = format!("{}: expected room for {added} bytes, found {written}", context());
            Err(Error::new(Status::Io, found))
        });
        if let Err(refused) = written {
            // What is left of it where this fails too is found as torn by whoever writes next.
            let _ = file.set_len(len);
            return Err(refused);
        }
        tail.has_begun_segment |= is_new;
        tail.segment = first;
        tail.len = len.saturating_add(added);
        tail.chain = Chain { head: Head { seq: record.seq, hash }, anchored: true };
        tail.count(record);
        Ok(())
    }

    fn make_durable(&self, tail: &mut Tail) -> Result<()> {
        if tail.durable == tail.chain.head {
            return Ok(());
        }
        let name = segment::name(tail.segment);
        let file = self.directory.open_file(&name, Status::Io)?;
        file.sync_data().map_err(|e| Error::io(format_args!("sync {name}"), &e))?;
        // Also makes durable that there is such a segment.
        segment::write_head(&self.directory, tail.chain.head)?;
        tail.durable = tail.chain.head;
        Ok(())
    }

    /// Looks at the bound where a segment has begun.
    fn trim_if_due(&self, tail: &mut Tail) -> Result<()> {
        if tail.has_begun_segment {
            self.trim(tail).map_err(|e| e.of("audit trail: trim"))?;
            tail.has_begun_segment = false;
        }
        Ok(())
    }

    /// Removes the oldest segments beyond the bound, after a record says where the trail begins then.
    fn trim(&self, tail: &mut Tail) -> Result<()> {
        let segments = segment::list(&self.directory)?;
        let mut sizes = Vec::new();
        for first in &segments {
            let file = self.directory.open_file(&segment::name(*first), Status::Io)?;
            sizes.push(file.metadata().map_err(|e| Error::io(segment::name(*first), &e))?.len());
        }
        // Room for the segment that begins now; the one before it always stays.
        let mut total = sizes.iter().sum::<u64>().saturating_add(self.limits.segment);
        let removable = segments.len().saturating_sub(2);
        let mut removed = 0_usize;
        for size in sizes.iter().take(removable) {
            if total <= self.limits.total {
                break;
            }
            total = total.saturating_sub(*size);
            removed = removed.saturating_add(1);
        }
        let (Some(first_kept), true) = (segments.get(removed).copied(), removed > 0) else { return Ok(()) };
        let mut entry = Entry::new(Kind::Trimmed);
        entry.message = format!("removed {removed} segments; record {first_kept} is the first one kept");
        entry.detail = Detail::Anchor { first_kept, anchor: segment::anchor(&self.directory, first_kept)? };
        let record = tail.next(entry);
        self.write(tail, &record)?;
        self.sign(tail)?;
        self.make_durable(tail)?;
        for first in segments.iter().take(removed) {
            self.directory.remove(&segment::name(*first))?;
        }
        self.directory.sync()
    }
}

impl Tail {
    /// Reads the end of the trail: its last two segments.
    fn read(directory: &Directory) -> Result<Self> {
        let segments = segment::list(directory)?;
        let head = segment::read_head(directory)?;
        let broken = |found: String| Error::new(Status::AuditBroken, found);
        let durable = match (head, segments.first()) {
            (Some(head), _) => head,
            (None, None) => {
                segment::write_head(directory, Head::none())?;
                Head::none()
            }
            (None, Some(first)) => {
                let found = format!("head.json: expected beside {}, found none", segment::name(*first));
                return Err(broken(found));
            }
        };
        let from = segments.get(segments.len().saturating_sub(2)).copied().unwrap_or(1);
        Ok(Self {
            segment: if segments.is_empty() { 0 } else { from },
            len: 0,
            chain: Chain::before(from),
            since_checkpoint: 0,
            has_begun_segment: true,
            durable,
        })
    }

    /// Takes in what is behind the tail. Answers what stands torn at the end.
    fn follow(&mut self, directory: &Directory) -> Result<Option<Torn>> {
        let segments = segment::list(directory)?;
        // Others have written so much meanwhile that all that was known here was trimmed: a trail that is opened anew.
        if segments.first().is_some_and(|first| self.segment != 0 && *first > self.chain.head.seq) {
            *self = Self::read(directory)?;
        }
        let known = self.segment.max(1);
        if self.segment != 0 && !segments.contains(&self.segment) {
            let name = segment::name(self.segment);
            return Err(Error::new(Status::AuditBroken, format!("{name}: expected the segment, found none")));
        }
        let mut torn = None;
        let mut segments = segments.into_iter().filter(|first| *first >= known).peekable();
        while let Some(first) = segments.next() {
            if first != self.segment {
                if first != self.chain.next() {
                    let found =
                        format!("expected a segment that begins with {}, found none", self.chain.next());
                    return Err(Error::new(Status::AuditBroken, found).of(segment::name(first)));
                }
                (self.segment, self.len) = (first, 0);
            }
            torn = self.follow_segment(directory)?;
            if torn.is_some() && segments.peek().is_some() {
                let e = Error::new(Status::AuditBroken, "expected a whole line, found the segment's end");
                return Err(segment::at(first, self.chain.next(), &e));
            }
        }
        if self.chain.head.seq < self.durable.seq {
            return Err(Error::new(
                Status::AuditBroken,
                format!(
                    "expected records up to {} at least, as head.json says, found {}",
                    self.durable.seq, self.chain.head.seq
                ),
            ));
        }
        Ok(torn)
    }

    fn follow_segment(&mut self, directory: &Directory) -> Result<Option<Torn>> {
        let name = segment::name(self.segment);
        let mut file = directory.open_file(&name, Status::Io)?;
        let len = file.metadata().map_err(|e| Error::io(&name, &e))?.len();
        if len < self.len {
            let found = format!("{name}: expected at least {} bytes, found {len}", self.len);
            return Err(Error::new(Status::AuditBroken, found));
        }
        if len == self.len {
            return Ok(None);
        }
        let bytes = read_from(&mut file, self.len, len).map_err(|e| Error::io(&name, &e))?;
        let (lines, rest) = segment::lines(&bytes);
        for line in lines {
            let seq = self.chain.next();
            let record = self.chain.take(line).map_err(|e| segment::at(self.segment, seq, &e))?;
            self.len = self.len.saturating_add(line.len() as u64).saturating_add(1);
            self.count(&record);
            if record.seq == self.durable.seq && self.chain.head != self.durable {
                let (expected, found) = (sm3::text(&self.durable.hash), sm3::text(&self.chain.head.hash));
                let e = format!("hash: expected {expected}, as head.json says, found {found}");
                return Err(segment::at(self.segment, seq, &Error::new(Status::AuditBroken, e)));
            }
        }
        Ok((!rest.is_empty()).then(|| Torn { bytes: rest.to_vec() }))
    }

    fn next(&self, entry: Entry) -> Record {
        Record {
            seq: self.chain.next(),
            time: timestamp::now(),
            process: std::process::id(),
            entry,
            previous: self.chain.head.hash,
        }
    }

    fn count(&mut self, record: &Record) {
        let is_checkpoint = record.entry.kind == Kind::Checkpoint;
        self.since_checkpoint = if is_checkpoint { 0 } else { self.since_checkpoint.saturating_add(1) };
    }
}

fn read_from(file: &mut File, from: u64, to: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to.saturating_sub(from)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The beginning of a record whose writing a crash has cut off.
struct Torn {
    bytes: Vec<u8>,
}

impl Torn {
    /// Takes it away; answers the record that says so.
    fn take_away(&self, directory: &Directory, tail: &Tail) -> Result<Entry> {
        let name = segment::name(tail.segment);
        let file = directory.open_to_append(&name, Status::Io)?;
        file.set_len(tail.len).map_err(|e| Error::io(format_args!("recover {name}"), &e))?;
        let mut entry = Entry::new(Kind::Recovered);
        entry.digest = Some(sm3::digest(&self.bytes));
        entry.message = format!("took away {} bytes of a record that was never finished", self.bytes.len());
        Ok(entry)
    }
}
