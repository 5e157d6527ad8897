//! Cryptography as pure functions on bytes: no file, no clock, no global.
#![deny(unsafe_code)]

mod asn1;
pub mod cpu;
mod encoding;
pub mod hmac;
pub mod key;
pub mod key_id;
pub mod p256;
mod pair;
mod prefetch;
pub mod registered;
pub mod rsa;
pub mod scheme;
mod secret;
pub mod sm2;
pub mod sm3;
