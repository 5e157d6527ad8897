//! Signature schemes by name and by number.
//!
//! The name stands in documents and options; the number stands inside signed bytes, so that a
//! signature made under one scheme says nothing under another.
//!
//! | number | name | signature | vouches for plugins |
//! |---|---|---|---|
//! | 1 | `sm2-sm3` | 64 bytes R\|\|S | yes |
//! | 2 | `ecdsa-p256` | 64 bytes R\|\|S | yes |
//! | 3 | `rsa-pss-sha512` | as long as the modulus | yes |
//! | 4 | `hmac-sha256` | 32 bytes | never |
//! | 128..=254 | `x-...` | what the host registered says | where the trust document names it |
#![forbid(unsafe_code)]

mod encoding;
mod registry;

pub use super::registered::SchemeName;
pub use registry::{Implementation, MAX_SIGNATURE_LEN, Schemes};

use crate::error::{Error, Result, Status};
use std::fmt;

/// A signature scheme: an algorithm with its digest. A key has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// SM2 over SM3 with a user id (GB/T 32918.2-2016, GM/T 0003.2-2012); signatures are 64 bytes R||S.
    Sm2Sm3,
    /// ECDSA on P-256 over SHA-256 (FIPS 186-5 §6); signatures are 64 bytes R||S.
    EcdsaP256,
    /// RSASSA-PSS with SHA-512, MGF1-SHA-512 and 64 bytes of salt (RFC 8017 §8.1).
    RsaPssSha512,
    /// HMAC-SHA256 (RFC 2104): messages and receipts, since who verifies can also sign.
    HmacSha256,
    /// One that the host registered under this name.
    Registered(SchemeName),
}

impl Scheme {
    /// Every scheme of this library, in the order of the numbers.
    pub const ALL: &[Self] = &[Self::Sm2Sm3, Self::EcdsaP256, Self::RsaPssSha512, Self::HmacSha256];

    /// The scheme called `name`: one of [`ALL`](Self::ALL), or one that begins with `x-`, registered or not.
    pub fn from_name(name: &str) -> Result<Self> {
        if name.starts_with("x-") {
            return SchemeName::new(name).map(Self::Registered);
        }
        Self::ALL.iter().copied().find(|scheme| scheme.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(Self::name).collect();
            Error::new(
                Status::Unsupported,
                format!("signature scheme: expected one of {}, or x-..., found {name:?}", known.join(", ")),
            )
        })
    }

    /// The scheme of this library that is numbered `id` in signed bytes.
    pub fn from_id(id: u8) -> Result<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.id() == Some(id)).ok_or_else(|| {
            let known: Vec<_> =
                Self::ALL.iter().filter_map(|scheme| Some(scheme.id()?.to_string())).collect();
            Error::argument(format!(
                "signature scheme number: expected one of {}, found {id}",
                known.join(", ")
            ))
        })
    }

    /// The name in documents and options.
    pub fn name(&self) -> &str {
        match self {
            Self::Sm2Sm3 => "sm2-sm3",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::HmacSha256 => "hmac-sha256",
            Self::Registered(name) => name.as_str(),
        }
    }

    /// The number in signed bytes; it never changes its meaning, and 0 is never given out. `None` for a registered scheme,
    /// whose number [`Schemes`] knows.
    pub fn id(self) -> Option<u8> {
        match self {
            Self::Sm2Sm3 => Some(1),
            Self::EcdsaP256 => Some(2),
            Self::RsaPssSha512 => Some(3),
            Self::HmacSha256 => Some(4),
            Self::Registered(_) => None,
        }
    }

    /// Whether a signature can be verified by who cannot make one: without that it vouches for nothing.
    pub fn is_asymmetric(self) -> bool {
        self != Self::HmacSha256
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
        let found: Vec<_> = Scheme::ALL.iter().map(|scheme| (scheme.name(), scheme.id())).collect();
        assert_eq!(
            found,
            [
                ("sm2-sm3", Some(1)),
                ("ecdsa-p256", Some(2)),
                ("rsa-pss-sha512", Some(3)),
                ("hmac-sha256", Some(4))
            ]
        );
        for &scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Ok(scheme));
            assert_eq!(scheme.id().map(Scheme::from_id), Some(Ok(scheme)));
        }
    }

    #[test]
    fn unknown_ones_are_refused_with_the_known_ones_named() {
        for name in ["", "SM2-SM3", "sm2-sm3 ", "none"] {
            let refused = Scheme::from_name(name).unwrap_err();
            assert_eq!(refused.status(), Status::Unsupported);
            assert!(refused.message().contains("expected one of sm2-sm3, ecdsa-p256"));
        }
        assert_eq!(Scheme::from_name("x-").unwrap_err().status(), Status::InvalidArgument);
        for id in [0, 5, 128, 255] {
            assert!(Scheme::from_id(id).is_err());
        }
    }
}
