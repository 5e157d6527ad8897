//! Services and their versions while requests are in flight: routing, leases, promotion, rollback, unloading.
//!
//! A service's routing is one immutable record, swapped whole. A request takes a slot of the lease table, then reads the
//! record without a lock, and turns the slot into a lease on the version it was sent to; whoever frees a record or unmaps a
//! version takes it out of what requests find and then looks at the slots. The two orders meet: either the request finds
//! the new record, or the change finds the slot. ARCHITECTURE.md has the whole protocol.
#![deny(unsafe_code)]

mod breaker;
mod call;
mod counts;
mod directory;
mod held;
mod keeper;
mod lease;
mod process;
mod published;
mod reaper;
mod service;
mod shadow;
mod sync;
mod thread;
mod version;

pub use breaker::{BreakerReport, Change, Phase};
pub use call::{Called, Routed, call, descriptor, hold, release, route, symbol};
pub use directory::Seat;
pub use held::Held;
pub use keeper::{Keeper, Progress};
pub use lease::{Lease, Outcome};
pub use process::{ProcessReport, enroll, is_tainted, mark_restart_wanted, mark_tainted, process_report};
pub use published::Published;
pub use reaper::reaping;
pub use service::{
    Broken, Former, Frozen, OnRevocation, Parking, Revocation, Rollback, Service, ServiceState, Staging,
};
pub use shadow::{Copies, RequestCopy};
pub use version::{Happening, Origin, Standing, Version, VersionReport, Watcher};
