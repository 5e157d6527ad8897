//! What the drivers verify and sign: keys, messages, good signatures, and damaged ones.

use crate::driver::Case;
use sogov::crypto::sm2::{PrivateKey, UserId};

/// The order of the group, GB/T 32918.5-2017.
const N: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123";
/// The lengths where padding begins a new block, with and without Z's 32 bytes before the message, and longer ones.
const LENGTHS: [usize; 18] = [1, 22, 23, 24, 31, 32, 33, 55, 56, 63, 64, 65, 87, 88, 256, 300, 900, 4096];

/// `count` good signatures over messages of 256 bytes, under `keys` keys that come in random order.
pub fn good(count: usize, keys: usize) -> Vec<Case> {
    let (id, mut random) = (UserId::default(), Random(0x5EED));
    let keys: Vec<PrivateKey> = (0..keys).map(|_| PrivateKey::generate().unwrap()).collect();
    let mut order: Vec<usize> = (0..count).map(|i| i % keys.len()).collect();
    for i in (1..count).rev() {
        order.swap(i, random.below(i + 1));
    }
    order
        .into_iter()
        .map(|key| {
            let message = random.bytes(256);
            let signature = keys[key].sign(&id, &message).unwrap().as_bytes().to_vec();
            Case { spki: keys[key].public_key().to_spki_der().to_vec(), signature, message }
        })
        .collect()
}

/// Messages of many lengths, to be signed and digested.
pub fn messages(spki: &[u8]) -> Vec<Case> {
    let mut random = Random(7);
    LENGTHS
        .iter()
        .map(|len| Case { spki: spki.to_vec(), signature: vec![0; 64], message: random.bytes(*len) })
        .collect()
}

/// What was done to a good signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    None,
    MessageBit,
    RBit,
    SBit,
    Swapped,
    RIsZero,
    SIsZero,
    RIsN,
    SIsN,
    SIsMinusR,
    AllOnes,
    OtherKey,
    KeyOffCurve,
}

impl Damage {
    pub const ALL: [Self; 13] = [
        Self::None,
        Self::MessageBit,
        Self::RBit,
        Self::SBit,
        Self::Swapped,
        Self::RIsZero,
        Self::SIsZero,
        Self::RIsN,
        Self::SIsN,
        Self::SIsMinusR,
        Self::AllOnes,
        Self::OtherKey,
        Self::KeyOffCurve,
    ];

    /// The good case after this was done to it; `other` is another key.
    pub fn of(self, good: &Case, other: &[u8]) -> Case {
        let (mut spki, mut signature, mut message) =
            (good.spki.clone(), good.signature.clone(), good.message.clone());
        let n = crate::driver::unhex(N);
        match self {
            Self::None => {}
            Self::MessageBit => message[0] ^= 1,
            Self::RBit => signature[31] ^= 1,
            Self::SBit => signature[63] ^= 1,
            Self::Swapped => signature.rotate_left(32),
            Self::RIsZero => signature[..32].fill(0),
            Self::SIsZero => signature[32..].fill(0),
            Self::RIsN => signature[..32].copy_from_slice(&n),
            Self::SIsN => signature[32..].copy_from_slice(&n),
            Self::SIsMinusR => {
                let minus_r = subtract(&n, &signature[..32]);
                signature[32..].copy_from_slice(&minus_r);
            }
            Self::AllOnes => signature.fill(0xff),
            Self::OtherKey => spki = other.to_vec(),
            Self::KeyOffCurve => *spki.last_mut().unwrap() ^= 1,
        }
        Case { spki, signature, message }
    }
}

/// a - b of big-endian numbers.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = false;
    let mut digits: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(a, b)| {
            let (digit, first) = a.overflowing_sub(*b);
            let (digit, second) = digit.overflowing_sub(u8::from(borrow));
            borrow = first || second;
            digit
        })
        .collect();
    digits.reverse();
    digits
}

/// xorshift64*: messages are to differ, and to be the same in the next run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 56) as u8).collect()
    }
}
