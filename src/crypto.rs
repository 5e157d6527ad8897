//! Cryptography as pure functions on bytes: no file, no clock, no global.
#![deny(unsafe_code)]

pub mod cpu;
pub mod key_id;
pub mod scheme;
mod secret;
pub mod sm2;
pub mod sm3;
