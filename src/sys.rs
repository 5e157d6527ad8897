//! What the kernel offers, behind safe functions that answer this crate's errors.

pub mod boot;
pub mod directory;
pub mod event_fd;
pub mod fault;
pub mod faults;
pub mod file;
pub mod file_identity;
pub mod float_control;
pub mod fork;
pub mod hidden_page;
pub mod locked_page;
pub mod maps;
pub mod memfd;
pub mod memory;
pub mod quiet;
pub mod random;
pub mod sandbox;
pub mod signal;
pub mod stamp;
pub mod supervised;
pub mod task;
pub mod thread;
