//! Short texts by their ends: most differ there, and eight bytes compare as one number.
#![forbid(unsafe_code)]

/// A text's length, its first eight bytes and, of a longer one, its last eight. Of texts of up to [`WHOLE`] bytes that is
/// all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    len: usize,
    pub(super) head: u64,
    tail: u64,
}

/// Texts of at most so many bytes are the same when their ends are.
pub(super) const WHOLE: usize = 16;

impl Ends {
    /// Of `text` as it is.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Self {
        Self { len: text.len(), head: head(text), tail: tail(text) }
    }

    /// Of `text` with its ASCII letters in lower case.
    #[inline]
    pub(super) fn lower(text: &[u8]) -> Self {
        Self { len: text.len(), head: lower(head(text)), tail: lower(tail(text)) }
    }
}

/// Things by the ends of their names, sorted.
#[derive(Clone, Debug)]
pub(super) struct ByEnds<T> {
    ends: Box<[Ends]>,
    things: Box<[T]>,
}

/// Up to so many, looking at each is quicker than a search, whose steps wait for each other.
const FEW: usize = 8;

impl<T> ByEnds<T> {
    pub(super) fn new(mut things: Vec<(Ends, T)>) -> Self {
        things.sort_by_key(|(ends, _)| *ends);
        let (ends, things): (Vec<_>, Vec<_>) = things.into_iter().unzip();
        Self { ends: ends.into(), things: things.into() }
    }

    /// Those whose names have these ends.
    #[inline]
    pub(super) fn of(&self, ends: Ends) -> impl Iterator<Item = &T> {
        let first = if self.ends.len() <= FEW {
            self.ends.iter().position(|other| *other == ends).unwrap_or(FEW)
        } else {
            self.ends.partition_point(|other| *other < ends)
        };
        let same =
            self.ends.iter().zip(&self.things).skip(first).take_while(move |(other, _)| **other == ends);
        same.map(|(_, thing)| thing)
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH_BITS: u64 = ONES << 7;

/// The last eight bytes of a text that has more.
#[inline]
fn tail(text: &[u8]) -> u64 {
    if text.len() <= 8 { 0 } else { text.last_chunk::<8>().map_or(0, |last| u64::from_le_bytes(*last)) }
}

/// The first eight bytes of `text` as a number, filled up with zeros behind.
#[inline]
pub(super) fn head(text: &[u8]) -> u64 {
    if let Some(first) = text.first_chunk::<8>() {
        return u64::from_le_bytes(*first);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        let shift = 8 * (text.len() - 4);
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    text.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The ASCII letters of eight bytes in lower case, all at a time.
#[inline]
fn lower(bytes: u64) -> u64 {
    let low = bytes & !HIGH_BITS;
    // Of each byte the highest bit: no carry leaves a byte, as its seven lower bits and the summand stay below 256.
    let at_least_a = low + ONES * u64::from(0x80 - b'A');
    let above_z = low + ONES * u64::from(0x7f - b'Z');
    let upper = (at_least_a & !above_z) & !bytes & HIGH_BITS;
    bytes | upper >> 2
}

/// The bits that the head of a text of this length can have.
pub(super) fn mask(len: usize) -> u64 {
    u64::MAX.checked_shr(64_u32.saturating_sub(8 * u32::try_from(len).unwrap_or(8).min(8))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_the_first_eight_bytes() {
        for len in 0..12 {
            let text: Vec<u8> = (1..=len).collect();
            let mut padded = [0; 8];
            padded.iter_mut().zip(&text).for_each(|(to, from)| *to = *from);
            assert_eq!(head(&text), u64::from_le_bytes(padded), "{len}");
            assert_eq!(head(&text) & mask(text.len()), head(&text));
            assert_eq!(mask(text.len()).count_ones(), 8 * u32::from(len.min(8)));
        }
    }

    #[test]
    fn letters_and_nothing_else_become_lower_case() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut text = *b"aZ@[`{\xc1\x80";
                text[place] = byte;
                assert_eq!(Ends::lower(&text), Ends::of(&text.to_ascii_lowercase()), "{text:?}");
            }
        }
    }

    #[test]
    fn texts_of_sixteen_bytes_are_told_apart_by_their_ends() {
        let text = *b"0123456789abcdef";
        for len in 0..=WHOLE {
            for place in 0..len {
                let mut other = text;
                other[place] ^= 0x40;
                assert_ne!(Ends::of(&text[..len]), Ends::of(&other[..len]), "{len} {place}");
            }
        }
    }

    #[test]
    fn things_are_found_by_their_ends_among_few_and_among_many() {
        for count in [0, 1, FEW, FEW + 1, 100] {
            let names: Vec<String> = (0..count).map(|i| format!("name-{}", i / 2)).collect();
            let things = names.iter().enumerate().map(|(i, name)| (Ends::of(name.as_bytes()), i));
            let by_ends = ByEnds::new(things.collect());
            for (i, name) in names.iter().enumerate() {
                let found: Vec<usize> = by_ends.of(Ends::of(name.as_bytes())).copied().collect();
                let expected: Vec<usize> = (0..count).filter(|j| j / 2 == i / 2).collect();
                assert_eq!(found, expected, "{name} of {count}");
            }
            assert_eq!(by_ends.of(Ends::of(b"another")).count(), 0);
        }
    }
}
