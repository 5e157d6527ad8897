//! What a file says of itself. Parsers of hostile input: every field is capped, nothing recurses, nothing panics.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod elf;
pub mod package;
pub mod sbom;
pub mod sigmeta;
pub mod statement;

use crate::crypto::der;
