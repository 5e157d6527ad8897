//! DER (X.690) as far as keys and signatures need it: a writer, and what the readers share.
#![forbid(unsafe_code)]

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader};
use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// The explicit tag `[1]`.
pub(super) const EXPLICIT_1: u8 = 0xa1;

/// `AlgorithmIdentifier ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }`.
pub(super) struct Algorithm<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) parameters: Option<AnyRef<'a>>,
}

impl<'a> Algorithm<'a> {
    pub(super) fn read(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        reader.sequence(|body| {
            Ok(Self { oid: ObjectIdentifier::decode(body)?, parameters: Option::decode(body)? })
        })
    }
}

/// Reads one SEQUENCE with `read`; a byte left over, inside or behind it, is an error.
pub(super) fn read_sequence<'a, T>(
    input: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> der::Result<T>,
) -> der::Result<T> {
    let mut reader = SliceReader::new(input)?;
    let value = reader.sequence(read)?;
    reader.finish()?;
    Ok(value)
}

/// `tag`, the length in its shortest form, and `parts` one after the other: less than 4 GiB.
pub(super) fn tlv(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    debug_assert!(u32::try_from(length).is_ok());
    // The whole capacity at once: a vector that grows leaves copies of secrets behind.
    let mut out = Zeroizing::new(Vec::with_capacity(length.saturating_add(6)));
    out.push(tag);
    match length.to_be_bytes() {
        [.., 0, 0, 0, low @ 0..0x80] => out.push(low),
        [.., 0, 0, 0, low] => out.extend([0x81, low]),
        [.., 0, 0, high, low] => out.extend([0x82, high, low]),
        [.., 0, top, high, low] => out.extend([0x83, top, high, low]),
        [.., first, top, high, low] => out.extend([0x84, first, top, high, low]),
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// The INTEGER of a non-negative big-endian number, in its shortest form.
pub(super) fn unsigned(number: &[u8]) -> Zeroizing<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..).unwrap_or_default();
    match digits.first() {
        Some(0..0x80) => tlv(INTEGER, &[digits]),
        // Zero has no digits; a set high bit would read as a minus sign.
        _ => tlv(INTEGER, &[&[0], digits]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        for (length, header) in [
            (0, vec![4, 0]),
            (127, vec![4, 127]),
            (128, vec![4, 0x81, 128]),
            (65_535, vec![4, 0x82, 255, 255]),
            (65_536, vec![4, 0x83, 1, 0, 0]),
            (1 << 24, vec![4, 0x84, 1, 0, 0, 0]),
        ] {
            let value = vec![7; length];
            assert_eq!(tlv(OCTET_STRING, &[&value]).strip_suffix(&*value).unwrap(), header);
        }
    }

    #[test]
    fn integers_take_their_shortest_form() {
        for (number, der) in [
            (vec![], vec![2, 1, 0]),
            (vec![0, 0], vec![2, 1, 0]),
            (vec![0, 0x7f], vec![2, 1, 0x7f]),
            (vec![0x80], vec![2, 2, 0, 0x80]),
            (vec![0, 1, 0], vec![2, 2, 1, 0]),
        ] {
            assert_eq!(*unsigned(&number), der);
        }
    }
}
