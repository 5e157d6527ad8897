//! Short texts by their ends: most differ there, and eight bytes compare as one number.
#![forbid(unsafe_code)]

use crate::route::siphash::first_word;

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
        Self { len: text.len(), head: first_word(text), tail: tail(text) }
    }

    /// Such that texts that differ in the case of ASCII letters alone have the same. Some others have too.
    #[inline]
    pub(super) fn folded(self) -> Self {
        Self { len: self.len, head: self.head | LOWER_CASE, tail: self.tail | LOWER_CASE }
    }
}

/// Things with the ends of their names, sorted by them.
#[derive(Clone, Debug)]
pub(super) struct ByEnds<T>(Box<[(Ends, T)]>);

/// Up to so many, looking at each is quicker than a search, whose steps wait for each other.
const FEW: usize = 8;

impl<T> ByEnds<T> {
    pub(super) fn new(mut things: Vec<(Ends, T)>) -> Self {
        things.sort_by_key(|(ends, _)| *ends);
        Self(things.into())
    }

    /// The first of those whose names have these ends that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, ends: Ends, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        if self.0.len() > FEW {
            return self.search(ends, is_it);
        }
        self.0.iter().find(|(other, thing)| *other == ends && is_it(thing)).map(|(_, thing)| thing)
    }

    fn search(&self, ends: Ends, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        let first = self.0.partition_point(|(other, _)| *other < ends);
        let mut same = self.0.iter().skip(first).take_while(|(other, _)| *other == ends);
        same.find(|(_, thing)| is_it(thing)).map(|(_, thing)| thing)
    }
}

/// The bit that tells an ASCII letter in lower case from one in upper case, in eight bytes.
const LOWER_CASE: u64 = u64::from_ne_bytes([0x20; 8]);

/// The last eight bytes of a text that has more.
#[inline]
fn tail(text: &[u8]) -> u64 {
    if text.len() <= 8 { 0 } else { text.last_chunk::<8>().map_or(0, |last| u64::from_le_bytes(*last)) }
}

/// The bits that the head of a text of this length can have.
pub(super) fn mask(len: usize) -> u64 {
    u64::MAX.checked_shr(64_u32.saturating_sub(8 * u32::try_from(len).unwrap_or(8).min(8))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_the_bits_of_a_head() {
        for len in 0..12 {
            assert_eq!(mask(len).count_ones() as usize, 8 * len.min(8));
            assert_eq!(first_word(&vec![0xff; len]), mask(len));
        }
    }

    #[test]
    fn folded_ends_do_not_depend_on_case() {
        let text = b"X-Request-Id-Of-Tenant";
        for len in 0..text.len() {
            let (text, lower) = (&text[..len], text[..len].to_ascii_lowercase());
            assert_eq!(Ends::of(text).folded(), Ends::of(&lower).folded());
            assert_ne!(Ends::of(text).folded(), Ends::of(b"x-request-ie").folded());
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
                let ends = Ends::of(name.as_bytes());
                assert_eq!(by_ends.find(ends, |_| true), Some(&(i / 2 * 2)), "{name} of {count}");
                assert_eq!(by_ends.find(ends, |found| *found == i), Some(&i), "{name} of {count}");
                assert_eq!(by_ends.find(ends, |_| false), None);
            }
            assert_eq!(by_ends.find(Ends::of(b"another"), |_| true), None);
        }
    }
}
