//! The engine behind `libsogov.so`: signs, verifies, loads, routes and rolls back native plugins.

pub mod artifact;
pub mod crypto;
pub mod document;
pub mod error;
pub mod label;
pub mod route;
pub mod timestamp;
