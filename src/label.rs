//! Names of services and labels of versions.
#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use std::fmt;

/// The most bytes of a name.
pub const MAX_LEN: usize = 64;

/// A name of 1 to 64 bytes out of letters, digits, `.`, `_` and `-` that does not begin with a dot: it may stand in a
/// file name, a log line and a memory map as it is. Small enough to be copied.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl Label {
    /// Checks `text`; `what` names it in the error, such as `service`.
    pub fn new(what: &str, text: &str) -> Result<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let well_formed = !text.starts_with('.') && !text.is_empty() && text.bytes().all(allowed);
        let mut bytes = [0; MAX_LEN];
        match (well_formed, bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (true, Some(room), Ok(len)) => {
                room.copy_from_slice(text.as_bytes());
                Ok(Self { bytes, len })
            }
            _ => Err(Error::argument(format!(
                "{what}: expected 1 to {MAX_LEN} characters out of A-Z a-z 0-9 . _ - without a dot in front, found {:?}",
                text.chars().take(80).collect::<String>()
            ))),
        }
    }

    /// The name's bytes with zeros behind, one at least.
    #[inline]
    pub fn padded(&self) -> [u8; MAX_LEN + 1] {
        let mut padded = [0; MAX_LEN + 1];
        padded[..MAX_LEN].copy_from_slice(&self.bytes);
        padded
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.len))
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["v1", "fee", "v2-gray", "1.0.0_rc", &"x".repeat(64)] {
            let label = Label::new("version", good).unwrap();
            assert_eq!(label.as_str(), good);
            assert_eq!(label.padded().split(|byte| *byte == 0).next(), Some(good.as_bytes()));
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "é", "a\0", &"x".repeat(65)] {
            assert!(Label::new("version", bad).unwrap_err().message().starts_with("version: "), "{bad:?}");
        }
    }
}
