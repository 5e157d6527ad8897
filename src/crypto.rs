//! Cryptography as pure functions on bytes: no file, no clock, no global.
#![forbid(unsafe_code)]

pub mod key_id;
pub mod scheme;
pub mod sm2;
pub mod sm3;
