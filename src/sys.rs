//! What the kernel offers, behind safe functions that answer this crate's errors.

pub mod directory;
pub mod event_fd;
pub mod file;
pub mod float_control;
pub mod fork;
pub mod memfd;
pub mod quiet;
pub mod random;
pub mod thread;
