//! Private keys for the decryption RSAES-OAEP (RFC 8017 §7.1.2) of keys that are as long as is known.
//!
//! The private operation of the crate `rsa` is not constant in time (RUSTSEC-2023-0071). Here it is blinded by fresh
//! randomness, its result is checked, and what it gives is decoded without a branch: an attacker learns neither the time of
//! an exponentiation of a number of his choice, nor whether the padding was right. Who cannot accept the rest keeps the key
//! in a token.
#![forbid(unsafe_code)]

use super::{MAX_BITS, MIN_BITS, PublicKey, bits_of};
use crate::crypto::asn1::read_sequence;
use crate::crypto::encoding::{PrivateDer, invalid, malformed};
use crate::crypto::oaep;
use crate::error::Result;
use ::rsa::hazmat::rsa_decrypt_and_check;
use ::rsa::{BoxedUint, RsaPrivateKey};
use der::Decode;
use der::asn1::UintRef;
use getrandom::SysRng;
use std::fmt;
use zeroize::Zeroizing;

/// A private key, wiped when it is dropped.
pub struct PrivateKey {
    key: RsaPrivateKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads an `RSAPrivateKey` with two primes (RFC 8017 §A.1.2), whose numbers have to belong together; its public half
    /// keeps the rules of [`PublicKey`].
    pub(in crate::crypto) fn from_numbers(der: &[u8]) -> Result<Self> {
        let (version, numbers) = read_sequence(der, |body| {
            let version = u8::decode(body)?;
            let mut numbers = [&[] as &[u8]; 8];
            for number in &mut numbers {
                *number = UintRef::decode(body)?.as_bytes();
            }
            Ok((version, numbers))
        })
        .map_err(malformed("RSAPrivateKey"))?;
        if version != 0 {
            return Err(invalid(format!(
                "expected an RSA key of two primes (version 0), found version {version}"
            )));
        }
        let [modulus, exponent, private, p, q, ..] = numbers;
        let public = PublicKey::from_numbers(modulus, exponent)?;
        let bits = bits_of(modulus);
        debug_assert!((MIN_BITS..=MAX_BITS).contains(&bits));
        let refused = |_| invalid("its numbers make no RSA key");
        // The CRT's three numbers are computed anew, so that wrong ones cannot give the primes away.
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits.next_multiple_of(64));
        let half = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits.div_ceil(2).next_multiple_of(64));
        let read = |_| invalid("a number of the RSA key is too long");
        let key = RsaPrivateKey::from_components(
            number(modulus).map_err(read)?,
            BoxedUint::from_be_slice(exponent, 64).map_err(read)?,
            number(private).map_err(read)?,
            vec![half(p).map_err(read)?, half(q).map_err(read)?],
        )
        .map_err(refused)?;
        Ok(Self { key, public })
    }

    /// Reads PKCS#8 (RFC 5958) in DER; what cannot be read is [`Status::KeyInvalid`](crate::error::Status::KeyInvalid).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let der = PrivateDer::read(der, None)?;
        Self::from_numbers(der.rsa().ok_or_else(|| invalid("expected a key of RSA, found another"))?)
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The message of `len` bytes in `ciphertext`, for SHA-256, MGF1-SHA-256 and the empty label. Where there is none, for
    /// whatever reason, the answer is as many random bytes: use it as a key, and let the tag of what it decrypts decide.
    ///
    /// [`Status::Io`](crate::error::Status::Io) if there is no randomness.
    pub fn decrypt_oaep(&self, ciphertext: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>> {
        let mut substitute = Zeroizing::new(vec![0; len]);
        for chunk in substitute.chunks_mut(32) {
            chunk.iter_mut().zip(oaep::seed()?.iter()).for_each(|(to, from)| *to = *from);
        }
        // Length and size of the ciphertext are no secret.
        if ciphertext.len() != self.public.len {
            return Ok(substitute);
        }
        let bits = bits_of(&self.public.modulus).next_multiple_of(64);
        let Ok(number) = BoxedUint::from_be_slice(ciphertext, bits) else { return Ok(substitute) };
        let Ok(plain) = rsa_decrypt_and_check(&self.key, Some(&mut SysRng), &number) else {
            return Ok(substitute);
        };
        let plain = Zeroizing::new(plain);
        let bytes = Zeroizing::new(plain.to_be_bytes().into_vec());
        let block = bytes.iter().skip(bytes.len().saturating_sub(self.public.len)).copied();
        let mut whole = Zeroizing::new(Vec::with_capacity(self.public.len));
        whole.extend(block);
        Ok(oaep::decode(whole, &substitute))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}
