//! Verified bytes to running code and back.
//!
//! The loader takes a [`VerifiedImage`](crate::trust::VerifiedImage) and nothing else, so no byte runs that was not
//! verified. What it maps it compares with what was verified, and what it unmaps it proves unmapped.

mod instance;
mod link_map;
mod load_name;
mod plugin;
mod soname;

pub use instance::{Instance, PinReason};
pub use plugin::{ABI as PLUGIN_ABI, Descriptor, HostContext, Invocation};
