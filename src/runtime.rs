//! Services and their versions while requests are in flight: routing, leases, promotion, rollback, unloading.
//!
//! A service's routing is one immutable record, swapped whole. A request reads it without a lock, takes a
//! lease on the version it was sent to, and looks at the version's gate once more; whoever wants to unmap a version
//! takes it out of the record, closes the gate and waits until no lease is left. The two orders meet: either the
//! request sees the closed gate and gives the lease back, or the drain sees the lease and waits.
#![forbid(unsafe_code)]

mod call;
mod counts;
mod directory;
mod keeper;
mod lease;
mod service;
mod sync;
mod version;

pub use call::{Called, Routed, descriptor, release, symbol, version_of};
pub use keeper::{Keeper, Progress};
pub use lease::{Lease, Outcome};
pub use service::{Former, Rollback, Service, ServiceState};
pub use version::{Standing, Version, VersionReport};
