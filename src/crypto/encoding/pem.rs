//! PEM (RFC 7468), read as people have it: text around the blocks, several of them, CRLF, blanks at the
//! ends of lines, lines of any length. The Base64 itself is read strictly.
#![forbid(unsafe_code)]

use super::{invalid, openssl_converts};
use crate::error::Result;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// The most characters in a label; the longest of RFC 7468 has 22.
const MAX_LABEL_LEN: usize = 64;

/// Characters in a line of Base64 (RFC 7468 §2).
const LINE_LEN: usize = 64;

/// What stands between `-----BEGIN label-----` and `-----END label-----`.
pub(in crate::crypto) struct Block<'a> {
    pub(super) label: &'a str,
    lines: Vec<&'a [u8]>,
}

/// The blocks of `file`; none if it is not PEM.
pub(in crate::crypto) fn blocks(file: &[u8]) -> Result<Vec<Block<'_>>> {
    let mut lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(label) = boundary(line, b"-----BEGIN ") {
            blocks.push(block(label, &mut lines)?);
        }
    }
    Ok(blocks)
}

impl Block<'_> {
    /// The bytes that the block's Base64 stands for.
    pub(in crate::crypto) fn decode(&self) -> Result<Zeroizing<Vec<u8>>> {
        if self.lines.first().is_some_and(|line| line.starts_with(b"Proc-Type:")) {
            let how = openssl_converts();
            return Err(invalid(format!("{} is encrypted the legacy way (Proc-Type), {how}", self.label)));
        }
        // One buffer for the text and the bytes: a vector that grows leaves copies of secrets behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(self.lines.iter().map(|line| line.len()).sum()));
        self.lines.iter().for_each(|line| buffer.extend_from_slice(line));
        let decoded = Base64::decode_in_place(&mut buffer).map(<[u8]>::len);
        buffer.truncate(decoded.map_err(|_| invalid(format!("{} is not valid Base64", self.label)))?);
        Ok(buffer)
    }
}

/// `der` as a block under `label`.
pub(in crate::crypto) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(Base64::encode_string(der));
    let boundaries = 2 * (label.len() + "-----BEGIN -----\n".len());
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() * 2 + boundaries));
    pem.extend(["-----BEGIN ", label, "-----\n"]);
    for (i, digit) in base64.chars().enumerate() {
        if i > 0 && i % LINE_LEN == 0 {
            pem.push('\n');
        }
        pem.push(digit);
    }
    pem.extend(["\n-----END ", label, "-----\n"]);
    pem
}

/// Takes the lines of the block that began with `label`.
fn block<'a>(label: &'a str, lines: &mut impl Iterator<Item = &'a [u8]>) -> Result<Block<'a>> {
    let mut block = Block { label, lines: Vec::new() };
    for line in lines {
        match boundary(line, b"-----END ") {
            Some(end) if end == label => return Ok(block),
            Some(_) => break,
            None => block.lines.push(line),
        }
    }
    Err(invalid(format!("{label} does not end with the line -----END {label}-----")))
}

/// The label of a boundary line: printable ASCII, since messages repeat it.
fn boundary<'a>(line: &'a [u8], prefix: &[u8]) -> Option<&'a str> {
    let label = line.strip_prefix(prefix)?.strip_suffix(b"-----")?;
    let printable = label.len() <= MAX_LABEL_LEN && label.iter().all(|byte| matches!(byte, b' '..=b'~'));
    std::str::from_utf8(label).ok().filter(|_| printable)
}
