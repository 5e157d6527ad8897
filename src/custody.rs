//! Where private keys live: in memory of their own, in a PKCS#11 token, or in an SDF device.
//!
//! `crypto` computes with secrets and asks for [`Rooms`](crate::crypto::room::Rooms) to keep them in; here are the rooms, and
//! the tokens and devices that hand none out. `docs/custody.md` says what this promises, and what cannot be promised inside of
//! one address space.
#![deny(unsafe_code)]

mod library;
mod memory;
mod open;
mod pin;
mod pkcs11;
mod sdf;
mod uri;

pub use memory::{MemoryPolicy, Pages, memory_policy, rooms, set_memory_policy};
pub use open::{is_uri, open, read_secret_file};
