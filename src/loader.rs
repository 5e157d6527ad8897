//! Verified bytes to running code and back.
//!
//! The loader takes a [`VerifiedImage`](crate::trust::VerifiedImage) and nothing else, so no byte runs that was not
//! verified. What it maps it compares with what was verified, and what it unmaps it proves unmapped.

mod audit;
mod collisions;
mod instance;
mod isolation;
mod link_map;
mod load_name;
mod namespace;
mod needed;
mod objects;
mod pin;
mod place;
mod plugin;
pub mod preflight;
mod remnant;
mod soname;
mod sweep;

pub use collisions::Collisions;
pub use instance::{Instance, Stays};
pub use pin::{PinKind, PinReason};
pub use place::Isolation;
pub use plugin::{ABI as PLUGIN_ABI, Descriptor, HostContext, Invocation, PluginState};
pub use remnant::Remnant;
