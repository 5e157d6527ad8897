//! What the kernel offers, behind safe functions that answer this crate's errors.

pub mod directory;
pub mod file;
pub mod float_control;
pub mod fork;
pub mod memfd;
pub mod random;
pub mod thread;
