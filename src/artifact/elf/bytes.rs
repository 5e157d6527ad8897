//! Little-endian fields by offset, and string tables. Every read is bounds-checked.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ops::Range;

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// The `size` bytes at `offset`, with both numbers as a file gives them.
pub(super) fn slice(bytes: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    bytes.get(index_range(offset, size)?)
}

/// The range of `size` bytes at `offset`, if it can be an index on this machine.
pub(super) fn index_range(offset: u64, size: u64) -> Option<Range<usize>> {
    Some(usize::try_from(offset).ok()?..usize::try_from(offset.checked_add(size)?).ok()?)
}

/// A table of NUL-terminated UTF-8 strings.
///
/// Names may share their tails, so a scan for the NUL at each look-up would be quadratic in a table of
/// one long name; the positions of all NULs are found once instead.
pub(super) struct Strings<'a> {
    text: &'a str,
    nuls: Vec<u32>,
}

impl<'a> Strings<'a> {
    /// The table in `bytes`; `None` if it is empty, not UTF-8, or its last byte is not NUL.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.ends_with('\0'))?;
        let nul_at = |(at, byte): (usize, &u8)| (*byte == 0).then(|| u32::try_from(at).ok());
        let nuls = bytes.iter().enumerate().filter_map(nul_at).collect::<Option<_>>()?;
        Some(Self { text, nuls })
    }

    /// The string at `offset`; `None` if that is past the end or inside a character.
    pub(super) fn get(&self, offset: u64) -> Option<&'a str> {
        let offset = u32::try_from(offset).ok()?;
        let next = self.nuls.partition_point(|nul| *nul < offset);
        let nul = *self.nuls.get(next)?;
        self.text.get(usize::try_from(offset).ok()?..usize::try_from(nul).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stop_at_the_end_of_the_bytes() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(u64_at(&bytes, 1), Some(0x0908_0706_0504_0302));
        assert_eq!(u64_at(&bytes, 2), None);
        assert_eq!(u16_at(&bytes, usize::MAX), None);
        assert_eq!(slice(&bytes, 8, 1), Some(&[9_u8][..]));
        assert_eq!(slice(&bytes, u64::MAX, 2), None);
    }

    #[test]
    fn strings_share_tails_and_end_with_nul() {
        let strings = Strings::new("\0libz.so.1\0é\0".as_bytes()).unwrap();
        assert_eq!(strings.get(0), Some(""));
        assert_eq!(strings.get(1), Some("libz.so.1"));
        assert_eq!(strings.get(4), Some("z.so.1"));
        assert_eq!(strings.get(12), None, "inside a character");
        assert_eq!(strings.get(13), Some(""));
        assert_eq!(strings.get(14), None);
        assert!(Strings::new(b"").is_none());
        assert!(Strings::new(b"open").is_none());
        assert!(Strings::new(b"\xff\0").is_none());
    }
}
