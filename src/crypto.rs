//! Cryptography as pure functions on bytes: no file, no clock, no global.
#![deny(unsafe_code)]

mod asn1;
pub mod cpu;
pub(crate) mod der;
mod encoding;
pub mod envelope;
pub mod hmac;
pub mod key;
pub mod key_id;
mod oaep;
pub mod p256;
mod pair;
mod prefetch;
pub mod registered;
pub mod room;
pub mod rsa;
pub mod scheme;
mod secret;
pub mod sm2;
pub mod sm3;
