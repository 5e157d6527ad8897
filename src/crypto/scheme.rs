//! Signature schemes by name and by number.
//!
//! The name stands in documents and options; the number stands inside signed bytes, so that a
//! signature made under one scheme says nothing under another.
#![forbid(unsafe_code)]

use crate::error::{Error, Result, Status};
use std::fmt;

/// A signature scheme: an algorithm with its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// SM2 over SM3 with a user id (GB/T 32918.2-2016, GM/T 0003.2-2012); signatures are 64 bytes R||S.
    Sm2Sm3,
}

impl Scheme {
    /// Every scheme, in the order of the numbers.
    pub const ALL: &[Self] = &[Self::Sm2Sm3];

    /// The scheme called `name`.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|scheme| scheme.name()).collect();
            Error::new(
                Status::Unsupported,
                format!("signature scheme: expected one of {}, found {name:?}", known.join(", ")),
            )
        })
    }

    /// The scheme numbered `id` in signed bytes.
    pub fn from_id(id: u8) -> Result<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.id() == id).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|scheme| scheme.id().to_string()).collect();
            Error::argument(format!(
                "signature scheme number: expected one of {}, found {id}",
                known.join(", ")
            ))
        })
    }

    /// The name in documents and options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sm2Sm3 => "sm2-sm3",
        }
    }

    /// The number in signed bytes; it never changes its meaning, and 0 is never given out.
    pub fn id(self) -> u8 {
        match self {
            Self::Sm2Sm3 => 1,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_frozen() {
        assert_eq!((Scheme::Sm2Sm3.name(), Scheme::Sm2Sm3.id()), ("sm2-sm3", 1));
        for &scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Ok(scheme));
            assert_eq!(Scheme::from_id(scheme.id()), Ok(scheme));
        }
    }

    #[test]
    fn unknown_ones_are_refused_with_the_known_ones_named() {
        for name in ["", "SM2-SM3", "sm2-sm3 ", "none"] {
            let refused = Scheme::from_name(name).unwrap_err();
            assert_eq!(refused.status(), Status::Unsupported);
            assert!(refused.message().contains("expected one of sm2-sm3"));
        }
        for id in [0, 2, 255] {
            assert!(Scheme::from_id(id).is_err());
        }
    }
}
