//! Note records (gABI chapter 5, "Note Section"); glibc walks those with program properties while it maps.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::bytes::{slice, u32_at};
use super::rejected;
use crate::error::Result;

const HEADER_SIZE: u64 = 12;

/// Checks that every record of `notes` ends inside; the padding of the last one may be missing.
pub(super) fn check(notes: &[u8], alignment: u64) -> Result<()> {
    let alignment = if alignment == 8 { 8 } else { 4 };
    let mut rest = notes;
    while rest.len() >= usize::try_from(HEADER_SIZE).unwrap_or(usize::MAX) {
        let size = |offset| u64::from(u32_at(rest, offset).unwrap_or_default());
        let round = |end: u64| end.checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        let description = round(HEADER_SIZE.saturating_add(size(0)));
        let end = description.saturating_add(size(4));
        if slice(rest, 0, end).is_none() {
            let (length, at) = (rest.len(), notes.len().saturating_sub(rest.len()));
            return Err(rejected(format!("note at {at}: expected {end} bytes, found {length}")));
        }
        let next = usize::try_from(round(end)).unwrap_or(usize::MAX);
        rest = rest.get(next..).unwrap_or_default();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(description: &[u8]) -> Vec<u8> {
        let mut note = vec![4, 0, 0, 0, u8::try_from(description.len()).unwrap(), 0, 0, 0, 3, 0, 0, 0];
        note.extend_from_slice(b"GNU\0");
        note.extend_from_slice(description);
        note
    }

    #[test]
    fn a_note_ends_inside_its_segment() {
        let mut notes = note(&[7; 20]);
        notes.extend(note(&[7; 5]));
        assert!(check(&notes, 4).is_ok(), "the padding of the last record may be missing");
        notes.pop();
        let error = check(&notes, 4).unwrap_err();
        assert_eq!(error.message(), "note at 36: expected 21 bytes, found 20");
        assert!(check(&[0xff; 12], 8).is_err());
        assert!(check(&[], 4).is_ok());
    }
}
