//! Strict DER (ITU-T X.690): the few types that statements, signature containers and envelopes are made of.
//!
//! Every value has one accepted encoding: definite lengths in their shortest form, integers without padding,
//! nothing after the last field. Errors name the field that was being read.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::sm3::{DIGEST_LEN, Digest};
use crate::error::{Error, Result, Status};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const SEQUENCE: u8 = 0x30;
/// Class bits of `[n] IMPLICIT` around a primitive type.
const CONTEXT: u8 = 0x80;

/// Reads the elements of one SEQUENCE, or of a whole encoding, in order.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    pub(crate) fn sequence(&mut self, field: &str) -> Result<Reader<'a>> {
        self.value(SEQUENCE, field).map(Reader)
    }

    /// Every element of a SEQUENCE OF, each read by `item`.
    pub(crate) fn list<T>(
        &mut self,
        field: &str,
        mut item: impl FnMut(&mut Reader<'a>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut elements = self.sequence(field)?;
        let mut items = Vec::new();
        while !elements.0.is_empty() {
            items.push(item(&mut elements)?);
        }
        Ok(items)
    }

    /// A non-negative INTEGER that `T` can hold.
    pub(crate) fn integer<T: TryFrom<u64>>(&mut self, field: &str) -> Result<T> {
        let value = unsigned(self.value(INTEGER, field)?, field)?;
        T::try_from(value).map_err(|_| malformed(field, format_args!("{value} is out of range")))
    }

    pub(crate) fn octets(&mut self, field: &str) -> Result<&'a [u8]> {
        self.value(OCTET_STRING, field)
    }

    pub(crate) fn digest(&mut self, field: &str) -> Result<Digest> {
        digest(self.octets(field)?, field)
    }

    pub(crate) fn text(&mut self, field: &str) -> Result<String> {
        let text = str::from_utf8(self.value(UTF8_STRING, field)?);
        text.map(str::to_owned).map_err(|_| malformed(field, "expected UTF-8"))
    }

    /// `[number] IMPLICIT INTEGER OPTIONAL`.
    pub(crate) fn optional_integer(&mut self, number: u8, field: &str) -> Result<Option<u64>> {
        self.optional(CONTEXT | number, field)?.map(|value| unsigned(value, field)).transpose()
    }

    /// `[number] IMPLICIT OCTET STRING (SIZE (32)) OPTIONAL`.
    pub(crate) fn optional_digest(&mut self, number: u8, field: &str) -> Result<Option<Digest>> {
        self.optional(CONTEXT | number, field)?.map(|value| digest(value, field)).transpose()
    }

    /// What has not been read.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The end: nothing may follow.
    pub(crate) fn finish(self, thing: &str) -> Result<()> {
        match self.0.len() {
            0 => Ok(()),
            extra => Err(malformed(thing, format_args!("{extra} bytes follow the last field"))),
        }
    }

    fn optional(&mut self, tag: u8, field: &str) -> Result<Option<&'a [u8]>> {
        if self.0.first() == Some(&tag) { self.value(tag, field).map(Some) } else { Ok(None) }
    }

    /// The tag of the next element.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element whole, whatever it is: tag, length and contents.
    pub(crate) fn element(&mut self, field: &str) -> Result<&'a [u8]> {
        let tag = self.peek().ok_or_else(|| malformed(field, "missing"))?;
        self.element_of(tag, field)
    }

    /// The same, which must have this `tag`.
    pub(crate) fn element_of(&mut self, tag: u8, field: &str) -> Result<&'a [u8]> {
        let before = self.0;
        self.value(tag, field)?;
        let len = before.len().saturating_sub(self.0.len());
        Ok(before.get(..len).unwrap_or_default())
    }

    /// The elements inside of the next one, which must have this `tag`.
    pub(crate) fn nested(&mut self, tag: u8, field: &str) -> Result<Reader<'a>> {
        self.value(tag, field).map(Reader)
    }

    /// The contents of the next element, which must have this `tag`.
    pub(crate) fn value(&mut self, tag: u8, field: &str) -> Result<&'a [u8]> {
        let (&found, rest) = self.0.split_first().ok_or_else(|| malformed(field, "missing"))?;
        if found != tag {
            return Err(malformed(field, format_args!("expected DER tag {tag:#04x}, found {found:#04x}")));
        }
        let (len, rest) = length(rest).ok_or_else(|| malformed(field, "its length is not strict DER"))?;
        let (value, rest) = rest
            .split_at_checked(len)
            .ok_or_else(|| malformed(field, format_args!("expected {len} bytes, found {}", rest.len())))?;
        self.0 = rest;
        Ok(value)
    }
}

/// Writes the elements of one SEQUENCE, or of a whole encoding, in order.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// The encoding of one SEQUENCE whose elements `write` writes.
    pub(crate) fn encode(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Self::default();
        writer.sequence(write);
        writer.0
    }

    pub(crate) fn sequence(&mut self, write: impl FnOnce(&mut Writer)) {
        let mut elements = Self::default();
        write(&mut elements);
        self.value(SEQUENCE, &elements.0);
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Writer, &T)) {
        self.sequence(|elements| items.iter().for_each(|one| item(elements, one)));
    }

    pub(crate) fn integer(&mut self, value: impl Into<u64>) {
        self.unsigned(INTEGER, value.into());
    }

    pub(crate) fn octets(&mut self, bytes: &[u8]) {
        self.value(OCTET_STRING, bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.value(UTF8_STRING, text.as_bytes());
    }

    pub(crate) fn optional_integer(&mut self, number: u8, value: Option<u64>) {
        if let Some(value) = value {
            self.unsigned(CONTEXT | number, value);
        }
    }

    pub(crate) fn optional_digest(&mut self, number: u8, digest: Option<&Digest>) {
        if let Some(digest) = digest {
            self.value(CONTEXT | number, digest);
        }
    }

    /// A leading zero byte keeps a value whose top bit is set non-negative, and is all there is of zero.
    fn unsigned(&mut self, tag: u8, value: u64) {
        let mut bytes = shortest(&value.to_be_bytes()).to_vec();
        if bytes.first().is_none_or(|&top| top >= 0x80) {
            bytes.insert(0, 0);
        }
        self.value(tag, &bytes);
    }

    fn value(&mut self, tag: u8, value: &[u8]) {
        self.0.push(tag);
        match shortest(&value.len().to_be_bytes()) {
            [] => self.0.push(0),
            &[short @ 0..0x80] => self.0.push(short),
            long => {
                // A usize has at most 8 bytes.
                self.0.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
                self.0.extend_from_slice(long);
            }
        }
        self.0.extend_from_slice(value);
    }
}

/// Splits a definite length in its shortest form off `bytes`.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((first.into(), rest));
    }
    // 0x80 is BER's indefinite length; no encoding here comes near five bytes of length.
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return None;
    }
    let (len, rest) = rest.split_at_checked(count)?;
    let value = big_endian(len);
    (len.first() != Some(&0) && value >= 0x80).then_some((usize::try_from(value).ok()?, rest))
}

/// The value of an INTEGER's contents, which must be minimal, non-negative and below 2^64.
fn unsigned(value: &[u8], field: &str) -> Result<u64> {
    let digits = match value {
        [] => return Err(malformed(field, "the integer is empty")),
        [0, 0x80..=0xff, ..] | [0] => value.get(1..).unwrap_or_default(),
        [0, ..] => return Err(malformed(field, "the integer is padded")),
        [0x80..=0xff, ..] => return Err(malformed(field, "the integer is negative")),
        _ => value,
    };
    if digits.len() > 8 {
        return Err(malformed(field, "the integer is 2^64 or more"));
    }
    Ok(big_endian(digits))
}

fn digest(value: &[u8], field: &str) -> Result<Digest> {
    value
        .try_into()
        .map_err(|_| malformed(field, format_args!("expected {DIGEST_LEN} bytes, found {}", value.len())))
}

/// The number that at most eight big-endian bytes hold.
fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Big-endian bytes without leading zeros.
fn shortest(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn malformed(field: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Status::Modified, format!("{field}: {why}"))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_encoding() {
        for (value, der) in [
            (0, "020100"),
            (1, "020101"),
            (127, "02017f"),
            (128, "02020080"),
            (255, "020200ff"),
            (256, "02020100"),
            (i64::MAX as u64, "02087fffffffffffffff"),
            (u64::MAX, "020900ffffffffffffffff"),
        ] {
            let mut writer = Writer::default();
            writer.integer(value);
            assert_eq!(writer.0, unhex(der));
            assert_eq!(Reader::new(&writer.0).integer::<u64>("n").unwrap(), value);
        }
        for der in [
            "0200",
            "02020000",
            "02020001",
            "0202007f",
            "0201ff",
            "020180",
            "020901ffffffffffffffff",
            "020a00ffffffffffffffffff",
            "02810101",
            "028001",
            "0201",
            "02",
            "",
            "030101",
            "0282000101",
        ] {
            assert!(Reader::new(&unhex(der)).integer::<u64>("n").is_err(), "{der}");
        }
        assert!(Reader::new(&unhex("02020100")).integer::<u8>("n").is_err());
    }

    #[test]
    fn lengths_have_one_encoding() {
        for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let mut writer = Writer::default();
            writer.octets(&vec![7; len]);
            let mut reader = Reader::new(&writer.0);
            assert_eq!(reader.octets("o").unwrap().len(), len);
            reader.finish("o").unwrap();
        }
        for head in
            ["0480", "048100", "04817f", "0482007f", "04820080", "0483000100", "0485000000000001", "04ff"]
        {
            let mut der = unhex(head);
            der.resize(300, 0);
            assert!(Reader::new(&der).octets("o").is_err(), "{head}");
        }
        assert!(Reader::new(&unhex("0484ffffffff00")).octets("o").is_err());
    }

    #[test]
    fn errors_name_the_field_and_what_was_found() {
        let error = Reader::new(&unhex("0c0161")).octets("root digest").unwrap_err();
        assert_eq!(error.status(), Status::Modified);
        assert_eq!(error.message(), "root digest: expected DER tag 0x04, found 0x0c");
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}
