//! The audit trail: who changed what, when and with which outcome, in records that are chained by SM3.
//!
//! ```text
//! STATE/machine/audit/lock                          held for moments, by any process of this machine
//! STATE/machine/audit/00000000000000000001.ndjson   a segment, named by the number of its first record
//! STATE/machine/audit/head.json                     the last record that is known to be on the disk
//! ```
//!
//! A record is a line ([`record`]). It names the hash of the record before, across segments, and carries its own, so an
//! altered, moved, added or missing record is found. Checkpoints are records that are signed ([`checkpoint`]): what stands
//! before one cannot be made anew without its key. `docs/audit.md` says what all this is worth and what it is not.
#![forbid(unsafe_code)]

pub mod checkpoint;
pub mod record;
mod segment;
mod trail;
mod verify;

pub use checkpoint::{CheckpointSigner, is_signed_bytes};
pub use record::{Detail, Entry, Kind, Record};
pub use segment::Head;
pub use trail::{Limits, Trail};
pub use verify::{Report, Verification, find, verify};

#[cfg(test)]
mod tests;
