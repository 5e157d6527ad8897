//! SM2 signatures with SM3 (GB/T 32918.2-2016, the same as GM/T 0003.2-2012) on the curve of
//! GB/T 32918.5-2017, known as sm2p256v1 or `1.2.156.10197.1.301`.
//!
//! What is signed is e = SM3(Z_A || message), where Z_A binds the signer's [`UserId`] and public key.
//! Where implementations part, this one holds: the user id is explicit and an empty one stays empty; a
//! private key lies in [1, n-2]; r and s lie in [1, n-1]; points are on the curve, not at infinity, with
//! coordinates below p and no hybrid encoding; DER has one reading.
#![deny(unsafe_code)]
#![allow(
    clippy::inline_always,
    clippy::many_single_char_names,
    clippy::similar_names,
    reason = "formulas keep the names of their sources, and code that runs on lanes has to be inlined to use them"
)]

mod base;
mod batch;
mod complete;
mod curve;
mod doubling;
mod encoding;
mod encryption;
mod field;
mod inverse;
mod key;
mod lanes;
mod level;
mod limbs;
mod nonce;
mod point;
mod prepared;
mod scalar;
mod sign;
mod signature;
mod sum;
mod table;
mod user_id;
mod verify;
mod window;

pub use batch::{Claim, Order, sign_batch};
pub use encoding::{PBKDF2_ITERATIONS, SPKI_LEN};
pub use encryption::MAX_MESSAGE_LEN;
pub use key::{PrivateKey, PublicKey};
pub use prepared::PreparedKeys;
pub use signature::{SIGNATURE_LEN, Signature};
pub use user_id::UserId;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    /// The private key of GM/T 0003.5-2012 A.2.
    pub(super) const EXAMPLE_KEY: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";

    pub(super) fn unhex(text: &str) -> Vec<u8> {
        let digit = |c: &u8| u8::try_from(char::from(*c).to_digit(16).unwrap()).unwrap();
        text.as_bytes().chunks(2).map(|pair| digit(&pair[0]) << 4 | digit(&pair[1])).collect()
    }

    /// GM/T 0003.5-2012 A.2, with the signature that the standard's k gives.
    #[test]
    fn the_example_of_the_standard() {
        let key = PrivateKey::from_bytes(&unhex(EXAMPLE_KEY)).unwrap();
        let public = "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
                      CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
        assert_eq!(key.public_key().as_point().to_vec(), unhex(public));
        let signature = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3\
                         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA";
        let signature = Signature::from_bytes(&unhex(signature)).unwrap();
        key.public_key().verify(&UserId::default(), b"message digest", &signature).unwrap();
    }

    #[test]
    fn signatures_belong_to_key_id_and_message() {
        let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let ids = [UserId::default(), UserId::new(b"").unwrap(), UserId::new(&[0xff; 8191]).unwrap()];
        for id in &ids {
            let signature = key.sign(id, b"message").unwrap();
            assert_eq!(Signature::from_der(&signature.to_der()), Ok(signature));
            assert_eq!(key.public_key().verify(id, b"message", &signature), Ok(()));
            let refused = [
                key.public_key().verify(id, b"another", &signature),
                other.public_key().verify(id, b"message", &signature),
                key.public_key().verify(&UserId::new(b"someone").unwrap(), b"message", &signature),
            ];
            assert!(refused.iter().all(|r| r.as_ref().unwrap_err().status() == Status::SignatureInvalid));
        }
    }

    /// With a nonce from the key and the message alone, a fault during one of two signatures gives the key away.
    #[test]
    fn nonces_are_hedged() {
        let key = PrivateKey::generate().unwrap();
        let sign = || *key.sign(&UserId::default(), b"message").unwrap().as_bytes();
        assert_ne!(sign()[..32], sign()[..32]);
    }

    #[test]
    fn points_have_to_be_points() {
        let key = PrivateKey::from_bytes(&unhex(EXAMPLE_KEY)).unwrap();
        let good = *key.public_key().as_point();
        let compressed = [&[2 | good[64] & 1], &good[1..33]].concat();
        assert_eq!(PublicKey::from_point(&compressed).as_ref(), Ok(key.public_key()));

        let changed = |place: usize, value: u8| {
            let mut point = good;
            point[place] = value;
            point.to_vec()
        };
        // x = p: the reduction of 0, for which the curve has a point.
        let p = unhex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF");
        let zero_is_an_x = [&[2], [0; 32].as_slice()].concat();
        PublicKey::from_point(&zero_is_an_x).unwrap();
        for (what, point) in [
            ("off the curve", changed(64, good[64] ^ 1)),
            ("hybrid", changed(0, 6 | good[64] & 1)),
            ("compact", [&[5], &good[1..33]].concat()),
            ("infinity", vec![0]),
            ("infinity, padded", vec![0; 65]),
            ("x = p", [&[2], p.as_slice()].concat()),
            ("empty", vec![]),
            ("short", good[..64].to_vec()),
            ("long", [good.as_slice(), &[0]].concat()),
        ] {
            assert_eq!(PublicKey::from_point(&point).unwrap_err().status(), Status::KeyInvalid, "{what}");
        }
    }

    #[test]
    fn private_keys_do_not_show_themselves() {
        let key = PrivateKey::from_bytes(&unhex(EXAMPLE_KEY)).unwrap();
        assert!(!format!("{key:?}").to_lowercase().contains("3945208f"));
    }
}
