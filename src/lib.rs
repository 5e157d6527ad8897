//! The engine behind `libsogov.so`: signs, verifies, loads, routes and rolls back native plugins.
//!
//! [`engine`] composes the parts; [`capi`] exports them to C. `ARCHITECTURE.md` has the map.

pub mod artifact;
pub mod capi;
pub mod crypto;
pub mod custody;
pub mod document;
pub mod engine;
pub mod error;
pub mod journal;
pub mod label;
pub mod loader;
pub mod route;
pub mod runtime;
pub mod store;
mod sync;
pub mod sys;
pub mod telemetry;
pub mod timestamp;
pub mod trust;
pub mod verifier;
