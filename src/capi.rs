//! The C interface: every exported symbol and nothing else. Pointers are checked on the way in, errors and statuses
//! go out; what happens in between is the engine's.
//!
//! `include/sogov.h` is made from these files by cbindgen. `docs/conventions.md` says once what holds for every
//! function; the comments here say what differs.

mod audit;
mod batch;
mod bytes;
mod call;
mod custody;
mod digest;
mod engine;
mod error;
mod event;
mod file;
mod guard;
mod handle;
mod input;
mod key;
mod lease;
mod library;
mod output;
mod package;
mod process;
mod scheme;
mod service;
mod sign;
mod trust;
mod update;
mod verifier;
mod version;

pub use audit::*;
pub use batch::*;
pub use bytes::*;
pub use call::*;
pub use custody::*;
pub use digest::*;
pub use engine::*;
pub use error::*;
pub use event::*;
pub use file::*;
pub use key::*;
pub use lease::*;
pub use library::*;
pub use package::*;
pub use process::*;
pub use scheme::*;
pub use service::*;
pub use sign::*;
pub use trust::*;
pub use update::*;
pub use verifier::*;
pub use version::*;
