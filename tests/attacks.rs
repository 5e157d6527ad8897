//! What an attacker would try, one test an attack: each builds the attack for real and asserts the exact code of the refusal.
//! One file of `tests/attacks/` a target of attack.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/host.rs"]
mod host;
mod support;

#[path = "attacks/audit.rs"]
mod audit;
#[path = "attacks/elf.rs"]
mod elf;
#[path = "attacks/files.rs"]
mod files;
#[path = "attacks/packages.rs"]
mod packages;
#[path = "attacks/sbom.rs"]
mod sbom;
#[path = "attacks/schemes.rs"]
mod schemes;
#[path = "attacks/search_path.rs"]
mod search_path;
#[path = "attacks/signatures.rs"]
mod signatures;
#[path = "attacks/trust_state.rs"]
mod trust_state;
