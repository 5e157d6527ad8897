//! Where private keys live: in memory of their own, in a PKCS#11 token, or in an SDF device.
//!
//! `crypto` computes with secrets and asks for [`Rooms`] to keep them in; here are the rooms, and the tokens that need none.
//! `docs/custody.md` says what this promises, and what cannot be promised inside of one address space.
#![deny(unsafe_code)]

mod memory;
mod open;



pub use memory::{Pages, MemoryPolicy, memory_policy, rooms, set_memory_policy};
pub use open::read_secret_file;


#[cfg(doc)]
use crate::crypto::room::Rooms;
