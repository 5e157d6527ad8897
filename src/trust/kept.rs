//! What an engine remembers of trust, so that nothing older is taken later: numbers that only rise, and the time.
//!
//! ```text
//! machine/trust/numbers.json   the highest epoch of a trust document, numbers of a deny-list and of advisories, and set of
//!                              root keys that were accepted, and the lowest epoch that each service takes
//! machine/trust/clock.json     the latest time that was believed, and who confirmed a leap of the clock
//! ```
//!
//! Every engine of the machine that has this state directory reads and raises the same numbers, under the machine's lock.
//! Without a state directory they live as long as the engine.
#![forbid(unsafe_code)]

mod records;

use super::clock::{ClockVerdict, Reading, Seen, TrustTime, judge};
use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::directory::Directory;
use crate::sys::stamp::Stamp;
use crate::timestamp::UnixSeconds;
use std::collections::BTreeMap;
use std::path::Path;

pub use records::{ClockRecord, Confirmation};

const NUMBERS: &str = "numbers.json";
const CLOCK: &str = "clock.json";
/// How much time may pass before what was seen is written again: what a crash and a clock that is set back could win.
const UNWRITTEN: UnixSeconds = 60;
/// How many confirmations are kept, the latest ones.
const MAX_CONFIRMATIONS: usize = 64;

/// What was accepted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The highest epoch of a trust document.
    pub document_epoch: u64,
    /// The highest number of a deny-list; 0: there was none yet.
    pub denylist_number: u64,
    /// The highest number of advisories that a service asked for.
    pub advisories_number: u64,
    /// The highest set of root keys: its number and its digest.
    pub roots: Option<(u64, Digest)>,
    /// The lowest epoch that each service takes, as far as its own versions have raised it.
    pub floors: BTreeMap<String, u64>,
}

impl Numbers {
    /// Those of the directory alone: floors are many, and a decision copies none of them.
    fn accepted(&self) -> Self {
        let Self { document_epoch, denylist_number, advisories_number, roots, floors: _ } = *self;
        Self { document_epoch, denylist_number, advisories_number, roots, floors: BTreeMap::new() }
    }

    fn merge(&mut self, other: &Self) {
        self.document_epoch = self.document_epoch.max(other.document_epoch);
        self.denylist_number = self.denylist_number.max(other.denylist_number);
        self.advisories_number = self.advisories_number.max(other.advisories_number);
        if other.roots.map(|(number, _)| number) > self.roots.map(|(number, _)| number) {
            self.roots = other.roots;
        }
        for (service, floor) in &other.floors {
            let kept = self.floors.entry(service.clone()).or_default();
            *kept = (*kept).max(*floor);
        }
    }
}

/// What is remembered, in the state directory or in this process alone.
#[derive(Debug, Default)]
pub struct Kept {
    directories: Option<Directories>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct Directories {
    machine: Directory,
    trust: Directory,
}

#[derive(Debug, Default)]
struct State {
    numbers: Numbers,
    numbers_stamp: Option<Stamp>,
    clock: ClockRecord,
    clock_stamp: Option<Stamp>,
    /// What of the time stands in the file.
    written: UnixSeconds,
    /// Floors were raised that do not stand in the file.
    has_noted: bool,
}

impl Kept {
    /// In the state directory at `path`, which is made where it is missing.
    pub fn open(path: &Path) -> Result<Self> {
        let machine = Directory::open_or_create(path, Status::Io)?.subdirectory("machine", Status::Io)?;
        let trust = machine.subdirectory("trust", Status::Io)?;
        let kept = Self { directories: Some(Directories { machine, trust }), state: Mutex::default() };
        // A file that cannot be read is told now.
        kept.numbers()?;
        kept.clock()?;
        Ok(kept)
    }

    /// Whether it outlives the process.
    pub fn is_durable(&self) -> bool {
        self.directories.is_some()
    }

    /// What was accepted so far, by whichever process.
    pub fn numbers(&self) -> Result<Numbers> {
        let mut state = self.state.lock();
        self.refresh_numbers(&mut state)?;
        Ok(state.numbers.clone())
    }

    /// What this process knows of what was accepted, without the floors, whatever became of the file.
    pub(super) fn known(&self) -> Numbers {
        self.state.lock().numbers.accepted()
    }

    /// The lowest epoch that the service takes, as far as its own versions have raised it; as it stood when the numbers were
    /// raised last.
    pub(super) fn floor(&self, service: &str) -> u64 {
        self.state.lock().numbers.floors.get(service).copied().unwrap_or(0)
    }

    /// The time that was seen last, and who confirmed it.
    pub fn clock(&self) -> Result<ClockRecord> {
        let mut state = self.state.lock();
        self.refresh_clock(&mut state)?;
        Ok(state.clock.clone())
    }

    /// Has `raise` look at the numbers, without the floors, and raise them; what it raised is durable when this returns, and
    /// what it refuses changes nothing. Answers what it does.
    pub(super) fn raise<T>(&self, raise: impl Fn(&mut Numbers) -> Result<T>) -> Result<T> {
        let mut state = self.state.lock();
        self.refresh_numbers(&mut state)?;
        let accepted = state.numbers.accepted();
        let mut raised = accepted.clone();
        let answer = raise(&mut raised)?;
        if raised == accepted && !state.has_noted {
            return Ok(answer);
        }
        raised.merge(&state.numbers);
        let Some(directories) = &self.directories else {
            state.numbers = raised;
            state.has_noted = false;
            return Ok(answer);
        };
        let _lock = directories.machine.lock()?;
        // Another process may have written since, and then there is more to look at.
        self.refresh_numbers(&mut state)?;
        let mut raised = state.numbers.accepted();
        let answer = raise(&mut raised)?;
        raised.merge(&state.numbers);
        directories.trust.write_durably(NUMBERS, records::render_numbers(&raised).as_bytes())?;
        state.numbers = raised;
        state.has_noted = false;
        state.numbers_stamp = Stamp::of(&directories.trust.path().join(NUMBERS))?;
        Ok(answer)
    }

    /// Raises the floor of the service in this process, and answers whether it was lower: a version of a lower epoch is not
    /// loaded any more. [`write_noted`](Self::write_noted) makes it durable.
    pub fn note_floor(&self, service: &str, floor: u64) -> bool {
        let mut state = self.state.lock();
        if floor <= state.numbers.floors.get(service).copied().unwrap_or(0) {
            return false;
        }
        state.numbers.floors.insert(service.to_owned(), floor);
        state.has_noted = true;
        true
    }

    /// Makes the floors durable that were raised.
    pub fn write_noted(&self) -> Result<()> {
        self.raise(|_| Ok(()))
    }

    /// The time of a decision. What was seen now is kept.
    pub(super) fn judge(&self, reading: &Reading, signed: UnixSeconds) -> Result<(TrustTime, ClockVerdict)> {
        let mut state = self.state.lock();
        self.refresh_clock(&mut state)?;
        let (time, verdict, saw) = judge(reading, state.clock.seen.as_ref(), signed);
        if let Some(saw) = saw {
            let unwritten = saw.time.saturating_sub(state.written) >= UNWRITTEN;
            state.clock.seen = Some(saw);
            if unwritten {
                self.write_clock(&mut state)?;
            }
        }
        Ok((time, verdict))
    }

    /// Takes the clock as it stands for right, however far ahead it leapt. [`Status::InvalidArgument`] without somebody who
    /// says so and why.
    pub(super) fn confirm(
        &self,
        reading: &Reading,
        signed: UnixSeconds,
        actor: &str,
        reason: &str,
    ) -> Result<UnixSeconds> {
        for (what, text) in [("actor", actor), ("reason", reason)] {
            if text.is_empty() || text.len() > records::MAX_TEXT {
                return Err(Error::argument(format!(
                    "{what}: expected 1 to {} bytes, found {}",
                    records::MAX_TEXT,
                    text.len()
                )));
            }
        }
        let mut state = self.state.lock();
        self.refresh_clock(&mut state)?;
        let from = state.clock.seen.as_ref().map_or(0, |seen| seen.time).max(signed);
        if reading.clock < from {
            return Err(Error::new(
                Status::ClockRefused,
                format!(
                    "clock: expected a time after {}, which was seen or signed already, found {}",
                    crate::timestamp::format(from),
                    crate::timestamp::format(reading.clock)
                ),
            ));
        }
        let before = state.clock.clone();
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        state.clock.confirmations.push(Confirmation { actor, reason, from, to: reading.clock });
        state.clock.shorten();
        state.clock.seen = Some(Seen { time: reading.clock, since_boot: reading.since_boot.clone() });
        if let Err(refused) = self.write_clock(&mut state) {
            state.clock = before;
            return Err(refused);
        }
        Ok(reading.clock)
    }

    fn refresh_numbers(&self, state: &mut State) -> Result<()> {
        let Some(directories) = &self.directories else { return Ok(()) };
        let stamp = Stamp::of(&directories.trust.path().join(NUMBERS))?;
        if stamp == state.numbers_stamp {
            return Ok(());
        }
        if let Some(bytes) = read(&directories.trust, NUMBERS, records::MAX_NUMBERS)? {
            let read = records::parse_numbers(&bytes)
                .map_err(|e| e.of(directories.trust.path().join(NUMBERS).display()))?;
            // What is known here was accepted, whatever became of the file.
            state.numbers.merge(&read);
        }
        state.numbers_stamp = stamp;
        Ok(())
    }

    fn refresh_clock(&self, state: &mut State) -> Result<()> {
        let Some(directories) = &self.directories else { return Ok(()) };
        let stamp = Stamp::of(&directories.trust.path().join(CLOCK))?;
        if stamp == state.clock_stamp {
            return Ok(());
        }
        if let Some(bytes) = read(&directories.trust, CLOCK, records::MAX_CLOCK)? {
            let read = records::parse_clock(&bytes)
                .map_err(|e| e.of(directories.trust.path().join(CLOCK).display()))?;
            state.written = read.seen.as_ref().map_or(0, |seen| seen.time);
            state.clock.merge(read);
        }
        state.clock_stamp = stamp;
        Ok(())
    }

    fn write_clock(&self, state: &mut State) -> Result<()> {
        let Some(directories) = &self.directories else { return Ok(()) };
        let _lock = directories.machine.lock()?;
        self.refresh_clock(state)?;
        directories.trust.write_durably(CLOCK, records::render_clock(&state.clock).as_bytes())?;
        state.clock_stamp = Stamp::of(&directories.trust.path().join(CLOCK))?;
        state.written = state.clock.seen.as_ref().map_or(0, |seen| seen.time);
        Ok(())
    }
}

fn read(directory: &Directory, name: &str, limit: usize) -> Result<Option<Vec<u8>>> {
    match directory.read(name, limit as u64, Status::TrustInvalid) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(missing) if missing.status() == Status::NotFound => Ok(None),
        Err(other) => Err(other),
    }
}
