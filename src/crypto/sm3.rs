//! SM3 (GB/T 32905-2016): the digest under every identifier, signature and tree of this crate.
#![forbid(unsafe_code)]

pub mod tree;

use ::sm3::{Digest as _, Sm3};

/// Bytes in an SM3 digest.
pub const DIGEST_LEN: usize = 32;

/// An SM3 digest.
pub type Digest = [u8; DIGEST_LEN];

/// The digest of `data`.
pub fn digest(data: &[u8]) -> Digest {
    Sm3::digest(data).into()
}

/// The text form of a digest in documents and messages: `sm3:` and 64 lower-case hexadecimal digits.
pub fn text(digest: &Digest) -> String {
    digest.iter().fold(String::from("sm3:"), |text, byte| text + &format!("{byte:02x}"))
}

/// A digest in the making, for data that comes in parts.
#[derive(Clone, Default)]
pub struct Hasher(Sm3);

impl Hasher {
    /// A hasher that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next `part`.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The digest of all parts.
    pub fn finish(self) -> Digest {
        self.0.finalize().into()
    }
}
